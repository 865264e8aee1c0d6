#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder query: three formats, what is said when it was cut, what is refused, and what it does not depend on.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	awk 'BEGIN { print "n,name"; for (i = 1; i <= 1500; i++) printf "%d,row %d\n", i, i }' >rows.csv
	larder publish rows rows.csv -q
	printf 'order,Größe (cm),"a ""b"""\n1,2,3\n' >order.csv
	larder publish order order.csv -q
	printf 'k\n1\n' >dash.csv
	larder publish in.c-crm.order-s dash.csv -q
	mkdir parts
	printf 'k\n1\n' >parts/a.csv
	printf 'k\n2\n' >parts/b.csv
	larder publish parts parts -q
	larder init ws --server "$LARDER_SERVER" --token "$LARDER_TOKEN" -q
	LARDER_TOKEN=$(token_of cy@example.com)
	larder init empty --server "$LARDER_SERVER" --token "$LARDER_TOKEN" -q
	stop_hub # all of this is offline
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
WS=$SHARED/ws
export WS
ask() {
	larder query -w "$WS" "$@"
}
csv() { # SQL [OPTIONS]: without the carriage returns of RFC 4180
	ask --format csv "$@" | tr -d '\r'
}

# Another program with the analytics file open for writing, until the promise ends: holds it and says so.
hold() { # DATABASE
	printf '{"op":"hold","database":"%s","for_writing":true,"sql":[]}' "$1" >hold.json
	start holder sh -c "larder-duck <hold.json"
	wait_for '[ -s holder.out ] || gone $STARTED_PID'
	hasnt holder.out error
}

# Statements run in the analytics file, as another program of the user's would.
in_database() { # SQL
	jq -nc --arg db "$WS/user/duckdb/analytics.duckdb" --arg sql "$1" '{op:"hold",database:$db,leave:true,sql:[$sql]}' >leave.json
	larder-duck <leave.json >leave.out
	hasnt leave.out error
}

ok 'a table is aligned, numbers to the right, with a count' '
	ask "SELECT n, name FROM rows ORDER BY n LIMIT 2" >out 2>err
	same "$(cat out)" "$(printf "n  name \n--------\n1  row 1\n2  row 2\n(2 rows)" | sed "s/name $/name/")"
	same "$(cat err)" ""
	ask "SELECT 1234 a, 5 b UNION ALL SELECT 6, 78 ORDER BY a" >out
	same "$(sed -n 3p out)" "   6  78"
	ask "SELECT count(*) FROM rows" >out
	has out "(1 row)"
'

ok 'CSV is RFC 4180: quotes, commas, line ends, empty is not null' '
	ask --format csv "SELECT '\''a,b'\'' x, '\''say \"hi\"'\'' y, '\''l1'\'' || chr(10) || '\''l2'\'' z, '\'''\'' e, NULL u" >out
	printf "x,y,z,e,u\r\n\"a,b\",\"say \"\"hi\"\"\",\"l1\nl2\",\"\",\r\n" >wanted
	cmp out wanted
	printf "%s" "order,Größe (cm),\"a \"\"b\"\"\"" >header
	same "$(csv "FROM \"order\"" | head -n 1)" "$(cat header)"
'

ok 'JSON is one object with columns, types, rows and what was cut' '
	ask --format json "SELECT n, name, NULL u, 1.5 d, [1,2] l, {'\''a'\'':1} s, true b FROM rows ORDER BY n LIMIT 1" >out
	same "$(json out ".columns | join(\",\")")" n,name,u,d,l,s,b
	same "$(json out ".types[0:2] | join(\",\")")" BIGINT,VARCHAR
	same "$(jq -c ".rows" out)" "[[1,\"row 1\",null,1.5,[1,2],{\"a\":1},true]]"
	same "$(json out .row_count)" 1
	same "$(json out ".truncated | not")" true
	ask -j "SELECT 1" | json .row_count >/dev/null
'

ok 'whole numbers beyond 53 bits are not rounded' '
	same "$(csv "SELECT 9007199254740993 a")" "$(printf "a\n9007199254740993")"
	ask -j "SELECT 9007199254740993 a, 170141183460469231731687303715884105727::HUGEINT h" >out
	has out 9007199254740993
	has out 170141183460469231731687303715884105727
'

ok 'a limit says that it cut, exactly when there is more' '
	ask -n 2 "FROM rows" >out 2>err
	has out "(2 rows shown, there are more)"
	has err "cut after 2 rows"
	ask -n 1500 "FROM rows" >out 2>err
	has out "(1500 rows)"
	same "$(cat err)" ""
	ask -n 1499 -j "FROM rows" >out 2>err
	same "$(json out .truncated)" true
	same "$(json out ".rows | length")" 1499
	has err "not the whole result"
	ask -n 1500 -j "FROM rows" >out
	same "$(json out ".truncated | not")" true
	ask -n 1 --format csv "FROM rows" >out 2>err
	same "$(wc -l <out)" 2
	has err "cut after 1 rows"
