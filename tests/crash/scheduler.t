#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A hub that is killed, or whose disk fails, at each durable step of a scheduler's work.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export SCHEDULER_STARTUP_GRACE_SECONDS=0
new_hub hub || exit 1
{
	echo 'jobs:'
	larder scheduler --list --json | jq -r '.jobs[] | "- {name: \"\(.name)\", disabled: true}"'
	echo '- {name: tick, schedule: every 1d, path: /health/live, method: GET}'
	echo '- {name: tock, schedule: every 1d, path: /health/live, method: GET}'
} >hub/config.yaml
stop_hub || exit 1
first=$(($(steps_of_start hub) + 1))
export first

serve() { # the hub in "hub", with the variables given
	start_hub hub
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
}

# Both jobs succeed, at the latest when what failed in passing is tried again, and none was lost.
check_after() {
	kill -KILL "$HUB_PID" 2>/dev/null || :
	wait_for "gone $HUB_PID"
	serve # closes what was open
	kill -KILL "$HUB_PID"
	wait_for "gone $HUB_PID"
	LARDER_NOW=+200s serve
	larder scheduler --data hub --once --quiet
	same "$(larder jobs --json | jq -c "[.jobs[] | .state, .failures_in_a_row]")" '["ok",0,"ok",0]'
	for name in tick tock; do
		status GET "/api/admin/jobs/$name/runs" "$LARDER_TOKEN" >/dev/null
		jq -e "(.runs | length) <= 2 and all(.runs[]; .outcome)" reply.json >/dev/null
	done
	kill -KILL "$HUB_PID"
	wait_for "gone $HUB_PID"
	rm -rf hub
}

sweep() { # one run at each step, until it got through; of a disk, one step is full and the next one fails
	for at in $(seq $first 99); do
		cp -r "$SHARED/hub" hub
		LARDER_FAIL_WITH=EIO
		[ $((at % 2)) = 1 ] || LARDER_FAIL_WITH=ENOSPC
		export LARDER_FAIL_WITH "$step_variable=$at"
		serve
		unset LARDER_CRASH_AT LARDER_FAIL_AT LARDER_FAIL_WITH
		code=0
		larder scheduler --data hub --once --quiet 2>err || code=$?
		case $code in 0 | 1 | 75) ;; *) cat err; exit 1 ;; esac
		done_steps=$code
		[ "$step_variable" = LARDER_FAIL_AT ] || ! kill -0 "$HUB_PID" 2>/dev/null || done_steps=swept
		check_after
		[ "$done_steps" != swept ] || [ "$code" != 0 ] || break
		[ "$step_variable" != LARDER_FAIL_AT ] || [ "$code" != 0 ] || break
	done
	[ "$at" -gt $((first + 3)) ] && [ "$at" -lt 99 ]
}

ok 'a hub that is killed at any step runs each job once, or again when it is back' '
	step_variable=LARDER_CRASH_AT
	sweep
'

ok 'a disk that fails or is full at any step loses no job' '
	step_variable=LARDER_FAIL_AT
	sweep
'
