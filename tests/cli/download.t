#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# GET /api/data/{table}/download and check-access: bytes, ranges, versions, parts, rights.
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
	curl -sS --path-as-is -H "Authorization: Bearer ${TOKEN:-$LARDER_TOKEN}" -D head -o body -w '%{http_code}' "$@" "$HUB_URL$path"
}

header() { # NAME
	sed -n "s/^$1: *\(.*\)\r$/\1/Ip" head
}

(
	seq 1 2000 | sed '1i k' >k.csv
	larder publish in.c-crm.orders k.csv --name orders -q
	api_first=$(larder admin table show orders --json | json '.versions[0].sha256')
	echo "$api_first" >first
	seq 1 3000 | sed '1i k' >k.csv
	larder publish orders k.csv -q
	larder admin table show orders --json | json '.versions[0].sha256' >second
	mkdir -p parts/y=1 parts/y=2
	printf 'k\n1\n' >parts/y=1/a.csv
	printf 'k\n2\n' >parts/y=2/a.csv
	larder publish parts parts -q
	larder publish secret k.csv -q
	larder admin table add far --mode remote
	larder admin table add empty
	larder admin user add bob@example.com
	larder admin group add analysts
	larder admin member add analysts bob@example.com
	larder admin grant add analysts orders
	larder admin grant add analysts parts
	larder admin token create --user bob@example.com --name t --scope read --json | json .token >bob
) >/dev/null || exit 1
FIRST=$(cat first) SECOND=$(cat second) BOB=$(cat bob)
OBJECT=$SHARED/hub/objects/$(echo "$SECOND" | cut -c1-2)/$SECOND.parquet
export FIRST SECOND BOB OBJECT

ok 'the whole file comes with its length, its tag and its name' '
	same $(get /api/data/orders/download) 200
	cmp body "$OBJECT"
	same "$(header ETag)" "\"$SECOND\""
	same "$(header Content-Length)" $(stat -c %s "$OBJECT")
	same "$(header Accept-Ranges)" bytes
	same "$(header Content-Type)" application/octet-stream
	same "$(header Content-Disposition)" "attachment; filename=\"in.c-crm.orders.parquet\""
	same "$(header Content-Encoding)" ""
'

ok 'HEAD says the same without the bytes' '
	same $(get /api/data/orders/download -I) 200
	same "$(header Content-Length)" $(stat -c %s "$OBJECT")
	same "$(header ETag)" "\"$SECOND\""
'

ok 'a table is found by its id and by its name' '
	same $(get /api/data/in.c-crm.orders/download) 200
	cmp body "$OBJECT"
'

ok 'a range is just that' '
	same $(get /api/data/orders/download -r 100-149) 206
	dd if="$OBJECT" bs=1 skip=100 count=50 2>/dev/null | cmp - body
	same "$(header Content-Range)" "bytes 100-149/$(stat -c %s "$OBJECT")"
	same $(get /api/data/orders/download -r 100-) 206
	tail -c +101 "$OBJECT" | cmp - body
	same $(get /api/data/orders/download -r -50) 206
	tail -c 50 "$OBJECT" | cmp - body
'

ok 'a range past the end is 416 and says how long the file is' '
	same $(get /api/data/orders/download -r 99999999-) 416
	same "$(header Content-Range)" "bytes */$(stat -c %s "$OBJECT")"
'

ok 'a range of the version one has goes on, of another starts anew' '
	same $(get /api/data/orders/download -r 100- -H "If-Range: \"$SECOND\"") 206
	same $(get /api/data/orders/download -r 100- -H "If-Range: \"$FIRST\"") 200
	cmp body "$OBJECT"
'

ok 'what one has already is 304, what one no longer wants is 412' '
	same $(get /api/data/orders/download -H "If-None-Match: \"$SECOND\"") 304
	[ ! -s body ]
	same $(get /api/data/orders/download -H "If-None-Match: \"$FIRST\"") 200
	same $(get /api/data/orders/download -H "If-Match: \"$FIRST\"") 412
'

ok 'an older version can be fetched while it is kept' '
	same $(get "/api/data/orders/download?v=$FIRST") 200
	same $(sha256sum <body | cut -d" " -f1) $FIRST
	same "$(header ETag)" "\"$FIRST\""
	same $(get "/api/data/orders/download?v=$(echo $FIRST | tr 0-9a-f a-f0-9)") 404
	same "$(json body .code)" version_gone
'

ok 'a version of another table is not a version of this one' '
	same $(get "/api/data/parts/download?v=$SECOND&part=y=1/a.parquet") 404
	same "$(json body .code)" version_gone
