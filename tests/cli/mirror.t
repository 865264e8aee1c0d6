#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A mirror: files, ranges, chunk indexes and patches from another server than the hub, whatever that does.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/ceph.sh"

# A hub with the first version of two tables and a small one; what a workspace has of it; the same hub with the next version.
new_hub old >/dev/null
rows 1 262000 1 >two.csv
head -n 250001 two.csv >one.csv
rows 1 60000 2 >base.csv
awk -F , -v OFS=, 'NR > 1 && $1 % 100 == 7 { $3 = "changed" } { print }' base.csv >changed.csv
printf 'a\n1\n' >small.csv
larder publish big one.csv -q >/dev/null || exit 1
larder publish keyed base.csv --key id -q >/dev/null || exit 1
larder publish small small.csv -q >/dev/null || exit 1
new_workspace base $HUB_URL
larder pull --workspace base -q || exit 1
cp -a old first
stop_hub
cp -a old new
start_hub new
LARDER_SERVER=$HUB_URL
larder publish big two.csv -q >/dev/null || exit 1
larder publish keyed changed.csv --key id -q >/dev/null || exit 1
stop_hub
unset LARDER_SERVER

object_of() { # TABLE [PART]: the path of its file below objects
	sum=$(curl -sS -H "Authorization: Bearer $LARDER_TOKEN" $HUB_URL/api/sync/manifest |
		jq -r ".tables.$1 | if .parts then .parts[0].sha256 else .sha256 end")
	echo "$(echo $sum | cut -c1-2)/$sum.parquet"
}

# nginx_of LOCATIONS: an nginx with these; sets MIRROR
nginx_of() {
	command -v nginx >/dev/null || skip "no nginx"
	free_port
	mkdir n
	cat >n/conf <<CONF
daemon off; master_process off; pid $PWD/n/pid; error_log $PWD/n/log; worker_processes 1;
events { worker_connections 64; }
http { default_type application/octet-stream;
  log_format all '\$status \$request_uri range=\$http_range token=\$http_authorization if=\$http_if_range\$http_if_match';
  map \$request_uri \$told { / 0; default 1; }
  access_log $PWD/n/access all if=\$told;
  client_body_temp_path $PWD/n/1; proxy_temp_path $PWD/n/2; fastcgi_temp_path $PWD/n/3;
  uwsgi_temp_path $PWD/n/4; scgi_temp_path $PWD/n/5;
  server { listen 127.0.0.1:$PORT; $1 } }
CONF
	start nginx nginx -c $PWD/n/conf -e $PWD/n/log
	wait_for "curl -s -o /dev/null http://127.0.0.1:$PORT"
	MIRROR=http://127.0.0.1:$PORT
}

