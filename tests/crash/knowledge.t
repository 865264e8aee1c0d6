#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What makes knowledge, killed or starved of disk at each durable step: nothing is lost, nothing comes twice.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	token_of bob@example.com >bob
	larder admin rule propose Old --text 'An old one.' --json | jq -r .id >id
	jq -nc '{role: "user", content: "ARR stands for annual recurring revenue. MRR stands for monthly recurring revenue."}' >s
	for n in 1 2; do
		curl --silent --fail --output /dev/null --header "Authorization: Bearer $(cat bob)" \
			--form "file=@s;filename=$n.jsonl" "$HUB_URL/api/upload/sessions"
	done
	jq -nc '{content: "- Revenue excludes cancelled orders.\n- Warehouses hold returns for 14 days.\n"}' |
		curl --silent --fail --output /dev/null --data-binary @- --header "Authorization: Bearer $(cat bob)" \
			"$HUB_URL/api/upload/local-md"
	stop_hub
	echo "$LARDER_TOKEN" >ann
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
TOKEN=$(cat ann) ID=$(cat id)
export TOKEN ID

# All that is known, without the times.
known() { # HUB
	larder hub verify "$1" >/dev/null || return 1
	start_hub "$1" >&2 || return 1
	LARDER_SERVER=$HUB_URL LARDER_TOKEN=$TOKEN larder admin rule list --json |
		jq -r '.rules[] | [.id, .title, .status, .confidence, .evidence_count] | @tsv' | sort
	stop_hub KILL
}

# A command on a copy of the hub with the fault at each step in turn, then once more without.
sweep() { # VARIABLE COMMAND...
	fault=$1
	shift
	rm -rf want
	cp -r "$SHARED/hub" want
	"$@" --data want >/dev/null || return 1
	known want >wanted
	for at in $(seq 1 200); do
		rm -rf got
		cp -r "$SHARED/hub" got
		code=0
		env "$fault=$at" "$@" --data got >said 2>said.err || code=$?
		[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || { echo "$fault=$at: no message"; return 1; }
		[ $code = 0 ] || "$@" --data got >/dev/null || { echo "$fault=$at, exit $code: not made good"; return 1; }
		known got >is
		diff wanted is || { echo "$fault=$at, exit $code"; return 1; }
		[ $code != 0 ] || break
	done
	[ $at -lt 200 ] && [ $at -gt 2 ]
}

ok 'verification killed before each durable step is made good by the next run' '
	sweep LARDER_CRASH_AT larder process verification
'

ok 'verification on a disk that fails from each step on is made good by the next run' '
	LARDER_FAIL_WITH=ENOSPC sweep LARDER_FAIL_AT larder process verification
'

ok 'corporate memory killed before each durable step is made good by the next run' '
	sweep LARDER_CRASH_AT larder corporate-memory
'

ok 'corporate memory on a disk that fails from each step on is made good by the next run' '
	LARDER_FAIL_WITH=EIO sweep LARDER_FAIL_AT larder corporate-memory
'

# A hub with the fault at a step of its own, asked to approve; then what is there.
ok 'an approval is whole or not there, with its history and its audit row, at each step' '
	for fault in LARDER_CRASH_AT LARDER_FAIL_AT; do
		first=$(steps_of_start "$SHARED/hub")
		for at in $(seq $((first + 1)) $((first + 60))); do
			rm -rf hub
			cp -r "$SHARED/hub" hub
			export "$fault=$at"
			start_hub hub 2>/dev/null || { unset "$fault"; continue; }
			unset "$fault"
			code=0
			LARDER_SERVER=$HUB_URL LARDER_TOKEN=$TOKEN larder admin rule approve "$ID" >/dev/null 2>&1 || code=$?
			kill -KILL "$HUB_PID" 2>/dev/null || :
			wait_for "gone $HUB_PID"
			start_hub hub
			status GET "/api/memory/$ID" "$TOKEN" >/dev/null
			seen=$(jq -r "[.status, (.history | length)] | @tsv" reply.json)
			status GET /api/admin/audit "$TOKEN" >/dev/null
			seen="$seen $(jq "[.. | objects | select(.action == \"knowledge.approve\")] | length" reply.json)"
			case $code/$seen in
			"0/approved	2 1") ;;
			*"/approved	2 1" | *"/pending	1 0") [ $code != 0 ] ;;
			*) echo "$fault=$at: exit $code, $seen"; exit 1 ;;
			esac
			stop_hub KILL
			[ $code != 0 ] || [ $at -lt $((first + 3)) ] || break
		done
	done
'
