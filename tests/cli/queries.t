#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# POST /api/query: what runs, what is refused, what is contained, and that the hub does not notice.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

LARDER_HUB_QUERY_SECONDS=20 LARDER_HUB_QUERY_MEMORY=256M LARDER_HUB_QUERY_BYTES=8M
export LARDER_HUB_QUERY_SECONDS LARDER_HUB_QUERY_MEMORY LARDER_HUB_QUERY_BYTES
new_hub hub
(
	{
		echo 'id,region,amount,last_update,path,note'
		for i in $(seq 1 12); do
			echo "$i,$([ $((i % 2)) = 0 ] && echo north || echo south),$((i * 5)),2026-01-0$((i % 9 + 1)),/api/v$i,copy this to that"
		done
	} >orders.csv
	larder publish orders orders.csv -q
	printf 'k\n1\n2\n' >k.csv
	larder publish order k.csv -q
	larder publish in.c-crm.orders-2 k.csv -q
	printf 'secret\nXSECRETX\n' >hidden.csv
	larder publish hidden hidden.csv -q
	mkdir -p hive/year=2025 hive/year=2026
	printf 'v\n1\n' >hive/year=2025/p.csv
	printf 'v\n2\n' >hive/year=2026/p.csv
	larder publish years hive -q
	awk 'BEGIN { print "n,t"; for (i = 1; i <= 60000; i++) printf "%d,some words of row %d\n", i, i }' >long.csv
	larder publish long long.csv -q
	larder admin table add far
	curl -sS -X PATCH -H "Authorization: Bearer $LARDER_TOKEN" -d '{"query_mode":"remote","source_type":"bigquery"}' "$HUB_URL/api/admin/registry/far"
	member readers bo@example.com
	larder admin token create --user bo@example.com --name t --scope read >bo.token
	for table in orders order in.c-crm.orders-2 years long far; do
		larder admin grant add readers $table
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

ok 'the answer is that of the contract, with versions, freshness and bytes' '
	same $(ask "SELECT id, region, NULL AS n, 1.5 AS d, true AS b, DATE '\''2026-01-02'\'' AS day FROM orders ORDER BY id LIMIT 1") 200
	same "$(jq -c .columns reply.json)" "[\"id\",\"region\",\"n\",\"d\",\"b\",\"day\"]"
	same "$(jq -c .rows reply.json)" "[[1,\"south\",null,1.5,true,\"2026-01-02\"]]"
	same "$(jq -c "[.row_count, .truncated, .truncated_by]" reply.json)" "[1,false,null]"
	cp reply.json answer.json
	status GET /api/sync/manifest "$BO"
	same "$(json answer.json .tables.orders.version)" "$(json reply.json .tables.orders.sha256)"
	same "$(json answer.json .tables.orders.updated)" "$(json reply.json .tables.orders.updated)"
	same "$(json answer.json .bytes_scanned)" "$(json reply.json .tables.orders.size_bytes)"
	same "$(json answer.json .tables.orders.row_scope)" all
	json answer.json .server_time
'

ok 'a limit cuts, says so, and is clamped' '
	ask "FROM orders" 5
	same "$(jq -c "[.row_count, .truncated, .truncated_by, (.rows | length)]" reply.json)" "[5,true,\"rows\",5]"
	ask "FROM orders" 12
	same "$(jq -c "[.row_count, .truncated]" reply.json)" "[12,false]"
	for limit in 0 -4; do
		ask "FROM range(1500)" $limit
		same "$(jq -c "[.row_count, .truncated, .limit]" reply.json)" "[1000,true,1000]"
	done
	ask "FROM range(1500)"
	same "$(jq -c "[.row_count, .truncated]" reply.json)" "[1000,true]"
	ask "FROM range(3)" 99999999
	same "$(json reply.json .limit)" 1000000
'

ok 'a value over the limit of one is cut, and both say so' '
	jq -nc "{sql: \"SELECT id, repeat(chr(228), 100) AS t, [id, id] AS l FROM orders ORDER BY id LIMIT 2\", cell_limit: 50}" >question.json
	same $(status POST /api/query "$BO" @question.json) 200
	same "$(jq -c "[.rows[0][0], .rows[0][2], .cells_cut, .cell_limit, .truncated]" reply.json)" "[1,[1,1],2,50,false]"
	same "$(jq -r ".rows[1][1] | .[25:]" reply.json)" "... (200 bytes)"
	same $(ask "SELECT repeat('\''x'\'', 100000) AS t") 200
	same "$(jq -c "[.cells_cut, (.rows[0][0] | length)]" reply.json)" "[0,100000]"
	same $(status POST /api/query "$BO" "{\"sql\":\"SELECT 1\",\"cell_limit\":-3}") 200
'

ok 'a large answer comes as it is made, whole or cut by bytes' '
	same $(ask "SELECT n, t FROM long ORDER BY n" 60000) 200
	has reply.head "Transfer-Encoding: chunked"
	same "$(jq -c "[.row_count, (.rows | length), .rows[59999][0], .truncated]" reply.json)" "[60000,60000,60000,false]"
	same $(ask "SELECT n, repeat(t, 50) FROM long ORDER BY n" 60000) 200
	same "$(jq -c "[.truncated, .truncated_by, (.row_count == (.rows | length)), .row_count > 1000]" reply.json)" "[true,\"bytes\",true,true]"
	[ $(wc -c <reply.json) -lt 9000000 ]
'

ok 'key=value folders are columns; a remote table says where it is' '
	same $(ask "SELECT year, v FROM years ORDER BY year") 200
	same "$(jq -c .rows reply.json)" "[[2025,1],[2026,2]]"
	same $(ask "FROM far") 409
	has reply.json "stays at its source"
'

ok 'without a token or a statement there is no answer' '
	same $(TOKEN=no ask "SELECT 1") 401
	same $(status POST /api/query "$BO" "{\"sql\": 1}") 422
	same $(status POST /api/query "$BO" "{}") 422
	same $(status POST /api/query "$BO" "[]") 422
	same $(status POST /api/query "$BO" "{\"sql\": \"a\\u0000b\"}") 400
	same $(status GET /api/query "$BO") 405
'

ok 'errors are told to who wrote the statement, and tell no path of the hub' '
	same $(ask "SELECT nosuch FROM orders") 400
	has reply.json nosuch
	hasnt reply.json "$SHARED"
	same $(ask "SELECT CAST(region AS INTEGER) FROM orders") 400
	hasnt reply.json "$SHARED"
	same $(ask "SELECT * FROM hidden") 404
	cp reply.json one
	same $(ask "SELECT * FROM absent") 404
	same "$(sed s/hidden/absent/ one)" "$(cat reply.json)"
	TOKEN=$LARDER_TOKEN ask "SELECT * FROM hidden"
	has reply.json XSECRETX
'

# One curl for all: its reply to statement N is in N.json, its status in the Nth line of `codes`.
ask_all() { # FILE
	n=0
	: >many.conf
	while IFS= read -r line; do
		n=$((n + 1))
		printf "%s" "${line#? }" | jq -Rsc "{sql: .}" >"$n.sql"
		[ $n = 1 ] || echo next >>many.conf
		cat >>many.conf <<-END
			url = "$HUB_URL/api/query"
			header = "Authorization: Bearer $BO"
			data-binary = "@$n.sql"
			output = "$n.json"
			write-out = "%{http_code}\n"
			silent
		END
	done <"$1"
	curl -K many.conf >codes
	same "$(wc -l <codes)" $n
}

ok 'harmless statements of the corpus run' '
	grep "^+" "$SOURCE/tests/data/statements.txt" | awk "NR % 6 == 1" >list
	ask_all list
	paste -d" " codes list >result
	grep -v "^200 " result >failed || exit 0
	cat failed
	exit 1
'

ok 'hostile statements of the corpus are refused with a reason' '
	grep "^-" "$SOURCE/tests/data/statements.txt" | sed "s/^-$/- /" | awk "NR % 10 == 1 || /error\(|CAST|nosuch|hidden LIMIT|USE main/" >list
	ask_all list
	paste -d" " codes list >result
	grep -vE "^4[0-9][0-9] " result >failed || :
	cat failed
	[ ! -s failed ]
	cat [0-9]*.json >all
	hasnt all XSECRETX
	hasnt all "$SHARED"
	hasnt all "root:"
	for n in $(seq 1 $(wc -l <list)); do
		jq -e "(.detail | length) > 0 and (.code | length) > 0 and (.hint | length) > 0" "$n.json" >/dev/null || { sed -n ${n}p list; cat $n.json; exit 1; }
	done
'

# From here on statements are meant to last too long.
stop_hub
LARDER_HUB_QUERY_SECONDS=2
start_hub hub || exit 1
LARDER_SERVER=$HUB_URL

ok 'what is heavy is stopped or done, and the hub answers all the while' '
	grep "^~" "$SOURCE/tests/data/statements.txt" >list
	ask_all list
	paste -d" " codes list
	grep -E "^5" codes && exit 1
	same $(status GET /health/ready) 200
	same $(ask "SELECT 1") 200
'

ok 'nesting without end and texts without end are refused' '
	head -c 10000000 /dev/zero | tr "\0" "(" | jq -Rsc "{sql: (\"SELECT \" + .)}" >question.json
	same $(status POST /api/query "$BO" @question.json) 413
	for n in 500 5000 200000; do
		{ printf "SELECT "; head -c $n /dev/zero | tr "\0" "("; printf 1; head -c $n /dev/zero | tr "\0" ")"; } | jq -Rsc "{sql: .}" >question.json
		code=$(status POST /api/query "$BO" @question.json)
		case $code in
		200 | 400 | 413) ;;
		*) echo "$n brackets: $code"; cat reply.json; exit 1 ;;
		esac
		{ printf "SELECT "; seq 1 $n | sed "s/.*/-/" | tr "\n" " "; printf 1; } | jq -Rsc "{sql: .}" >question.json
		code=$(status POST /api/query "$BO" @question.json)
		case $code in
		200 | 400 | 413) ;;
		*) echo "$n signs: $code"; cat reply.json; exit 1 ;;
		esac
	done
	{ printf "SELECT 1"; seq 1 100000 | sed "s/.*/,1/" | tr -d "\n"; } | jq -Rsc "{sql: .}" >question.json
	code=$(status POST /api/query "$BO" @question.json)
	[ $code != 500 ]
	same $(ask "SELECT 1") 200
