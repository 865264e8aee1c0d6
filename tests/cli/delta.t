#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Chunk indexes: made at publish, served, kept whole with the objects; and what a pull makes of them.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

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

# A site of the old and the new file, as any server may have them; the new one shares all but its end.
rows 1 345000 1 >two.csv
jq -nc --arg in "$PWD/two.csv" --arg out "$PWD/two" \
	'{op: "convert", inputs: [$in], format: "csv", order_by: [], output: $out}' | larder-duck >/dev/null
larder publish index two -q --format parquet >/dev/null || exit 1
cp "$BIG" one
cp "${BIG%.parquet}.chunks" one.chunks
cp "hub/objects/$(sha256sum <two | cut -c1-2)/$(sha256sum <two | cut -c1-64).chunks" two.chunks
SIZE=$(stat -c %s two)
export SIZE

put() { # SITE FILE [INDEX]
	unset LARDER_SERVER
	site_indexed "$1" "$SHARED/$2" $3
}

# held: a workspace `ws` that has the first file, and a site with the second
held() {
	put site one
	: >site.plan
	start_faulty site
	new_workspace ws $FAULTY_URL
	[ -d "$SHARED/base" ] || {
		pull ws
		mkdir "$SHARED/base"
		cp -r ws/. "$SHARED/base/"
		: >site.log
	}
	cp -r "$SHARED/base/." ws/
	echo "server: $FAULTY_URL" >ws/.larder/config.yaml
	put site two "$@"
}

whole() { # the pull took the whole file, and said why
	same "$(json report .tables_updated)" 1
	[ "$(json report .bytes_fetched)" -ge $SIZE ]
	has pull.err "the file is fetched whole"
	[ -z "${1:-}" ] || has pull.err "$1"
	larder verify --workspace ws -q
}

# nginx_conf PORT LOCATIONS: ./n/conf, of an nginx that needs nothing outside of ./n
nginx_conf() {
	cat >n/conf <<END
daemon off; master_process off; pid $PWD/n/pid; error_log $PWD/n/log; worker_processes 1;
events { worker_connections 64; }
http { access_log $PWD/n/access; default_type application/octet-stream;
  client_body_temp_path $PWD/n/1; proxy_temp_path $PWD/n/2; fastcgi_temp_path $PWD/n/3;
  uwsgi_temp_path $PWD/n/4; scgi_temp_path $PWD/n/5;
  server { listen 127.0.0.1:$1; $2 } }
END
	chmod -R a+rwX "$(dirname "$PWD")" .
}

ok 'the first pull keeps the index of what came' '
	put site one
	: >site.plan
	start_faulty site
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(requests site data/big/download)" 1
'

ok 'a refresh fetches what is new, as ranges of the whole file, and says so' '
	held
	pull ws -v
	same "$(json report .tables_updated)" 1
	[ "$(json report .bytes_fetched)" -lt $((SIZE * 2 / 5)) ]
	[ "$(json report .plan[0].bytes_reused)" -gt $((SIZE * 3 / 5)) ]
	same "$(json report .warnings[0] 2>/dev/null || echo none)" none
	grep -q "data/big/download bytes=" site.log
	cmp "$SHARED/two" ws/server/parquet/big.parquet
	larder verify --workspace ws -q
	same "$(json report .bytes_fetched)" $(awk "/data.big/ { n += \$5 } END { print n }" site.log)
	larder pull --workspace ws | grep -q "Nothing has changed" || pull ws
'

ok 'the summary of -v names what came and what was here' '
	held
	larder pull -v --workspace ws >out
	grep -q "fetch   big: changed, 5.7 MB ([0-9.]* [kM]B fetched, [0-9.]* MB reused)" out
'

ok 'going back fetches nothing while the old file is there, and little after' '
	held
	pull ws
	put site one
	pull ws
	same "$(json report .bytes_fetched)" 0
	cmp "$SHARED/one" ws/server/parquet/big.parquet
'

ok 'chunks of another table are copied too' '
	held
	sed -i "s/\"big\":/\"other\":/" site/api/sync/manifest.json
	pull ws
	[ "$(json report .bytes_fetched)" -lt $((SIZE * 2 / 5)) ]
	cmp "$SHARED/two" ws/server/parquet/other.parquet
	[ ! -e ws/server/parquet/big.parquet ]