'

ok 'a part is fetched by its path' '
	for y in 1 2; do
		same $(get "/api/data/parts/download?part=y%3D$y/a.parquet") 200
		same "$(header ETag)" "\"$(sha256sum <body | cut -d" " -f1)\""
	done
	version=$(larder admin table show parts --json | json ".versions[0].sha256")
	same $(get "/api/data/parts/download?v=$version&part=y=1/a.parquet") 200
	same $(get "/api/data/parts/download?part=y=3/a.parquet") 404
	same "$(json body .code)" no_part
	same $(get /api/data/parts/download) 404
	same "$(json body .code)" in_parts
	same $(get "/api/data/orders/download?part=a.parquet") 404
'

ok 'no path leads out of the objects' '
	for path in "/api/data/../download" "/api/data/..%2f..%2fstate/download" "/api/data/%2e%2e/download" \
		"/api/data/orders%00/download" "/api/data/.hidden/download" "/api/data/a%5cb/download" \
		"/api/data/orders%2fdownload" "/api/data//download" "/api/data/./orders/download" \
		"/api/data/a%22b/download" "/api/data/$(printf %0300d 0)/download" \
		"/api/data/parts/download?part=../../../.larder/state.db" \
		"/api/data/parts/download?part=/etc/passwd" "/api/data/parts/download?part=y=1//a.parquet" \
		"/api/data/parts/download?part=y=1/./a.parquet" "/api/data/parts/download?part=y=1%00/a.parquet" \
		"/api/data/orders/download?v=../../x"; do
		same "$path $(get "$path")" "$path 404"
	done
'

ok 'grants follow the id, whatever the name' '
	TOKEN=$BOB
	same $(get /api/data/orders/download) 200
	same $(get /api/data/in.c-crm.orders/download) 200
	same $(get "/api/data/parts/download?part=y=1/a.parquet") 200
'

ok 'what is not granted does not exist' '
	TOKEN=$BOB
	same $(get /api/data/secret/download) 404
	mv body secret
	same $(get /api/data/nothing/download) 404
	cmp body secret
	same "$(json body .detail)" "Table not found"
	same $(get "/api/data/secret/download?v=$SECOND") 404
	cmp body secret
'

ok 'without a token, or with a wrong one, it is 401' '
	same $(curl -sS -o body -w "%{http_code}" "$HUB_URL/api/data/orders/download") 401
	has body "Missing or invalid Authorization header"
	TOKEN=lrd_aaaaaaaaaaaa_bbbb
	same $(get /api/data/orders/download) 401
'

ok 'what stays at its source or was never published has no file' '
	same $(get /api/data/far/download) 404
	same "$(json body .code)" remote
	same $(get /api/data/empty/download) 404
	same "$(json body .code)" no_version
'

ok 'a withdrawn grant ends at once' '
	id=$(larder admin grant list --json | json ".grants[] | select(.resource_id == \"parts\") | .id")
	larder admin grant remove $id
	TOKEN=$BOB
	same $(get "/api/data/parts/download?part=y=1/a.parquet") 404
	TOKEN=
	larder admin grant add analysts parts
'

ok 'a proxy is told 204, 401, 403 or 404' '
	same $(get /api/data/orders/check-access) 204
	[ ! -s body ]
	same $(get /api/data/nothing/check-access) 404
	TOKEN=$BOB
	same $(get /api/data/orders/check-access) 204
	same $(get /api/data/in.c-crm.orders/check-access) 204
	same $(get /api/data/secret/check-access) 403
	same $(get /api/data/nothing/check-access) 403
	same $(get /api/data/..%2f/check-access) 404
	same $(curl -sS -o body -w "%{http_code}" "$HUB_URL/api/data/orders/check-access") 401
'

ok 'a download goes on while its table is published anew' '
	awk "BEGIN { srand(1); print \"k\"; for (i = 0; i < 100000; i++) print rand() * 1e9 }" >big.csv
	larder publish big big.csv -q
	version=$(larder admin table show big --json | json ".versions[0].sha256")
	start slow curl -sS --limit-rate 200k -H "Authorization: Bearer $LARDER_TOKEN" -o slow.parquet "$HUB_URL/api/data/big/download"
	wait_for "[ -s slow.parquet ]"
	printf "k\n1\n" >big.csv
	larder publish big big.csv -q
	wait_for "gone $STARTED_PID"
	same $(sha256sum <slow.parquet | cut -d" " -f1) $version
'
