#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Grants of some rows or columns: what such a caller gets is an excerpt, and nothing else of the table in any way.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

# Words that stand only in rows or columns that a group must not see.
new_hub hub
(
	{
		echo 'id,region,amount,note'
		for i in $(seq 1 60); do
			case $((i % 3)) in
			0) echo "$i,north,$((i * 10)),plain$i" ;;
			1) echo "$i,south,$((i * 10)),SECRETSOUTH$i" ;;
			2) echo "$i,,$((i * 10)),SECRETNONE$i" ;;
			esac
		done
	} >sales.csv
	larder publish sales sales.csv -q
	for who in north south wide both all; do
		larder admin group add $who
		larder admin user add $who@example.com
		larder admin member add $who $who@example.com
		larder admin token create --user $who@example.com --name t >$who.token
	done
	larder admin member add north both@example.com
	larder admin member add wide both@example.com
	larder admin grant add north sales --where "region = 'north'" --columns id,region,amount
	larder admin grant add wide sales --columns id,note --where 'id <= 10'
	larder admin grant add all sales
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
NORTH=$(cat north.token) SOUTH=$(cat south.token) WIDE=$(cat wide.token) BOTH=$(cat both.token) ALL=$(cat all.token)
export NORTH SOUTH WIDE BOTH ALL

sql() { # FILE SQL
	jq -nc --arg f "$1" --arg s "$2" '{op:"query", sql:$s, tables:[{name:"t", files:[$f]}]}' | larder-duck | grep '^\[' | tr '\n' ' '
}

ok 'the file of such a caller has the rows and columns of the grant, in their order' '
	same $(status GET /api/data/sales/download "$NORTH") 200
	cp reply.json got.parquet
	same "$(sql got.parquet "SELECT count(*), min(region), max(region), count(DISTINCT region) FROM t")" "[20,\"north\",\"north\",1] "
	same "$(sql got.parquet "SELECT list(id) = list_sort(list(id)) FROM t")" "[true] "
	sql got.parquet "SELECT note FROM t" >out
	same "$(cat out)" ""
	hasnt got.parquet SECRET
	hasnt got.parquet note
'

ok 'manifest and file agree, and say nothing of the whole' '
	same $(status GET /api/sync/manifest "$NORTH") 200
	cp reply.json manifest.json
	same "$(json manifest.json .tables.sales.rows)" 20
	status GET /api/data/sales/download "$NORTH"
	same "$(json manifest.json .tables.sales.sha256)" "$(sha256sum <reply.json | cut -d" " -f1)"
	same "$(json manifest.json .tables.sales.md5)" "$(md5sum <reply.json | cut -d" " -f1)"
	same "$(json manifest.json .tables.sales.size_bytes)" "$(wc -c <reply.json)"
	status GET /api/sync/manifest "$LARDER_TOKEN"
	whole=$(json reply.json .tables.sales.sha256)
	hasnt manifest.json "$whole"
	same $(status GET "/api/data/sales/download?v=$whole" "$NORTH") 404
	same $(status GET "/api/data/sales/download?v=$whole" "$ALL") 200
	mine=$(json manifest.json .tables.sales.version)
	same $(status GET "/api/data/sales/download?v=$mine" "$NORTH") 200
	same $(status GET "/api/data/sales/download?v=$mine" "$ALL") 404
	same $(status GET "/api/data/sales/download?v=$mine" "$SOUTH") 404
	same $(status GET "/api/data/sales/download" "$SOUTH") 404
'

ok 'the list of tables tells rows and hash of the excerpt' '
	same $(status GET /api/catalog/tables "$NORTH") 200
	same "$(json reply.json ".tables[0].rows")" 20
	status GET /api/catalog/tables "$ALL"
	same "$(json reply.json ".tables[0].rows")" 60
'

ok 'of several grants each gives its own; a cell that none gives whole is null' '
	same $(status GET /api/data/sales/download "$BOTH") 200
	cp reply.json got.parquet
	same "$(sql got.parquet "SELECT count(*) FROM t")" "[27] "
	same "$(sql got.parquet "SELECT count(*) FROM t WHERE id > 10 AND note IS NOT NULL")" "[0] "
	same "$(sql got.parquet "SELECT count(*) FROM t WHERE note IS NOT NULL")" "[10] "
	same "$(sql got.parquet "SELECT count(*) FROM t WHERE amount IS NOT NULL AND region IS DISTINCT FROM '\''north'\''")" "[0] "
	same "$(sql got.parquet "SELECT count(*) FROM t WHERE region IS NOT NULL")" "[20] "
	hasnt got.parquet SECRETSOUTH13
'

ok 'one grant without limits gives all' '
	larder admin member add all north@example.com
	same $(status GET /api/data/sales/download "$NORTH") 200
	same "$(sql reply.json "SELECT count(*), count(note) FROM t")" "[60,60] "
	larder admin member remove all north@example.com
	status GET /api/data/sales/download "$NORTH"
	same "$(sql reply.json "SELECT count(*) FROM t")" "[20] "
'

