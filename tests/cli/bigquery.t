#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Tables of BigQuery through the hub and its cost guard, against a stand-in that checks every request.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/google.sh"

LARDER_HUB_REMOTE_SCAN=1M LARDER_HUB_REMOTE_DAILY=20M LARDER_HUB_QUERY_SECONDS=5
export LARDER_HUB_REMOTE_SCAN LARDER_HUB_REMOTE_DAILY LARDER_HUB_QUERY_SECONDS
jq -nc '{location: "EU", page_rows: 2,
	answers: [
		{contains: "sum(amount)", bytes: 5000, schema: {fields: [{name: "region", type: "STRING"}, {name: "total", type: "NUMERIC"},
			{name: "at", type: "TIMESTAMP"}, {name: "tags", type: "STRING", mode: "REPEATED"},
			{name: "place", type: "RECORD", fields: [{name: "lat", type: "FLOAT"}, {name: "raw", type: "BYTES"}]}]},
		 rows: [["north", "251167.500000000", "1767225600500000", [{v: "a"}, {v: "b"}], {f: [{v: "1.5"}, {v: "AGE="}]}],
			["it'"'"'s \"south\"", null, null, [], null],
			["west", "-1", "-1", [], {f: [{v: "NaN"}, {v: null}]}]]},
		{contains: "FROM orders, wide", bytes: 900000000, schema: {fields: []}, rows: []},
		{contains: "SELECT `day` FROM `orders`", bytes: 60, schema: {fields: [{name: "day", type: "DATE"}]}, rows: [["2026-01-02"], [null]]},
		{contains: "SELECT id", bytes: 4000, count: 50, rows: [["7"]], schema: {fields: [{name: "id", type: "INT64"}]}}],
	tables: {
		"shop.orders": {type: "TABLE", numRows: "12", numBytes: "3400", timePartitioning: {type: "DAY", field: "day"},
			clustering: {fields: ["country"]}, schema: {fields: [{name: "day", type: "DATE"}, {name: "country", type: "STRING"}]}},
		"shop.hidden": {type: "TABLE", schema: {fields: []}}, "shop.other": {type: "TABLE", schema: {fields: []}},
		"shop.wide": {type: "VIEW", numRows: "0", numBytes: "0", schema: {fields: [{name: "a", type: "INT64"}]}}}}' >google.data
