#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A machine as a member of a fleet: it joins, is given tasks, runs them, tells how they ended, leaves.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export LARDER_AGENTS=home AGENT_NAME=n1
unset LARDER_TOKEN

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

hub() { # a fresh one, with its admin's token
	cp -r "$SHARED/old" hub
	start_hub hub
	LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(cat "$SHARED/token")
	WORK=$PWD/work.sh
	export LARDER_SERVER LARDER_TOKEN WORK
}

join() { # [OPTIONS]
	larder agent fleet join "$@" -- sh -c 'echo "$LARDER_AGENT_TASK" >>ran; . "$WORK"' >joined
}

dispatch() { # TASK
	status POST /v1/fleet/dispatch "$LARDER_TOKEN" "{\"repo\":\"core/api\",\"task\":\"$1\"}" >/dev/null
	json reply.json .data.id
}

# Of the hub's task N.
task() { # N FIELD
	sqlite3 "file:hub/.larder/state.db?mode=ro" "SELECT $2 FROM fleet_task WHERE id = $1"
}

listener() { # its process
	sqlite3 home/.larder/state.db "SELECT owner FROM lease WHERE name = 'listen'" | cut -d/ -f1
}

daemon() {
	start daemon larder agent daemon --pull 0 "$@"
	DAEMON=$STARTED_PID
	wait_for "has daemon.err begins"
}

ok 'a task goes from the hub through a stream to a command, and its end comes back' '
	hub
	: >work.sh
	join --agent codex --model gpt-5.4 --capability go
	has joined "agent n1: registered"
	same "$(status GET /v1/fleet/nodes "$LARDER_TOKEN")/$(jq -c "[.data[0].agent_id,.data[0].models,.data[0].capabilities]" reply.json)" "200/[\"n1\",[\"gpt-5.4\"],[\"go\"]]"
	daemon
	echo "mkdir -p ../.meta; echo \"{\\\"findings\\\":[{\\\"message\\\":\\\"m\\\"}],\\\"changes\\\":{\\\"insertions\\\":3}}\" >../.meta/report.json" >work.sh
	same "$(dispatch "say hello")" 1
	wait_for "[ \"\$(task 1 status)\" = completed ]"
	same "$(cat home/workspace/core/api/fleet-1/repo/ran)" "say hello"
	same "$(task 1 result | json .workspace)/$(task 1 agent_id)/$(task 1 deliveries)" core/api/fleet-1/n1/1
	same "$(task 1 findings)/$(task 1 changes)" "[{\"message\":\"m\"}]/{\"insertions\":3}"
	same "$(larder agent show core/api/fleet-1 --json | json .agent)" codex
	# The next comes by itself; one that fails is told so.
	echo "exit 3" >work.sh
	dispatch two
	wait_for "[ \"\$(task 2 status)\" = failed ]"
	same "$(task 2 result | json .exit_code)" 3
	wait_for "larder agent sync-status --json | jq -e \".queued == 0\" >/dev/null"
	same "$(larder agent fleet status --json | json ".tasks | length")" 0
	[ "$(larder agent fleet status --json | json .last_heartbeat_at)" != null ]
	wait_for "[ -n \"\$(listener)\" ] && ! gone \$(listener)"
	heard=$(listener)
	tr "\0" " " </proc/$heard/cmdline >line
	has line "agent listen"
	hasnt line "$LARDER_TOKEN"
	kill -TERM $DAEMON
	wait_for "gone $DAEMON && gone $heard"
'

ok 'who joins has a name, and a command' '
	hub
	unset AGENT_NAME
	exits 2 larder agent fleet join -- true 2>said
	has said "--agent-id or AGENT_NAME"
	exits 2 larder agent fleet join --agent-id n1 2>said
	has said "after"
	exits 2 larder agent fleet join --agent-id n1 --capacity 0 -- true 2>said
	exits 2 larder agent fleet join --agent-id n1 --capacity 1001 -- true 2>said
	exits 1 larder agent fleet leave 2>said
	has said "is no member"
'

