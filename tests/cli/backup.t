#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Backups of a hub that is serving, and hubs made of them.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

# A hub with tables, uploads and users, in ./hub.
filled_hub() {
	new_hub hub
	printf 'a\n1\n2\n' >t.csv
	larder publish t t.csv -q
	larder publish u t.csv -q
	mkdir -p up
	echo '{"type":"user"}' >up/s1.jsonl
	curl -sSf -o /dev/null -H "Authorization: Bearer $LARDER_TOKEN" -F file=@up/s1.jsonl "$HUB_URL/api/upload/sessions"
}
contents() { (cd "$1" && find . -type f ! -path './.larder/*' -exec sha256sum {} + | sort); }

ok 'a backup of a serving hub becomes the same hub, with the same tokens' '
	filled_hub
	# an object with something beside it
	seq 3000 | awk "BEGIN { print \"id,v\" } { print \$1 \",\" \$1 * \$1 * 31337 % 999983 }" >k.csv
	larder publish k k.csv --key id -q
	sed "s/^7,.*/7,5/" k.csv >k2.csv
	larder publish k k2.csv -q
	ls hub/objects/*/*.patch
	larder backup back --data hub --json >report
	same "$(json report .files)" "$(contents hub | wc -l)"
	larder restore back --verify >said
	has said "is whole"
	same "$(ls -A back)" "$(printf "larder-backup\nsnapshots\nstore")"
	larder restore back again
	same "$(contents again)" "$(contents hub)"
	stop_hub
	start_hub again
	curl -sSf -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | jq -e ".tables.t.rows == 2"
	larder hub verify again -q
	stop_hub
'

ok 'what is there is not copied again, and old snapshots go with what only they had' '
	filled_hub
	larder backup back --data hub --json | jq -e ".new_files > 1"
	LARDER_NOW=+60 larder backup back --data hub --json >second
	same "$(json second .new_files)" 0
	printf "a\n3\n" >t.csv
	larder publish t t.csv -q
	LARDER_NOW=+120 larder backup back --data hub --keep 2 --json >third
	[ "$(json third .new_files)" -ge 1 ]
	same "$(json third .removed_snapshots)" 1
	same "$(ls back/snapshots | wc -l)" 2
	larder restore back --verify --snapshot "$(ls back/snapshots | head -n 1)"
	larder admin table remove u
	larder admin table remove t
	LARDER_NOW=+180 larder backup back --data hub --keep 1 --json | jq -e ".removed_files >= 1"
	larder restore back --verify
	exits 1 larder restore back x --snapshot nosuch
'

ok 'a flipped byte, a lost file and a cut list are found, and no hub comes of them' '
	filled_hub
	stop_hub
	larder backup back --data hub
	for damage in flip lose list database; do
		rm -rf bad
		cp -r back bad
		object=$(find bad/store -type f -size +100c | sort | head -n 1)
		chmod u+w "$object"
		case $damage in
		flip) printf X | dd of="$object" bs=1 seek=20 conv=notrunc 2>/dev/null ;;
		lose) rm "$object" ;;
		list) truncate -s -10 bad/snapshots/*/files ;;
		database) printf X | dd of="$(echo bad/snapshots/*/state.db)" bs=1 seek=5000 conv=notrunc 2>/dev/null ;;
		esac
		exits 1 larder restore bad --verify >out 2>err || { echo $damage; cat out err; exit 1; }
		exits 1 larder restore bad made 2>err
		[ ! -e made ] && [ ! -e made.restoring ]
		[ -s err ]
	done
	larder restore back --verify
'

ok 'a path in a list that leads out of the hub is refused' '
	filled_hub
	stop_hub
	larder backup back --data hub
	sed -i "1s| [^ ]*\$| ../../escaped|" back/snapshots/*/files
	exits 1 larder restore back made 2>err
	has err "none of a backup"
	[ ! -e ../escaped ]
'

ok 'folders that are something else are left alone' '
	filled_hub
	mkdir other
	echo mine >other/file
	exits 3 larder backup other --data hub
	same "$(cat other/file)" mine
	exits 2 larder backup hub/inside --data hub
	mkdir taken
	echo mine >taken/file
	larder backup back --data hub
	exits 3 larder restore back taken 2>err; has err "next: restore into another folder"
	exits 2 larder restore back
	exits 2 larder restore back new --verify
	exits 1 larder restore nothing new
'

ok 'a publish during a backup is in it whole or not at all' '
	filled_hub
	for n in $(seq 4); do
		printf "a\n%s\n" $n $n $n >n$n.csv
		start pub larder publish t n$n.csv -q
		larder backup back --data hub --keep 0 --json >/dev/null || [ $? = 75 ]
		wait $STARTED_PID
	done
	for snapshot in $(ls back/snapshots); do
		larder restore back --verify --snapshot $snapshot
	done
'

ok 'the endpoint makes one where the configuration says, and says when it does not' '
	filled_hub
	same "$(status POST /api/admin/run-backup "$LARDER_TOKEN")" 200
	same "$(json reply.json .details.skipped)" true
	stop_hub
	printf "backup:\n  folder: %s\n  keep: 3\n" "$PWD/nightly" >hub/config.yaml
	larder config check --data hub | grep -q nightly
	start_hub hub
	export LARDER_SERVER=$HUB_URL
	same "$(status POST /api/admin/run-backup "$LARDER_TOKEN")" 200
	same "$(json reply.json .ok)" true
	larder restore nightly --verify
	larder admin table list >/dev/null
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/admin/audit" | jq -e "[.audit[].action] | index(\"run_backup\")"
'
