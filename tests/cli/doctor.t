#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder doctor: every finding is provoked, and mended by the step it names.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	printf 'k\n1\n2\n3\n' >t.csv
	larder publish t t.csv -q
	member analysts bo@example.com
	larder admin grant add analysts t
	token_of bo@example.com >bo.token
	token_of bo@example.com --scope read >read.token
	printf '%s\n' "$LARDER_TOKEN" >ann.token
	printf '%s\n' "$HUB_URL" >url
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
BO=$(cat bo.token) READ=$(cat read.token) ANN=$(cat ann.token) URL=$(cat url)
export BO READ ANN URL

workspace() {
	larder init ws --server "$URL" --token "${1:-$BO}" -q
}

# What the doctor says of CHECK, and the step after it; its own exit code goes to `code`.
diagnose() { # CHECK
	code=0
	larder doctor -w ws --json >findings 2>doctor.err || code=$?
	jq -r --arg check "$1" '[.findings[] | select(.check == $check) | .result] | join(",")' findings >result
	jq -r --arg check "$1" '.findings[] | select(.check == $check and .result != "ok") | .detail' findings >detail
	jq -r --arg check "$1" '.findings[] | select(.check == $check and .result != "ok") | .next // ""' findings >next
}
finds() { # CHECK RESULT CODE
	diagnose "$1"
	same "$1: $(cat result), exit $code" "$1: $2, exit $3"
	[ "$2" = ok ] || [ -s next ]
}

ok 'a sound workspace is healthy, exit 0, each check named once' '
	workspace
	larder doctor -w ws --json >d
	same "$(json d .healthy)" true
	same "$(json d .workspace)" "$PWD/ws"
	same "$(json d ".findings | map(.check) | join(\" \")")" "larder-duck libcurl credentials database files views hooks disk push hub clock token"
	same "$(json d ".findings | map(.result) | unique | join(\" \")")" ok
	larder doctor -w ws >d
	same "$(grep -c "^ok " d)" 12
	larder doctor -w ws -q >d
	same "$(cat d)" ""
'

ok 'a missing file: verify --repair' '
	workspace
	rm "$(readlink -f ws/server/parquet/t.parquet)"
	finds files bad 1
	has next "larder verify --repair"
	larder doctor -w ws -q >d || :
	has d "next: run"
	larder verify -w ws --repair -q 2>/dev/null
	finds files ok 0
'

ok 'a damaged state: moved away, and a pull makes it again' '
	workspace
	printf "no database" >ws/.larder/state.db
	rm -f ws/.larder/state.db-*
	finds database bad 1
	has detail state.db
	has next "larder pull"
	diagnose larder-duck
	same "$(cat result)" ok
	mv ws/.larder/state.db away
	larder pull -w ws -q
	finds database ok 0
'

ok 'views that wait: close the program that holds the file, then pull' '
	workspace
	printf "{\"op\":\"hold\",\"database\":\"%s\",\"for_writing\":true,\"sql\":[]}" "$PWD/ws/user/duckdb/analytics.duckdb" >hold.json
	start holder sh -c "exec larder-duck <hold.json"
	holder=$STARTED_PID
	wait_for "[ -s holder.out ]"
	printf "k\n4\n" >t.csv
	LARDER_SERVER=$URL LARDER_TOKEN=$ANN larder publish t t.csv -q
	code=0
	larder pull -w ws -q 2>err || code=$?
	cat err
	[ $code != 0 ]
	finds views bad 1
	has next "larder pull"
	kill $holder
	wait_for "gone $holder"
	larder pull -w ws -q
	finds views ok 0
'

ok 'no analytics file: pull' '
	workspace
	rm -r ws/user
	finds views note 0
	has next "larder pull"
	larder pull -w ws -q
	finds views ok 0
'

ok 'hooks that are gone: init again' '
	workspace
	echo "{}" >ws/.claude/settings.json
	finds hooks note 0
	has next "larder init"
	larder init ws -q
	finds hooks ok 0
	rm ws/.claude/settings.json
	finds hooks note 0
'

ok 'credentials that others may read: chmod' '
	workspace
	chmod 644 .config/larder/credentials.yaml
	finds credentials bad 1
	has next chmod
	chmod 600 .config/larder/credentials.yaml
	finds credentials ok 0
'

ok 'a hub that does not answer: bad, and the rest is still checked' '
	cp -r "$SHARED/hub" hub
	workspace
	sed -i "s|^server:.*|server: http://127.0.0.1:1|" ws/.larder/config.yaml
	sed -i "s|$URL|http://127.0.0.1:1|" .config/larder/credentials.yaml
	finds hub bad 1
	has detail "http://127.0.0.1:1"
	has next offline
	diagnose files
	same "$(cat result)" ok
	diagnose token
	same "$(cat result)" ""
'

ok 'a revoked token: a new one through init' '
	new=$(LARDER_SERVER=$URL LARDER_TOKEN=$ANN token_of bo@example.com)
	workspace $new
	id=$(echo $new | cut -d_ -f2)
	LARDER_SERVER=$URL LARDER_TOKEN=$ANN larder admin token revoke $id
	finds token bad 1
	has detail revoked
	has next "larder init --token"
	(cd ws && larder init --token $BO -q)
	finds token ok 0
'