ok 'joining and leaving while the hub is away is told later, what was said last counts' '
	hub
	: >work.sh
	stop_hub
	exits 75 join
	has joined "not yet registered"
	exits 75 larder agent fleet leave >said 2>&1
	exits 75 join --capability late
	port=${HUB_URL##*:}
	start hub larder serve --data hub --listen 127.0.0.1:$port
	wait_for "has hub.out http"
	larder agent push -q
	same "$(status GET /v1/fleet/nodes "$LARDER_TOKEN")/$(jq -c "[.total,.data[0].capabilities]" reply.json)" "200/[1,[\"late\"]]"
	larder agent fleet leave >said
	has said "no member"
	same "$(status GET /v1/fleet/nodes "$LARDER_TOKEN")/$(json reply.json .total)" 200/0
'

ok 'a stream that fails is followed by asking; a lease that was lost is no work' '
	hub
	: >work.sh
	join
	mkdir -p portal/v1/fleet/task
	: >portal.plan
	start_faulty portal
	echo "{\"data\":{\"id\":7,\"repo\":\"r\",\"task\":\"from the portal\",\"lease\":\"l\"},\"event_id\":4}" >portal/v1/fleet/task/next
	echo "{\"data\":{}}" >portal/v1/fleet/heartbeat
	echo "{\"data\":{}}" >portal/v1/fleet/task/ack
	echo "/v1/fleet/task/complete status:503" >portal.plan # else it is given, and done, again and again
	sqlite3 home/.larder/state.db "UPDATE agent_member SET failures = 3"
	daemon --server "$FAULTY_URL"
	wait_for "[ \"\$(larder agent show local/r/fleet-7 --json 2>/dev/null | jq -r .status)\" = completed ]" # jq -e takes nothing for true
	same "$(cat home/workspace/local/r/fleet-7/repo/ran)" "from the portal"
	[ "$(larder agent fleet status --json | json .stream_failures)" -ge 3 ]
	# The next one has gone to another by the time it is acknowledged: it is not begun.
	kill -TERM $DAEMON
	wait_for "gone $DAEMON"
	echo "/v1/fleet/task/ack status:409" >>portal.plan
	sed -i "s/7/8/" portal/v1/fleet/task/next
	larder agent daemon --once --pull 0 --server "$FAULTY_URL" 2>/dev/null
	larder agent daemon --once --pull 0 --server "$FAULTY_URL" 2>/dev/null
	same "$(larder agent list --json | json ".agents | length")" 1
'

ok 'a machine that dies with a task costs its lease; what it had begun it tells when it is back' '
	hub
	echo "until [ -e go ]; do sleep 0.02; done" >work.sh
	join --capacity 2
	dispatch one
	larder agent daemon --once --pull 0 --no-dispatch 2>/dev/null # takes it, acknowledges it
	larder agent daemon --once --pull 0 --no-dispatch 2>/dev/null # begins it
	same "$(task 1 status)/$(larder agent fleet status --json | json ".tasks[0].state")" in_progress/begun
	daemon
	wait_for "[ -e home/workspace/core/api/fleet-1/repo/ran ]"
	dispatch two
	wait_for "[ -e home/workspace/core/api/fleet-2/repo/ran ]"
	kill -KILL $DAEMON
	wait_for "gone $DAEMON"
	stop_hub KILL
	for i in 1 2; do : >home/workspace/core/api/fleet-$i/repo/go; done
	wait_for "[ \"\$(larder agent list --status completed --json | jq \".agents | length\")\" = 2 ]"
	start_hub hub
	LARDER_SERVER=$HUB_URL
	larder agent push -q
	same "$(task 1 status)/$(task 2 status)/$(task 1 deliveries)" completed/completed/1
	larder agent push -q
	same "$(cat home/workspace/core/api/fleet-*/repo/ran | tr "\n" " ")" "one two "
'

ok 'what was not begun goes back when a machine leaves' '
	hub
	: >work.sh
	join
	dispatch one
	larder agent daemon --once --pull 0 --no-dispatch 2>/dev/null
	larder agent fleet leave >/dev/null
	same "$(task 1 status)/$(task 1 result | json .question)" "failed/the machine left the fleet"
	same "$(larder agent list --json | json ".agents | length")" 0
'
