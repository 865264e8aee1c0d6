#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder pull beside another pull, beside those who read the tables, and beside those who hold DuckDB's file.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"

# Another program that has the analytics file open: waits until it has.
hold() { # DIR READ-ONLY [SQL]
	jq -nc --arg db "$PWD/$1/user/duckdb/analytics.duckdb" --argjson ro "$2" --arg sql "${3:-SELECT 1}" \
		'{op: "hold", database: $db, read_only: $ro, sql: [$sql]}' >hold.json
	start holder sh -c 'exec larder-duck <hold.json'
	wait_for 'grep -q held holder.out || gone $STARTED_PID'
	grep -q held holder.out
}

ok 'two pulls at once: one works, the other waits for it and finds nothing to do' '
	new_site site a b c
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download slow:400 1"
	start first larder pull --workspace ws --json
	wait_for "[ -n \"\$(ls ws/.larder/staging 2>/dev/null)\" ]"
	pull ws
	same "$(json report .tables_updated)" 0
	wait_for "gone $STARTED_PID"
	same "$(json first.out .tables_updated)" 3
	same "$(requests site /download)" 3
	larder verify --workspace ws -q
'

ok 'one that will not wait says who works, and exits 75' '
	new_site site a
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download stall:10%"
	start first larder pull --workspace ws
	wait_for "[ -n \"\$(ls ws/.larder/staging 2>/dev/null)\" ]"
	exits 75 larder pull --workspace ws --wait 0 2>err
	has err "larder pull"
	has err "process $STARTED_PID"
	kill -KILL $STARTED_PID
	wait_for "gone $STARTED_PID"
	faults site
	pull ws --wait 0
	same "$(json report .tables_updated)" 1
'

ok 'ten pulls at once end well and fetch each table once' '
	new_site site a b c
	new_workspace ws $FAULTY_URL
	for n in 1 2 3 4 5 6 7 8 9 10; do
		start pull$n larder pull --workspace ws --json
		eval "pid$n=\$STARTED_PID"
	done
	for n in 1 2 3 4 5 6 7 8 9 10; do
		eval "wait_for \"gone \$pid$n\""
		same "$(json pull$n.out ".errors | length")" 0
	done
	same "$(requests site /download)" 3
	larder verify --workspace ws -q
'

ok 'a reader holds the analytics file: a changed copy takes its place' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	hold ws true
	site_table site a 10 7001
	site_manifest site
	pull ws
	same "$(json report .views.changed)" 1
	same "$(json report .errors)" "[]"
	kill -KILL $STARTED_PID
	larder verify --workspace ws -q
'

ok 'a writer holds it: the data is in place, the views follow with the next pull' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	old=$(sum_of ws a)
	hold ws false
	site_table site a 10 7001
	site_manifest site
	exits 1 pull ws
	same "$(json report .tables_updated)" 1
	same "$(json report ".errors[0].stage")" views
	json report ".errors[0].error" | grep -q "process $STARTED_PID"
	kill -KILL $STARTED_PID
	wait_for "gone $STARTED_PID"
	same "$(sum_of ws a)" "$old"
	pull ws
	same "$(json report .errors)" "[]"
	[ "$(sum_of ws a)" != "$old" ]
	larder verify --workspace ws -q
'

ok 'a query that runs while its table is replaced reads to its end' '
	new_site site
	site_table site a 50000
	site_manifest site
	new_workspace ws $FAULTY_URL
	pull ws
	old=$(sum_of ws a)
	jq -nc --arg db "$PWD/ws/user/duckdb/analytics.duckdb" \
		"{op: \"query\", sql: \"SELECT sum(x.v) FROM a x JOIN a y ON x.id = y.id, range(200) r\", database: \$db, tables: [], contained: false}" >q.json
	start query sh -c "exec larder-duck <q.json"
	site_table site a 50000 9
	site_manifest site
	pull ws
	wait_for "gone $STARTED_PID"
	same "$(jq -r "select(type == \"array\") | .[0]" query.out)" "$(jq -n "$old * 200")"
'

ok 'many pulls replace two tables under continuous queries, and every answer is right' '
	# Both tables hold the version in every row: an answer is right when all rows agree, in each table
	# (parts and footers never mixed) and between the two (they switch together).
	new_site site
	for version in 1 2 3; do
		{
			echo v,w
			yes $version,x | head -n 2000
		} >v.csv
		jq -nc --arg in "$PWD/v.csv" --arg out "$PWD/v$version.parquet" \
			"{op: \"convert\", inputs: [\$in], format: \"csv\", order_by: [], output: \$out}" | larder-duck >/dev/null
		for table in a b; do
			mkdir -p site/api/data/$table
			cp v$version.parquet site/api/data/$table/download
			printf "%s" $table >>site/api/data/$table/mark
		done
		site_manifest site
		mkdir $version
		cp -R site/api $version/
	done
	new_workspace ws $FAULTY_URL
	pull ws
	cat >reader.sh <<-"END"
		while [ ! -e stop ]; do
			larder query --workspace ws --format csv "SELECT min(a.v) = max(a.v) AND min(b.v) = max(b.v)
				AND min(a.v) = min(b.v) AND count(*) = 2000 AS fine FROM a POSITIONAL JOIN b" >>answers
		done
	END
	start reader sh reader.sh
	for n in $(seq 1 $(every 4) 200); do
		version=$((n % 3 + 1))
		cp -R $version/api site/
		larder pull --workspace ws --quiet
	done
	: >stop
	wait_for "gone $STARTED_PID"
	tr -d "\r" <answers >lines
	[ "$(grep -cx true lines)" -gt 10 ]
	grep -vx "fine\|true" lines >wrong || :
	same "$(cat wrong)" ""
	[ ! -s reader.err ] || same "$(cat reader.err)" ""
	larder verify --workspace ws -q
'

ok 'two inits of one folder at once wait for each other' '
	. "$SOURCE/tests/hub.sh"
	new_hub hub
	for n in 1 2 3 4 5; do
		for who in a b; do
			start $who larder init ws$n --server "$LARDER_SERVER" --token "$LARDER_TOKEN"
			eval "pid_$who=\$STARTED_PID"
		done
		wait $pid_a || { cat a.err >&2; false; }
		wait $pid_b || { cat b.err >&2; false; }
		larder verify --workspace ws$n -q
		[ -s ws$n/CLAUDE.md ] && same "$(find ws$n/.larder/staging -type f)" ""
	done
'