'

ok 'a server without ranges sends the whole file' '
	held
	faults site "/api/data/big/download norange"
	pull ws
	whole "sends no ranges"
'

ok 'a proxy that answers 200 to one range of many sends the whole file' '
	held
	faults site "/api/data/big/download norange 1"
	pull ws
	whole "sends no ranges"
'

ok 'another range than was asked for is not taken' '
	held
	faults site "/api/data/big/download shift:1"
	pull ws
	whole "another range"
'

ok 'a missing, a cut and a changed index: the whole file' '
	without_index held
'

ok 'an index of another file, announced as this one'"'"'s: the whole file' '
	held "$SHARED/one.chunks"
	pull ws
	whole "another file"
'

# lie OFFSET BYTES: the index of the second file with other bytes there, its own hash put right
lie() {
	head -c -32 "$SHARED/two.chunks" >lie
	printf "$2" | dd of=lie bs=1 seek="$1" conv=notrunc 2>/dev/null
	sealed
}

# sealed: ./lie gets the hash of what it has by now
sealed() {
	openssl dgst -sha256 -binary lie >sum
	cat sum >>lie
}

ok 'an index that has another chunk where one is missing: the whole file' '
	# the first chunk of the file is said to be what the second one is
	dd if="$SHARED/two.chunks" bs=1 skip=75 count=16 of=second 2>/dev/null
	head -c -32 "$SHARED/two.chunks" >lie
	dd if=second of=lie bs=1 seek=56 conv=notrunc 2>/dev/null
	sealed
	held $PWD/lie
	pull ws
	whole "not those of the chunk index"
'

ok 'an index that names chunks of another table in wrong places: the whole file' '
	# the second and the third, which are here, change places; nothing of them is fetched
	{
		head -c 75 "$SHARED/two.chunks"
		tail -c +95 "$SHARED/two.chunks" | head -c 19
		tail -c +76 "$SHARED/two.chunks" | head -c 19
		tail -c +114 "$SHARED/two.chunks" | head -c -32
	} >lie
	sealed
	held $PWD/lie
	sed -i "s/\"big\":/\"other\":/" site/api/sync/manifest.json
	pull ws
	whole "what was made from its chunks has another hash"
	cmp "$SHARED/two" ws/server/parquet/other.parquet
'

ok 'whatever an index says, what is taken is the file' '
	entries=$(($(stat -c %s "$SHARED/two.chunks") - 32 * (SIZE / 1048576 + 2) - 56))
	for seed in 1 2 3 4 5 6; do
		rm -rf ws site*
		head -c -32 "$SHARED/two.chunks" >lie
		for change in $(awk -v s=$seed -v n=$entries "BEGIN { srand(s); for (i = 0; i < s; i++) printf \"%d:%o\\n\", 56 + rand() * n, rand() * 256 }"); do
			printf "\\${change#*:}" | dd of=lie bs=1 seek=${change%:*} conv=notrunc 2>/dev/null
		done
		sealed
		held $PWD/lie
		pull ws
		same "$(json report .tables_updated)" 1
		cmp "$SHARED/two" ws/server/parquet/big.parquet
		[ -z "$(ls -A ws/.larder/staging)" ]
	done
'

ok 'an index with lengths that overlap, or of a file of 2^63 bytes: the whole file' '
	lie 72 "\001\000\000"
	held $PWD/lie
	pull ws
	whole "chunk index cannot be used"
	rm -rf ws site*
	lie 16 "\000\000\000\000\000\000\000\200"
	held $PWD/lie
	pull ws
	whole "chunk index cannot be used"
'

