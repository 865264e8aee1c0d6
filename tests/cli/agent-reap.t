#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Agents: what died, what it left behind, how it is stopped, resumed and cleaned away.
. "$(dirname "$0")/../lib.sh"

export LARDER_AGENTS=home
folder=home/workspace/local/api
field() { larder agent show "$1" --json | json "$2"; }

# Work that holds until ./$1/go is there, which it then reads; its supervisor's id is in SUPERVISOR.
holding() { # NAME [OPTIONS]
	holding_name=$1
	shift
	rm -f "$folder/$holding_name/.meta/agent-local.log" # of the one before, who has begun too
	start "$holding_name" larder agent run --repo api --branch "$holding_name" "$@" -- sh -c \
		'echo begun; until [ -e go ]; do sleep 0.02; done; . ./go'
	SUPERVISOR=$STARTED_PID
	wait_for 'grep -q begun $folder/$holding_name/.meta/agent-local.log 2>/dev/null'
	AGENT=$(field "local/api/$holding_name" .pid)
}

# A status.json as another tool leaves it.
foreign() { # NAME JSON
	mkdir -p "home/workspace/$1"
	printf '%s' "$2" >"home/workspace/$1/status.json"
}

ok 'a reap finds what a supervisor could not write down: finished, failed, asked, reported, died' '
	for what in "exit 0" "exit 3" "echo why? >BLOCKED.md" \
		"mkdir -p ../.meta; echo \"{\\\"findings\\\":[]}\" >../.meta/report.json; kill -KILL 0" "kill -KILL 0"; do
		holding work
		kill -KILL $SUPERVISOR
		wait_for "gone $SUPERVISOR"
		echo "$what" >$folder/work/repo/go
		wait_for "[ \"\$(field local/api/work .liveness)\" = dead ]"
		larder agent reap >/dev/null
		echo "$(field local/api/work .status)/$(field local/api/work .reason)" >>seen
		rm -rf $folder/work/repo/go $folder/work/repo/BLOCKED.md $folder/work/.meta/report.json
	done
	same "$(cat seen)" "completed/finished_unwatched
failed/exit_code_unwatched
blocked/asked_unwatched
completed/reported_unwatched
failed/died"
'

ok 'a live one is never reaped, watched or not' '
	holding one
	same "$(larder agent reap --json | json .supervised)" 1
	kill -KILL $SUPERVISOR
	wait_for "gone $SUPERVISOR"
	same "$(larder agent reap --json | json .alive)" 1
	same "$(field local/api/one .status)/$(json $folder/one/status.json .status)" running/running
	# Of another machine nothing is known, whatever has its process id here.
	sqlite3 home/.larder/state.db "UPDATE agent_dispatch SET identity = pid || \"/1/11111111-2222-3333-4444-555555555555/elsewhere\""
	same "$(field local/api/one .liveness)/$(larder agent reap --json | json .unknown)" unknown/1
	same "$(field local/api/one .status)" running
	exits 3 larder agent stop local/api/one 2>said
	has said "on the machine that runs it"
	kill -KILL "-$AGENT"
	same "$(larder agent reap --json | json .unknown)/$(field local/api/one .status)" 1/running
'

ok 'a reused process id is not taken for it' '
	holding one
	kill -KILL $SUPERVISOR "-$AGENT"
	wait_for "gone $SUPERVISOR && gone $AGENT"
	# The row of a process that began at another time, with the id of one that lives: this shell.
	foreign core/x/task-1 "{\"status\":\"running\",\"pid\":$$,\"updated_at\":\"2020-01-01T00:00:00Z\"}"
	same "$(larder agent reap --json | json .reaped.failed)" 2
	same "$(field core/x/task-1 .reason)" no_log
'

