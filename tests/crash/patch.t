#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A publish of a table with a key whose hub is killed, or whose disk fails, and pulls that are: of parts made from patches, and of
# small files that come many in one request.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
	LARDER_TOKEN=$(cat token)
	export LARDER_TOKEN
	rows 1 3000 1 >old.csv
	awk -F , -v OFS=, 'NR > 1 && $1 % 100 == 7 { $3 = "changed" } { print }' old.csv >new.csv
	start_hub old
	LARDER_SERVER=$HUB_URL larder publish t old.csv --key id -q
	new_workspace ready "$HUB_URL"
	larder pull --workspace ready -q
	stop_hub
	cp -r old new
	start_hub new
	LARDER_SERVER=$HUB_URL larder publish t new.csv -q
	for n in $(seq 12); do printf 'k\n%s\n' "$n" >"$n.csv"; done
	mkdir many
	mv [0-9]*.csv many
	LARDER_SERVER=$HUB_URL larder publish many many -q
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | jq -e '.tables.t.parts[0].patch' >/dev/null
	stop_hub
	sha256sum new/objects/*/*.parquet | cut -c1-64 | sort >objects
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat token)
export LARDER_TOKEN

# The hub in ./hub went through anything: it serves the old or the new version, and the same publish brings the new one.
hub_is_whole() {
	start_hub hub
	LARDER_SERVER=$HUB_URL larder publish t "$SHARED/new.csv" --json >again || return 1
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | jq -e '.tables.t.parts[0].patch' >/dev/null || return 1
	stop_hub || return 1
	same "$(ls -A hub/.larder/staging)" '' || return 1
	larder hub verify hub -q
}

ok 'a publish with a key, killed before each durable step of the hub: the old or the new version, with its patch' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) $(every 7) 200); do
		publish_at LARDER_CRASH_AT $at
		hub_is_whole || { echo "killed at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 25 ] && [ $at -lt 200 ]
'

ok 'the same with a disk that fails from each step on' '
	from=$(steps_of_start "$SHARED/old")
	LARDER_FAIL_WITH=ENOSPC
	export LARDER_FAIL_WITH
	for at in $(seq $((from + 2)) $(every 9) 200); do
		publish_at LARDER_FAIL_AT $at
		(unset LARDER_FAIL_WITH; hub_is_whole) || { echo "failing at $at"; exit 1; }
		[ $code != 0 ] || [ $at -lt 38 ] || break
	done
	[ $at -lt 200 ]
'

# The hub of the new version, and a workspace that has the old one.
restart() {
	rm -rf ws
	cp -a "$SHARED/ready" ws
	echo "server: $HUB_URL" >ws/.larder/config.yaml
}

# Whatever is linked is what was verified; views may wait for the next pull.
whole() {
	larder verify --workspace ws -q 2>verify.err || ! grep -v "warning: views" verify.err
}

settled() {
	[ -z "$(ls -A ws/.larder/staging)" ] && larder verify --workspace ws -q &&
		same "$(find ws/server/parquet -type l -exec readlink {} + | sed "s/.*\///; s/\.parquet//" | sort | comm -23 - "$SHARED/objects")" "" &&
		same "$(ls ws/server/parquet/many | wc -l)" 12
}

sweep() { # VARIABLE EXIT STRIDE PATTERN: at steps that write what is on its way
	restart
	LARDER_PATCHES=always LARDER_STEPS=$PWD/steps larder pull --workspace ws --jobs 1 -q
	grep -c "\.patch" steps
	swept=0
	for at in $(grep "$4" steps | cut -d " " -f 1 | awk -v n="$3" "NR % n == 0"); do
		swept=$((swept + 1))
		restart
		code=0
		env LARDER_PATCHES=always "$1=$at" larder pull --workspace ws --jobs 1 -q 2>err || code=$?
		[ $code = "$2" ] || { echo "step $at: exit $code"; cat err; return 1; }
		whole || { echo "step $at"; cat verify.err; return 1; }
		LARDER_PATCHES=always larder pull --workspace ws -q 2>err || { cat err; return 1; }
		settled || { echo "step $at"; return 1; }
	done
	[ $swept -gt 3 ]
}

ok 'a pull of patches and batches, killed at each step that writes what comes: the next one ends it' '
	start_hub "$SHARED/new"
	sweep LARDER_CRASH_AT 99 $(every 4) "\.part\|\.patch"
	stop_hub
'

ok 'the same with a disk that fills up' '
	LARDER_FAIL_WITH=ENOSPC
	export LARDER_FAIL_WITH
	start_hub "$SHARED/new"
	sweep LARDER_FAIL_AT 1 $(every 4) "\.part\|\.patch"
	stop_hub
'