start_google google
KEY_TEXT=$(cat google.account.json)
export KEY_TEXT
new_hub hub
printf 'k\n1\n' >k.csv
table() { # ID TABLE [MEMBER=TEXT]
	larder admin table add "$1" --mode remote
	larder admin table remote "$1" --engine bigquery --set dataset=shop --set table="$2" --set "${3:-key_file=$SHARED/google.account.json}"
}
(
	table orders orders
	table in.orders orders
	table wide wide
	table of-env orders key_env=KEY_TEXT
	table no-key orders key_file=/nowhere/key.json
	member readers bo@example.com
	larder admin token create --user bo@example.com --name t --scope read >bo.token
	larder publish here k.csv -q
	table hidden hidden
	table other other
	larder admin table remote other --engine bigquery --set dataset=shop --set table=other --set project=far-away --set key_file="$SHARED/google.account.json"
	for table in orders in.orders wide of-env no-key other here; do larder admin grant add readers "$table"; done
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
BO=$(cat bo.token)
export BO

ask() { # SQL [LIMIT]: prints the status; the reply is in reply.json
	jq -nc --arg sql "$1" --argjson limit "${2:-null}" '{sql: $sql} + (if $limit == null then {} else {limit: $limit} end)' >question.json
	status POST /api/query "$BO" @question.json
}
in_shared() { (cd "$SHARED" && "$@"); }

ok 'a table is asked where it stays, and every type comes as what it is' '
	same $(ask "SELECT region, sum(amount) AS total FROM orders") 200
	same "$(jq -c .columns reply.json)" "[\"region\",\"total\",\"at\",\"tags\",\"place\"]"
	same "$(jq -c .types reply.json)" "[\"VARCHAR\",\"DECIMAL(38,9)\",\"TIMESTAMPTZ\",\"VARCHAR[]\",\"STRUCT(\\\"lat\\\" DOUBLE, \\\"raw\\\" BLOB)\"]"
	grep -qF "[\"north\",251167.500000000,\"2026-01-01 00:00:00.5+00\",[\"a\",\"b\"],{\"lat\":1.5,\"raw\":\"\\\\x00a\"}]" reply.json
	same "$(jq -c ".rows[1]" reply.json)" "[\"it'\''s \\\"south\\\"\",null,null,[],null]"
	same "$(jq -c ".rows[2][4]" reply.json)" "{\"lat\":\"nan\",\"raw\":null}"
	same "$(jq -c "[.row_count, .truncated, .bytes_scanned]" reply.json)" "[3,false,5000]"
	same $(ask "SELECT region, sum(amount) FROM \"in.orders\"") 200
	has "$SHARED/google.log" "WITH \`in_orders\` AS (SELECT * FROM \`shop\`.\`orders\`)"
	same $(ask "SELECT region, sum(amount) FROM \"of-env\"") 200
	in_shared google_right google
'

path_of() { jq -c "[.detail.reason, .detail.path, .detail.expected_project]" reply.json; }
ok 'paths of BigQuery mean the tables that stay there, and no others' '
	asked=$(in_shared google_asked google dryrun)
	for name in "bq.shop.orders" "BQ.\"shop\".\"orders\"" "\`bq.shop.orders\`" "\`bq\`.shop.\`orders\`"; do
		same $(ask "SELECT region, sum(amount) AS total FROM $name") 200
		same "$(json reply.json ".tables | to_entries[0].value.id")" in.orders
	done
	has "$SHARED/google.log" "WITH \`bq_shop_orders\` AS (SELECT * FROM \`shop\`.\`orders\`) SELECT region, sum(amount) AS total FROM \`bq_shop_orders\`"
	same $(ask "SELECT id FROM \`far-away.shop.other\`") 200
	same $(ask "SELECT id FROM \`far-away\`.shop.other WHERE note = '\''bq.shop.hidden'\''") 200
	asked=$(in_shared google_asked google dryrun)
	same $(ask "SELECT id FROM bq.shop.hidden") 403
	same "$(path_of)" "[\"bq_path_not_registered\",\"bq.shop.hidden\",null]"
	sed s/hidden/nothing/g reply.json >wanted
	same $(ask "SELECT id FROM bq.shop.nothing") 403
	same "$(cat reply.json)" "$(cat wanted)"
	same $(ask "SELECT id FROM \`far-away.shop.nothing\`") 403
	same "$(path_of)" "[\"bq_path_not_registered\",\"far-away.shop.nothing\",null]"
	same $(ask "SELECT id FROM orders, \`elsewhere.shop.other\`") 403
	same "$(path_of)" "[\"bq_path_cross_project\",\"elsewhere.shop.other\",\"far-away\"]"
	same $(ask "SELECT k FROM here, bq.shop.orders") 400
	has reply.json in.orders
	same $(ask "SELECT id FROM a.b.c.d") 400
	same "$(in_shared google_asked google dryrun)" "$asked"
	in_shared google_right google
'

ok 'one token serves many questions, each is priced once and bounded' '
	before=$(in_shared google_asked google dryrun)
	ask "SELECT id FROM orders" 10
	same "$(in_shared google_asked google token)" 1
	same "$(in_shared google_asked google dryrun)" $((before + 1))
	has "$SHARED/google.log" "\"maximumBytesBilled\":\"10485760\""
	same "$(jq -c "[.row_count, .truncated, .truncated_by]" reply.json)" "[10,true,\"rows\"]"
	same "$(larder query --remote --token "$BO" --format csv --limit 0 "SELECT id FROM orders" | wc -l)" 51
	in_shared google_right google
'

ok 'a statement over the limit is refused with its price, and never run' '
	before=$(in_shared google_asked google insert)
	priced=$(in_shared google_asked google dryrun)
	same $(ask "SELECT k FROM here") 200
	same "$(in_shared google_asked google dryrun)" $priced
	same $(ask "SELECT * FROM orders, wide") 400
	same "$(in_shared google_asked google dryrun)" $((priced + 1))
	same "$(jq -c "[.detail.reason, .detail.scan_bytes, .detail.limit_bytes, .detail.tables]" reply.json)" \
		"[\"remote_scan_too_large\",900000000,1048576,[\"shop.orders\",\"shop.wide\"]]"
	same "$(in_shared google_asked google insert)" $before
'

ok 'what goes wrong at the source is told, with whose fault it is' '
	same $(ask "SELECT nothing FROM orders") 400
	same "$(jq -r .detail.kind reply.json)" remote_estimate_failed
	has reply.json "Syntax error"
	same $(ask "SELECT id FROM \"no-key\"") 502
	same "$(jq -r .detail.kind reply.json)" not_configured
	has reply.json "/nowhere/key.json"
	in_shared google_plan google "dryrun - status:403:accessDenied"
	same $(ask "SELECT id FROM orders") 502
	same "$(jq -c "[.detail.reason, .detail.kind]" reply.json)" "[\"forbidden\",\"bq_forbidden\"]"
	in_shared google_plan google "dryrun - bytes:many"
	same $(ask "SELECT id FROM orders") 502
	same "$(jq -r .detail.kind reply.json)" bq_upstream_error
	in_shared google_plan google "results - endless"
	code=$(ask "SELECT id FROM orders" || :)
	case $code in 502 | 200) ! jq -e .row_count reply.json >/dev/null 2>&1 ;; *) exit 1 ;; esac
	in_shared google_plan google
	! grep -rq "PRIVATE KEY" "$SHARED/hub" "$SHARED"/hub.err "$SHARED"/hub.out reply.json 2>/dev/null