ok 'what another tool left is taken in, its members kept, the dead found out' '
	foreign core/go-io/task-7 "{\"status\":\"running\",\"agent\":\"codex:gpt-5.4\",\"repo\":\"go-io\",\"task\":\"t\",\"pid\":99999999,\"theirs\":{\"a\":[1]}}"
	foreign core/go-io/feat/deep/branch "{\"status\":\"completed\",\"agent\":\"a\",\"repo\":\"go-io\",\"task\":\"t\",\"runs\":2}"
	foreign legacy "{\"status\":\"blocked\",\"question\":\"q?\",\"agent\":\"a\",\"repo\":\"r\",\"task\":\"t\"}"
	foreign core/go-io/bad "not json"
	mkdir -p home/workspace/core/go-io/task-7/repo/sub
	foreign core/go-io/task-7/repo/sub "{\"status\":\"running\"}"
	# Another tool is about to begin here: nothing of the repository is taken for work.
	mkdir -p home/workspace/core/go-io/soon/.meta
	foreign core/go-io/soon/repo/sub "{\"status\":\"running\"}"
	exits 1 larder agent reap --json >said 2>warned
	same "$(json said .taken_in)" 3
	has warned "core/go-io/bad"
	same "$(cat home/workspace/core/go-io/bad/status.json)" "not json"
	file=home/workspace/core/go-io/task-7/status.json
	same "$(json $file .status)/$(json $file .question)" "failed/dead worker on restart: no output log"
	same "$(jq -c .theirs $file)" "{\"a\":[1]}"
	same "$(field core/go-io/feat/deep/branch .runs)" 2
	same "$(field legacy .question)" "q?"
	same "$(larder agent list --json | json ".agents | length")" 3
	larder agent reap --json >said 2>/dev/null || :
	same "$(json said .taken_in)/$(json said .mended)" 0/0
'

ok 'a mirror that says something else is mended; merged is taken over' '
	larder agent run -q --repo api --issue 1 -- true
	larder agent run -q --repo api --issue 2 -- true
	file=$folder/task-1/status.json
	jq ".status=\"running\" | .theirs=1" $file >t && mv t $file
	jq ".status=\"merged\" | .pr_url=\"http://x/1\"" $folder/task-2/status.json >t && mv t $folder/task-2/status.json
	same "$(larder agent show local/api/task-1 --json | json .mirror_stale)" true
	larder agent reap --json >said
	same "$(json said .mended)/$(json said .taken_over)" 1/1
	same "$(json $file .status)/$(json $file .theirs)" completed/1
	same "$(field local/api/task-2 .status)/$(field local/api/task-2 .pr_url)" merged/http://x/1
	rm -rf $folder/task-1
	larder agent reap -q
	same "$(json $file .status)" completed
	# One that cannot be read costs no other folder its turn.
	truncate -s 17M $folder/task-2/status.json
	# ... nor a record, not even its own when it is captured already.
	mkdir -p $folder/task-2/.meta
	echo "{\"late\":1}" >$folder/task-2/.meta/report.json
	exits 75 larder agent push --json >said 2>warned
	same "$(json said .collected)/$(json said .no_room)/$(json said .waiting)" 0/0/2
	has warned "local/api/task-2"
	rm $file
	foreign core/new/task-1 "{\"status\":\"completed\"}"
	exits 1 larder agent reap --json >said 2>warned
	has warned "local/api/task-2"
	same "$(json said .mended)/$(json said .taken_in)/$(json $file .status)" 1/1/completed
	same "$(stat -c %s $folder/task-2/status.json)" 17825792
	holding bad
	kill -KILL $SUPERVISOR "-$AGENT"
	wait_for "gone $SUPERVISOR && gone $AGENT"
	truncate -s 17M $folder/bad/status.json
	exits 1 larder agent reap 2>warned
	has warned "local/api/bad"
	larder agent run -q --queue --repo api --issue 3 -- true
	larder agent daemon --once --pull 0 2>warned
	has warned "local/api/bad"
	wait_for "[ \"\$(field local/api/task-3 .status)\" = completed ]"
	rm $folder/bad/status.json
	exits 1 larder agent reap -q 2>warned # of the other
	same "$(field local/api/bad .status)/$(json $folder/bad/status.json .status)" failed/failed
'

