#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder publish and larder admin table: files become versions, what the hub has is not sent again.
. "$(dirname "$0")/../lib.sh"

LARDER_TOKEN=$(larder hub init hub --admin ann@example.com)
export LARDER_TOKEN
start_hub hub
LARDER_SERVER=$HUB_URL
export LARDER_SERVER

api() { # METHOD PATH [CURL OPTIONS]
	method=$1 path=$2
	shift 2
	curl -sS -X "$method" -H "Authorization: Bearer $LARDER_TOKEN" "$@" "$HUB_URL$path"
}

# A Parquet file without a converter at hand: what the hub made of a CSV.
parquet() { # FILE NUMBER...
	parquet_file=$1
	shift
	printf 'n\n' >source.csv
	printf '%s\n' "$@" >>source.csv
	larder publish "maker$1" source.csv -q >/dev/null
	api GET "/api/data/maker$1/download" -o "$parquet_file"
}

ok 'a CSV, TSV, JSON or NDJSON file becomes a table' '
	printf "a,b\n1,x\n2,y\n" >c.csv
	printf "a\tb\n1\tx\n2\ty\n" >t.tsv
	printf "[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}]" >j.json
	printf "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n" >n.ndjson
	for f in c.csv t.tsv j.json n.ndjson; do
		larder publish f-${f#*.} $f -q
		same "$(api GET /api/sync/manifest | json ".tables.\"f-${f#*.}\".rows")" 2
	done
'

ok 'the result is told in words and in JSON' '
	printf "a\n1\n" >a.csv
	larder publish told a.csv -q >words
	has words "told: published, 1 rows"
	larder publish told a.csv --json >json
	same "$(json json .table)" told
	same "$(json json .unchanged)" true
	same "$(json json .rows)" 1
	same "$(json json .files_known)" 1
'

ok 'a Parquet file is taken as it is' '
	parquet p.parquet 7 8
	larder publish as-is p.parquet -q
	api GET /api/data/as-is/download -o back.parquet
	cmp p.parquet back.parquet
	same "$(api GET /api/sync/manifest | json ".tables.\"as-is\".sha256")" "$(sha256sum <p.parquet | cut -d" " -f1)"
	same "$(api GET /api/sync/manifest | json ".tables.\"as-is\".hash")" "$(md5sum <p.parquet | cut -d" " -f1)"
'

ok 'publishing the same again changes nothing and sends nothing' '
	parquet p.parquet 9 10
	larder publish twice p.parquet -q
	larder publish twice p.parquet --json >again
	same "$(json again .unchanged)" true
	same "$(json again .bytes_sent)" 0
	same "$(api GET /api/admin/registry/twice/versions | json ".versions | length")" 1
'

ok 'a folder is a table in parts, with their paths' '
	mkdir -p d/y=1 d/y=2/deep
	printf "k\n1\n" >d/y=1/a.csv
	printf "{\"k\":2}\n" >d/y=2/deep/b.ndjson
	printf "note" >d/_SUCCESS
	printf "note" >d/.hidden
	larder publish folder d -q
	api GET /api/sync/manifest | jq -c ".tables.folder.parts | map(.path)" >paths
	same "$(cat paths)" "[\"y=1/a.parquet\",\"y=2/deep/b.parquet\"]"
	md5=$(api GET /api/sync/manifest | jq -j ".tables.folder.parts[] | \"\(.path) \(.hash)\n\"" | md5sum | cut -d" " -f1)
	same "$(api GET /api/sync/manifest | json .tables.folder.hash)" $md5
	sha=$(api GET /api/sync/manifest | jq -j ".tables.folder.parts[] | \"\(.path) \(.sha256)\n\"" | sha256sum | cut -d" " -f1)
	same "$(api GET /api/sync/manifest | json .tables.folder.version)" $sha
'

