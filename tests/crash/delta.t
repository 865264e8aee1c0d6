#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder pull killed, or its disk full, while a file is made of what is here and what is fetched. The steps
# of the commit have their sweep in pull.t; here are those that write to the partial file.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

# Two versions of a table with their indexes, and a workspace that has the first.
(
	new_hub hub
	for n in 330000 333000; do
		rows 1 $n 1 >file.csv
		larder publish big file.csv -q
		sum=$(larder admin table show big --json | json '.versions[0].sha256')
		cp hub/objects/*/$sum.parquet $n
		cp hub/objects/*/$sum.chunks $n.chunks
	done
	unset LARDER_SERVER
	mkdir site
	: >site.plan
	site_indexed site 330000
	start_faulty site
	new_workspace ready "$FAULTY_URL"
	larder pull --workspace ready -q
	rm -rf hub file.csv
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
site_indexed site 333000
start_faulty site
LARDER_TOKEN=token
export LARDER_TOKEN

restart() {
	rm -rf ws
	cp -a "$SHARED/ready" ws
	echo "server: $FAULTY_URL" >ws/.larder/config.yaml
}

# Old or new; and, looked at now and then, what is linked is what was verified.
whole() {
	cmp -s "$SHARED/330000" ws/server/parquet/big.parquet || cmp -s "$SHARED/333000" ws/server/parquet/big.parquet || return 1
	[ $((swept % $(every 3))) = 0 ] || return 0
	larder verify --workspace ws -q 2>verify.err || grep -q "warning: views" verify.err
}

settled() {
	cmp "$SHARED/333000" ws/server/parquet/big.parquet && [ -z "$(ls -A ws/.larder/staging)" ] &&
		larder verify --workspace ws -q
}

# The numbers of the steps that write to the partial file: half of them, as the two sweeps take turns.
steps_of_assembly() { # FIRST
	restart
	LARDER_STEPS=$PWD/steps larder pull --workspace ws --jobs 1 -q
	grep "\.part" steps | cut -d " " -f 1 | awk -v first="$1" -v every="$(every 2)" 'NR % every == first % every'
}

sweep() { # STEP-VARIABLE EXIT FIRST
	swept=0
	for at in $(steps_of_assembly "$3"); do
		swept=$((swept + 1))
		restart
		code=0
		env "$1=$at" larder pull --workspace ws --jobs 1 -q 2>err || code=$?
		echo "step $at: exit $code"
		[ $code = "$2" ] || { cat err; return 1; }
		whole || return 1
		larder pull --workspace ws --json >report 2>err || { cat err; return 1; }
		# What was in place is not fetched again.
		[ "$(json report .bytes_reused)" -gt 3000000 ] || return 1
		settled || return 1
	done
	[ $swept -gt 10 ]
}

ok 'killed while a file is put together: the next run goes on with its pieces' '
	sweep LARDER_CRASH_AT 99 1
'

ok 'a disk that fills up while a file is put together: a clear error, the old file stays' '
	LARDER_FAIL_WITH=ENOSPC
	export LARDER_FAIL_WITH
	sweep LARDER_FAIL_AT 1 2
'
