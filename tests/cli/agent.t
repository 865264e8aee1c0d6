#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Agents on one machine: run, list, show; what is seen of those that live, die, ask and finish.
. "$(dirname "$0")/../lib.sh"

export LARDER_AGENTS=home
folder=home/workspace/local/api
field() { larder agent show "$1" --json | json "$2"; }

# Work that holds until ./$1/go is there; its supervisor's id is in SUPERVISOR.
holding() { # NAME [OPTIONS]
	holding_name=$1
	shift
	start "$holding_name" larder agent run --repo api --branch "$holding_name" "$@" -- sh -c \
		'echo begun; until [ -e go ]; do sleep 0.02; done; . ./go'
	SUPERVISOR=$STARTED_PID
	wait_for 'grep -q begun $folder/$holding_name/.meta/agent-local.log 2>/dev/null'
}

ok 'work that ends well is completed, and says so to other tools' '
	larder agent run --repo api --issue 7 --agent codex:gpt-5.4 --task "do it" -- \
		sh -c "echo out; echo err >&2; echo \$LARDER_AGENT_RUN >run" >said 2>noted
	has said "local/api/task-7: completed"
	same "$(cat $folder/task-7/.meta/agent-codex.log)" "out
err"
	same "$(cat $folder/task-7/repo/run)" 1
	same "$(json $folder/task-7/status.json .status)" completed
	same "$(json $folder/task-7/status.json .agent)" codex:gpt-5.4
	same "$(json $folder/task-7/status.json .issue)" 7
	same "$(json $folder/task-7/status.json .runs)" 1
	same "$(json $folder/task-7/status.json ".pid // 0")" 0
	same "$(jq -r .type home/workspace/events.jsonl | tr "\n" " ")" "agent_started agent_completed "
	same "$(stat -c %a home)" 700
	# Known by an id that was made before it began.
	same "$(field local/api/task-7 .id | cut -c15)/$(json $folder/task-7/status.json .dispatch_id)" "7/$(field local/api/task-7 .id)"
	same "$(field local/api/task-7 .exit_code)/$(sqlite3 home/.larder/state.db "SELECT count(*) FROM outbox WHERE subject IN (SELECT id FROM agent_dispatch)")" 0/1
'

ok 'work that fails is failed with its exit code' '
	exits 1 larder agent run -q --repo api --issue 1 -- sh -c "exit 42"
	same "$(field local/api/task-1 .status)/$(field local/api/task-1 .question)" "failed/exit code 42"
	exits 1 larder agent run -q --repo api --issue 2 -- no-such-program-here
	same "$(field local/api/task-2 .question)" "exit code 127"
'

ok 'a question left behind blocks, whatever the exit code' '
	for code in 0 1; do
		exits 3 larder agent run -q --repo api --pr 1$code -- \
			sh -c "printf \"  which\\ndatabase?\\n\" >BLOCKED.md; exit $code"
		same "$(field local/api/pr-1$code .status)" blocked
		same "$(field local/api/pr-1$code .question)" "which
database?"
	done
	larder agent list --status blocked >listed
	has listed "which ..."
'

ok 'an empty BLOCKED.md is no question' '
	larder agent run -q --repo api --issue 1 -- sh -c "printf \" \\n\" >BLOCKED.md"
	same "$(field local/api/task-1 .status)" completed
'

ok 'list and show read only, and tell the living from the dead' '
	holding one
	same "$(field local/api/one .status)/$(field local/api/one .liveness)" running/alive
	# Its process with start time and boot, and the lease of who watches over it.
	same "$(sqlite3 home/.larder/state.db "SELECT identity GLOB pid || \"/[0-9]*/*-*-*-*\", owner LIKE \"$SUPERVISOR/%\" FROM agent_dispatch d JOIN lease l ON l.name = \"agent \" || d.id")" "1|1"
	kill -KILL $SUPERVISOR
	kill -KILL "-$(field local/api/one .pid)"
	wait_for "[ \"\$(field local/api/one .liveness)\" = dead ]"
	before=$(snapshot home/workspace)
	larder agent list >listed
	has listed running
	has listed dead
	same "$(larder agent list --json | json ".agents[0].status")" running
	same "$(snapshot home/workspace)" "$before"
'

ok 'the work goes on when its supervisor is killed' '
	holding one
	kill -KILL $SUPERVISOR
	same "$(field local/api/one .liveness)" alive
	echo "exit 0" >$folder/one/repo/go
	wait_for "[ \"\$(field local/api/one .liveness)\" = dead ]"
	cat $folder/one/.meta/exit-*
	same "$(cat $folder/one/.meta/exit-*)" 0
'

ok 'SIGTERM to the supervisor ends the work, which is then stopped' '
	holding one
	kill -TERM $SUPERVISOR
	wait_for "gone $SUPERVISOR"
	same "$(field local/api/one .status)/$(field local/api/one .reason)" failed/stopped
'

ok 'work whose time is up is ended' '
	exits 1 larder agent run -q --repo api --issue 1 --timeout 1s -- sh -c "while :; do sleep 0.05; done"
	same "$(field local/api/task-1 .reason)" timed_out
'