ok 'rows whose folders are gone get them again: what waits waits, what died has failed' '
	holding one
	larder agent run -q --queue --repo api --issue 2 --priority 7 -- true
	kill -KILL $SUPERVISOR "-$AGENT"
	wait_for "gone $SUPERVISOR && gone $AGENT"
	rm -rf home/workspace
	larder agent reap --json >said
	same "$(json said .mended)/$(json said .reaped.failed)" 2/1
	same "$(json $folder/task-2/status.json .status)/$(json $folder/task-2/status.json .priority)" queued/7
	same "$(json $folder/one/status.json .status)/$(json $folder/one/status.json .question)" "failed/dead worker on restart: no output log"
	same "$(json $folder/one/status.json ".pid // 0")/$(field local/api/one .status)" 0/failed
	larder agent start -q local/api/task-2
	same "$(field local/api/task-2 .status)" completed
'

ok 'what a killed command has staged goes with a later reap, what another is about to use stays' '
	larder agent run -q --repo api --issue 1 -- true
	echo x >home/.larder/staging/of-a-killed-one
	touch -d "2 hours ago" home/.larder/staging/of-a-killed-one
	echo x >home/.larder/staging/of-another
	larder agent reap -q
	same "$(ls home/.larder/staging)" of-another
	larder agent reap -q --home nothing-here-yet
'

ok 'a lost database is made again from the folders, with the same ids' '
	larder agent run -q --repo api --issue 1 -- true
	id=$(field local/api/task-1 .id)
	rm -rf home/.larder
	larder agent reap -q
	same "$(field local/api/task-1 .id)/$(field local/api/task-1 .status)" $id/completed
'

ok 'stop ends work, watched or not, and says who asked' '
	holding one
	larder agent stop local/api/one >said
	has said "failed, stopped"
	wait_for "gone $SUPERVISOR"
	holding two
	kill -KILL $SUPERVISOR
	wait_for "gone $SUPERVISOR"
	larder agent stop local/api/two >said
	has said "failed, stopped"
	wait_for "gone $AGENT"
	exits 3 larder agent stop local/api/two 2>said
	has said "is failed and cannot be cancelled"
'

ok 'stop --force ends one that does not want to' '
	start stubborn larder agent run --repo api --branch stubborn -- sh -c \
		"trap : TERM; echo begun; while :; do sleep 0.02; done"
	wait_for "grep -q begun $folder/stubborn/.meta/agent-local.log 2>/dev/null"
	larder agent stop --force local/api/stubborn
	same "$(field local/api/stubborn .reason)" stopped
	gone $(json $folder/stubborn/status.json ".pid // 99999999")
'

ok 'blocked work is resumed with an answer, and the question is gone' '
	exits 3 larder agent run -q --repo api --issue 1 -- sh -c \
		"if [ -e ANSWER.md ]; then cat ANSWER.md >got; else echo \"which?\" >BLOCKED.md; fi"
	larder agent resume -q local/api/task-1 --answer "the second"
	same "$(cat $folder/task-1/repo/got)" "the second"
	same "$(field local/api/task-1 .status)/$(field local/api/task-1 .runs)/$(field local/api/task-1 .question)" completed/2/
	[ ! -e $folder/task-1/repo/BLOCKED.md ]
	same "$(larder agent list --json --all | json ".agents | length")" 1
	holding two
	exits 3 larder agent resume local/api/two 2>said
	has said "is running and cannot be resumed"
	larder agent stop local/api/two
	foreign theirs "{\"status\":\"failed\"}"
	larder agent reap -q
	exits 3 larder agent resume theirs 2>said
	has said "its command is not known"
'

