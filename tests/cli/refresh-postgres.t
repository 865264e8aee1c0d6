#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Tables of a hub that come from PostgreSQL: a real server, stopped and started in the middle.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/postgres.sh"
need_postgres
start_postgres pg || exit 1
ORDERS_DB=$POSTGRES_URL
export ORDERS_DB
new_hub hub || exit 1
HUB=$SHARED/hub
export HUB

table() {
	larder admin table add "$1" >/dev/null 2>&1 || :
	larder admin table source "$@"
}
outcome() { larder refresh --data "$HUB" --json "$@" | json '.tables[0].outcome'; }
# ask TABLE SQL: what the current version holds, as JSON lines.
ask() {
	files=$(sqlite "SELECT p.sha256 FROM tbl t JOIN part p ON p.version_id=t.current_version WHERE t.id='$1'" |
		sed "s|\(..\)\(.*\)|$HUB/objects/\1/\1\2.parquet|" | jq -R . | jq -sc .)
	jq -nc --arg t "$1" --arg sql "$2" --argjson files "$files" \
		'{op: "query", sql: $sql, tables: [{name: $t, files: $files}]}' | larder-duck | grep '^\['
}
# The hub's own reading of its state: through its API, as no sqlite3 program need be there.
sqlite() {
	id=$(printf %s "$1" | sed "s/.*t.id='\(.*\)'/\1/")
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" |
		jq -r ".tables[\"$id\"] | if .parts then .parts[].sha256 else .sha256 end"
}

ok 'every type comes as what it is, NULL and odd texts included' '
	sql "CREATE TABLE all_types(b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(12,3), nn numeric,
		t text, v varchar(9), d date, tm time, ts timestamp, tz timestamptz, u uuid, bin bytea, j jsonb, a int[], e interval);
	INSERT INTO all_types VALUES (true, -32768, 2147483647, -9223372036854775808, 1.5, 0.1, 123456789.125, 1e10,
		E'"'"'a \"quote\", a comma\n and a line'"'"', '"'"''"'"', '"'"'2024-02-29'"'"', '"'"'23:59:59.5'"'"',
		'"'"'2024-01-01 10:00'"'"', '"'"'2024-01-01 10:00+05:30'"'"', '"'"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"'"',
		'"'"'\\x00ff41'"'"', '"'"'{\"k\": 1}'"'"', '"'"'{1,NULL,3}'"'"', '"'"'1 day 2 hours'"'"');
	INSERT INTO all_types DEFAULT VALUES;
	INSERT INTO all_types(t, f8) VALUES (E'"'"'\\\\N'"'"', '"'"'NaN'"'"');"
	table types --connection-env ORDERS_DB --table all_types
	same "$(outcome types)" updated
	ask types "SELECT * FROM types WHERE b" >row
	has row "[true,-32768,2147483647,-9223372036854775808,1.5,0.1,123456789.125,"
	has row "a \\\"quote\\\", a comma\\n and a line\",\"\",\"2024-02-29\",\"23:59:59.5\",\"2024-01-01 10:00:00\",\"2024-01-01 04:30:00+00\",\"a0eebc99"
	has row "[1,null,3]"
	has row "P1DT2H"
	same "$(ask types "SELECT typeof(n), typeof(nn), typeof(bin), octet_length(bin), typeof(tz), j FROM types WHERE b")" \
		"[\"DECIMAL(12,3)\",\"DOUBLE\",\"BLOB\",3,\"TIMESTAMP WITH TIME ZONE\",\"{\\\"k\\\": 1}\"]"
	same "$(ask types "SELECT count(*), count(t), count(b), count(bin), count(a) FROM types")" "[3,2,1,1,1]"
	same "$(ask types "SELECT t, isnan(f8) FROM types WHERE f8 IS NOT NULL AND b IS NULL")" "[\"\\\\N\",true]"
	same "$(outcome types)" unchanged
'

