#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A large file on its first pull: ranges of whole blocks over several connections, each block checked as it comes.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

# Of 9 MB, and its index as a hub makes it.
(
	new_hub hub
	rows 1 560000 1 >big.csv
	larder publish big big.csv -q
	mv hub/objects/*/*.parquet big
	mv hub/objects/*/*.chunks big.chunks
	rm -rf hub big.csv
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
SIZE=$(stat -c %s big)
export SIZE

# served [INDEX]: a site with the file, and a workspace that has nothing
served() {
	site_indexed site "$SHARED/big" "${1:-$SHARED/big.chunks}"
	: >site.plan
	start_faulty site
	new_workspace ws $FAULTY_URL
}

right() {
	same "$(json report .tables_updated)" 1
	cmp "$SHARED/big" ws/server/parquet/big.parquet
	[ -z "$(ls -A ws/.larder/staging)" ]
	larder verify --workspace ws -q
}

whole() { # WHY
	right
	[ "$(json report .bytes_fetched)" -ge $SIZE ]
	has pull.err "the file is fetched whole"
	has pull.err "$1"
}

ok 'it comes as ranges, each byte once' '
	served
	pull ws
	right
	same "$(requests site "data/big/download bytes=")" 3
	same "$(requests site "data/big/download")" 3
	same "$(json report .bytes_fetched)" $((SIZE + $(stat -c %s "$SHARED/big.chunks")))
	same "$(json report .bytes_reused)" 0
	same "$(json report .requests)" "$(requests site)"
	same "$(json report .warnings[0] 2>/dev/null || echo none)" none
'

ok 'by one connection where no more are allowed' '
	served
	pull ws --jobs 1
	right
	same "$(requests site "data/big/download")" 1
'

ok 'a server that ignores ranges, or one of them: the whole file' '
	served
	faults site "/api/data/big/download norange"
	pull ws
	whole "sends no ranges"
	rm -rf ws site*
	served
	faults site "/api/data/big/download norange 1"
	pull ws
	whole "sends no ranges"
'

ok 'a wrong byte in a range, and another range: the whole file' '
	served
	faults site "/api/data/big/download flip:50% 1"
	pull ws
	whole "not those of the chunk index"
	rm -rf ws site*
	served
	faults site "/api/data/big/download shift:1"
	pull ws
	whole "another range"
'

ok 'an index that lies about a block, its own hash put right: the whole file' '
	head -c -32 "$SHARED/big.chunks" >lie
	printf "\\001\\002" | dd of=lie bs=1 seek=$(($(stat -c %s lie) - 64)) conv=notrunc 2>/dev/null
	openssl dgst -sha256 -binary lie >sum
	cat sum >>lie
	served $PWD/lie
	pull ws
	whole "not those of the chunk index"
'

ok 'no index, or another one: the whole file' '
	without_index served
'

ok 'cut in the middle again and again: the next run goes on with the blocks that are there' '
	served
	faults site "/api/data/big/download short:60%"
	exits 75 pull ws
	[ ! -e ws/server/parquet/big.parquet ]
	before=$(json report .bytes_fetched)
	faults site
	pull ws
	right
	[ "$(json report .bytes_fetched)" -lt "$before" ]
	[ "$(json report .bytes_reused)" -gt $((SIZE / 3)) ]
'

ok 'a range that is cut once goes on from its last block, in the same run' '
	served
	faults site "/api/data/big/download short:60% 1"
	pull ws
	right
	[ "$(json report .bytes_fetched)" -lt $((SIZE + 2000000)) ]
'

ok 'a file that was begun in pieces is not taken for whole by a run with one connection' '
	served
	faults site "/api/data/big/download short:60%"
	exits 75 pull ws
	faults site
	pull ws --jobs 1
	right
	[ "$(json report .bytes_reused)" -gt $((SIZE / 3)) ]
'

ok 'two tables with the same bytes: they come once' '
	served
	cp -r site/api/data/big site/api/data/twin
	jq -c ".tables.twin = (.tables.big | .id = \"twin\")" site/api/sync/manifest.json >m
	mv m site/api/sync/manifest.json
	pull ws
	same "$(json report .tables_updated)" 2
	same "$(requests site "/download")" 3
	cmp "$SHARED/big" ws/server/parquet/big.parquet
	cmp "$SHARED/big" ws/server/parquet/twin.parquet
	larder verify --workspace ws -q
'

ok 'killed, or its disk full, at a write: the next run has the table, and what was written is used' '
	served
	# the steps that write to the partial file; of the sweep, the first, one in the middle, the last
	LARDER_STEPS=$PWD/steps pull ws --jobs 2
	grep "write.*\\.part" steps | cut -d " " -f 1 >writes
	[ $(wc -l <writes) -gt 20 ]
	for at in $(sed -n "1p; 9p; \$p" writes); do
		for how in "LARDER_CRASH_AT=$at" "LARDER_FAIL_WITH=ENOSPC LARDER_FAIL_AT=$at"; do
			rm -rf ws
			new_workspace ws $FAULTY_URL
			code=0
			env $how larder pull --workspace ws --jobs 2 -q 2>err || code=$?
			echo "$how: $code"
			[ $code = 99 ] || [ $code = 1 ]
			[ ! -e ws/server/parquet/big.parquet ]
			pull ws
			right
		done
	done
'