'

ok 'a worker is gone when its client is, and leaves nothing' '
	jq -nc "{sql: \"SELECT count(*) FROM range(3000000000) a, range(1000) b\"}" >question.json
	curl -sS -m 1 -H "Authorization: Bearer $BO" --data-binary @question.json "$HUB_URL/api/query" >/dev/null 2>&1 || :
	wait_for "[ \$(ls $SHARED/hub/.larder/rooms | wc -l) -le 3 ]"
'

ok 'thirty-two hostile queries at once do not keep others from downloads and answers' '
	for i in $(seq 1 32); do
		jq -nc --arg i $i "{sql: (\"SELECT count(*) FROM range(\" + \$i + \"000000000) a, range(1000) b WHERE a.range % 7 = 3\")}" >$i.sql
		curl -sS -o $i.out -w "%{http_code}\n" -H "Authorization: Bearer $BO" --data-binary @$i.sql "$HUB_URL/api/query" >$i.code &
	done
	for i in $(seq 1 20); do
		same $(status GET /api/data/long/download "$BO") 200
		same $(status GET /health/ready) 200
	done
	wait
	cat *.code | sort | uniq -c
	cat *.code | grep -vE "^(413|503)$" && exit 1
	same $(ask "SELECT count(*) FROM orders") 200
