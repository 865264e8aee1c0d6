#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Chunk indexes: made at publish, served, kept whole with the objects; and what a pull makes of them.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

# rows FIRST LAST SEED: a CSV of about 17 bytes a row when converted, the same for the same seed
rows() {
	echo id,a,b
	openssl enc -aes-128-ctr -nosalt -K 00 -iv "$3" -in /dev/zero 2>/dev/null | head -c $((($2 - $1 + 1) * 16)) |
		od -An -v -tx8 -w16 | awk -v first="$1" '{ print first + NR - 1 "," $1 "," $2 }'
}

new_hub hub >/dev/null
rows 1 330000 1 >one.csv
larder publish big one.csv -q >/dev/null || exit 1
BIG=$(ls hub/objects/*/*.parquet)
export BIG=$SHARED/$BIG

get() { # PATH: body in ./body, prints the status
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" -o body -w '%{http_code}' "$HUB_URL$1"
}

ok 'a large file has a chunk index, and the manifest tells of it' '
	same $(get /api/sync/manifest) 200
	sum=$(jq -r .tables.big.chunks.sha256 body) size=$(jq .tables.big.chunks.size_bytes body)
	version=$(jq -r .tables.big.version body)
	same $(get "/api/data/big/chunks?v=$version") 200
	same $(stat -c %s body) $size
	same $(sha256sum <body | cut -c1-64) $sum
	same "$(head -c 8 body)" LARDERCI
	cmp body "${BIG%.parquet}.chunks"
	[ $((size * 2000)) -lt $(stat -c %s "$BIG") ]
'

ok 'a small file has none' '
	printf "a\n1\n" >s.csv
	larder publish small s.csv -q
	same $(get /api/sync/manifest) 200
	same "$(jq .tables.small.chunks body)" null
	same $(get /api/data/small/chunks) 404
	same "$(jq -r .code body)" no_chunks
'

ok 'an index is as secret as its table' '
	token=$(token_of bob@example.com)
	same $(status GET /api/data/big/chunks $token) 404
	same "$(json reply.json .code)" not_found
'

ok 'verify sees a damaged and a lost index, and one that no row speaks of' '
	cp -r "$SHARED/hub" copy
	larder hub verify copy
	index=$(ls copy/objects/*/*.chunks)
	printf x | dd of="$index" bs=1 seek=100 conv=notrunc 2>/dev/null
	exits 1 larder hub verify copy >out 2>&1
	has out "chunk index of object"
	mv "$index" "${index%.chunks}x.chunks"
	exits 1 larder hub verify copy >out 2>&1
	has out "cannot be read"
	has out "no row speaks of the file"
'

ok 'a removed table takes its index along' '
	rows 1 330000 5 >gone.csv
	larder publish gone gone.csv -q
	same $(ls "$SHARED"/hub/objects/*/*.chunks | wc -l) 2
	larder admin table remove gone
	same $(ls "$SHARED"/hub/objects/*/*.chunks | wc -l) 1
'