# hub_with MIRROR [first|new [OPTIONS]]: that hub, which names the mirror, and the workspace `ws` that has the first version
hub_with() {
	hub_mirror=$1
	cp -a $SHARED/${2:-new} hub
	shift $(($# > 1 ? 2 : 1))
	LARDER_HUB_MIRROR=$hub_mirror start_hub hub "$@"
	cp -a $SHARED/base ws
	echo "server: $HUB_URL" >ws/.larder/config.yaml
}

here() { # the workspace has what the hub has now, and all of it is whole
	larder verify --workspace ws -q
	same "$(sha256sum <ws/server/parquet/big.parquet | cut -c1-64)" "$(basename "$(object_of big)" .parquet)"
	same "$(basename "$(readlink ws/server/parquet/keyed/*.parquet)")" "$(basename "$(object_of keyed)")"
}

quiet() {
	same "$(json report .warnings[0] 2>/dev/null || echo none)" none
	hasnt pull.err warning
}

troubled() { # TEXT: one warning, with that
	same "$(json report ".warnings | length")" 1
	has pull.err "$1"
	has pull.err "mirror"
	has pull.err "the hub was asked instead"
}

# the_doctor RESULT TEXT [NEXT]: what it says of the mirror, which is never bad
the_doctor() {
	larder doctor --workspace ws --json >findings
	jq -r '.findings[] | select(.check == "mirror") | "\(.result): \(.detail) next: \(.next)"' findings >found
	has found "$1: "
	has found "$2"
	has found "next: ${3:-}"
}

ok 'a cold pull has its files from nginx, and the small ones from the hub; no token goes there' '
	nginx_of "location /files { alias $PWD/hub/objects; }"
	hub_with $MIRROR/files/
	rm -rf ws
	new_workspace ws $HUB_URL
	LARDER_TRACE=$PWD/trace pull ws
	here
	quiet
	same "$(larder status --workspace ws --json | json .last_pull_result.bytes_from_mirror)" "$(json report .bytes_from_mirror)"
	[ "$(json report .bytes_from_mirror)" -gt 5000000 ]
	[ "$(json report .bytes_from_mirror)" -lt "$(json report .bytes_fetched)" ]
	! grep -q "api/data/[bk].*/download" trace
	grep -q "^200 /files/$(object_of big) range=- token=- if=" n/access
	! grep -v "token=- if=--\$" n/access
'

ok 'a refresh has its index and its ranges from nginx, a patch too' '
	nginx_of "root $PWD/hub/objects;"
	hub_with $MIRROR
	LARDER_PATCHES=always LARDER_TRACE=$PWD/trace pull ws -v
	here
	quiet
	[ "$(json report .bytes_fetched)" -lt 2500000 ]
	same "$(json report .bytes_from_mirror)" "$(json report .bytes_fetched)"
	! grep -q "api/data/" trace
	big=$(object_of big)
	grep -q "^206 /$big range=bytes=.* token=- if=--\$" n/access
	grep -q "^200 /${big%.parquet}.chunks" n/access
	grep -q "^200 /.*\.patch" n/access
	! grep "token=[^-]" n/access
'

ok 'the manifest names it, under another tag; without the setting nothing does' '
	for at in "" http://m.example/x; do
		rm -rf hub
		hub_with "$at"
		same $(status GET /api/sync/manifest $LARDER_TOKEN) 200
		grep -i "^etag" reply.head >tag"$at" 2>/dev/null || grep -i "^etag" reply.head >tag2
		same "$(jq -r .mirror reply.json)" "${at:-null}"
		stop_hub
	done
	! cmp -s tag tag2
	for bad in ftp://h/x http://u@h/ "http://h/?q" "http://h/#f" h; do
		exits 2 env LARDER_HUB_MIRROR="$bad" larder config check --data hub 2>err
		has err downloads.mirror
	done
'

ok 'the list of what may be there: kept versions, nothing small, no excerpt' '
	cp -a $SHARED/new hub
	larder hub objects hub >before
	same $(grep -c parquet before) 4
	same $(grep -c chunks before) 2
	same $(grep -c patch before) 1
	(cd hub/objects && xargs stat -c %s <../../before) | awk "{ n += \$1 } END { print n }" >sum
	same "$(larder hub objects hub --json | jq -c "[.count, .bytes]")" "[7,$(cat sum)]"
	start_hub hub
	export LARDER_SERVER=$HUB_URL
	bob=$(token_of bob@example.com)
	member some bob@example.com
	larder admin grant add some big --where "id > 5"
	same $(status GET /api/sync/manifest $bob) 200
	excerpt=$(jq -r .tables.big.sha256 reply.json)
	[ -f hub/objects/$(echo $excerpt | cut -c1-2)/$excerpt.parquet ]
	larder hub objects hub | cmp - before
'

ok 'who has limited rights gets an excerpt, and that from the hub alone' '
	nginx_of "root $PWD/hub/objects;"
	hub_with $MIRROR
	export LARDER_SERVER=$HUB_URL
	bob=$(token_of bob@example.com)
	member some bob@example.com
	larder admin grant add some big --where "id > 5"
	same $(status GET /api/sync/manifest $bob) 200
	same "$(jq -r "[.mirror, .tables.big.mirror] | join(\" \")" reply.json)" "$MIRROR false"
	new_workspace bobs $HUB_URL
	LARDER_TOKEN=$bob pull bobs
	same "$(json report .bytes_from_mirror)" 0
	[ "$(json report .bytes_fetched)" -gt 4000000 ]
	[ ! -s n/access ]
	same "$(status GET /api/sync/manifest $LARDER_TOKEN)$(jq .tables.big.mirror reply.json)" 200null
'

ok 'what the mirror does not have comes from the hub, without a word' '
	mkdir empty
	for status in 404 403; do
		rm -rf hub ws n
		nginx_of "root $PWD/empty; location / { return $status; }"
		hub_with $MIRROR
		pull ws
		here
		quiet
		same "$(json report .bytes_from_mirror)" 0
		[ "$(json report .bytes_fetched)" -lt 2500000 ]
		grep -q "^$status" n/access
		stop_hub
	done
'

ok 'a mirror in trouble costs one warning, and is left alone after some failures' '
	nginx_of "root $PWD/hub/objects;
		location ~ ^/500/ { return 500; }
		location ~ ^/away/ { return 302 http://127.0.0.1:9/; }
		location ~ ^/none/(.*) { max_ranges 0; alias $PWD/hub/objects/\$1; }
		location ~ ^/other/ { alias $SHARED/one.csv; }"
	for case in "500 (HTTP 500)" "away (HTTP 302)" "none it sends no ranges" "other it sends another range"; do
		rm -rf hub ws
		hub_with $MIRROR/${case%% *}
		: >n/access
		pull ws
		here
		troubled "${case#* }"
		[ "$(json report .bytes_fetched)" -lt 2600000 ]
		[ $(grep -c "" n/access) -le 12 ]
		stop_hub
	done
'

ok 'a mirror is left alone after three failures in a row, or sixteen files that it lacks' '
	[ -n "${LARDER_TEST_LONG:-}" ] || skip "it publishes sixteen files: make sweep"
	nginx_of "root $PWD/hub/objects; location ~ ^/500/ { return 500; } location ~ ^/404/ { return 404; }
		location ~ ^/some/[0-8](.*) { return 404; } location ~ ^/some/(.*) { alias $PWD/hub/objects/\$1; }"
	hub_with ""
	mkdir parts
	for i in $(seq 10 25); do
		{ echo id,a,b; sed -n "$(((i - 10) * 16000 + 2)),$(((i - 9) * 16000 + 1))p" $SHARED/two.csv; } >parts/$i.csv
	done
	larder publish many parts --server $HUB_URL -q
	stop_hub
	for case in "500 3" "404 16" some; do
		rm -rf ws cold
		: >n/access
		LARDER_HUB_MIRROR=$MIRROR/${case% *} start_hub hub
		status GET /api/sync/manifest $LARDER_TOKEN >/dev/null
		same "$(jq ".tables.many.parts | length" reply.json)" 16
		new_workspace cold $HUB_URL
		pull cold --jobs 1
		larder verify --workspace cold -q
		same "$(json report .warnings | jq length)" $([ "${case% *}" = 500 ] && echo 1 || echo 0)
		[ "${case% *}" = some ] || same $(grep -c "^${case% *}" n/access) ${case#* }
		stop_hub
	done
	[ "$(json report .bytes_from_mirror)" -gt 500000 ]
'

ok 'a hub with TLS gets no mirror without; with TLS its certificate counts' '
	for name in cert other; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $name.key -out $name.pem \
			-days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	done
	cp cert.pem trusted.pem
	export CURL_CA_BUNDLE=$PWD/trusted.pem
	free_port
	tls=$PORT
	nginx_of "root $PWD/hub/objects; listen 127.0.0.1:$tls ssl; ssl_certificate $PWD/other.pem; ssl_certificate_key $PWD/other.key;"
	hub_with $MIRROR new --tls-cert cert.pem --tls-key cert.key
	pull ws
	larder verify --workspace ws -q
	troubled "in the clear"
	the_doctor note "in the clear" "files come from the hub; who runs it mends the setting downloads.mirror"
	[ ! -s n/access ]
	stop_hub

	rm -rf hub ws
	hub_with https://127.0.0.1:$tls new --tls-cert cert.pem --tls-key cert.key
	cp -a ws kept
	pull ws
	larder verify --workspace ws -q
	troubled certificate
	the_doctor note certificate "can this machine reach it"
	cat other.pem >>trusted.pem
	pull kept
	larder verify --workspace kept -q
	quiet
	[ "$(json report .bytes_from_mirror)" -gt 200000 ]
'

ok 'a mirror that nobody serves costs one warning' '
	hub_with http://127.0.0.1:1/m
	pull ws
	here
	troubled "127.0.0.1"
	same "$(json report .bytes_from_mirror)" 0
'

# faulty_mirror: a hub whose mirror does what ./site.plan says
faulty_mirror() {
	cp -a $SHARED/new/objects site
	: >site.plan
	start_faulty site
	hub_with $FAULTY_URL
	cp -a ws kept
}

ok 'wrong, cut and endless files are made whole by the hub' '
	faulty_mirror
	big=$(object_of big)
	for fault in flip:50% short:50% reset:70% long:10 garbage; do
		rm -rf cold
		new_workspace cold $HUB_URL
		faults site "/$big $fault"
		pull cold
		cmp hub/objects/$big cold/server/parquet/big.parquet
		[ $fault = long:10 ] || troubled ""
		# What was right of a cut file is kept.
		case $fault in
		short:* | reset:*) [ "$(json report .bytes_fetched)" -lt 5600000 ] ;;
		*) [ "$(json report .bytes_fetched)" -lt 11000000 ] ;;
		esac
	done
'

ok 'wrong, cut and shifted ranges are made good by the hub' '
	faulty_mirror
	big=$(object_of big)
	for fault in flip:90% flip:99% short:1000 shift:1 norange status:416; do
		rm -rf ws
		cp -a kept ws
		faults site "/$big $fault"
		pull ws
		here
		troubled ""
		[ "$(json report .bytes_fetched)" -lt 700000 ]
	done
'

ok 'the doctor has a file from the mirror in two ranges, without a token; of no mirror it says nothing' '
	nginx_of "root $PWD/hub/objects;"
	hub_with $MIRROR
	the_doctor ok "came in ranges, and is right next: null"
	same "$(grep -c "^206 .* range=bytes=.* token=- if=--\$" n/access) of $(grep -c "" n/access)" "2 of 2"
	stop_hub
	rm -rf hub ws
	hub_with ""
	larder doctor --workspace ws >found
	hasnt found mirror
'

ok 'the doctor notes what is wrong with a mirror, and what comes next' '
	faulty_mirror
	keyed=$(object_of keyed)
	while read fault text; do
		faults site "/$keyed $fault"
		the_doctor note "$text" "files come from the hub"
	done <<-END
		status:404 it does not have
		status:403 (HTTP 403)
		status:500 (HTTP 500)
		redirect:http://127.0.0.1:9/ points to
		norange it sends no ranges
		shift:1 it sends another range
		short:1000
		reset:60%
		flip:0 other bytes
		flip:99% other bytes
	END
	faults site
	the_doctor ok "is right"
	stop_hub
	rm -rf hub ws
	hub_with http://127.0.0.1:1/m
	the_doctor note "127.0.0.1:1/m" "can this machine reach it?"
'

ok 'a mirror that says nothing, stops or drips is given up after ten seconds' '
	[ -n "${LARDER_TEST_LONG:-}" ] || skip "it takes half a minute: make sweep"
	faulty_mirror
	big=$(object_of big)
	for fault in hang stall:50% slow:500; do
		rm -rf cold
		new_workspace cold $HUB_URL
		faults site "/$big $fault"
		pull cold
		cmp hub/objects/$big cold/server/parquet/big.parquet
		troubled " for 10 seconds"
	done
'

ok 'an index or a patch of another publish is asked of the hub without a word, the ranges are not' '
	faulty_mirror
	index=$(object_of big) patch=$(object_of keyed)
	index=${index%.parquet}.chunks patch=${patch%.parquet}.patch
	for fault in flip:100 body:of-before; do
		rm -rf ws
		cp -a kept ws
		: >site.log
		faults site "/$index $fault" "/$patch $fault"
		LARDER_PATCHES=always pull ws
		here
		quiet
		same $(requests site "$index\|$patch") 2
		[ "$(json report .bytes_fetched)" -lt 700000 ]
		[ "$(json report .bytes_from_mirror)" -gt 100000 ]
	done
'


ok 'a bucket of an object store: cold, as ranges, and with a publish that is not there yet' '
	has_ceph || skip "no Ceph, or no rclone"
	start_ceph store
	s3_rclone mkdir store:larder
	larder hub objects $SHARED/first | s3_rclone copy --files-from - $SHARED/first/objects store:larder/objects
	cat >policy <<END
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
 "Action": "s3:GetObject", "Resource": "arn:aws:s3:::larder/objects/*"}]}
END
	s3_put "larder?policy=" policy
	same $(curl -s -o /dev/null -w "%{http_code}" $S3_URL/larder/) 403
	same $(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer x" $S3_URL/larder/objects/x) 400

	hub_with $S3_URL/larder/objects first
	new_workspace cold $HUB_URL
	pull cold
	quiet
	[ "$(json report .bytes_from_mirror)" -gt 5000000 ]
	stop_hub

	rm -rf hub ws
	hub_with $S3_URL/larder/objects
	cp -a ws later
	pull ws
	here
	quiet
	same "$(json report .bytes_from_mirror)" 0

	larder hub objects hub >list
	s3_rclone copy --files-from list hub/objects store:larder/objects
	s3_rclone copyto list store:larder/objects/00/old.parquet
	s3_rclone lsf -R --files-only store:larder/objects | LC_ALL=C sort >there
	LC_ALL=C comm -23 there list | s3_rclone delete --files-from - store:larder/objects
	s3_rclone lsf -R --files-only store:larder/objects | LC_ALL=C sort | cmp - list
	LARDER_PATCHES=always LARDER_TRACE=$PWD/trace pull later
	quiet
	[ "$(json report .bytes_fetched)" -lt 700000 ]
	same "$(json report .bytes_from_mirror)" "$(json report .bytes_fetched)"
	! grep -q "api/data/" trace
	cmp ws/server/parquet/big.parquet later/server/parquet/big.parquet
'