'

ok 'what passes is tried again, and a withdrawn token is replaced' '
	in_shared google_plan google "results 1 status:503:backendError" "insert 1 late:500:internalError" "dryrun 1 expired"
	same $(ask "SELECT id FROM orders") 200
	same "$(json reply.json .row_count)" 50
	in_shared google_plan google
'

ok 'who leaves takes the job along' '
	in_shared google_plan google "results - running"
	ask "SELECT id FROM orders" >/dev/null 2>&1 &
	client=$!
	before=$(in_shared google_asked google cancel)
	wait_for "[ $(in_shared google_asked google results) -lt \$(in_shared google_asked google results) ]"
	pkill -P $client curl || kill $client
	wait_for "[ \$(in_shared google_asked google cancel) -gt $before ]"
	in_shared google_plan google
'

ok 'a place is described by words, never by a secret' '
	larder admin table remote orders >shown
	has shown shop
	hasnt shown "PRIVATE KEY"
	larder admin table add t --mode remote
	exits 2 larder admin table remote t --engine bigquery --set dataset=shop --set table=t 2>err
	has err key_file
	exits 2 larder admin table remote t --engine bigquery --set dataset=shop --set "table=events_*" --set key_file=/k 2>err
	has err "not a pattern"
'

ok 'what BigQuery says of its tables is looked up, and a failure leaves what was known' '
	for again in 1 2; do
		same $(status GET /api/v2/catalog "$BO") 200
		same "$(jq -c ".tables[] | select(.id == \"orders\") | [.rows, .clustered_by, .metadata_freshness, .where_examples]" reply.json)" "[null,[],\"never_fetched\",[]]"
	done
	same "$(in_shared google_asked google table)" 0
	same $(status GET /api/v2/metadata-cache/status) 401
	same $(status GET /api/v2/metadata-cache/status "$BO") 200
	same "$(jq -c "[.fresh_threshold_seconds == 2 * .scheduler_interval_seconds, (.server_time | length) > 0, ([.tables[].table_id] == ([.tables[].table_id] | sort))]" reply.json)" "[true,true,true]"
	exits 1 larder metadata --data "$SHARED/hub" --json >done.json
	same "$(jq -c "[.succeeded, .failed]" done.json)" "[6,1]"
	same $(status GET /api/v2/metadata-cache/status "$BO") 200
	row() { jq -c ".tables[] | select(.table_id == \"$1\") | $2" reply.json; }
	same "$(row orders "[.rows, .size_bytes, .partition_by, .clustered_by, .entity_type, .known_columns, .metadata_freshness]")" \
		"[12,3400,\"day\",[\"country\"],\"BASE TABLE\",[\"day\",\"country\"],\"fresh\"]"
	same "$(row wide "[.rows, .size_bytes, .entity_type, .known_columns]")" "[null,null,\"VIEW\",[\"a\"]]"
	same "$(row no-key "[.rows, .metadata_freshness]")" "[null,\"error\"]"
	in_shared google_plan google "table - status:403:accessDenied"
	exits 1 larder metadata --data "$SHARED/hub" --json >done.json
	in_shared google_plan google
	same $(status GET /api/v2/metadata-cache/status "$BO") 200
	same "$(row orders "[.rows, .metadata_freshness]")" "[12,\"fresh\"]"
	row orders .error_msg | grep -q "told to fail"
	# With it known to be a view, the advice names it.
	same $(ask "SELECT * FROM orders, wide") 400
	same "$(jq -c .detail.view_targets reply.json)" "[\"wide\"]"
	# ... and columns, a statement over tables here and there brings no more of them than it names.
	same $(ask "SELECT k, day + k::INTEGER AS next FROM here, orders o WHERE o.day IS NOT NULL") 200
	same "$(jq -c "[.rows, .bytes_scanned > 60]" reply.json)" "[[[1,\"2026-01-03\"]],true]"
	in_shared google_right google
'

ok 'an extract has the types of its source, nested ones too' '
	sed -i "s/sum(amount)/shop/" "$SHARED/google.data"
	larder init ws --server "$HUB_URL" --token "$BO" >/dev/null 2>&1
	cd ws
	larder snapshot create extract --table orders -q
	larder query --json "FROM extract ORDER BY region" >out
	same "$(jq -c .types out)" "[\"VARCHAR\",\"DECIMAL(38,9)\",\"TIMESTAMP WITH TIME ZONE\",\"VARCHAR[]\",\"STRUCT(lat DOUBLE, raw BLOB)\"]"
	same "$(jq -c ".rows[1][3:]" out)" "[[\"a\",\"b\"],{\"lat\":1.5,\"raw\":\"\\\\x00a\"}]"
	same "$(jq -c ".rows[2][4]" out)" "{\"lat\":\"nan\",\"raw\":null}"
	sed -i "s/\"shop\",\"bytes\"/\"sum(amount)\",\"bytes\"/" "$SHARED/google.data"
'
