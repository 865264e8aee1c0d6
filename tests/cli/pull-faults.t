#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder pull on a network and a server that fail, and what the next run makes of what was left.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"

# A site with one table of some size: a kill or a reset leaves enough of it to resume.
parquet big 200000
BIG=$(stat -c %s "$SHARED/big")
export BIG
cp big big.parquet

big_site() { # SITE
	mkdir -p "$1/api/data/big"
	cp "$SHARED/big" "$1/api/data/big/download"
	new_site "$1"
}

for tenth in 1 2 3 4 5 6 7 8 9; do
	ok "a connection reset at ${tenth}0 % of the body is resumed in the same run" '
		tenth='$tenth'
		big_site site
		new_workspace ws $FAULTY_URL
		faults site "/api/data/big/download reset:${tenth}0% 1"
		pull ws
		same "$(json report .tables_updated)" 1
		grep download site.log | sed -n 2p | grep -q "bytes=[1-9][0-9]*- 206"
		same "$(json report .bytes_fetched)" "$BIG"
	'
done

ok 'a partial download is resumed by the next run, from its last byte' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download short:60% 1" "/api/data/big/download status:404"
	exits 1 pull ws
	held=$(stat -c %s ws/.larder/staging/*.part)
	[ $held -gt $((BIG / 2)) ]
	faults site
	pull ws
	same "$(grep download site.log | tail -n 1 | cut -d " " -f 3-4)" "bytes=$held- 206"
	same "$(json report .bytes_fetched)" $((BIG - held))
	same "$(json report .bytes_reused)" $held
	larder verify --workspace ws -q
'

ok 'a pull that is killed in the middle is resumed by the next' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download stall:70%"
	start killed larder pull --workspace ws
	wait_for "[ -f ws/.larder/staging/*.part ]"
	wait_for "[ \$(stat -c %s ws/.larder/staging/*.part) -ge 262144 ]"
	kill -KILL $STARTED_PID
	wait_for "gone $STARTED_PID"
	held=$(stat -c %s ws/.larder/staging/*.part)
	faults site
	pull ws
	grep -q "bytes=$held- 206" site.log
	larder verify --workspace ws -q
'

ok 'a whole download that was not committed is not fetched again' '
	big_site site
	new_workspace ws $FAULTY_URL
	mkdir -p ws/.larder/staging
	cp "$SHARED/big" ws/.larder/staging/$(sha256sum <"$SHARED/big" | cut -c1-64).part
	pull ws
	same "$(json report .tables_updated)" 1
	same "$(json report .bytes_fetched)" 0
	same "$(requests site data/big)" 0
'

ok 'nothing is resumed when the version has changed' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download reset:60% 1" "/api/data/big/download status:404"
	exits 1 pull ws
	faults site
	parquet site/api/data/big/download 100000 9
	site_manifest site
	pull ws
	same "$(grep download site.log | tail -n 1 | cut -d " " -f 3-4)" "- 200"
	[ -z "$(ls ws/.larder/staging)" ]
	larder verify --workspace ws -q
'

ok 'a damaged partial download is found by its hash, thrown away and fetched whole' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download reset:60% 1" "/api/data/big/download status:404"
	exits 1 pull ws
	printf x | dd of="$(ls ws/.larder/staging/*.part)" bs=1 seek=1000 conv=notrunc 2>/dev/null
	faults site
	pull ws
	same "$(grep download site.log | tail -n 1 | cut -d " " -f 3-4)" "- 200"
	larder verify --workspace ws -q
'

ok 'a partial download that is longer than the file is thrown away' '
	big_site site
	new_workspace ws $FAULTY_URL
	mkdir -p ws/.larder/staging
	cat "$SHARED/big" "$SHARED/big" >ws/.larder/staging/$(sha256sum <"$SHARED/big" | cut -c1-64).part
	pull ws
	same "$(json report .bytes_fetched)" "$BIG"
'

ok 'a real hub is asked for the rest only, of the version that was begun' '
	. "$SOURCE/tests/hub.sh"
	new_hub hub
	larder publish big "$SHARED/big.parquet" -q
	sum=$(sha256sum <"$SHARED/big" | cut -c1-64)
	new_workspace ws $HUB_URL
	mkdir -p ws/.larder/staging
	head -c 300000 "$SHARED/big" >ws/.larder/staging/$sum.part
	LARDER_TRACE=$PWD/trace pull ws
	same "$(json report .bytes_reused)" 300000
	same "$(json report .bytes_fetched)" $((BIG - 300000))
	grep -q "v=$sum" trace
	larder verify --workspace ws -q
'

ok 'a server without ranges sends all of it again' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download reset:60% 1" "/api/data/big/download norange"
	pull ws
	same "$(json report .tables_updated)" 1
	larder verify --workspace ws -q
'

ok 'another entity tag means another file: all of it is sent' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download reset:60% 1" "/api/data/big/download etag:\"other\""
	pull ws
	larder verify --workspace ws -q
'

ok 'a 416 starts over' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download reset:60% 1" "/api/data/big/download status:416 1"
	pull ws
	same "$(grep download site.log | tail -n 1 | cut -d " " -f 3-4)" "- 200"
'

ok 'a body shorter than announced is continued' '
	big_site site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/big/download short:50% 1"
	pull ws
	same "$(json report .tables_updated)" 1
'

ok 'a body longer than announced is refused, and the old file stays' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	sum=$(sum_of ws a)
	site_table site a 10 7001
	site_manifest site
	cat site/api/data/b/download >>site/api/data/a/download
	exits 1 pull ws
	same "$(json report ".errors[0].table")" a
	same "$(sum_of ws a)" "$sum"
	larder verify --workspace ws -q
'

ok 'a flipped byte is thrown away and fetched once more' '
	new_site site a
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download flip:50% 1"
	pull ws
	same "$(requests site data/a)" 2
	larder verify --workspace ws -q
'

ok 'bytes that stay wrong are an error after the second time, and the old file stays' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	sum=$(sum_of ws a)
	site_table site a 10 7001
	site_table site b 10 7003
	site_manifest site
	faults site "/api/data/a/download flip:50%"
	exits 1 pull ws
	same "$(json report .tables_updated)" 1
	same "$(json report ".errors | length")" 1
	same "$(json report ".errors[0].table")" a
	json report ".errors[0].error" | grep -q "bytes are wrong"
	same "$(requests site data/a)" 3
	same "$(sum_of ws a)" "$sum"
	larder verify --workspace ws -q
'

for status in 404 403 500 503; do
	ok "a $status for one table is reported, and the others go on" '
		status='$status'
		new_site site a b c
		new_workspace ws $FAULTY_URL
		faults site "/api/data/b/download status:$status"
		exits 1 pull ws
		same "$(json report .tables_updated)" 2
		same "$(json report ".errors | length")" 1
		same "$(json report ".errors[0].table")" b
		faults site
		pull ws
		same "$(json report .tables_updated)" 1
		same "$(requests site data/a)" 1
	'
done

ok 'a 500 that passes is tried again' '
	new_site site a
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download status:500 1"
	pull ws
	same "$(requests site data/a)" 2
'

ok 'a 429 is tried again when the server says so' '
	new_site site a
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download status:429:1 1"
	before=$(date +%s%N)
	pull ws
	[ $(($(date +%s%N) - before)) -ge 1000000000 ]
	same "$(requests site data/a)" 2
'

ok 'a 401 in the middle stops the rest from being asked for' '
	new_site site
	for n in $(seq 1 60); do
		mkdir -p site/api/data/t$n
		{ head -c 100 /dev/urandom; } >site/api/data/t$n/download
	done
	site_manifest site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/* status:401"
	exits 4 pull ws --jobs 2
	[ $(requests site /download) -le 10 ]
	json report ".errors[-1].error" | grep -q "more tables were not asked for"
'

ok 'a redirect is not followed: the token does not travel' '
	new_site site a
	new_site elsewhere a
	other=$FAULTY_URL
	start_faulty site
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download redirect:$other/api/data/a/download"
	exits 1 pull ws
	same "$(requests elsewhere)" 0
	[ ! -e ws/server/parquet/a.parquet ]
'

ok 'a server that is not there: exit 75, at once, and nothing is lost' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	echo "server: http://127.0.0.1:1" >ws/.larder/config.yaml
	exits 75 pull ws
	same "$(json report ".errors[0].stage")" manifest
	larder verify --workspace ws -q
'

ok 'connections that are refused or garbage for one table do not stop the others' '
	new_site site a b c
	new_workspace ws $FAULTY_URL
	faults site "/api/data/a/download garbage" "/api/data/b/download refuse"
	exits 1 pull ws
	same "$(json report .tables_updated)" 1
	faults site
	pull ws
	same "$(json report .tables_updated)" 2
'

ok 'a hub that is restarted in the middle is waited for' '
	. "$SOURCE/tests/hub.sh"
	new_hub hub
	printf "id,v\n1,10\n" >t.csv
	for n in 1 2 3; do
		printf "id,v\n1,$n\n" >t.csv
		larder publish t$n t.csv -q
	done
	port=${HUB_URL##*:}
	new_workspace ws $HUB_URL
	stop_hub
	exits 75 pull ws
	start again larder serve --data hub --listen 127.0.0.1:$port
	wait_for "grep -q http again.out"
	pull ws
	same "$(json report .tables_updated)" 3
'

ok 'no room on the disk is said before anything is fetched' '
	new_site site a
	jq -c ".tables.a.size_bytes = 200000000000" site/api/sync/manifest/index.json >m
	mv m site/api/sync/manifest/index.json
	new_workspace ws $FAULTY_URL
	[ "$(df -B1 --output=avail . | tail -n 1)" -lt 190000000000 ] || skip "the disk is too large"
	exits 1 pull ws
	json report ".errors[0].error" | grep -q "the files to fetch need 200.0 GB"
	same "$(requests site data/a)" 0
'

ok 'a disk that fails once in the commit costs no download' '
	new_site site a
	new_workspace one $FAULTY_URL
	LARDER_STEPS=$PWD/steps pull one
	at=$(sed -n "/ rename server.versions/q; / db-sync /s/ .*//p" steps | tail -n 1)
	new_workspace two $FAULTY_URL
	LARDER_FAIL_AT=$at LARDER_FAIL_ONCE=1 exits 1 pull two
	same "$(json report .tables_updated)" 0
	pull two
	same "$(json report .tables_updated)" 1
	same "$(json report .bytes_fetched)" 0
	larder verify --workspace two -q
'
