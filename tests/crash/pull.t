#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder pull killed, or its disk failing, before every durable step in turn. The pull is told what has
# changed and brings a new table, a replaced one, a removed one and a rule; afterwards everything is old or
# new, never between.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"

# Two states of a site, and a workspace that has pulled the first.
(
	new_site site kept changed removed
	site_rules site old
	site_manifest site
	cp -R site/api before
	rm -r site/api/data/removed
	site_table site changed 10 7001
	site_table site new 10 7002
	site_rules site new
	site_manifest site
	site_since site before/sync/manifest/index.json
	cp -R site/api after
) || exit 1
start_faulty site
new_workspace ready "$FAULTY_URL"
rm -r site/api && cp -R before site/api
larder pull --workspace ready -q || exit 1
OLD=$(readlink ready/server/parquet/changed.parquet)
rm -r site/api && cp -R after site/api
NEW=../versions/$(sha256sum <site/api/data/changed/download | cut -c1-64).parquet
export OLD NEW

restart() {
	rm -rf ws
	cp -a "$SHARED/ready" ws
}

# Nothing is missing, torn or paired with a wrong record; what is linked is what was verified.
consistent() {
	larder verify --workspace ws -q 2>verify.err && return
	# A kill between the tables and the views leaves views to be made: the next pull makes them.
	grep -v "warning: views\|warning: rule" verify.err && return 1
	return 0
}

whole() {
	for table in kept changed; do
		[ -f ws/server/parquet/$table.parquet ] || return 1
	done
	link=$(readlink ws/server/parquet/changed.parquet)
	[ "$link" = "$OLD" ] || [ "$link" = "$NEW" ] || return 1
	# Replaced and removed switch together.
	if [ "$link" = "$NEW" ]; then
		[ ! -e ws/server/parquet/removed.parquet ]
	else
		[ -f ws/server/parquet/removed.parquet ]
	fi
}

settled() {
	larder verify --workspace ws -q &&
		[ "$(readlink ws/server/parquet/changed.parquet)" = "$NEW" ] &&
		[ -f ws/server/parquet/new.parquet ] && [ ! -e ws/server/parquet/removed.parquet ] &&
		[ -f ws/.claude/rules/km_new.md ] && [ ! -e ws/.claude/rules/km_old.md ] &&
		[ -z "$(ls -A ws/.larder/staging)" ]
}

# Tables of which a whole file is here, committed or not.
finished() {
	for table in changed new; do
		file=$SHARED/site/api/data/$table/download
		sum=$(sha256sum <"$file" | cut -c1-64)
		cmp -s "$file" "ws/.larder/staging/$sum.part" || cmp -s "$file" "ws/server/versions/$sum.parquet" || continue
		echo $table
	done
}

# Where the manifest was asked for at all, what changed was told.
by_difference() { # LINE
	tail -n +$(($1 + 1)) "$SHARED/site.log" | grep "/sync/manifest" >told || return 0
	! grep -v " 226 " told
}

# None of those is fetched again: LINE is where the server's log ended before.
not_again() { # LINE TABLE...
	tail -n +$(($1 + 1)) "$SHARED/site.log" >asked
	shift
	for table; do
		! grep "/$table/download" asked || return 1
	done
}

sweep() { # STEP-VARIABLE EXIT STRIDE
	at=0
	while [ $at -lt 400 ]; do
		at=$((at + $3))
		restart
		lines=$(wc -l <"$SHARED/site.log")
		code=0
		fail_with=ENOSPC
		[ $((at % 2)) = 0 ] || fail_with=EIO
		env "$1=$at" LARDER_FAIL_WITH=$fail_with larder pull --workspace ws --jobs 1 -q 2>err || code=$?
		echo "step $at: exit $code"
		by_difference "$lines" || return 1
		# Past the last step: it went through.
		[ $code != 0 ] || { settled && [ $at -gt 20 ] && [ -s told ]; return; }
		[ $code = "$2" ] || { cat err; return 1; }
		[ "$2" = 99 ] || [ -s err ] || return 1
		# Whoever opens the workspace next, here verify, finishes what was committed.
		consistent && whole || return 1
		here=$(finished)
		lines=$(wc -l <"$SHARED/site.log")
		larder pull --workspace ws -q 2>err || { cat err; return 1; }
		# shellcheck disable=SC2086
		not_again "$lines" $here || return 1
		settled || return 1
	done
	return 1
}

ok 'killed before any durable step: old or new, the next run finishes, nothing is fetched twice' '
	sweep LARDER_CRASH_AT 99 $(every 2)
'

# Either in turn: what follows from them differs in one sentence.
ok 'an I/O error or a full disk at any durable step: a clear error, exit 1, nothing lost' '
	sweep LARDER_FAIL_AT 1 $(every 3)
'
