#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Making a hub, starting it, a grant, and a removal, each killed or starved of disk at each durable step in turn: afterwards
# there is no hub or a whole one, the grant is given or not, and the same command again brings all of it.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
	LARDER_TOKEN=$(cat token)
	export LARDER_TOKEN
	printf 'k\n1\n2\n' >t.csv
	start_hub old
	export LARDER_SERVER="$HUB_URL"
	larder publish t t.csv -q
	larder admin user add bo@example.com
	larder admin group add staff
	larder admin member add staff bo@example.com
	larder admin token create --user bo@example.com --name t >bo
	stop_hub
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat token) BO=$(cat bo)
export LARDER_TOKEN BO

# A hub that serves, has no litter, and whose files are what its rows say.
sound() { # DIR
	start_hub "$1" || return 1
	curl -sSf "$HUB_URL/health/ready" >/dev/null || return 1
	stop_hub || return 1
	same "$(ls -A "$1/.larder/staging")" '' || return 1
	larder hub verify "$1" -q
}

# Runs hub init with a fault; what came of it is finished or begun anew by the same command.
init_at() { # VARIABLE STEP
	rm -rf hub
	code=0
	env "$1=$2" larder hub init hub --admin ann@example.com >said 2>said.err || code=$?
	[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || { echo "no message"; return 1; }
	if [ $code != 0 ]; then
		# Killed after its commit the hub is there, but nobody has its token: --user gives another.
		larder hub init hub --admin ann@example.com >said 2>said.err ||
			larder hub token hub --user ann@example.com >said || return 1
	fi
	sound hub || return 1
	start_hub hub || return 1
	curl -sSf -H "Authorization: Bearer $(cat said)" "$HUB_URL/api/admin/users" >/dev/null || return 1
	stop_hub
}

ok 'hub init killed before each durable step leaves no hub or a whole one' '
	for at in $(seq 1 200); do
		init_at LARDER_CRASH_AT $at || { echo "killed at $at"; cat said.err; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 5 ] && [ $at -lt 200 ]
'

ok 'hub init on a disk that fails from each step on says so and can be repeated' '
	for at in $(seq 1 "$(every 3)" 200); do
		LARDER_FAIL_WITH=EIO
		[ $((at % 2)) = 1 ] || LARDER_FAIL_WITH=ENOSPC
		export LARDER_FAIL_WITH
		init_at LARDER_FAIL_AT $at || { echo "failing at $at"; cat said.err; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 5 ] && [ $at -lt 200 ]
'

# The start alone, of a hub that has something to finish: it was killed between a commit and its files.
half_done() {
	rm -rf hub
	cp -r "$SHARED/old" hub
	start_hub hub
	printf "k\n7\n8\n9\n" >new.csv
	LARDER_SERVER=$HUB_URL larder publish t new.csv -q
	kill -KILL "$HUB_PID"
	wait "$HUB_PID" || :
}

ok 'the start of a hub killed before each durable step is made good by the next' '
	half_done
	for at in $(seq 1 100); do
		rm -rf at
		cp -r hub at
		export LARDER_CRASH_AT=$at
		if start_hub at; then
			unset LARDER_CRASH_AT
			kill -TERM "$HUB_PID"
			wait "$HUB_PID" || :
		else
			unset LARDER_CRASH_AT
		fi
		sound at || { echo "killed at $at"; exit 1; }
		[ $at -lt 12 ] || break
	done
'

granted() { curl -sS -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $BO" "$HUB_URL/api/data/t/download"; }

# The hub in ./hub with a fault at a step, a grant, and the end of both. `code` is 99 when nobody answered.
grant_at() { # VARIABLE STEP
	hub_at "$1" "$2" || return 0
	code=0
	LARDER_SERVER=$HUB_URL larder admin grant add staff t >said 2>said.err || code=$?
	kill -TERM "$HUB_PID" 2>/dev/null || :
	wait "$HUB_PID" || :
}

after_grant() {
	start_hub hub || return 1
	case $code/$(granted) in
	0/200 | [1-9]*/200 | [1-9]*/404) ;;
	*) echo "exit $code, then $(granted)"; return 1 ;;
	esac
	LARDER_SERVER=$HUB_URL larder admin grant add staff t >/dev/null 2>again.err || has again.err already || return 1
	same "$(granted)" 200 || return 1
	same "$(LARDER_SERVER=$HUB_URL larder admin grant list --json | jq "[.. | objects | select(.resource_id? == \"t\")] | length")" 1 || return 1
	stop_hub && sound hub
}

ok 'a grant whose hub is killed before each durable step is given or not, never twice' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) 100); do
		grant_at LARDER_CRASH_AT $at
		after_grant || { echo "killed at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt $((from + 2)) ] && [ $at -lt 100 ]
'

ok 'a grant on a disk that fails from each step on is given or refused with a message' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) "$(every 3)" 100); do
		LARDER_FAIL_WITH=EIO
		[ $((at % 2)) = 1 ] || LARDER_FAIL_WITH=ENOSPC
		export LARDER_FAIL_WITH
		grant_at LARDER_FAIL_AT $at
		unset LARDER_FAIL_WITH
		[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || { echo "failing at $at: no message"; exit 1; }
		after_grant || { echo "failing at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt $((from + 2)) ] && [ $at -lt 100 ]
'

# The same with the removal of a table that is served.
remove_at() { # VARIABLE STEP
	hub_at "$1" "$2" || return 0
	code=0
	LARDER_SERVER=$HUB_URL larder admin table remove t >said 2>said.err || code=$?
	kill -TERM "$HUB_PID" 2>/dev/null || :
	wait "$HUB_PID" || :
}

served() { curl -sS -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/data/t/download"; }

# Wholly there or wholly gone, and gone with the next removal; its name is free again.
after_remove() {
	start_hub hub || return 1
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
	there=$(served)
	case $code/$there in
	0/404 | [1-9]*/404) ;;
	[1-9]*/200) larder admin table remove t >/dev/null || return 1 ;;
	*) echo "exit $code, then $there"; return 1 ;;
	esac
	same "$(served)" 404 || return 1
	printf 'k\n5\n' >other.csv
	larder publish t other.csv -q || return 1
	same "$(served)" 200 || return 1
	stop_hub && sound hub
}

ok 'a removal whose hub is killed before each durable step is done or not, and can be repeated' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) 100); do
		remove_at LARDER_CRASH_AT $at
		after_remove || { echo "killed at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt $((from + 2)) ] && [ $at -lt 100 ]
'

ok 'a removal on a disk that fails from each step on is done or refused with a message' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) "$(every 3)" 100); do
		LARDER_FAIL_WITH=EIO
		[ $((at % 2)) = 1 ] || LARDER_FAIL_WITH=ENOSPC
		export LARDER_FAIL_WITH
		remove_at LARDER_FAIL_AT $at
		unset LARDER_FAIL_WITH
		[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || { echo "failing at $at: no message"; exit 1; }
		after_remove || { echo "failing at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt $((from + 2)) ] && [ $at -lt 100 ]
'