ok 'with an increment column only new rows are read, as parts that are written together in time' '
	sql "CREATE SCHEMA shop; CREATE TABLE shop.orders(id serial PRIMARY KEY, v int); INSERT INTO shop.orders(v) SELECT 1 FROM generate_series(1, 1000)"
	table orders --connection-env ORDERS_DB --table shop.orders --increment id
	same "$(outcome orders)" updated
	same "$(outcome orders)" unchanged
	for n in 1 2 3; do
		sql "INSERT INTO shop.orders(v) VALUES ($n)"
		larder refresh --data "$HUB" orders --json >report
		same "$(json report .tables[0].outcome)" updated
		[ "$(json report .tables[0].bytes)" -lt 100 ]
	done
	same "$(ask orders "SELECT count(*), sum(v), max(id) FROM orders")" "[1003,\"1006\",1003]"
	for n in $(seq 14); do
		sql "INSERT INTO shop.orders(v) VALUES (0)"
		larder refresh --data "$HUB" orders -q >/dev/null
	done
	same "$(ask orders "SELECT count(*), sum(v) FROM orders")" "[1017,\"1006\"]"
	[ "$(sqlite "t.id='"'"'orders'"'"'" | wc -l)" -lt 16 ]
	sql "ALTER TABLE shop.orders ADD COLUMN w text DEFAULT '"'"'x'"'"'"
	same "$(outcome orders)" updated
	same "$(ask orders "SELECT count(*), count(w) FROM orders")" "[1017,1017]"
	sql "ALTER TABLE shop.orders DROP COLUMN v"
	exits 3 larder refresh --data "$HUB" orders
	larder hub verify "$HUB" -q
'

ok 'a query reads what it says and can change nothing' '
	sql "CREATE TABLE q(k int); INSERT INTO q SELECT generate_series(1, 10)"
	table q --connection-env ORDERS_DB --query "SELECT k, k * 2 AS \"Twice \"\"it\"\"\" FROM q WHERE k > 3; -- all;"
	exits 1 larder refresh --data "$HUB" q
	table q --connection-env ORDERS_DB --query "SELECT k, k * 2 AS \"Twice it\" FROM q WHERE k > 3;"
	same "$(outcome q)" updated
	same "$(ask q "SELECT count(*), sum(\"Twice it\") FROM q")" "[7,\"98\"]"
	for bad in "DELETE FROM q RETURNING k" "WITH d AS (DELETE FROM q RETURNING k) SELECT * FROM d" \
		"SELECT 1) AS q) TO PROGRAM '"'"'touch $PWD/hacked'"'"'; --" "SELECT 1 AS a, 2 AS a" "SELECT * FROM nosuch" "SELEC"; do
		table bad --connection-env ORDERS_DB --query "$bad"
		exits 1 larder refresh --data "$HUB" bad >out || { cat out; exit 1; }
		grep -q "failed: ." out
	done
	[ ! -e hacked ]
	same "$(sql "SELECT count(*) FROM q")" 10
'

ok 'PostgreSQL stopped in the middle of a read leaves the old version, and the next run brings the new' '
	start_postgres own
	OWN_DB=$POSTGRES_URL
	export OWN_DB
	sql "CREATE TABLE big AS SELECT 1 AS i, repeat('"'"'x'"'"', 100) AS t"
	table big --connection-env OWN_DB --query "SELECT i, t, pg_sleep(CASE WHEN i % 20000 = 19999 THEN 0.5 ELSE 0 END)::text s FROM big"
	same "$(outcome big)" updated
	before=$(sqlite "t.id='"'"'big'"'"'")
	sql "INSERT INTO big SELECT g, repeat('"'"'y'"'"', 100) FROM generate_series(2, 100000) g"
	start reading larder refresh --data "$HUB" big --json
	reading=$STARTED_PID
	wait_for "ls $HUB/.larder/staging/rf-*.parquet >/dev/null 2>&1"
	stop_postgres
	code=0
	wait $reading || code=$?
	same $code 1
	same "$(json reading.out .tables[0].outcome)" failed
	same "$(sqlite "t.id='"'"'big'"'"'")" "$before"
	same "$(ls "$HUB/.larder/staging")" ""
	restart_postgres own
	table big --connection-env OWN_DB --table big
	same "$(outcome big --accept-loss)" updated
	same "$(ask big "SELECT count(*) FROM big")" "[100000]"
'

ok 'a server that is away, a name that is wrong, too many bytes: each says so' '
	table away --connection "host=$PWD/nowhere" --table t
	exits 1 larder refresh --data "$HUB" away >out
	has out "connect to PostgreSQL"
	table away --connection-env ORDERS_DB --table "no.such"
	exits 1 larder refresh --data "$HUB" away >out
	has out "does not exist"
	table away --connection-env ORDERS_DB --query "SELECT generate_series(1, 1000000) AS i" --max-bytes 1M
	exits 1 larder refresh --data "$HUB" away >out
	has out "max_bytes"
	same "$(ls "$HUB/.larder/staging")" ""
	printf "%s\n" "$ORDERS_DB" >db.txt
	table away --connection-file "$PWD/db.txt" --query "SELECT 1 AS one"
	same "$(outcome away)" updated
'
