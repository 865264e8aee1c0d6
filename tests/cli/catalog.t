#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# GET /api/catalog/tables: what is said of the tables one may see.
. "$(dirname "$0")/../lib.sh"

LARDER_TOKEN=$(larder hub init hub --admin ann@example.com)
export LARDER_TOKEN
start_hub hub
LARDER_SERVER=$HUB_URL
export LARDER_SERVER

get() { # PATH [CURL OPTIONS]: body in ./body, head in ./head, prints the status
	path=$1
	shift
	rm -f body
	curl -sS -H "Authorization: Bearer ${TOKEN:-$LARDER_TOKEN}" -D head -o body -w '%{http_code}' "$@" "$HUB_URL$path"
}

header() { # NAME
	sed -n "s/^$1: *\(.*\)\r$/\1/Ip" head
}

(
	larder admin user add bob@example.com
	larder admin group add analysts
	larder admin member add analysts bob@example.com
	larder admin token create --user bob@example.com --name t --scope read --json | json .token >bob
) >/dev/null || exit 1
BOB=$(cat bob)
export BOB

ok 'a caller without grants gets an empty catalog, not an error' '
	TOKEN=$BOB
	same $(get /api/catalog/tables) 200
	same "$(jq -c . body)" "{\"count\":0,\"tables\":[]}"
'

ok 'a table that was never published is in the catalog, not in the manifest' '
	larder admin table add waiting --description "comes soon"
	get /api/sync/manifest
	same "$(jq -r .tables.waiting body)" null
	get /api/catalog/tables
	same "$(json body ".tables[] | select(.id == \"waiting\") | .description")" "comes soon"
	same "$(jq -r ".tables[] | select(.id == \"waiting\") | .rows" body)" null
	same "$(json body .count)" "$(json body ".tables | length")"
'

ok 'the catalog has the fields of the contract and only granted tables' '
	printf "k\n1\n" >k.csv
	larder publish t1 k.csv --name orders -q
	larder admin grant add analysts orders
	TOKEN=$BOB
	same $(get /api/catalog/tables) 200
	same "$(json body .count)" 1
	for key in id name description source_type sync_strategy query_mode; do
		same "$(jq ".tables[0] | has(\"$key\")" body)" true
	done
'

ok 'without a token it is not told' '
	same $(curl -sS -o body -w "%{http_code}" "$HUB_URL/api/catalog/tables") 401
'

ok 'each version that is kept has the figures of its columns' '
	printf "k,city\n1,Brno\n7,\n" >f.csv
	larder publish figures f.csv -q
	first=$(larder admin table show figures --json | json ".versions[0].sha256")
	printf "k,city\n9,Graz\n" >f.csv
	larder publish figures f.csv -q
	larder admin table show figures --version "$first" --json >shown
	same "$(jq -c "[.table, .rows, .retired == null, (.columns[] | [.name, .nulls, .min, .max])]" shown)" \
		"[\"figures\",2,false,[\"k\",0,\"1\",\"7\"],[\"city\",1,\"Brno\",\"Brno\"]]"
	larder admin table show figures --version "$first" | grep "^city .* 1 .*Brno"
	exits 1 larder admin table show figures --version "0$first" 2>err
	has err "no version"
	TOKEN=$BOB
	same $(get "/api/admin/registry/figures/versions/$first") 403
'