'

ok 'without a limit it is 1000; 0 gives all' '
	ask --format csv "FROM rows" 2>err | wc -l >n
	same "$(cat n)" 1001
	has err "--limit 0"
	ask --format csv -n 0 "FROM rows" 2>err | wc -l >n
	same "$(cat n)" 1501
	same "$(cat err)" ""
	ask -n 0 "FROM rows" | tail -n 1 >last
	has last "(1500 rows)"
	exits 2 ask -n -1 "FROM rows" 2>err
	exits 2 ask -n many "FROM rows" 2>err
'

ok 'rows after the first thousand keep the columns of the others' '
	ask -n 0 "SELECT n, name FROM rows ORDER BY n" >out
	same "$(sed -n "3p;1502p" out | awk "{ print length(\$0) }" | sort -u | wc -l)" 2
	same "$(sed -n 3p out)" "   1  row 1"
	same "$(sed -n 1502p out)" "1500  row 1500"
'

ok 'no rows, no columns of rows, nulls and empty texts' '
	ask "SELECT n FROM rows WHERE n < 0" >out
	has out "(0 rows)"
	same "$(head -n 1 out)" n
	same "$(csv "SELECT n FROM rows WHERE n < 0")" n
	ask -j "SELECT n FROM rows WHERE n < 0" >out
	same "$(jq -c "[.rows, .row_count]" out)" "[[],0]"
	ask "SELECT NULL a, '\'''\'' b, '\''x'\'' c" >out
	same "$(sed -n 3p out)" "      x"
'

ok 'a terminal does not obey what a table holds' '
	ask "SELECT chr(27) || '\''[31mred'\'' || chr(7) AS t" >out
	has out "?[31mred?"
	ask "SELECT 1 AS \"a$(printf "\033")[2Jb\"" >out
	! grep -q "$(printf "\033")" out
	ask "SELECT '\''a'\'' || chr(10) || '\''b'\'' AS t" >out
	same "$(wc -l <out)" 4
	same "$(csv "SELECT chr(27) AS t" | tail -n 1)" "$(printf "\033")"
'

ok 'a wide cell is cut between letters, and wide letters keep the columns' '
	ask "SELECT repeat('\''é'\'', 100) t, 1 AS x" >out
	has out "é..."
	iconv -f UTF-8 -t UTF-8 out >/dev/null
	same "$(sed -n 3p out | grep -o é | wc -l)" 57
	ask "SELECT '\''数据'\'' t, 1 AS x UNION ALL SELECT '\''ab'\'', 2 ORDER BY x" >out
	same "$(sed -n 3p out)" "数据  1"
	same "$(sed -n 4p out)" "ab    2"
'

ok 'the statement may come from stdin or a file' '
	same "$(echo "SELECT 41 + 1 AS a" | larder query -w $WS --format csv - | tr -d "\r")" "$(printf "a\n42")"
	echo "SELECT 43 AS a" >q.sql
	same "$(csv --file q.sql)" "$(printf "a\n43")"
	exits 1 ask --file nowhere.sql 2>err
	has err nowhere.sql
	exits 2 ask --file q.sql "SELECT 1" 2>err
	exits 2 ask 2>err
	has err "SQL"
	exits 2 ask SELECT 1 2>err
	has err "in quotes"
	exits 2 ask "" 2>err
	exits 2 ask "-- nothing" 2>err
'

ok 'tables of every legal name, and in parts, are there' '
	same "$(csv "SELECT \"Größe (cm)\" g FROM \"order\"")" "$(printf "g\n2")"
	same "$(csv "SELECT k FROM \"in.c-crm.order-s\"")" "$(printf "k\n1")"
	same "$(csv "SELECT sum(k) s FROM parts")" "$(printf "s\n3")"
	csv "SHOW TABLES" >tables
	for t in rows order in.c-crm.order-s parts; do
		grep -qx "$t" tables
	done
'

ok 'DESCRIBE, SUMMARIZE and WITH are answers too' '
	csv "DESCRIBE rows" >out
	has out "n,BIGINT"
	ask -j "SUMMARIZE rows" >out
	same "$(json out ".rows | length")" 2
	same "$(csv "WITH a AS (SELECT max(n) m FROM rows) SELECT m FROM a")" "$(printf "m\n1500")"
'

