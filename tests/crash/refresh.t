#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A refresh killed, or starved of disk, at each durable step in turn: afterwards each table is the old or the new
# version, last_sync has moved only with the new one, and the next refresh brings what is missing.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/site.sh"

(
	new_hub old
	parquet t.parquet 5
	larder admin table add t
	larder admin table source t --files "$SHARED/t.parquet"
	larder refresh --data old -q
	cp -r old sums
	larder admin table add sums
	larder admin table source sums --sql 'SELECT sum(v) AS s FROM t'
	stop_hub
	mv old both
	mv sums old
	parquet t.parquet 6
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

# What must hold after a run with a fault, shown by one more run without.
whole() { # TABLE ROWS
	larder hub verify hub -q >verified || { cat verified; return 1; }
	larder refresh --data hub --json "$1" >again 2>again.err || { cat again again.err; return 1; }
	same "$(json again '.tables[0].rows')" "$2" || return 1
	# Done once, not twice: only what had said so is unchanged.
	[ $code != 0 ] || same "$(json again '.tables[0].outcome')" unchanged
}

refresh_at() { # VARIABLE STEP HUB TABLE
	rm -rf hub
	cp -r "$SHARED/$3" hub
	code=0
	env "$1=$2" larder refresh --data hub "$4" --json >said 2>said.err || code=$?
	# What a run called done is done.
	[ $code = 99 ] || ! grep -q '"outcome":"unchanged"' said || { cat said; return 1; }
}

ok 'killed before each durable step, a table is the old or the new version' '
	for at in $(seq 1 200); do
		refresh_at LARDER_CRASH_AT $at old t
		[ $code = 0 ] || [ $code = 99 ] || { cat said said.err; exit 1; }
		whole t 6 || { echo "killed at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 15 ] && [ $at -lt 200 ]
'

ok 'on a disk that fails from some step on, a table fails, says so, and comes with the next run' '
	for at in $(seq 1 2 200); do
		LARDER_FAIL_WITH=EIO
		[ $((at % 4)) = 1 ] || LARDER_FAIL_WITH=ENOSPC
		export LARDER_FAIL_WITH
		refresh_at LARDER_FAIL_AT $at old t
		unset LARDER_FAIL_WITH
		[ $code = 0 ] || [ -s said ] || [ -s said.err ] || { echo "failing at $at: no message"; exit 1; }
		whole t 6 || { echo "failing at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 15 ] && [ $at -lt 200 ]
'

ok 'the same for SQL over a table' '
	for at in $(seq 2 4 200); do
		refresh_at LARDER_CRASH_AT $at both sums
		whole sums 1 || { echo "killed at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 15 ] && [ $at -lt 200 ]
'
