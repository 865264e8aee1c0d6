#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Tables that stay at their source: a real PostgreSQL server, asked through the hub and its cost guard.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/postgres.sh"
need_postgres
start_postgres pg || exit 1
SHOP=$POSTGRES_URL
LARDER_HUB_REMOTE_SCAN=1M LARDER_HUB_REMOTE_DAILY=0 LARDER_HUB_REMOTE_QUERIES=1 LARDER_HUB_QUERY_SECONDS=5 LARDER_HUB_QUERIES=1
export LARDER_HUB_QUERIES SHOP LARDER_HUB_REMOTE_SCAN LARDER_HUB_REMOTE_DAILY LARDER_HUB_REMOTE_QUERIES LARDER_HUB_QUERY_SECONDS
new_hub hub
remote() { # ID TABLE [ENV]
	larder admin table add "$1" --mode remote
	larder admin table remote "$1" --engine postgres --set connection_env="${3:-SHOP}" --set table="$2"
}
(
	sql "CREATE SCHEMA shop; CREATE SCHEMA hidden;
		CREATE TABLE shop.orders(id int PRIMARY KEY, region text, amount numeric(9,2), day date, \"Mixed\" int, note text);
		INSERT INTO shop.orders SELECT i, CASE WHEN i % 2 = 0 THEN 'north' ELSE 'south' END, i * 1.5, DATE '2026-01-01' + i % 30, i, 'it''s' FROM generate_series(1, 1000) i;
		CREATE TABLE shop.big AS SELECT i, repeat('x', 200) AS pad FROM generate_series(1, 20000) i;
		CREATE INDEX ON shop.big(i);
		CREATE VIEW shop.wide AS SELECT * FROM shop.big;
		CREATE VIEW shop.sleepy AS SELECT 1 AS i, pg_sleep(60)::text AS z;
		CREATE TABLE hidden.secret AS SELECT 'XSECRETX' AS secret;
		CREATE TABLE public.\"Odd.name\"(a int);
		CREATE TABLE shop.kinds(b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(12,3), t text, d date, ts timestamp, tz timestamptz, u uuid, bin bytea, j jsonb, a int[], e interval);
		INSERT INTO shop.kinds VALUES (true, -3, 9223372036854775807, 1.5, 0.1, 12.125, E'a \"b\"\n', '2024-02-29', '2024-01-01 10:00', '2024-01-01 10:00+05:30', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff', '{\"k\": 1}', '{1,NULL,3}', '1 day 2 hours');
		INSERT INTO shop.kinds(b) VALUES (NULL), (NULL);
		UPDATE shop.kinds SET f8 = 'NaN', f4 = '-Infinity', b = false WHERE t IS NULL;
		ANALYZE" || exit 1
	remote orders shop.orders
	remote big shop.big
	remote wide shop.wide
	remote secret hidden.secret
	remote kinds shop.kinds
	remote shop.dotted shop.orders
	remote elsewhere shop.orders OTHER
	remote gone shop.nothing
	remote sleepy shop.sleepy
	larder admin table add nowhere --mode remote
	printf 'k\n1\n' >k.csv
	larder publish here k.csv -q
	member readers bo@example.com
	larder admin token create --user bo@example.com --name t --scope read >bo.token
	for table in orders big wide kinds shop.dotted elsewhere gone nowhere here; do
		larder admin grant add readers "$table"
	done
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
BO=$(cat bo.token)
export BO

ask() { # SQL [LIMIT]: prints the status; the reply is in reply.json
	jq -nc --arg sql "$1" --argjson limit "${2:-null}" '{sql: $sql} + (if $limit == null then {} else {limit: $limit} end)' >question.json
	status POST /api/query "${TOKEN:-$BO}" @question.json
}
rows() { jq -c .rows reply.json; }
detail() { jq -r ".detail.$1" reply.json; }

ok 'a remote table is asked where it stays, in the answer that local ones have' '
	same $(ask "SELECT region, count(*) AS n, sum(amount) AS total FROM orders WHERE day >= DATE '\''2026-01-10'\'' GROUP BY region ORDER BY region") 200
	same "$(rows)" "[[\"north\",334,251167.50],[\"south\",334,250665.00]]" || rows
	same "$(jq -c "[.columns, .types]" reply.json)" "[[\"region\",\"n\",\"total\"],[\"VARCHAR\",\"BIGINT\",\"DOUBLE\"]]"
	same "$(jq -c "[.row_count, .truncated, .tables.orders.id, .tables.orders.version]" reply.json)" "[2,false,\"orders\",null]"
	test "$(json reply.json .bytes_scanned)" -gt 8000
	same "$(larder query --remote --token "$BO" --format csv "SELECT \"Mixed\", note FROM orders -- it'\''s
		WHERE id = 7" | tr -d "\r")" "Mixed,note
7,it'\''s"
'

ok 'every type comes as what it is' '
	same $(ask "SELECT * FROM kinds ORDER BY t") 200
	same "$(jq -c ".rows[0]" reply.json)" "[true,-3,9223372036854775807,1.5,0.1,12.125,\"a \\\"b\\\"\\n\",\"2024-02-29\",\"2024-01-01 10:00:00\",\"2024-01-01 04:30:00+00\",\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\",\"00ff\",\"{\\\"k\\\": 1}\",\"[1,null,3]\",\"P1DT2H\"]" || jq -c ".rows[0]" reply.json
	same "$(jq -c ".rows[1][0:6]" reply.json)" "[false,null,null,\"-inf\",\"nan\",null]"
	same "$(jq -c ".types[5]" reply.json)" "\"DECIMAL(12,3)\""
	same $(ask "SELECT a.id, b.id FROM orders a JOIN orders b ON a.id = b.id WHERE a.id < 3 ORDER BY 1") 200
	same "$(rows)" "[[1,1],[2,2]]"
'

ok 'rows and bytes are cut as they are of local tables' '
	same $(ask "SELECT id FROM orders ORDER BY id" 3) 200
	same "$(jq -c "[.rows, .truncated, .truncated_by]" reply.json)" "[[[1],[2],[3]],true,\"rows\"]"
	same $(ask "SELECT id FROM orders" 1000) 200
	same "$(json reply.json .truncated)" false
'

ok 'names are those of the registry, in every spelling, and WITH names are not tables' '
	same $(ask "SELECT count(*) FROM ORDERS o JOIN \"Orders\" p USING (id)") 200
	same $(ask "SELECT count(*) FROM shop.dotted JOIN \"shop.dotted\" x USING (id) JOIN main.orders y USING (id)") 200
	same $(ask "WITH q AS (SELECT id FROM orders), secret AS (SELECT 1 AS one) SELECT count(*) FROM q, secret") 200
	same "$(rows)" "[[1000]]"
	same $(ask "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT count(*) FROM n, orders") 200
	same "$(rows)" "[[5000]]"
	same $(ask "SELECT \`id\` FROM \`orders\` WHERE region LIKE '\''nor%'\'' AND \`day\` - INTERVAL '\''1 day'\'' > TIMESTAMP '\''2026-01-20'\'' LIMIT 1") 200
'

cat >hostile <<"END"
SELECT * FROM secret
SELECT * FROM orders, secret
SELECT * FROM hidden.secret
SELECT id FROM orders UNION SELECT 1 FROM hidden.secret
SELECT (SELECT secret FROM hidden.secret) FROM orders
SELECT $$ $$, id FROM orders WHERE id IN (SELECT 1 FROM secret)
SELECT E' FROM hidden.secret --' FROM orders
SELECT U&'\0041' FROM orders
SELECT * FROM orders; SELECT * FROM hidden.secret
SELECT query_to_xml('SELECT * FROM hidden.secret', true, true, '') FROM orders
SELECT pg_read_file('/etc/passwd') FROM orders
SELECT pg_sleep(10) FROM orders
SELECT lo_import('/etc/passwd') FROM orders
SELECT set_config('role', 'larder', false) FROM orders
SELECT current_setting('data_directory') FROM orders
SELECT dblink('x', 'y') FROM orders
SELECT nextval('shop.x') FROM orders
SELECT * FROM orders, pg_catalog.pg_class
SELECT * FROM orders, pg_class
SELECT * FROM orders, information_schema.tables
INSERT INTO orders VALUES (1)
DELETE FROM orders
WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x
SELECT * INTO hidden.t FROM orders
SELECT * FROM orders FOR UPDATE
SELECT * FROM orders, (TABLE hidden.secret) x
SELECT * FROM here, (SELECT pg_read_file('/etc/passwd') FROM orders) x
SELECT * FROM here, orders, secret
END
ok 'what was not granted cannot be reached, whatever the text' '
	i=0
	while IFS= read -r statement; do
		i=$((i + 1))
		code=$(ask "$statement")
		case $code in 400 | 403 | 404 | 409) ;; *) echo "$code: $statement" >&2; cat reply.json >&2; exit 1 ;; esac
		! grep -q XSECRETX reply.json || { echo "leaked: $statement" >&2; exit 1; }
	done <"$SHARED/hostile"
	test $i -gt 20
	same $(ask "SELECT * FROM secret") 404
	same "$(sql "SELECT count(*) FROM shop.orders")" 1000
'

ok 'a statement over the limit is refused with its price, its tables and advice that names views' '
	same $(ask "SELECT count(pad) FROM big") 400
	same "$(detail reason)" remote_scan_too_large
	same "$(detail limit_bytes)" 1048576
	test "$(detail scan_bytes)" -gt 4000000
	same "$(jq -c "[.detail.tables, .detail.view_targets, .code]" reply.json)" "[[\"shop.big\"],[],\"limit\"]"
	detail suggestion | grep -q "larder snapshot create"
	# The price is that of the statement, not of its tables.
	same $(ask "SELECT pad FROM big WHERE i BETWEEN 3 AND 5") 200
	same "$(json reply.json .row_count)" 3
	test "$(json reply.json .bytes_scanned)" -lt 4000
	sql "INSERT INTO shop.nothing VALUES (1)" 2>/dev/null || :
	larder query --remote --token "$BO" "SELECT count(pad) FROM big" 2>err && exit 1
	has err "the statement would read"
	has err "larder snapshot create"
'

ok 'what the source says of a statement is told, and whose fault it is' '
	same $(ask "SELECT nothing FROM orders") 400
	same "$(detail kind)" remote_estimate_failed
	detail message | grep -q "nothing"
	same $(ask "SELECT 1 / (id - 1) FROM orders") 400
	same "$(detail kind)" remote_query_failed
	same $(ask "SELECT * FROM gone") 400
	same "$(detail kind)" remote_estimate_failed
	same $(ask "SELECT * FROM elsewhere") 502
	same "$(detail kind)" not_configured
	detail message | grep -q "OTHER"
	same $(ask "SELECT * FROM nowhere") 409
	same $(TOKEN=$LARDER_TOKEN ask "SELECT * FROM sleepy") 413
	has reply.json "time is over"
	same "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\''larder'\'' AND state = '\''active'\''")" 0
	same $(ask "SELECT * FROM orders, elsewhere") 409
	json reply.json .detail | grep -q "different sources"
'

ok 'tables here and there are asked together: what is named of the remote one is brought, priced and within rights' '
	same $(ask "SELECT h.k, o.region, count(*) AS n FROM here h, orders o GROUP BY ALL ORDER BY 2") 200
	same "$(rows)" "[[1,\"north\",500],[1,\"south\",500]]"
	same "$(jq -c "[.tables.orders.version, (.tables.here.version | length)]" reply.json)" "[null,64]"
	test "$(json reply.json .bytes_scanned)" -gt 8000
	same $(ask "SELECT a.id, b.\"Mixed\", \$\$it is\$\$ FROM here JOIN orders a ON a.id = k JOIN shop.dotted b USING (id)") 200
	same "$(rows)" "[[1,1,\"it is\"]]"
	same $(ask "SELECT o FROM orders o, here WHERE id = 2 * k") 200
	same "$(jq -c ".rows[0][0].note" reply.json)" "\"it'\''s\""
	same $(ask "SELECT t, n, d, tz FROM kinds, here WHERE t IS NOT NULL") 200
	same "$(jq -c ".rows[0][1:3]" reply.json)" "[12.125,\"2024-02-29\"]"
	same $(ask "WITH s AS (SELECT * FROM big) SELECT count(*) FROM s, here") 400
	same "$(jq -c "[.detail.reason, .detail.tables]" reply.json)" "[\"remote_scan_too_large\",[\"shop.big\"]]"
	same $(ask "SELECT * FROM secret, here") 404
	same $(ask "SELECT * FROM gone, here") 400
	same "$(detail kind)" remote_estimate_failed
	same $(ask "SELECT * FROM orders, elsewhere, here") 409
	same $(ask "SELECT nothing FROM orders, here") 400
	same "$(ls "$SHARED/hub/.larder/staging" "$SHARED/hub/.larder/rooms" | grep -c scan-)" 0
'

ok 'limited rights to a remote table are refused, not ignored' '
	larder admin table add narrow --mode remote
	larder admin table remote narrow --engine postgres --set connection_env=SHOP --set table=shop.orders
	exits 3 larder admin grant add readers narrow --where "region = '\''north'\''" --columns id 2>err
	has err "a view of its source"
	same $(ask "SELECT * FROM narrow") 404
	# Limits that were given before the table became remote: nothing of it, in any way.
	printf "id,region\n1,north\n2,south\n" >n.csv
	larder publish was-here n.csv -q
	larder admin grant add readers was-here --columns id
	same $(ask "FROM \"was-here\"") 200
	same "$(status PATCH /api/admin/registry/was-here "$LARDER_TOKEN" "{\"query_mode\":\"remote\"}")" 200
	larder admin table remote was-here --engine postgres --set connection_env=SHOP --set table=shop.orders
	larder metadata --data "$SHARED/hub" was-here
	for question in "SELECT id FROM \"was-here\"" "SELECT \"was-here\".id FROM \"was-here\", here"; do
		same $(ask "$question") 403
		json reply.json .hint
	done
	same "$(status POST /api/v2/scan "$BO" "{\"table_id\":\"was-here\"}")" 403
	same "$(status POST /api/v2/scan/estimate "$BO" "{\"table_id\":\"was-here\"}")" 403
	same "$(status GET /api/v2/sample/was-here "$BO")" 403
	for path in catalog schema/was-here metadata-cache/status; do
		same "$(status GET /api/v2/$path "$BO")" 200
		hasnt reply.json amount
		same "$(jq -c "(.tables // [.])[] | select(.id == \"was-here\" or .table_id == \"was-here\") | [.rows, .size_bytes, .partition_by, .clustered_by]" reply.json)" "[null,null,null,[]]"
	done
	same "$(status GET /api/v2/schema/was-here "$LARDER_TOKEN")" 200
	has reply.json amount
'

ok 'an extract is sent as Parquet, and whoever takes only Arrow is told so' '
	scan() { curl -sS -o scan.out -w "%{http_code} %{content_type}" -H "Authorization: Bearer $BO" "$@" "$HUB_URL/api/v2/scan"; }
	body="{\"table_id\":\"orders\",\"select\":[\"id\",\"region\"],\"where\":\"id <= 3\",\"order_by\":[\"id desc\"],\"limit\":2}"
	same "$(scan -d "$body")" "200 application/vnd.apache.parquet"
	same "$(head -c 4 scan.out)" PAR1
	same "$(scan -d "$body" -H "Accept: application/vnd.apache.arrow.stream")" "406 application/json"
	same "$(scan -d "$body" -H "Accept: application/vnd.apache.arrow.stream, */*;q=0.1")" "200 application/vnd.apache.parquet"
	same "$(scan -d "{\"table_id\":\"orders\",\"where\":\"id IN (SELECT k FROM here)\"}")" "409 application/json"
	same "$(scan -d "{\"table_id\":\"orders\",\"where\":\"id IN (SELECT 1 FROM secret)\"}")" "404 application/json"
	same "$(scan -d "{\"table_id\":\"orders\",\"limit\":0}")" "400 application/json"
'

ok 'a place is described by words, never by a secret' '
	larder admin table remote orders >shown
	has shown shop.orders
	exits 2 larder admin table remote orders --engine postgres --set connection="postgresql://u:pw@h/db" --set table=t 2>err
	has err "password"
	exits 2 larder admin table remote orders --engine oracle --set table=t 2>err
	has err "postgres"
	exits 2 larder admin table remote orders --engine postgres --set connection_env=SHOP --set tabel=t 2>err
	has err tabel
	exits 3 larder admin table remote here --engine postgres --set connection_env=SHOP --set table=t
	larder admin table remote shop.dotted --remove
	same $(ask "SELECT * FROM shop.dotted") 409
'


ok 'what sources say of their tables is looked up, and stays when they do not answer' '
	exits 1 larder metadata --data "$SHARED/hub" --json >done.json
	same "$(jq -c "[.failed, .no_data > 0, .total == .succeeded + .no_data + .failed]" done.json)" "[2,true,true]"
	same "$(status GET /api/v2/catalog "$BO")" 200
	row() { jq -c ".tables[] | select(.id == \"$1\" or .table_id == \"$1\") | $2" reply.json; }
	same "$(row orders "[.rows, .entity_type, .sql_flavor, .metadata_freshness]")" "[1000,\"BASE TABLE\",\"postgres\",\"fresh\"]"
	test "$(row big .size_bytes)" -gt 4000000
	same "$(row wide "[.rows, .size_bytes, .entity_type]")" "[null,null,\"VIEW\"]"
	same "$(row elsewhere "[.rows, .metadata_freshness]")" "[null,\"error\"]"
	status GET /api/v2/schema/orders "$BO" >schema.status
	same "$(jq -c "[.columns[0:3][] | [.name, .type]]" reply.json)" "[[\"id\",\"INTEGER\"],[\"region\",\"VARCHAR\"],[\"amount\",\"DECIMAL(9,2)\"]]"
	same "$(status GET "/api/v2/sample/orders?n=2" "$BO")" 200
	same "$(json reply.json .row_count)" 2
	# A view is named where a statement over it is too large.
	same $(ask "SELECT count(pad) FROM wide LIMIT 1") 400
	same "$(jq -c .detail.view_targets reply.json)" "[\"wide\"]"
	detail suggestion | grep "VIEW" | grep -q "LIMIT"
	# A lock on the table hides its size; the rest is new, and what was known of the size stays.
	sql "ALTER TABLE shop.big ADD COLUMN later int"
	start locked "$POSTGRES_BIN/psql" --no-psqlrc -c "BEGIN; LOCK TABLE shop.big IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)"
	wait_for "test \"\$(sql \"SELECT count(*) FROM pg_locks WHERE mode = '\''AccessExclusiveLock'\'' AND granted AND relation = '\''shop.big'\''::regclass\")\" = 1"
	same "$(status POST "/api/v2/metadata-cache/refresh?table=big" "$LARDER_TOKEN")" 200
	same "$(json reply.json .ok)" false
	kill "$STARTED_PID"
	status GET /api/v2/metadata-cache/status "$BO" >status.status
	test "$(row big .size_bytes)" -gt 4000000
	row big .known_columns | grep -q later
	row big .error_msg | grep -q "lock"
	same "$(status POST "/api/v2/metadata-cache/refresh?table=here" "$LARDER_TOKEN")" 400
	same "$(status POST "/api/v2/metadata-cache/refresh?table=nosuch" "$LARDER_TOKEN")" 404
	# A source that is gone: all stays as it was, and says since when.
	larder admin table remote orders --engine postgres --set connection_env=OTHER --set table=shop.orders
	same "$(status POST "/api/admin/run-bq-metadata-refresh" "$LARDER_TOKEN")" 200
	same "$(jq -c "[.total > 4, .failed > 1, .duration_ms >= 0]" reply.json)" "[true,true,true]"
	same "$(status POST "/api/admin/run-bq-metadata-refresh" "$BO")" 403
	same "$(status POST "/api/v2/metadata-cache/refresh?table=big" "$BO")" 403
	status GET /api/v2/catalog "$BO" >catalog.status
	same "$(row orders "[.rows, .entity_type]")" "[1000,\"BASE TABLE\"]"
	larder admin table remote orders --engine postgres --set connection_env=SHOP --set table=shop.orders
'

ok 'what a user may spend at once and in a day are rows that a restart keeps' '
	same $(ask "SELECT count(*) FROM orders") 200
	stop_hub
	LARDER_HUB_REMOTE_DAILY=1000K
	export LARDER_HUB_REMOTE_DAILY
	start_hub "$SHARED/hub"
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
	# The tables of the hub are small: ten statements over one of them spend the day.
	for i in $(seq 1 40); do
		code=$(ask "SELECT count(*) FROM orders")
		[ "$code" = 200 ] || break
	done
	same "$code" 429
	same "$(jq -c "[.detail.reason, .detail.kind, .detail.limit, .code]" reply.json)" "[\"daily_byte_cap_exceeded\",\"daily_bytes\",1024000,\"busy\"]"
	test "$(detail retry_after_seconds)" -gt 0
	grep -qi "^retry-after:" reply.head
	stop_hub KILL
	LARDER_HUB_QUERY_SECONDS=60
	start_hub "$SHARED/hub"
	LARDER_SERVER=$HUB_URL
	same $(ask "SELECT count(*) FROM orders") 429
	# Also for extracts, and before a source is asked: that one could only say that it is not configured.
	same "$(status POST /api/v2/scan "$BO" "{\"table_id\":\"orders\"}")" 429
	same $(ask "SELECT * FROM elsewhere") 429
	same $(ask "SELECT * FROM orders, here") 429
	same $(ask "SELECT count(*) FROM here") 200
	same $(TOKEN=$LARDER_TOKEN ask "SELECT count(*) FROM orders") 200
	# One statement at a time: the second is told so, and runs when the first has left.
	asleep() { wait_for "test \"\$(sql \"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '\''%sleepy%'\'' AND application_name = '\''larder'\'' AND state = '\''active'\''\")\" = $1"; }
	for statement in "SELECT * FROM sleepy, here" "SELECT * FROM sleepy"; do
		start first curl -sS -H "Authorization: Bearer $LARDER_TOKEN" -d "{\"sql\": \"$statement\"}" "$HUB_URL/api/query"
		asleep 1
		# The hub runs one query at a time: a source that is slow must not be the one.
		same $(TOKEN=$LARDER_TOKEN ask "SELECT count(*) FROM here") 200
		same $(TOKEN=$LARDER_TOKEN ask "SELECT count(*) FROM orders") 429
		same "$(jq -c "[.detail.reason, .detail.kind, .detail.current, .detail.limit]" reply.json)" "[\"concurrent_slot_exceeded\",\"concurrent_scans\",1,1]"
		# Who leaves ends it at its source.
		! gone "$STARTED_PID"
		kill "$STARTED_PID"
		asleep 0
		until [ "$(TOKEN=$LARDER_TOKEN ask "SELECT count(*) FROM orders")" = 200 ]; do
			same "$(detail reason)" concurrent_slot_exceeded
		done
	done
'