ok 'a pool that is full lets work wait' '
	printf "concurrency:\n  local: 1\n" >agents.yaml
	mkdir -p home
	mv agents.yaml home
	holding one
	exits 75 larder agent run --repo api --issue 2 -- true >said 2>noted
	has noted "pool_full"
	same "$(field local/api/task-2 .status)/$(json $folder/task-2/status.json .status)" queued/queued
	larder agent stop local/api/task-2
	same "$(field local/api/task-2 .reason)" cancelled
	# Whoever starts anew counts what lives, supervised or not.
	kill -KILL $SUPERVISOR
	wait_for "gone $SUPERVISOR"
	exits 75 larder agent run -q --repo api --issue 4 -- true
	exits 75 larder agent start -q local/api/task-4
	larder agent daemon --once --pull 0 2>/dev/null
	same "$(field local/api/task-4 .status)/$(field local/api/one .status)" queued/running
	echo "exit 0" >$folder/one/repo/go
	wait_for "[ \"\$(field local/api/one .liveness)\" = dead ]"
	larder agent resume -q local/api/task-2
	# Of two at once one gets the slot.
	for i in 5 6; do
		start two$i larder agent run --repo api --issue $i -- sh -c "echo x >>../../ran; until [ -e ../../go ]; do sleep 0.02; done"
	done
	wait_for "[ -s $folder/ran ] && grep -q pool_full two?.err"
	same "$(cat $folder/ran)" x
	same "$(larder agent list --status running --json | json ".agents | map(select(.workspace != \"local/api/one\")) | length")" 1
	: >$folder/go
	printf "concurrency:\n  local: lots\n" >home/agents.yaml
	exits 2 larder agent run --repo api --issue 3 -- true 2>said
	has said "agents.yaml"
'

ok 'clean removes what was captured, and nothing else' '
	larder agent run -q --repo api --issue 1 -- true
	exits 3 larder agent run -q --repo api --issue 2 -- sh -c "echo q >BLOCKED.md"
	holding three
	foreign theirs "{\"status\":\"completed\"}"
	larder agent clean --dry-run >said
	has said "would go  local/api/task-1"
	[ -d $folder/task-1 ]
	larder agent clean >said
	[ ! -e $folder/task-1 ]
	has said "local/api/task-2: it waits for an answer"
	has said "local/api/three: it is at work"
	[ -d home/workspace/theirs ] # not taken in, so not captured
	larder agent clean local/api/task-2
	[ ! -e $folder/task-2 ]
	same "$(larder agent stats --json | json .totals.completed)/$(larder agent stats --json | json .totals.blocked)" 1/1
	# A report that cannot be sent is nowhere else.
	larder agent run -q --repo api --issue 4 -- sh -c "mkdir -p ../.meta; echo \"{torn\" >../.meta/report.json"
	larder agent clean >said
	has said "local/api/task-4: its report could not be sent"
	larder agent clean local/api/task-4
	[ ! -e $folder/task-4 ]
	exits 1 larder agent clean local/api/no-such 2>said
	has said "larder agent list"
	larder agent run -q --repo api --issue 1 -- true
	larder agent clean --older 1h >said
	has said "a short while ago"
	larder agent stop local/api/three
'

ok 'figures of the newest dispatches outlive their folders' '
	for i in 1 2 3; do
		larder agent run -q --repo api --issue 1 -- sh -c "mkdir -p ../.meta; echo \"{\\\"findings\\\":[{\\\"severity\\\":\\\"high\\\",\\\"tool\\\":\\\"lint\\\"},{\\\"severity\\\":\\\"low\\\"}],\\\"changes\\\":{\\\"insertions\\\":$i}}\" >../.meta/report.json"
	done
	larder agent clean
	larder agent stats --json --last 2 >said
	same "$(json said ".dispatches | length")/$(json said .totals.findings)" 2/4
	same "$(json said ".dispatches[0].counts.insertions")/$(json said ".dispatches[0].counts.severity.high")" 3/1
	larder agent stats >said
	has said "3 dispatches: 3 completed"
'

ok 'history of over a year is forgotten, unless the hub has not heard of it' '
	for i in 1 2 3; do larder agent run -q --repo api --issue 1 -- true; done
	larder agent run -q --repo api --issue 2 -- true
	same "$(LARDER_NOW=+366d larder agent reap --json | json .forgotten)" 0
	larder agent clean -q
	# As if the first three had been delivered.
	sqlite3 home/.larder/state.db "DELETE FROM outbox WHERE subject IN (SELECT id FROM agent_dispatch WHERE name LIKE \"%task-1\")"
	same "$(LARDER_NOW=+364d larder agent reap --json | json .forgotten)" 0
	same "$(LARDER_NOW=+366d larder agent reap --json | json .forgotten)" 3
	same "$(larder agent stats --json | json ".dispatches[].workspace")" local/api/task-2
'

ok 'what would fill the disk stays in its folder until there is room, and is not lost' '
	report="mkdir -p ../.meta; printf \"{\\\"x\\\":\\\"%04096d\\\"}\" 0 >../.meta/report.json"
	larder agent run -q --home one --repo api --issue 1 -- sh -c "$report"
	bytes=$(sqlite3 one/.larder/state.db "SELECT bytes FROM outbox_state")
	export LARDER_AGENT_QUEUE_MAX=$bytes
	larder agent run -q --repo api --issue 1 -- sh -c "$report"
	same "$(sqlite3 home/.larder/state.db "SELECT bytes FROM outbox_state")" $bytes
	rm -rf home
	# A byte less: the report stays behind; then the record, too.
	LARDER_AGENT_QUEUE_MAX=$((bytes - 1))
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do larder agent run -q --repo api --issue $i -- sh -c "$report"; done
	waiting=$(larder agent sync-status --json | json .queued)
	[ $waiting -ge 2 ] && [ $waiting -lt 12 ]
	exits 75 larder agent push --json >said 2>warned
	same "$(json said .collected)/$(json said .no_room)" 0/12
	has warned "12 records found no room"
	larder agent clean >said
	has said "its record is not on its way"
	same "$(find home -name report.json | wc -l)" 12
	LARDER_AGENT_QUEUE_MAX=4G
	exits 75 larder agent push --json >said 2>warned
	same "$(json said .collected)/$(json said .waiting)/$(json said .no_room)" 12/12/0
	same "$(sqlite3 home/.larder/state.db "SELECT sum(payload LIKE \"%00000%\") FROM outbox")" 12
	larder agent clean -q
	same "$(find home -name report.json | wc -l)" 0
	LARDER_AGENT_QUEUE_MAX=lots
	exits 2 larder agent list 2>said
	has said LARDER_AGENT_QUEUE_MAX
'

ok 'a thousand folders of another tool are taken in at once, and looked at again for nothing' '
	seq 1000 | awk "{ print \"home/workspace/core/r\" \$1 % 20 \"/task-\" \$1 }" >names
	xargs mkdir -p <names
	awk "{ print \"{\\\"status\\\":\\\"\" (NR % 4 ? \"completed\" : \"running\") \"\\\",\\\"pid\\\":99999999,\\\"repo\\\":\\\"r\\\"}\" >(\$1 \"/status.json\"); close(\$1 \"/status.json\") }" names
	larder agent reap --json >said
	same "$(json said .taken_in)/$(json said .reaped.failed)" 1000/250
	larder agent reap --json >said
	same "$(json said .taken_in)/$(json said .mended)/$(json said .looked_at)" 0/0/0
	# A file that is as it was left is not even read.
	file=home/workspace/core/r1/task-1/status.json
	touch -r $file then
	printf X | dd of=$file bs=1 seek=20 conv=notrunc 2>/dev/null
	touch -r then $file
	same "$(larder agent reap --json | json .mended)" 0
	touch $file
	same "$(larder agent reap --json | json .mended)" 1
	same "$(larder agent list --json | json ".agents | length")" 1000
	same "$(larder agent sync-status --json | json .queued)" 1000
	larder agent clean -q
	same "$(find home/workspace -name status.json | wc -l)" 0
'

ok 'a clock that jumps kills nothing and freezes nothing' '
	holding one --timeout 1h
	for jump in +400d -400d; do
		same "$(LARDER_NOW=$jump larder agent reap --json | json .reaped.failed)" 0
		same "$(LARDER_NOW=$jump larder agent daemon --once --pull 0 2>/dev/null; field local/api/one .status)" running
	done
	echo "exit 0" >$folder/one/repo/go
	wait_for "gone $SUPERVISOR"
	same "$(field local/api/one .status)" completed
	LARDER_NOW=+400d larder agent run -q --repo api --issue 1 --queue -- true
	larder agent start -q local/api/task-1
	same "$(field local/api/task-1 .status)" completed
'
