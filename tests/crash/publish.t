#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A publish whose hub is killed, or whose hub's disk fails, at each durable step in turn: afterwards the
# old or the new version is served whole, nothing that was uploaded is sent again, nothing is left over.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

table_version() {
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | json .tables.t.version
}

served_sum() {
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/data/t/download" | sha256sum | cut -d' ' -f1
}

known() { # SHA256: the status of asking the hub for it
	curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/admin/objects/$1"
}

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
	LARDER_TOKEN=$(cat token)
	export LARDER_TOKEN
	printf 'k\n1\n2\n' >old.csv
	printf 'k\n3\n4\n5\n' >new.csv
	start_hub old
	LARDER_SERVER=$HUB_URL larder publish t old.csv --json | json .sha256 >old.sum
	stop_hub
	cp -r old new
	start_hub new
	LARDER_SERVER=$HUB_URL larder publish t new.csv --json | json .sha256 >new.sum
	stop_hub
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat token) OLD=$(cat old.sum) NEW=$(cat new.sum) SOURCE_SUM=$(sha256sum <new.csv | cut -d' ' -f1)
export LARDER_TOKEN OLD NEW SOURCE_SUM

# What must hold after the hub in ./hub went through anything.
whole() {
	start_hub hub
	version=$(table_version)
	case $version in
	"$OLD" | "$NEW") ;;
	*)
		echo "neither the old nor the new version: '$version'"
		return 1
		;;
	esac
	same "$(served_sum)" "$version" || return 1
	there=$(known "$SOURCE_SUM")
	LARDER_SERVER=$HUB_URL larder publish t "$SHARED/new.csv" --json >again || return 1
	[ "$there" != 200 ] || same "sent again: $(json again .files_uploaded)" 'sent again: 0' || return 1
	same "$(json again .sha256)" "$NEW" || return 1
	stop_hub || return 1
	same "$(ls -A hub/.larder/staging)" '' || return 1
	larder hub verify hub -q >verified || {
		cat verified
		return 1
	}
}

ok 'killed before each durable step of the hub, the old or the new version is there' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) $(every 2) 200); do
		publish_at LARDER_CRASH_AT $at
		whole || { echo "killed at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt 25 ] && [ $at -lt 200 ]
'

# A failing disk stays so until the next start. Odd steps get EIO, even ones ENOSPC.
ok 'with a disk that fails from each step on, the old or the new version is there' '
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) $(every 3) 200); do
		LARDER_FAIL_WITH=EIO
		[ $((at % 2)) = 1 ] || LARDER_FAIL_WITH=ENOSPC
		export LARDER_FAIL_WITH
		publish_at LARDER_FAIL_AT $at
		unset LARDER_FAIL_WITH
		case $code in
		0) ;;
		1) [ -s client.err ] || { echo "failing at $at: no message"; exit 1; } ;;
		99) ;;
		*) echo "failing at $at: exit $code"; exit 1 ;;
		esac
		whole || { echo "failing at $at"; exit 1; }
		[ $code != 0 ] || [ $at -lt 38 ] || break
	done
	[ $at -lt 200 ]
'

ok 'a failure that passes is retried by the publish itself' '
	cp -r "$SHARED/old" hub
	LARDER_FAIL_AT=5 LARDER_FAIL_ONCE=1
	export LARDER_FAIL_AT LARDER_FAIL_ONCE
	start_hub hub
	unset LARDER_FAIL_AT LARDER_FAIL_ONCE
	LARDER_SERVER=$HUB_URL larder publish t "$SHARED/new.csv" -q
	same "$(table_version)" $NEW
	stop_hub
'

ok 'a client that is killed in the middle leaves what it had sent' '
	cp -r "$SHARED/old" hub
	mkdir big
	for n in 1 2 3 4; do
		awk "BEGIN { srand($n); print \"k\"; for (i = 0; i < 300000; i++) print rand() * 1e9 }" >big/$n.csv
	done
	start_hub hub
	export LARDER_SERVER=$HUB_URL
	start client larder publish big big --jobs 1 -q
	wait_for "larder hub verify hub --json -q | jq -e \".objects >= 2\" >/dev/null"
	kill -KILL $STARTED_PID
	wait_for "gone $STARTED_PID"
	larder publish big big --json >again
	[ $(json again .files_known) -ge 1 ]
	same "$(json again .parts)" 4
	stop_hub
	larder hub verify hub -q
	same "$(ls -A hub/.larder/staging)" ""
'
