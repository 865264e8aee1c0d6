#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# GET /api/sync/manifest: who sees what, and what it costs.
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

ok 'a caller without grants gets an empty manifest, not an error' '
	TOKEN=$BOB
	same $(get /api/sync/manifest) 200
	same "$(jq -c .tables body)" "{}"
	same "$(jq -c .assets body)" "{}"
	json body .server_time
'

ok 'it has the fields of the contract, and ours' '
	printf "k\n1\n2\n" >k.csv
	larder publish t1 k.csv --name orders -q
	larder admin grant add analysts t1
	TOKEN=$BOB
	same $(get /api/sync/manifest) 200
	same "$(jq -r ".tables.orders | keys | join(\" \")" body)" \
		"hash id md5 query_mode rows sha256 size_bytes source_type updated version"
	same "$(json body .tables.orders.id)" t1
	same "$(json body .tables.orders.rows)" 2
	same "$(json body .tables.orders.query_mode)" local
	same $(json body .tables.orders.hash | tr -d "\n" | wc -c) 32
	same $(json body .tables.orders.version | tr -d "\n" | wc -c) 64
'

ok 'what is unchanged is 304, for each caller by their own tag' '
	same $(get /api/sync/manifest) 200
	tag=$(header ETag)
	same $(get /api/sync/manifest -H "If-None-Match: $tag") 304
	[ ! -s body ]
	same $(get /api/sync/manifest -H "If-None-Match: $tag") 304
	TOKEN=$BOB
	same $(get /api/sync/manifest) 200
'

ok 'a publish, a grant and a name change the tag' '
	same $(get /api/sync/manifest) 200
	first=$(header ETag)
	printf "k\n5\n" >k.csv
	larder publish t2 k.csv -q
	same $(get /api/sync/manifest -H "If-None-Match: $first") 200
	second=$(header ETag)
	larder publish t2 k.csv -q
	same $(get /api/sync/manifest -H "If-None-Match: $second") 304
	larder admin table change t2 --name other
	same $(get /api/sync/manifest -H "If-None-Match: $second") 200
	same "$(json body .tables.other.id)" t2
'

ok 'a granted table appears, a withdrawn one is gone, at once' '
	printf "k\n6\n" >k.csv
	larder publish t3 k.csv -q
	TOKEN=$BOB
	get /api/sync/manifest
	same "$(jq -r ".tables.t3" body)" null
	larder admin grant add analysts t3
	get /api/sync/manifest
	json body .tables.t3.hash
	larder admin grant remove $(larder admin grant list --json | json ".grants[] | select(.resource_id == \"t3\") | .id")
	get /api/sync/manifest
	same "$(jq -r ".tables.t3" body)" null
'

ok 'who leaves the group sees nothing any more' '
	TOKEN=$BOB
	get /api/sync/manifest
	json body .tables.orders.id
	larder admin member remove analysts bob@example.com
	get /api/sync/manifest
	same "$(jq -c .tables body)" "{}"
	larder admin member add analysts bob@example.com
'

ok 'it is gzipped for those who accept it' '
	for n in 1 2 3 4 5 6; do larder admin table add far$n --mode remote; done
	same $(get /api/sync/manifest -H "Accept-Encoding: gzip") 200
	same "$(header Content-Encoding)" gzip
	gunzip <body >plain
	same "$(jq -c .tables.far1.hash plain)" null
	same "$(jq -c .tables.far1.rows plain)" null
	same "$(json plain .tables.far1.query_mode)" remote
'

ok 'without a token it is not told' '
	same $(curl -sS -o body -w "%{http_code}" "$HUB_URL/api/sync/manifest") 401
'

ok 'a hub that was started anew tags the same as the same' '
	same $(get /api/sync/manifest) 200
	tag=$(header ETag)
	stop_hub
	start_hub "$SHARED/hub"
	same $(get /api/sync/manifest -H "If-None-Match: $tag") 304
	same $(get /api/sync/manifest) 200
	same "$(header ETag)" "$tag"
'
