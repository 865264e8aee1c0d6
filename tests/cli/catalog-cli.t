#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder catalog: for people and for programs, with the hub and without it; and samples of tables.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	printf 'iata,city,"odd ""name"""\nORD,Chicago,1\nJFK,New York,2\nLAX,,3\n' >airports.csv
	larder publish airports airports.csv -q --description 'US airports, by code' --sort iata
	printf 'origin,delay\nORD,5\n' >flights.csv
	larder publish flights flights.csv -q --description 'departures of a day'
	printf 'secret\n1\n' >hidden.csv
	larder publish hidden hidden.csv -q --description 'salaries'
	echo "$LARDER_TOKEN" >ann.token
	larder admin table add waiting --description 'comes soon'
	member readers bo@example.com
	for table in airports flights waiting; do larder admin grant add readers $table; done
	token_of bo@example.com --scope read >bo.token
	echo "$LARDER_SERVER" >url
	larder init ws --server "$LARDER_SERVER" --token "$(cat bo.token)"
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat bo.token) LARDER_SERVER=$(cat url)
HUB_URL=$LARDER_SERVER
export LARDER_TOKEN LARDER_SERVER

ok 'the list has what one may see, with what people ask first' '
	larder catalog >out
	has out "NAME"
	has out "US airports, by code"
	has out "comes soon"
	hasnt out hidden
	hasnt out salaries
	larder catalog --json >out
	same "$(jq -c "[.tables[].name] | sort" out)" "[\"airports\",\"flights\",\"waiting\"]"
	same "$(json out ".tables[] | select(.name == \"airports\") | .rows")" 3
	same "$(jq -r ".tables[] | select(.name == \"waiting\") | .rows" out)" null
'

ok 'a table is told with its columns and what is in them' '
	larder catalog airports >out
	has out "US airports, by code"
	has out "sorted by"
	has out "COLUMN"
	has out "Chicago"
	larder catalog airports --json >out
	same "$(jq -c "[.columns[] | .name]" out)" "[\"iata\",\"city\",\"odd \\\"name\\\"\"]"
	same "$(json out ".columns[1].nulls")" 1
	same "$(json out ".columns[2].max")" 3
	exits 1 larder catalog hidden 2>err
	has err "not found"
'

ok 'a search wants all of its words, in names, descriptions or columns' '
	larder catalog --search "DEPARTURES day" --json >out
	same "$(jq -c "[.tables[].name]" out)" "[\"flights\"]"
	larder catalog --search iata --json >out
	same "$(jq -c "[.tables[].name]" out)" "[\"airports\"]"
	larder catalog --search "iata delay" --json >out
	same "$(jq -c .tables out)" "[]"
	larder catalog --search "%_" --json >out
	same "$(jq -c .tables out)" "[]"
	larder catalog --search salaries --json >out
	same "$(jq -c .tables out)" "[]"
	exits 2 larder catalog airports --search x 2>err
	has err "one of them"
'

ok 'without the hub the last pull answers, in the same form, and says so' '
	cd "$SHARED/ws"
	larder catalog --offline --json >out
	same "$(json out .offline)" true
	json out .as_of
	same "$(jq -c "[.tables[].name] | sort" out)" "[\"airports\",\"flights\"]"
	same "$(json out ".tables[] | select(.name == \"airports\") | .rows")" 3
	same "$(json out ".tables[] | select(.name == \"airports\") | .description")" "US airports, by code"
	larder catalog --offline >out
	has out "US airports, by code"
	larder catalog airports --offline --json >out
	same "$(jq -c "[.columns[].name]" out)" "[\"iata\",\"city\",\"odd \\\"name\\\"\"]"
	same "$(json out .description)" "US airports, by code"
	for words in "departures" "delay" "FLIGHTS day"; do
		larder catalog --offline --search "$words" --json >out
		same "$(jq -c "[.tables[].name]" out)" "[\"flights\"]"
	done
	exits 1 larder catalog hidden --offline 2>err
	has err "not in this workspace"
'

ok 'a hub out of reach is told, and what is here is shown' '
	cd "$SHARED/ws"
	unset LARDER_TOKEN LARDER_SERVER
	larder catalog --server http://127.0.0.1:9 --token "$(cat ../bo.token)" --json >out 2>err
	has err "this is what the last pull brought"
	same "$(json out .offline)" true
	cd "$SHARED"
	exits 75 larder catalog --server http://127.0.0.1:9 --token x 2>err
	exits 1 larder catalog --offline 2>err
'

ok 'a sample has rows of the table, within rights and limits' '
	same $(status GET /api/v2/sample/airports "$LARDER_TOKEN") 200
	same "$(jq -c "[.columns[0], .row_count, (.rows | length)]" reply.json)" "[\"iata\",3,3]"
	same $(status GET "/api/v2/sample/airports?n=2" "$LARDER_TOKEN") 200
	same "$(json reply.json .row_count)" 2
	same $(status GET "/api/v2/sample/airports?n=100" "$LARDER_TOKEN") 200
	for n in 0 101 x -1; do same $(status GET "/api/v2/sample/airports?n=$n" "$LARDER_TOKEN") 400; done
	same $(status GET /api/v2/sample/hidden "$LARDER_TOKEN") 404
	cp reply.json hidden.json
	same $(status GET /api/v2/sample/absent "$LARDER_TOKEN") 404
	same "$(sed s/absent/hidden/ reply.json)" "$(cat hidden.json)"
	same $(status GET /api/v2/sample/airports) 401
'

ok 'a description that changes comes with the next pull, without the table, and a long one is cut' '
	larder init mine --server "$LARDER_SERVER" --token "$LARDER_TOKEN" >/dev/null
	cd mine
	admin=$(cat "$SHARED/ann.token")
	long=$(printf "%0300d%s" 0 "$(printf "\303\244%.0s" $(seq 600))")
	jq -nc --arg d "$long" "{description: \$d}" >change
	same $(status PATCH /api/admin/registry/flights "$admin" @change) 200
	larder pull --json >pulled
	same "$(json pulled .bytes_fetched)" 0
	larder catalog flights --offline --json >out
	same "$(json out ".description | length")" 650
	same "$(json out ".description[-1:]")" "$(printf "\303\244")"
	larder pull --json >pulled
	same "$(json pulled .requests)" 1
	same $(status PATCH /api/admin/registry/flights "$admin" "{\"description\":\"\"}") 200
	larder pull -q
	larder catalog flights --offline --json >out
	same "$(jq -r .description out)" null
	same $(status PATCH /api/admin/registry/flights "$admin" "{\"description\":\"departures of a day\"}") 200
'