ok 'a file here that a person has changed is found out by the hash: the whole file' '
	held
	file=$(ls ws/server/versions/*.parquet)
	chmod u+w "$file"
	touch -r "$file" stamp
	printf x | dd of="$file" bs=1 seek=200000 conv=notrunc 2>/dev/null
	touch -r stamp "$file"
	pull ws
	whole "another hash"
'

ok 'a flipped bit in a range is found in its chunk: the whole file' '
	held
	faults site "/api/data/big/download flip:50% 1"
	pull ws
	whole "not those of the chunk index"
'

ok 'a file that is replaced between index and ranges is not mixed' '
	held
	cp "$SHARED/one" site/api/data/big/download
	exits 1 pull ws
	has pull.err "the server has"
	cmp "$SHARED/one" ws/server/parquet/big.parquet
	larder verify --workspace ws -q
'

ok 'a hub that publishes between index and ranges sends the version that was asked for' '
	command -v nginx >/dev/null || skip "no nginx"
	export LARDER_TRACE=$PWD/hub.trace
	new_hub hub
	unset LARDER_TRACE
	mkdir n
	larder publish big "$SHARED/one" --format parquet -q
	new_workspace first $HUB_URL
	pull first
	larder publish big "$SHARED/two" --format parquet -q
	port=$((10000 + $$ % 20000))
	# The index comes slowly, by a proxy that has it at once: slower, when the publish was not in between.
	for rate in 1000 500 250 125; do
		: >hub.trace
		rm -rf ws
		cp -a first ws
		while curl -s -o /dev/null http://127.0.0.1:$port; do port=$((port + 1)); done
		nginx_conf $port "location / { proxy_pass $HUB_URL; }
		  location ~ /chunks { proxy_pass $HUB_URL; limit_rate $rate; }"
		start nginx nginx -c $PWD/n/conf -e $PWD/n/log
		wait_for "curl -s -o /dev/null http://127.0.0.1:$port"
		rm -f done
		start puller sh -c "LARDER_SERVER=http://127.0.0.1:$port larder pull --workspace ws --json >report 2>pull.err; echo \$? >done"
		wait_for "grep -q chunks hub.trace"
		printf "k\n$rate\n" >three.csv
		larder publish big three.csv -q
		published=$(grep -c . hub.trace)
		wait_for "[ -s done ]"
		same "$(cat done)" 0
		cmp "$SHARED/two" ws/server/parquet/big.parquet
		[ "$(json report .bytes_fetched)" -lt $((SIZE * 2 / 5 + 10000)) ]
		! sed -n "$((published + 1)),\$p" hub.trace | grep -q "big/download" || break
		larder publish big "$SHARED/two" --format parquet -q
		port=$((port + 1))
	done
	sed -n "$((published + 1)),\$p" hub.trace | grep -q "big/download"
	same "$(json report .warnings[0] 2>/dev/null || echo none)" none
'

ok 'a pull that is cut goes on with the pieces it has' '
	held
	faults site "/api/data/big/download short:60%"
	exits 75 pull ws
	before=$(json report .bytes_fetched)
	faults site
	pull ws
	[ "$(json report .bytes_fetched)" -lt "$before" ]
	cmp "$SHARED/two" ws/server/parquet/big.parquet
'

ok 'a plain nginx serves index and file' '
	command -v nginx >/dev/null || skip "no nginx"
	held
	mkdir n
	kill -KILL $STARTED_PID
	nginx_conf ${FAULTY_URL##*:} "root $PWD/site; location /api/sync/manifest { try_files /api/sync/manifest.json =404; }"
	wait_for "! curl -s -o /dev/null $FAULTY_URL"
	start nginx nginx -c $PWD/n/conf -e $PWD/n/log
	wait_for "curl -s -o /dev/null $FAULTY_URL"
	pull ws
	[ "$(json report .bytes_fetched)" -lt $((SIZE * 2 / 5)) ]
	cmp "$SHARED/two" ws/server/parquet/big.parquet
	grep -q " 206 " n/access
'

ok 'verify finds one wrong byte in a large file' '
	held
	pull ws
	larder verify --workspace ws -q
	file=$(readlink -f ws/server/parquet/big.parquet)
	chmod u+w "$file"
	printf x | dd of="$file" bs=1 seek=3000000 conv=notrunc 2>/dev/null
	exits 1 larder verify --workspace ws -q 2>err
	has err "other bytes"
	larder verify --workspace ws --repair -q
	cmp "$SHARED/two" "$file"
'
