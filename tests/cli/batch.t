#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Small files that come many in one request, and tables whose parts move.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

ok 'of a table with a key only the parts that changed are fetched, wherever they moved' '
	new_hub hub
	rows 1 400000 1 >k.csv
	larder publish k k.csv --key id -q
	new_workspace ws $HUB_URL
	pull ws
	same "$(ls ws/server/parquet/k | wc -l)" 3
	size=$(json report .bytes_fetched)
	# the first part goes: the others have another number now
	awk -F , "NR == 1 || \$1 > 122880" k.csv >rest.csv
	larder publish k rest.csv -q
	pull ws
	same "$(json report .tables_updated)/$(json report .bytes_fetched)" 1/0
	same "$(ls ws/server/parquet/k | wc -l)" 2
	larder verify --workspace ws -q
	awk -F , "\$1 != 200000" rest.csv >less.csv
	larder publish k less.csv -q
	pull ws -v
	[ "$(json report .bytes_fetched)" -lt $((size / 2)) ]
	same "$(larder query --workspace ws "SELECT count(*) FROM k" --json | json ".rows[0][0]")" 277119
	larder verify --workspace ws -q
'

ok 'many small files come in few requests' '
	new_hub hub
	mkdir many
	printf "k,v\n1,2\n" >one.csv
	for n in $(seq 40); do sed "s/1/$n/" one.csv >many/$n.csv; done
	larder publish many many -q
	new_workspace ws $HUB_URL
	pull ws
	same "$(ls ws/server/parquet/many | wc -l)" 40
	[ "$(json report .requests)" -lt 8 ]
	same "$(larder query --workspace ws "SELECT count(*) FROM many" --json | json ".rows[0][0]")" 40
	larder verify --workspace ws -q
'

# has_batches: a site of two small tables whose server has batches, and a workspace that has nothing
has_batches() {
	unset LARDER_SERVER
	site_table site a 10 1; site_table site b 10 2
	site_manifest site
	jq -c ".batch = true | .tables |= map_values(.version = .sha256)" site/api/sync/manifest/index.json >m
	mv m site/api/sync/manifest/index.json
	: >site.plan
	start_faulty site
	new_workspace ws $FAULTY_URL
}

# batched ANSWER...: a pull from one that answers so to a batch
batched() {
	has_batches
	printf "$@" >site/api/data/batch
	pull ws
	same "$(json report .tables_updated)" 2
	same "$(requests site "POST /api/data/batch")" 1
	larder verify --workspace ws -q
	[ -z "$(ls -A ws/.larder/staging)" ]
}

ok 'a batch that is nonsense, too long, cut or refused: each file alone' '
	batched "nonsense nonsense"
	rm -rf site* ws
	batched "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377more"
	rm -rf site* ws
	batched "\377\377"
	rm -rf site* ws
	batched ""
	same "$(requests site /download)" 2
'

ok 'of a batch that is right nothing is asked for again' '
	has_batches
	# in the order of the hashes, each with its length
	for name in $(for n in a b; do echo "$(sha256sum <site/api/data/$n/download) $n"; done | sort | sed "s/.* //"); do
		size=$(stat -c %s site/api/data/$name/download)
		printf "\\$(printf %o $((size % 256)))\\$(printf %o $((size / 256)))\000\000\000\000\000\000" >>batch
		cat site/api/data/$name/download >>batch
	done
	mv batch site/api/data/batch
	pull ws
	same "$(json report .tables_updated)" 2
	same "$(requests site /download)" 0
	larder verify --workspace ws -q
'

ok 'a batch holds what its caller may see, and has limits' '
	new_hub hub
	printf "k\n1\n" >s.csv
	larder publish secret s.csv -q
	token=$(token_of bob@example.com)
	same $(status POST /api/data/batch $token "{\"files\":[{\"table\":\"secret\"}]}") 200
	same "$(od -An -tx1 reply.json | tr -d " \n")" ffffffffffffffff
	same $(status POST /api/data/batch $LARDER_TOKEN "{\"files\":[{\"table\":\"secret\"}]}") 200
	[ $(stat -c %s reply.json) -gt 100 ]
	same $(status POST /api/data/batch $LARDER_TOKEN "{\"files\":7}") 400
	many=$(for n in $(seq 257); do printf ",{}"; done)
	same $(status POST /api/data/batch $LARDER_TOKEN "{\"files\":[${many#,}]}") 413
	many=$(for n in $(seq 256); do printf ",{}"; done)
	same $(status POST /api/data/batch $LARDER_TOKEN "{\"files\":[${many#,}]}") 200
	same $(stat -c %s reply.json) 2048
'

ok 'a batch of several megabytes is read as it is sent' '
	new_hub hub
	mkdir many
	for n in $(seq 24); do rows 1 15000 $n >many/$n.csv; done
	larder publish many many -q
	jq -nc "{files: [range(1; 25) | {table: \"many\", part: \"\(.).parquet\"}]}" >ask
	ask() { curl -sS -H "Authorization: Bearer $LARDER_TOKEN" -H "Content-Type: application/json" -d @ask -o batch "$HUB_URL/api/data/batch"; }
	ask
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" >manifest
	for n in $(seq 24); do
		sum=$(jq -r ".tables.many.parts[] | select(.path == \"$n.parquet\") | .sha256" manifest)
		printf "        " && cat hub/objects/*/$sum.parquet
	done >want
	same "$(stat -c %s batch)" "$(stat -c %s want)"
	[ $(stat -c %s batch) -gt 4000000 ]
	# all but the lengths, which are eight bytes before each file
	[ "$(cmp -l batch want | wc -l)" -le $((24 * 8)) ]
	truncate -s -1 hub/objects/*/$sum.parquet
	ask
	same "$(stat -c %s batch)" $(($(stat -c %s want) - 1))
'

ok 'far from the hub batches are larger, and the rules are asked for meanwhile' '
	has_batches
	site_rules site one two
	: >site/api/data/batch
	faults site "/api/sync/manifest late:40" "/api/memory/bundle late:40"
	pull ws
	same "$(json report .tables_updated)" 2
	same "$(requests site /api/memory/bundle)" 1
	same "$(json report .requests)" "$(requests site)"
	[ -e ws/.claude/rules/km_one.md ]
	larder verify --workspace ws -q
	# Asked for ahead and not to be had: the tables are here, and what is missing is told.
	rm -rf ws
	new_workspace ws $FAULTY_URL
	faults site "/api/sync/manifest late:40" "/api/memory/bundle status:403"
	exits 1 pull ws
	same "$(json report .tables_updated)" 2
	has pull.err "memory"
'

# The most connections to the site at once while a pull is under way: its server has a thread for each.
most_connections() {
	most=0
	larder pull --workspace ws --quiet &
	while kill -0 $! 2>/dev/null; do
		now=$(awk '/^Threads/ { print $2 - 1 }' /proc/$STARTED_PID/status)
		[ "$now" -le $most ] || most=$now
	done
	wait $!
	echo $most
}

ok 'far from the hub others connect while the manifest of a first pull is on its way' '
	has_batches
	faults site "/api/sync/manifest late:500" "/api/data/batch status:404"
	[ "$(most_connections)" -gt 20 ]
	larder verify --workspace ws -q
	# One that comes after a failure asks for it as if it were the first, but has most of it already.
	site_table site a 10 3
	site_manifest site
	faults site "/api/data/a/download status:404"
	exits 1 larder pull --workspace ws --quiet
	faults site "/api/sync/manifest late:500"
	[ "$(most_connections)" -lt 10 ]
	same "$(requests site "GET /api/data/a/download")" 3
'