ok 'a statement that is wrong is told with its place, exit 2; one that fails, exit 1' '
	exits 2 ask "SELECT nope FROM rows" >out 2>err
	has err nope
	has err "^"
	same "$(cat out)" ""
	exits 2 ask "SELEC 1" 2>err
	has err "SELEC"
	exits 1 ask "SELECT error('\''mine'\'')" 2>err
	has err mine
	same "$(grep -c "^larder: query:" err)" 1
'

ok 'a table that is not there is told with its neighbour and the next step' '
	exits 2 ask "FROM rowz" 2>err
	has err "rows"
	has err "larder status -v"
	exits 2 larder query -w "$SHARED/empty" "FROM rows" 2>err
	has err "no tables yet"
	same "$(larder query -w "$SHARED/empty" --format csv "SELECT 1 a" | tr -d "\r")" "$(printf "a\n1")"
'

ok 'a statement that would change something is refused' '
	snapshot "$WS/server" >before
	for sql in "DROP VIEW rows" "CREATE TABLE mine AS SELECT 1" "INSERT INTO rows VALUES (1, '\''x'\'')" \
		"DELETE FROM rows" "COPY rows TO '\''out.csv'\''" "ATTACH '\''x.db'\''" "INSTALL httpfs" \
		"SET threads = 1" "PRAGMA database_list; DROP TABLE x" "SELECT 1; SELECT 2"; do
		ask "$sql" >out 2>err && { echo "allowed: $sql"; exit 1; }
		same "$? $(wc -c <out)" "2 0"
		[ -s err ]
	done
	[ ! -e out.csv ]
	[ ! -e x.db ]
	snapshot "$WS/server" >after
	cmp before after
'

ok 'files of the user can be joined with the tables, from where the user stands' '
	printf "n,label\n3,third\n" >mine.csv
	same "$(csv "SELECT name, label FROM rows JOIN '\''mine.csv'\'' USING (n)")" "$(printf "name,label\nrow 3,third")"
'

ok 'tables and views of the user are visible, and theirs go before ours' '
	in_database "CREATE OR REPLACE TABLE mine AS SELECT 7 AS x"
	in_database "CREATE OR REPLACE VIEW over AS SELECT count(*) AS c FROM rows"
	same "$(csv "SELECT x FROM mine")" "$(printf "x\n7")"
	same "$(csv "SELECT c FROM over")" "$(printf "c\n1500")"
'

ok 'with the analytics file held by a writer it answers, and says what is not seen' '
	hold "$WS/user/duckdb/analytics.duckdb"
	same "$(csv "SELECT count(*) c FROM rows" 2>err)" "$(printf "c\n1500")"
	ask "SHOW TABLES" >/dev/null 2>err
	has err "not visible"
	exits 2 ask "FROM mine" 2>err
	has err "not visible"
'

ok 'without the analytics file the tables still answer' '
	cp -r "$WS" copy
	rm -r copy/user
	same "$(larder query -w copy --format csv "SELECT count(*) c FROM rows" | tr -d "\r")" "$(printf "c\n1500")"
	[ ! -e copy/user ]
'

ok 'a closed pipe or a full disk is a failed write, not a success' '
	[ -c /dev/full ] || skip "no /dev/full"
	exits 1 larder query -w "$WS" -n 0 "FROM rows" >/dev/full 2>err
	has err "No space left"
'

ok 'an unknown format or option is a usage error that helps' '
	exits 2 ask --format xml "SELECT 1" 2>err
	has err "table, csv or json"
	exits 2 ask --fromat csv "SELECT 1" 2>err
	has err "--format"
'

ok 'outside a workspace it says how to make one' '
	exits 1 larder query "SELECT 1" 2>err
	has err "larder init"
	exits 1 larder query -w nowhere "SELECT 1" 2>err
	has err nowhere
	LARDER_WORKSPACE=$WS larder query "SELECT 1" >/dev/null
	cd "$WS/server/parquet" && larder query "SELECT 1" >/dev/null
'

# How many symbols the dynamic linker looked up for a program that ends at once.
looked_up() { # FOLDER of libduckdb, or nothing
	LD_LIBRARY_PATH=${1:-} LD_DEBUG=statistics larder-duck </dev/null 2>&1 >/dev/null | sed -n 's/.* number of relocations: *//p' | head -n 1
}

ok 'the engine starts without a search for symbols of its own' '
	pinned=$SOURCE/.deps/duckdb
	ours=$(looked_up)
	[ "$ours" -gt 0 ] || skip "this linker does not count"
	[ "$ours" -lt $(($(looked_up "$pinned") / 2)) ]
	same "$(echo "{\"op\":\"version\"}" | larder-duck)" "$(echo "{\"op\":\"version\"}" | LD_LIBRARY_PATH=$pinned larder-duck)"
'
