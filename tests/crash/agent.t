#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# The daemon of a member killed at each durable step; and the supervisor, the agent and the hub killed in every order. (Every other
# change of a home is swept in tests/unit/test-agent-crash.c, with a failing and a full disk, too.)
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export LARDER_AGENTS=home AGENT_NAME=charon
folder=home/workspace/local/api

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
	# A home to start from.
	larder agent fleet join --home member -- sh -c "echo x >>ran" >/dev/null 2>&1 || :
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

hub() {
	rm -rf hub
	cp -r "$SHARED/old" hub
	start_hub hub || return 1
	LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(cat "$SHARED/token")
	export LARDER_SERVER LARDER_TOKEN
}

known() {
	curl --silent --header "Authorization: Bearer $LARDER_TOKEN" \
		"$HUB_URL/v1/agent/context?agent_id=reader&cursor=&limit=500" | jq ".data | length"
}

# The daemon of a member, one round at a time: asks for a task, acknowledges it, begins it. A task of its own for each step; one that
# was given and not written down is the next machine's, a minute later.
ok 'a member that is killed at each step runs each of its tasks once' '
	hub
	LARDER_TOKEN=$(larder admin token create --name s --rate 0)
	larder agent push -q --home "$SHARED/member"
	id=0
	begun() { [ "$(sqlite3 home/.larder/state.db "SELECT count(*) FROM agent_task")" = 0 ]; }
	round() {
		id=$((id + 1))
		curl --silent --header "Authorization: Bearer $LARDER_TOKEN" --data "{\"repo\":\"api\",\"task\":\"t\"}" "$HUB_URL/v1/fleet/dispatch" >/dev/null
	}
	ran_once() {
		wait_for "larder agent daemon --once --pull 0 2>/dev/null; begun" || return 1
		ran=$(cat $folder/fleet-$id/repo/ran 2>/dev/null | wc -l)
		case $(sqlite3 "file:hub/.larder/state.db?mode=ro" "SELECT status FROM fleet_task WHERE id = $id")/$ran in
		completed/1) ;;
		assigned/0) ;; # given, and not written down
		*) return 1 ;;
		esac
		round
	}
	round
	for at in $(seq 1 150); do
		rm -rf home
		cp -r "$SHARED/member" home
		code=0
		LARDER_CRASH_AT=$at larder agent daemon --once --pull 0 2>said || code=$?
		ran_once || { echo "killed at $at, exit $code"; cat said; exit 1; }
		[ $code != 0 ] || [ $at -lt 5 ] || exit 0
	done
	exit 1
'

# One work, one record at the hub, whoever dies in which order.
ok 'supervisor, agent and hub killed in every order: one end, one record' '
	for order in "s a h" "s h a" "a s h" "a h s" "h s a" "h a s"; do
		rm -rf home said
		hub
		start work larder agent run --repo api --issue 1 -- sh -c "echo begun; until [ -e go ]; do sleep 0.02; done"
		s=$STARTED_PID
		wait_for "grep -q begun $folder/task-1/.meta/agent-local.log 2>/dev/null"
		a=$(json $folder/task-1/status.json .pid)
		h=$HUB_PID
		for victim in $order; do
			case $victim in
			s) kill -KILL $s 2>/dev/null || :; wait_for "gone $s" ;;
			a) kill -KILL "-$a" 2>/dev/null || :; wait_for "! kill -0 -$a 2>/dev/null || gone $a" ;;
			h) larder agent push -q 2>/dev/null || :; kill -KILL $h; wait_for "gone $h" ;;
			esac
		done
		larder agent reap -q
		same "$(larder agent show local/api/task-1 --json | json .status)" failed
		larder agent push -q 2>/dev/null || : # what went before the hub was killed need not wait
		start_hub hub
		LARDER_SERVER=$HUB_URL
		larder agent push -q
		larder agent push -q
		same "$order: $(known)" "$order: 1"
		stop_hub
	done
'