'

ok 'a caller of limited rights asks the excerpt, and finds nothing else' '
	member north no@example.com
	NO=$(token_of no@example.com)
	larder admin grant add north orders --where "region = '\''north'\''" --columns id,region
	same $(TOKEN=$NO ask "SELECT count(*), min(region), max(region) FROM orders") 200
	same "$(jq -c .rows reply.json)" "[[6,\"north\",\"north\"]]"
	same "$(json reply.json .tables.orders.row_scope)" limited
	same $(TOKEN=$NO ask "SELECT note FROM orders") 400
	same $(TOKEN=$NO ask "SELECT * FROM orders WHERE region = '\''south'\''") 200
	same "$(json reply.json .row_count)" 0
	same $(TOKEN=$NO ask "SUMMARIZE orders") 200
	hasnt reply.json south
'

ok 'a right that is withdrawn is gone with the next statement' '
	same $(ask "SELECT 1 FROM \"order\"") 200
	larder admin grant remove readers order
	same $(ask "SELECT 1 FROM \"order\"") 404
	larder admin grant add readers order
'

ok 'a hub that is killed takes its workers with it, and the next sweeps their rooms' '
	ask "SELECT 1"
	wait_for "[ \$(ls $SHARED/hub/.larder/rooms | wc -l) -ge 1 ]"
	pgrep -P $HUB_PID >workers
	[ -s workers ]
	stop_hub KILL
	for pid in $(cat workers); do
		wait_for "gone $pid"
	done
	start_hub "$SHARED/hub"
	same "$(ls "$SHARED/hub/.larder/rooms" 2>/dev/null)" ""
	same $(ask "SELECT count(*) FROM orders") 200
	stop_hub
	same "$(ls "$SHARED/hub/.larder/rooms" 2>/dev/null)" ""
	larder hub verify "$SHARED/hub" -q
'