ok 'a log keeps its two ends' '
	larder agent run -q --repo api --issue 1 --log-max 64K -- sh -c "echo first; seq 100000; echo last"
	log=$folder/task-1/.meta/agent-local.log
	[ "$(stat -c %s $log)" -lt 70000 ]
	same "$(head -n 1 $log)/$(tail -n 1 $log)" first/last
	has $log "bytes were left out here"
	exits 2 larder agent run -q --repo api --issue 2 --log-max 63K -- true
'

ok 'two works in one folder are refused while the first is at it' '
	holding one
	exits 3 larder agent run --repo api --branch one -- true 2>said
	has said "is running already"
	echo "exit 0" >$folder/one/repo/go
	wait_for "gone $SUPERVISOR"
	larder agent run -q --repo api --branch one -- true
	same "$(larder agent list --json --all | json ".agents | length")" 2
	same "$(larder agent list --json | json ".agents | length")" 1
'

ok 'what is left out is asked for' '
	exits 2 larder agent run -- true 2>said
	has said "--repo"
	exits 2 larder agent run --repo api 2>said
	has said "--"
	exits 1 larder agent show nothing --home . 2>said
	has said "no agent has worked"
	larder agent run -q --repo api --issue 1 -- true
	exits 1 larder agent show local/api/task-2 2>said
	has said "larder agent list"
	exits 2 larder agent list --status runing 2>said
	has said "running"
'

ok 'the home is the one that is named, else where other tools have it, else one of its own' '
	unset LARDER_AGENTS
	where() { larder agent run -q --repo api --issue $1 -- true; larder agent show local/api/task-$1 --json | json .folder; }
	same "$(where 1)" "$HOME/.local/state/larder/agents/workspace/local/api/task-1"
	same "$(XDG_STATE_HOME=$PWD/state where 2)" "$PWD/state/larder/agents/workspace/local/api/task-2"
	mkdir -p Code/.core
	same "$(where 3)" "$HOME/Code/.core/workspace/local/api/task-3"
	export CORE_WORKSPACE=$PWD/core
	same "$(where 4)" "$PWD/core/workspace/local/api/task-4"
	export LARDER_AGENTS=$PWD/ours
	same "$(where 5)" "$PWD/ours/workspace/local/api/task-5"
	larder agent run -q --home named --repo api --issue 6 -- true
	same "$(larder agent list --home named --json | json ".agents[0].workspace")" local/api/task-6
'

ok 'before anything ran, nothing is listed' '
	larder agent list >said
	has said "No agent"
	same "$(larder agent list --json | json ".agents | length")" 0
	[ ! -e home ]
'

ok 'a damaged database is refused, with what to restore' '
	larder agent run -q --repo api --issue 1 -- true
	rm -f home/.larder/state.db-wal home/.larder/state.db-shm
	head -c 65536 /dev/urandom >home/.larder/state.db
	exits 1 larder agent list 2>said
	has said "restore .larder/state.db from a backup"
	exits 1 larder agent run --repo api --issue 2 -- true 2>said
	has said "restore .larder/state.db from a backup"
	[ ! -e $folder/task-2 ]
'

# One page of one table: whoever reads it says which file it is and what is to be done, and writes nothing.
ok 'one damaged page of one table is refused by who reads it, and what is said to restore helps' '
	for i in 1 2 3 4 5 6; do
		larder agent run -q --repo api --issue $i --task "$(seq 1500 | tr "\n" " ")" -- true
	done
	sqlite3 home/.larder/state.db "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
	rm -f home/.larder/state.db-wal home/.larder/state.db-shm
	cp home/.larder/state.db whole
	folders=$(snapshot home/workspace)
	for damage in "agent_dispatch show local/api/task-3" "agent_dispatch run --repo api --issue 9 -- true" "agent_dispatch stats" \
		"agent_dispatch clean" "outbox push --server http://127.0.0.1:1 --token lrd_x" "ledger list" "lease run --repo api --issue 9 -- true" \
		"lease daemon --once --pull 0" "agent_dispatch daemon --pull 0" "journal run --repo api --issue 9 -- true"; do
		cp whole home/.larder/state.db
		page=$(sqlite3 "file:whole?immutable=1" "SELECT pageno FROM dbstat WHERE name = \"${damage%% *}\" AND pagetype = \"leaf\" LIMIT 1")
		head -c 4096 /dev/zero | tr "\0" x | dd of=home/.larder/state.db bs=4096 seek=$((page - 1)) conv=notrunc 2>/dev/null
		exits 1 larder agent ${damage#* } >out 2>said
		has said "$PWD/home/.larder/state.db"
		has said "restore .larder/state.db from a backup"
		[ ! -e $folder/task-9/repo ] || same "$damage" "the command was not begun"
		rm -rf $folder/task-9 home/.larder/state.db-wal home/.larder/state.db-shm
	done
	same "$(snapshot home/workspace)" "$folders"
	cp whole home/.larder/state.db
	same "$(larder agent list --status completed --json | json ".agents | length")" 6
	# Without a backup: all three away.
	rm -f home/.larder/state.db*
	same "$(larder agent reap --json | json .taken_in)" 6
'