ok 'a pull brings the excerpt, and the next publish changes it with the table' '
	LARDER_TOKEN=$NORTH larder init ws --server "$HUB_URL" --token "$NORTH" -q
	same "$(larder query -w ws --format csv "SELECT count(*) c, sum(amount) s FROM sales" | tr -d "\r" | tail -n 1)" 20,6300
	exits 2 larder query -w ws "SELECT note FROM sales" 2>err
	{ cat "$SHARED/sales.csv"; echo "99,north,5,late"; } >more.csv
	larder publish sales more.csv -q
	status GET /api/sync/manifest "$NORTH"
	same "$(json reply.json .tables.sales.rows)" 21
	LARDER_TOKEN=$NORTH larder pull -w ws -q
	same "$(larder query -w ws --format csv "SELECT count(*) c FROM sales" | tr -d "\r" | tail -n 1)" 21
	larder verify -w ws -q
	grep -rl SECRET ws >found || :
	same "$(cat found)" ""
	larder publish sales "$SHARED/sales.csv" -q
'

ok 'a publish that the limits of a grant do not fit is refused and changes nothing' '
	printf "id,amount\n1,2\n" >other.csv
	exits 3 larder publish sales other.csv -q 2>err
	has err "do not fit table"
	status GET /api/sync/manifest "$NORTH"
	same "$(json reply.json .tables.sales.rows)" 20
'

ok 'a condition is one expression over the columns of its row' '
	for bad in "id = 1) OR (1 = 1" "1 = 1; DROP TABLE x" "id IN (SELECT 1)" "random() < 0.5" "id = 1 ORDER BY id" \
		"current_date > DATE '\''2020-01-01'\''" "read_text('\''/etc/passwd'\'') IS NULL" "getenv('\''HOME'\'') = '\''x'\''" "id = ?" \
		"id = 1 UNION SELECT 1" "sum(id) > 3" "row_number() OVER () < 3" "" "nosuch = 1" "note" "id = 1 /*" "current_user = '\''x'\''"; do
		code=0
		larder admin grant add south sales --where "$bad" 2>err || code=$?
		case $code in
		[23]) ;;
		*) echo "exit $code: $bad"; cat err; exit 1 ;;
		esac
	done
	same "$(larder admin grant list --json | jq "[.grants[] | select(.group == \"south\")] | length")" 0
	exits 3 larder admin grant add south sales --columns id,nosuch 2>err
	has err nosuch
	exits 2 larder admin grant add south finance --domain --where "1=1" 2>err
'

ok 'conditions that say the same are one excerpt; comments and odd writing do no harm' '
	larder admin grant add south sales --columns AMOUNT,id,Region --where "region='\''north'\'' -- only those"
	larder admin grant list --json >grants
	same "$(jq -r ".grants[] | select(.group == \"south\" or .group == \"north\") | .where" grants | sort -u | wc -l)" 1
	larder admin grant remove south sales
	larder admin grant add south sales --where "region='\''north'\''" --columns id,region,amount
	status GET /api/sync/manifest "$SOUTH"
	mine=$(json reply.json .tables.sales.version)
	status GET /api/sync/manifest "$NORTH"
	same "$(json reply.json .tables.sales.version)" "$mine"
	larder admin grant remove south sales
	same $(status GET "/api/data/sales/download?v=$mine" "$SOUTH") 404
'

ok 'a table in parts with key=value folders becomes one file without the paths' '
	mkdir -p parts/region=north parts/region=SECRETPLACE
	printf "id,v\n1,a\n2,b\n" >parts/region=north/p.csv
	printf "id,v\n3,c\n" >parts/region=SECRETPLACE/p.csv
	larder publish hived parts -q
	larder admin grant add south hived --where "region = '\''north'\''"
	status GET /api/sync/manifest "$SOUTH"
	hasnt reply.json SECRETPLACE
	same "$(json reply.json ".tables.hived | has(\"parts\") | not")" true
	same $(status GET /api/data/hived/download "$SOUTH") 200
	cp reply.json got.parquet
	same "$(sql got.parquet "SELECT count(*), min(region), min(v) FROM t")" "[2,\"north\",\"a\"] "
	hasnt got.parquet SECRETPLACE
	same $(status GET "/api/data/hived/download?part=region=north/p.parquet" "$SOUTH") 404
	larder admin grant remove south hived
'

ok 'a grant before the first publish waits for it' '
	larder admin table add later
	larder admin grant add south later --where "k > 1"
	status GET /api/sync/manifest "$SOUTH"
	same "$(jq -r .tables.later reply.json)" null
	printf "k\n1\n2\n3\n" >later.csv
	larder publish later later.csv -q
	status GET /api/sync/manifest "$SOUTH"
	same "$(json reply.json .tables.later.rows)" 2
'

ok 'the hub is sound, with no litter, and excerpts go with their versions' '
	stop_hub
	same "$(ls -A "$SHARED/hub/.larder/rooms" 2>/dev/null)" ""
	ls -A "$SHARED/hub/.larder/staging" >left
	hasnt left xp-
	hasnt left cv-
	larder hub verify "$SHARED/hub" -q
'