ok 'several files are a table in parts; only the changed one is sent' '
	printf "k\n1\n" >a.csv
	printf "k\n2\n" >b.csv
	larder publish several a.csv b.csv -q
	printf "k\n3\n" >b.csv
	larder publish several a.csv b.csv --json >second
	same "$(json second .files_uploaded)" 1
	same "$(json second .files_known)" 1
	same "$(json second .parts)" 2
'

ok 'a folder with one file is a table in parts too' '
	mkdir one
	printf "k\n1\n" >one/a.csv
	larder publish one-part one -q
	same "$(api GET /api/sync/manifest | json ".tables.\"one-part\".parts | length")" 1
'

ok 'rows are ordered as asked, and stay so at the next publish' '
	printf "k,v\n3,c\n1,a\n2,b\n" >k.csv
	printf "k,v\n1,a\n2,b\n3,c\n" >ordered.csv
	larder publish sorted k.csv --sort k --json >sorted
	larder publish straight ordered.csv --sort k --json >straight
	same "$(json sorted .sha256)" "$(json straight .sha256)"
	same "$(api GET /api/admin/registry/sorted | json .sort_by)" k
	printf "k,v\n9,c\n8,a\n" >k.csv
	larder publish sorted k.csv --json >next
	printf "k,v\n8,a\n9,c\n" >ordered.csv
	larder publish straight ordered.csv --json >straight
	same "$(json next .sha256)" "$(json straight .sha256)"
'

ok 'a source that was converted in one order is sent again for another' '
	printf "k\n2\n1\n" >k.csv
	larder publish order-a k.csv --sort k -q
	larder publish order-b k.csv --sort -k --json >other
	same "$(json other .files_uploaded)" 1
	same "$(json other .rows)" 2
'

ok 'a description and a name are kept until changed' '
	printf "k\n1\n" >k.csv
	larder publish with-text k.csv --description "What it is" --name "shown" -q
	same "$(api GET /api/catalog/tables | json ".tables[] | select(.id == \"with-text\") | .description")" "What it is"
	larder publish with-text k.csv -q
	same "$(api GET /api/admin/registry/shown | json .description)" "What it is"
	larder admin table change with-text --description "" --name shown2
	same "$(api GET /api/admin/registry/with-text | jq -c "[.name, .description]")" "[\"shown2\",null]"
'

ok 'what cannot be read is refused, and nothing changes' '
	parquet good.parquet 21 22
	larder publish kept good.parquet -q
	before=$(api GET /api/sync/manifest | jq -c .tables.kept)
	printf "PAR1 is not enough" >none.parquet
	head -c 100 good.parquet >cut.parquet
	printf "{\"a\":" >broken.json
	for f in none.parquet cut.parquet broken.json; do
		exits 1 larder publish kept $f -q 2>err
		has err "the uploaded file"
		hasnt err staging
		has err "422"
	done
	same "$(api GET /api/sync/manifest | jq -c .tables.kept)" "$before"
'

ok 'a byte that flips on the way is refused' '
	printf "k\nflipped\n" >k.csv
	sum=$(printf "k\nflipper\n" | sha256sum | cut -d" " -f1)
	same "$(api PUT /api/admin/objects/$sum --data-binary @k.csv -o reply -w "%{http_code}")" 422
	same "$(api GET /api/admin/objects/$sum -o reply -w "%{http_code}")" 404
'

ok 'what is no data file is a usage error that names it' '
	printf x >strange.xyz
	exits 2 larder publish t strange.xyz 2>err
	has err strange.xyz
	mkdir bad
	printf "k\n1\n" >"bad/a b.csv"
	printf "k\n1\n" >bad/c.csv
	exits 2 larder publish t bad 2>err
	has err "a b.csv"
	exits 1 larder publish t not-there.csv 2>err
	has err not-there.csv
	exits 2 larder publish "../t" strange.xyz
	mkdir empty
	exits 2 larder publish t empty
'

