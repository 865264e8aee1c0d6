#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A hub whose disk is full, or fills while something arrives. The disk is a small tmpfs, in a mount
# namespace of its own.
if [ -z "${LARDER_TEST_OWN_MOUNTS:-}" ] && unshare --map-root-user --mount true 2>/dev/null; then
	LARDER_TEST_OWN_MOUNTS=1
	export LARDER_TEST_OWN_MOUNTS
	exec unshare --map-root-user --mount sh "$0"
fi
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
[ -n "${LARDER_TEST_OWN_MOUNTS:-}" ] || skip_all 'no mount namespace to be had'

hub_on_disk() { # MEGABYTES
	mkdir hub
	mount -t tmpfs -o "size=$1m" none hub || skip 'no tmpfs to be had'
	new_hub hub
	printf 'k\n1\n' >t.csv
	sum=$(sha256sum <t.csv | cut -d' ' -f1)
}

# Nothing is left of what did not fit, and with room the same succeeds.
goes_on() {
	same "$(ls -A hub/.larder/staging)" ''
	mount -o remount,size=200m hub
	larder publish again t.csv -q
	same "$(status GET /api/data/again/download "$LARDER_TOKEN")" 200
	stop_hub
	larder hub verify hub -q
	umount hub
}

# 64 MB stay free for what the hub itself writes.
ok 'what the disk cannot hold is refused with 507 before it is sent, and reads go on' '
	hub_on_disk 100
	larder publish t t.csv -q
	mount -o remount,size=60m hub
	printf "k\n2\n" >t.csv
	exits 1 larder publish t t.csv -q 2>err
	has err "the disk of the hub has"
	same "$(status PUT /api/admin/objects/$sum "$LARDER_TOKEN" @t.csv)" 507
	same "$(json reply.json .code)" no_space
	same "$(status GET /api/data/t/download "$LARDER_TOKEN")" 200
	goes_on
'

ok 'a disk that fills in the middle of an upload keeps nothing of it' '
	hub_on_disk 70
	head -c 80000000 /dev/zero >large
	sum=$(sha256sum <large | cut -d" " -f1)
	# Whether the reply comes before the reset is a matter of luck: much was not read.
	code=$(curl -s -o reply.json -w "%{http_code}" -X PUT -T - -H "Authorization: Bearer $LARDER_TOKEN" \
		"$HUB_URL/api/admin/objects/$sum" <large || :)
	case $code in 500 | 1?? | 000) ;; *) same "$code" 500 ;; esac
	same "$(status GET /api/admin/objects/$sum "$LARDER_TOKEN")" 404
	goes_on
'

ok 'a disk that fills in the middle of what a person sends is 507, and nothing of it is kept' '
	hub_on_disk 100
	mkfifo body
	(
		printf "%s\r\n" --b "Content-Disposition: form-data; name=\"file\"; filename=\"s.jsonl\"" ""
		head -c 2000000 /dev/zero
		wait_for "[ -e filled ]"
		head -c 20000000 /dev/zero
		printf "\r\n%s\r\n" --b--
	) >body &
	curl -s -o reply.json -w "%{http_code}" -X POST -T - -H "Authorization: Bearer $LARDER_TOKEN" \
		-H "Content-Type: multipart/form-data; boundary=b" "$HUB_URL/api/upload/sessions" <body >code &
	sending=$!
	wait_for "[ \"\$(du -sk hub/.larder/staging | cut -f 1)\" -gt 1000 ]"
	mount -o remount,size=$(($(du -sk hub | cut -f 1) + 1000))k hub
	: >filled
	wait $sending
	same "$(cat code)" 507
	same "$(json reply.json .code)" no_space
	mount -o remount,size=200m hub
	larder publish t t.csv -q
	goes_on
	[ ! -e hub/sessions ]
'

ok 'a refresh that fills the disk fails, leaves the old version and no litter, and comes with room' '
	hub_on_disk 80
	larder admin table add fresh
	seq 1000 | sed 1ik >f.csv
	larder admin table source fresh --files "$PWD/f.csv"
	larder refresh --data hub -q
	seq 20000000 | sed 1ik >f.csv
	exits 1 larder refresh --data hub --json -q >report
	same "$(json report .tables[0].outcome)" failed
	same "$(larder admin table list --json | json ".tables[] | select(.id == \"fresh\") | .rows")" 1000
	same "$(status GET /api/data/fresh/download "$LARDER_TOKEN")" 200
	seq 2000 | sed 1ik >f.csv
	goes_on
'