ok 'no token: how to give one' '
	workspace
	rm .config/larder/credentials.yaml
	finds hub bad 1
	has detail "no token is known"
	has next "--token"
	(cd ws && larder init --token $BO -q)
	finds hub ok 0
'

ok 'a token that only reads is a good token' '
	workspace $READ
	finds token ok 0
'

ok 'what the environment overrides is noted' '
	workspace
	LARDER_TOKEN=$ANN finds environment note 0
	has next unset
	hasnt findings $ANN
	LARDER_SERVER=http://127.0.0.1:1 finds environment note 1
	has detail $URL
	LARDER_SERVER=$URL finds environment "" 0 || [ "$(cat result)" = "" ]
'

ok 'a clock that is wrong is told, when the hub says what time it is' '
	mkdir -p served/api/sync
	echo "{\"status\":\"ok\"}" >served/api/health
	echo "{\"tables\":{}}" >served/api/sync/manifest
	: >served.plan
	start_faulty served
	workspace
	LARDER_SERVER=$FAULTY_URL LARDER_TOKEN=x diagnose clock
	case "$(cat result)" in ok | "") ;; *) exit 1 ;; esac
	command -v faketime >/dev/null || skip "no faketime here"
	faketime -f +1h larder doctor -w ws --json >findings || :
	same "$(json findings ".findings[] | select(.check == \"clock\") | .result")" bad
'

ok 'a mirror is tried by its smallest file: whole up to 16 MiB, by its ends beyond; one that is no address is noted' '
	mkdir -p served/api/sync
	echo "{}" >served/api/health
	: >served.plan
	start_faulty served
	workspace
	export LARDER_SERVER=$FAULTY_URL LARDER_TOKEN=x
	while read size detail; do
		truncate -s $size file
		sum=$(sha256sum <file | cut -c1-64)
		mkdir served/$(echo $sum | cut -c1-2)
		mv file served/$(echo $sum | cut -c1-2)/$sum.parquet
		jq -n --arg sum $sum --arg mirror $FAULTY_URL --argjson size $size \
			"{mirror: \$mirror, tables: {t: {sha256: \$sum, size_bytes: \$size}}}" >served/api/sync/manifest
		: >served.log
		larder doctor -w ws --json >findings || :
		same "$(json findings ".findings[] | select(.check == \"mirror\") | .detail | sub(\".*[),] \"; \"\")")" "$detail"
		same "$size $(grep -c "parquet" served.log)" "$size 2"
	done <<-END
		262145 and is right
		16777216 and is right
		16777217 comes in ranges; it is too large to be tried whole
	END
	echo "{\"tables\":{},\"mirror\":\"$FAULTY_URL\"}" >served/api/sync/manifest
	larder doctor -w ws >found || :
	has found "answers; no table has a file that would come from there"
	echo "/00/* garbage" >served.plan
	larder doctor -w ws >found || :
	has found "who runs the mirror finds in docs/mirror.md"
	echo "{\"tables\":{},\"mirror\":\"ftp://x\"}" >served/api/sync/manifest
	larder doctor -w ws >found || :
	has found "it is no http:// or https:// address"
	has found "who runs it mends the setting downloads.mirror"
	echo "{\"nothing\":1}" >served/api/sync/manifest
	larder doctor -w ws >found || :
	has found "the manifest has no object"
	echo "/api/sync/manifest status:500" >served.plan
	finds manifest bad 1
	has next "the address of a hub"
	diagnose token
	same "$(cat result)" ""
'

ok 'without the second program it says that the installation is broken' '
	workspace
	mkdir bin
	cp "$(command -v larder)" bin/larder
	PATH=$PWD/bin:/usr/bin:/bin LARDER_DUCK= diagnose larder-duck
	same "$(cat result)" bad
	has next install
'

ok 'libcurl of this installation is used; without it the system'"'"'s is, which is a note' '
	workspace
	larder doctor -w ws --json >d
	own=$(readlink -f "$(command -v larder)")
	own=${own%/*}/libcurl-http.so
	[ -f "$own" ] || skip "built with the libcurl of the system"
	same "$(json d ".findings[] | select(.check == \"libcurl\") | .detail")" "$own"
	mkdir bin
	cp "$(command -v larder)" bin/larder
	ln -s "$(command -v larder-duck)" bin/larder-duck
	PATH=$PWD/bin:$PATH finds libcurl note 0
	has detail libcurl.so.4
	has next "install Larder again"
	cp "$own" bin/libcurl-http.so
	PATH=$PWD/bin:$PATH finds libcurl ok 0
	touch -d 2001-01-01 bin/libcurl-http.so
	PATH=$PWD/bin:$PATH finds libcurl note 0
	has detail "older than"
	has next LARDER_LIBCURL
	for size in 0 4000 400000; do
		head -c $size "$own" >bin/libcurl-http.so
		PATH=$PWD/bin:$PATH finds libcurl note 0
		has detail "cannot be loaded"
	done
	printf "no library" >bin/libcurl-http.so
	PATH=$PWD/bin:$PATH finds libcurl note 0
	LARDER_TRACE=$PWD/trace LARDER_LIBCURL=libcurl.so.4 finds libcurl ok 0
	has findings /libcurl.so.4
	grep "\"library\"" trace | grep -q "/libcurl.so.4\""
'

ok 'outside a workspace it says how to make one' '
	exits 1 larder doctor 2>err
	has err "larder init"
	exits 2 larder doctor extra 2>err
'