ok 'without the right to it nothing is published' '
	larder admin user add bob@example.com
	bob=$(larder admin token create --user bob@example.com --name t --json | json .token)
	printf "k\n1\n" >k.csv
	LARDER_TOKEN=$bob exits 4 larder publish t k.csv -q
	LARDER_TOKEN=lrd_000000000000_nothing exits 4 larder publish t k.csv -q
	LARDER_SERVER=http://127.0.0.1:1 exits 75 larder publish t k.csv -q
'

ok 'tables are added, listed, shown and removed' '
	larder admin table add later --name "later.on" --mode remote --source bigquery
	exits 3 larder admin table add later
	larder admin table list >list
	has list later.on
	has list remote
	printf "k\n1\n" >k.csv
	exits 3 larder publish later k.csv -q
	larder publish shown-versions k.csv -q
	larder admin table show shown-versions >versions
	has versions ann@example.com
	larder admin table remove later.on
	exits 1 larder admin table remove later
	larder admin table remove shown-versions
	same "$(api GET /api/data/shown-versions/download -o reply -w "%{http_code}")" 404
'

ok 'what the settings cap is refused, what they do not keep is gone' '
	larder hub init small --admin ann@example.com >token
	printf "limits:\n  upload_max: 1K\nretention:\n  versions_keep: 1h\n" >small/config.yaml
	start_hub small
	export LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(cat token)
	printf "k\n1\n" >k.csv
	first=$(larder publish t k.csv --json | json .version)
	printf "k\n2\n" >k.csv
	larder publish t k.csv -q
	same "$(api GET "/api/data/t/download?v=$first" -o reply -w "%{http_code}")" 200
	stop_hub
	export LARDER_NOW=+7200
	start_hub small
	export LARDER_SERVER=$HUB_URL
	printf "k\n3\n" >k.csv
	larder publish t k.csv -q
	same "$(api GET "/api/data/t/download?v=$first" -o reply -w "%{http_code}")" 404
	same "$(find small/objects -type f | wc -l)" 2
	seq 1 1000 >big.csv
	exits 1 larder publish t big.csv -q 2>err
	has err 413
	same "$(ls -A small/.larder/staging)" ""
	larder hub verify small -q
'

ok 'while it converts others are served, and a third publish is told to come back' '
	larder hub init slow --admin ann@example.com >token
	printf "limits:\n  threads: 1\n" >slow/config.yaml
	printf "#!/bin/sh\n: >\"$PWD/at.\$\$\"\nuntil [ -e \"$PWD/go\" ]; do sleep 0.05; done\nexec \"$TEST_BIN/larder-duck\" \"\$@\"\n" >duck
	chmod +x duck
	export LARDER_DUCK=$PWD/duck
	start_hub slow
	export LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(cat token)
	for n in 1 2 3; do printf "k\n$n\n" >$n.csv; done
	start one larder publish one 1.csv -q
	one=$STARTED_PID
	start two larder publish two 2.csv -q
	two=$STARTED_PID
	wait_for "[ \$(ls at.* 2>/dev/null | wc -l) = 2 ]"
	same "$(api GET /api/sync/manifest --max-time 5 | jq -c .tables)" "{}"
	exits 75 larder publish three 3.csv -q --retries 0
	: >go
	wait_for "gone $one && gone $two"
	larder publish three 3.csv -q
	same "$(api GET /api/sync/manifest | jq -c ".tables | keys")" "[\"one\",\"three\",\"two\"]"
'

ok 'publishes that race leave one whole version each, and every answer was whole' '
	for n in 0 1 2; do seq $n 1000 | sed "1i k" >race-$n.csv; done
	larder publish race race-0.csv -q
	for n in 1 2 3 4 5 6; do
		start p$n larder publish race race-$((n % 3)).csv -q --retries 20
		pids="${pids:-} $STARTED_PID"
	done
	while :; do
		sum=$(api GET /api/data/race/download -D head | sha256sum | cut -d" " -f1)
		has head "$sum"
		left=0
		for pid in $pids; do gone $pid || left=1; done
		[ $left = 1 ] || break
	done
	cat p*.err >errors
	hasnt errors error
	hasnt errors failed
	for pid in $pids; do wait $pid; done
	larder hub verify "$SHARED/hub" -q
