#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder snapshot: extracts of a table that stays in a real PostgreSQL server, in a workspace that also pulls.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/postgres.sh"
need_postgres
start_postgres pg || exit 1
SHOP=$POSTGRES_URL
LARDER_HUB_REMOTE_SCAN=1M
export SHOP LARDER_HUB_REMOTE_SCAN
new_hub hub
(
	sql "CREATE TABLE orders(id int PRIMARY KEY, region text, amount numeric(9,2), day date, note text, bin bytea);
		INSERT INTO orders SELECT i, CASE WHEN i % 2 = 0 THEN 'north' ELSE 'south' END, i * 1.5, DATE '2026-01-01' + i % 30, CASE WHEN i > 3 THEN E'a \"b\",\n\\\\N' WHEN i = 1 THEN E'\\\\N' WHEN i = 2 THEN '' END, '\\x00ff' FROM generate_series(1, 400) i;
		CREATE TABLE big AS SELECT i, repeat('x', 200) AS pad FROM generate_series(1, 20000) i; ANALYZE"
	for table in orders big; do
		larder admin table add $table --mode remote
		larder admin table remote $table --engine postgres -s connection_env=SHOP -s table=$table
	done
	printf 'region,manager\nnorth,ann\nsouth,bo\n' >managers.csv
	larder publish managers managers.csv -q
	member readers bo@example.com
	larder admin token create --user bo@example.com --name t --scope read >bo.token
	for table in orders big managers; do
		larder admin grant add readers $table
	done
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_ADMIN=$LARDER_TOKEN
LARDER_TOKEN=$(cat bo.token)
export LARDER_ADMIN LARDER_TOKEN
new_workspace ready "$HUB_URL" && larder pull --workspace ready -q || exit 1

workspace() {
	cp -a "$SHARED/ready" ws
	LARDER_WORKSPACE=$PWD/ws
	export LARDER_WORKSPACE
}
as_admin() { LARDER_TOKEN=$LARDER_ADMIN "$@"; }
ask() { larder query --format csv "$1" | tr -d '\r' | tail -n +2; }

ok 'an extract is a table of the workspace, with the types of its source, beside the others' '
	workspace
	larder snapshot create north --table orders --where "region = '\''north'\''" --select id,amount,day,region --order-by -id --json >done.json
	same "$(json done.json .rows)" 200
	same "$(ask "SELECT id, amount, day FROM north LIMIT 1")" "400,600.00,2026-01-11"
	same "$(ask "SELECT manager, sum(amount) FROM north JOIN managers USING (region) GROUP BY 1")" "ann,60300.00"
	same "$(ask "SELECT typeof(amount), typeof(day), typeof(id) FROM north LIMIT 1" | tr -d "\"")" "DECIMAL(9,2),DATE,INTEGER"
	larder snapshot create all_of --table orders -q
	same "$(ask "SELECT count(*), count(note), count(*) FILTER (note = '\'''\''), count(*) FILTER (note = '\''\\N'\''), octet_length(first(bin)) FROM all_of")" "400,399,1,1,2"
	larder snapshot create few --table orders --limit 3 -q
	same "$(ask "SELECT count(*) FROM few")" 3
	larder snapshot list --json >list.json
	same "$(jq -c "[.snapshots[] | [.name, .table, .rows]]" list.json)" "[[\"all_of\",\"orders\",400],[\"few\",\"orders\",3],[\"north\",\"orders\",200]]"
	same "$(jq -r ".snapshots[2].request.where" list.json)" "region = '\''north'\''"
	larder verify -q
'

ok 'a price reads nothing, and what is too large is refused with advice' '
	workspace
	larder snapshot create b --table big --estimate --json >price.json
	test "$(json price.json .estimated_scan_bytes)" -gt 4000000
	same "$(json price.json .estimated_result_rows)" 20000
	same "$(jq -c "[.table_id, .estimated_result_bytes, .bq_cost_estimate_usd]" price.json)" "[\"big\",null,null]"
	larder snapshot create b --table big --estimate | grep -q "nothing was read"
	exits 2 larder snapshot create b --table big 2>err
	has err "would read"
	same "$(larder snapshot list --json | jq ".snapshots | length")" 0
	exits 2 larder snapshot create n --table orders --where "nothing = 1" 2>err
	has err nothing
	exits 1 larder snapshot create n --table nosuch 2>err
	exits 2 larder snapshot create n --table managers 2>err
	has err "not remote"
	exits 2 larder snapshot create "1n" --table orders 2>err
	exits 3 larder snapshot create managers --table orders 2>err
	has err "another name"
	larder snapshot create n --table orders --limit 1 -q
	exits 3 larder snapshot create n --table orders 2>err
	has err refresh
	exits 1 larder snapshot refresh nosuch 2>err
	exits 1 larder snapshot drop managers 2>err
	ls ws/.larder/staging >left
	same "$(cat left)" ""
'

ok 'pulls leave an extract alone, until its table is withdrawn' '
	workspace
	larder snapshot create north --table orders --where "region = '\''north'\''" -q
	larder pull -q
	printf "region,manager\nnorth,cy\n" >m.csv
	as_admin larder publish managers m.csv -q
	larder pull -q
	same "$(ask "SELECT count(*), any_value(manager) FROM north JOIN managers USING (region)")" "200,cy"
	sql "DELETE FROM orders WHERE id > 300"
	larder snapshot refresh north -q
	same "$(ask "SELECT count(*) FROM north")" 150
	grant=$(as_admin larder admin grant list --json | jq -r ".grants[] | select(.resource_id == \"orders\") | .id")
	as_admin larder admin grant remove "$grant"
	exits 1 larder snapshot refresh north -q 2>err
	has err "not found"
	same "$(ask "SELECT count(*) FROM north")" 150
	file=$(readlink -f ws/server/parquet/north.parquet)
	larder pull -q
	! larder query "SELECT count(*) FROM north" 2>/dev/null
	[ ! -e "$file" ]
	same "$(larder snapshot list --json | jq ".snapshots | length")" 0
	exits 1 larder snapshot create north --table orders -q 2>err
	as_admin larder admin grant add readers orders
	larder snapshot create north --table orders -q
	larder snapshot drop north
	[ ! -e ws/server/parquet/north.parquet ]
	larder verify -q
'

ok 'killed or failing at each durable step, an extract is there as a whole or not at all' '
	for kind in CRASH_AT FAIL_AT; do
		at=0
		stride=$(every 3)
		[ $kind = CRASH_AT ] || stride=$(every 8)
		while :; do
			at=$((at + stride))
			rm -rf ws
			workspace
			code=0
			with=ENOSPC
			[ $((at % 2)) = 0 ] || with=EIO
			env LARDER_$kind=$at LARDER_FAIL_WITH=$with larder snapshot create n --table orders --limit 5 -q >/dev/null 2>err || code=$?
			n=$(larder snapshot list --json | jq ".snapshots | length")
			case $n in
			0) ! larder query "SELECT count(*) FROM n" 2>/dev/null ;;
			1) same "$(ask "SELECT count(*) FROM n")" 5 ;;
			*) exit 1 ;;
			esac
			larder pull -q
			larder verify -q
			same "$(ls ws/.larder/staging)" ""
			[ $code != 0 ] || break
		done
		test $at -gt 5
	done
'
