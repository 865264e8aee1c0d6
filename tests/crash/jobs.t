#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Backup, restore, the collector and a script's run, each killed or starved of disk at each durable step in turn:
# what was there before is whole, what came is whole, and the same command again brings the rest.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	printf 'a\n1\n' >t.csv
	larder publish t t.csv -q
	larder admin user add bo@example.com
	echo 'echo done' >s.sh
	larder admin script deploy s s.sh
	mkdir -p homes/bo/user/sessions
	echo '{}' >homes/bo/user/sessions/one.jsonl
	[ "$(id -u)" != 0 ] || chown -R 1000 homes/bo
	stop_hub
	larder backup back --data hub
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

# sweep VARIABLE STEP-WIDTH 'COMMAND' 'WHAT MUST HOLD': COMMAND sets up, then runs its command through "faulted".
faulted() {
	code=0
	env "$variable=$at" "$@" >said 2>said.err || code=$?
	[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || [ -s said ] || { echo "no message"; return 1; }
}
sweep() {
	variable=$1
	LARDER_FAIL_WITH=EIO
	for at in $(seq 1 "$2" 200); do
		[ "$LARDER_FAIL_WITH" = EIO ] && LARDER_FAIL_WITH=ENOSPC || LARDER_FAIL_WITH=EIO
		export LARDER_FAIL_WITH
		eval "$3" || { echo "$variable=$at"; return 1; }
		unset LARDER_FAIL_WITH
		eval "$4" || { echo "after $variable=$at (code $code)"; cat said said.err; return 1; }
		LARDER_FAIL_WITH=EIO
		[ $code != 0 ] || break
	done
	unset LARDER_FAIL_WITH
	[ "$at" -gt "${5:-10}" ] && [ "$at" -lt 200 ]
}

backup_again='
	larder restore back --verify >/dev/null || return 1
	LARDER_NOW=+60 larder backup back --data "$SHARED/hub" --keep 1 >/dev/null || return 1
	larder restore back --verify >/dev/null || return 1
	same "$(ls -A back/snapshots | wc -l)" 1'

ok 'a backup killed at any step leaves the snapshots there were, and the next one is whole' '
	sweep LARDER_CRASH_AT 1 "rm -rf back; cp -r \"$SHARED/back\" back; LARDER_NOW=+30 faulted larder backup back --data \"$SHARED/hub\" --keep 1" "$backup_again"
'

ok 'a backup on a disk that fails does so, too' '
	sweep LARDER_FAIL_AT 2 "rm -rf back; cp -r \"$SHARED/back\" back; LARDER_NOW=+30 faulted larder backup back --data \"$SHARED/hub\" --keep 1" "$backup_again"
'

whole_or_absent='
	if [ -e made ]; then larder hub verify made -q || return 1; else larder restore "$SHARED/back" made >/dev/null || return 1; fi
	larder hub verify made -q && [ ! -e made.restoring ]'

ok 'a restore killed at any step leaves no hub or a whole one' '
	sweep LARDER_CRASH_AT 1 "rm -rf made; faulted larder restore \"$SHARED/back\" made" "$whole_or_absent"
	sweep LARDER_FAIL_AT 3 "rm -rf made; faulted larder restore \"$SHARED/back\" made" "$whole_or_absent"
'

collected='
	larder collect --data hub --homes "$SHARED/homes" --json >again || return 1
	[ $code != 0 ] || same "$(json again .files_skipped)" 1 || return 1
	same "$(cat hub/sessions/bo@example.com/one.jsonl)" "{}"'

ok 'a collection killed or failing at any step takes each file once, whole' '
	sweep LARDER_CRASH_AT 1 "rm -rf hub; cp -r \"$SHARED/hub\" hub; faulted larder collect --data hub --homes \"$SHARED/homes\"" "$collected" 5
	sweep LARDER_FAIL_AT 2 "rm -rf hub; cp -r \"$SHARED/hub\" hub; faulted larder collect --data hub --homes \"$SHARED/homes\"" "$collected" 5
'

ran='
	larder script run --data hub s --json >again || return 1
	same "$(json again .status)" success'

# --here: the process that has the steps, which `run` starts to watch over.
ok 'a script whose run is killed or cannot be written down can run again' '
	sweep LARDER_CRASH_AT 1 "rm -rf hub; cp -r \"$SHARED/hub\" hub; faulted larder script run --here --data hub s" "$ran" 5
	sweep LARDER_FAIL_AT 2 "rm -rf hub; cp -r \"$SHARED/hub\" hub; faulted larder script run --here --data hub s" "$ran" 5
'