'

ok 'a hub that was used so has nothing wrong in it' '
	larder hub verify "$SHARED/hub"
	larder hub verify "$SHARED/hub" --json >report
	same "$(json report .ok)" true
'

ok 'help names the options' '
	larder publish --help >help
	has help --sort
	has help --description
	larder admin table --help >help
	has help remove
'

# Four hundred thousand rows by a key, in an order that is none.
keyed() { # FIRST LAST
	{
		echo id,v
		seq "$1" "$2" | awk '{ print ($1 * 7919) % 1000003 "," $1 }'
	}
}

parts_of() { curl -s -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | jq -r ".tables.$1.parts[].sha256"; }

ok 'a table with a key is kept in parts whose borders stay' '
	keyed 1 400000 >k.csv
	larder publish k k.csv --key id --json >one.json
	same "$(json one.json .rows)" 400000
	same "$(json one.json .parts)" 3
	parts_of k >one
	# the same rows in another order, and again
	{ head -n 1 k.csv; tail -n +2 k.csv | tac; } >again.csv
	same "$(larder publish k again.csv --json | json .unchanged)" true
	# a few rows less and more in the middle: one part changes
	awk -F , "NR == 1 || \$1 < 500000 || \$1 > 501000" k.csv >fewer.csv
	larder publish k fewer.csv --json >two.json
	parts_of k >two
	same "$(sort one two | uniq -d | wc -l)" 2
	same "$(json two.json .parts_shared)" 2
	[ "$(json two.json .bytes_shared)" -gt $(($(json two.json .size_bytes) / 2)) ]
	larder publish k k.csv >text
	grep -q "[0-9.]* % of it as before (2 parts)" text
	parts_of k | diff one -
'

ok 'parts grow, are cut at twice their size, and join at half of it' '
	keyed 1 100000 >a.csv
	keyed 1 200000 >b.csv
	keyed 1 250000 >c.csv
	keyed 1 60000 >d.csv
	same "$(larder publish g a.csv --key id --json | json .parts)" 1
	same "$(larder publish g b.csv --json | json .parts)" 1
	same "$(larder publish g c.csv --json | json .parts)" 2
	same "$(larder publish g d.csv --json | json .parts)" 1
'

ok 'a key of two columns, of texts, with equal values' '
	awk "BEGIN { print \"a,b,n\"; for (i = 0; i < 300000; i++) print \"x\" i % 3 \",\" int(i / 1000) \",\" i }" >t.csv
	larder publish t2 t.csv --key a,b --json >one.json
	same "$(json one.json .rows)" 300000
	same "$(json one.json .parts)" 2
	{ head -n 1 t.csv; tail -n +2 t.csv | tac; } >u.csv
	same "$(larder publish t2 u.csv --json | json .unchanged)" true
'

ok 'several files make one table by its key; an order takes the key away' '
	keyed 1 10 >1.csv
	keyed 11 20 >2.csv
	same "$(larder publish several 1.csv 2.csv --key id --json | json .rows)" 20
	larder publish several 1.csv --sort v --json >sorted.json
	same "$(json sorted.json .parts)" 1
	same "$(curl -s -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/admin/registry/several" | json .key_by 2>/dev/null || echo null)" null
'

ok 'a key that is no column, that rows lack, or that goes with an order is refused' '
	printf "a,b\n1,2\n,3\n" >bad.csv
	exits 2 larder publish bad bad.csv --key nothing 2>err
	has err "no such column"
	exits 1 larder publish bad bad.csv --key a 2>err
	has err "have no"
	exits 2 larder publish bad bad.csv --key b --sort a 2>err
	has err "either an order or a key"
	exits 2 larder publish bad bad.csv --key -b 2>err
'
