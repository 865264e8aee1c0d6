#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A grant with a condition, an excerpt made on demand, and a publish under which excerpts change, each killed or starved of
# disk at each durable step in turn: afterwards it is done or not, what a caller sees is whole, and the same again does it.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub old
	printf 'id,region\n1,north\n2,south\n3,north\n' >a.csv
	printf 'id,region\n1,north\n2,south\n3,north\n4,north\n' >b.csv
	larder publish t a.csv -q
	member north no@example.com
	member wide no@example.com
	token_of no@example.com >no
	stop_hub
	cp -r old granted
	start_hub granted
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
	larder admin grant add north t --where "region = 'north'"
	larder admin grant add wide t --where 'id = 2' --columns id
	stop_hub
	cp -r granted asked
	start_hub asked
	curl -sSf -o /dev/null -H "Authorization: Bearer $(cat no)" "$HUB_URL/api/data/t/download"
	stop_hub
	echo "$LARDER_TOKEN" >admin.token
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat admin.token) NO=$(cat no)
export LARDER_TOKEN NO

rows() { # rows of t that no@example.com is told of, or null
	curl -sS -H "Authorization: Bearer $NO" "$HUB_URL/api/sync/manifest" | jq -r .tables.t.rows
}

# Starts a copy of DIR that fails at a step, runs COMMANDS against it, ends it. `code` is 99 when nobody answered.
do_at() { # DIR VARIABLE STEP COMMANDS
	rm -rf hub
	cp -r "$SHARED/$1" hub
	code=99
	export "$2=$3"
	if start_hub hub; then
		unset "$2"
		LARDER_SERVER=$HUB_URL
		export LARDER_SERVER
		code=0
		eval "$4" >said 2>said.err || code=$?
	fi
	unset "$2"
	kill -TERM "$HUB_PID" 2>/dev/null || :
	wait "$HUB_PID" || :
}

# What is on the disk afterwards is sound, and its caller sees N rows or M.
sees() { # N M
	start_hub hub || return 1
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
	seen=$(rows)
	case $seen in
	"$1" | "$2") ;;
	*) echo "exit $code, then $seen rows"; return 1 ;;
	esac
}

sound() {
	stop_hub || return 1
	find hub/.larder/staging -type f ! -name 'up-*' >litter
	same "$(cat litter)" '' && larder hub verify hub -q
}

# Every STRIDEth step: the steps of one transaction differ little, and each costs two starts of a hub.
sweep() { # DIR VARIABLE COMMANDS N M AGAIN STRIDE
	from=$(steps_of_start "$SHARED/$1")
	for at in $(seq $((from + 1)) "$7" 250); do
		do_at "$1" "$2" "$at" "$3"
		sees "$4" "$5" || { echo "$2 at $at"; exit 1; }
		eval "$6" || { echo "again, $2 at $at"; exit 1; }
		sound || { echo "not sound, $2 at $at"; exit 1; }
		[ $code != 0 ] || break
	done
	[ "$at" -gt $((from + 2)) ] && [ "$at" -lt 250 ]
}

ok 'a grant with a condition whose hub is killed at each step is given or not' '
	sweep old LARDER_CRASH_AT "larder admin grant add north t --where \"region = '\''north'\''\"" null 2 \
		"larder admin grant add north t --where \"region = '\''north'\''\" >/dev/null 2>again.err || has again.err already; same \$(rows) 2" 5
'

ok 'an excerpt that is made on demand by a hub that is killed at each step is whole or absent' '
	sweep granted LARDER_CRASH_AT "curl -sSf -o got -H \"Authorization: Bearer $NO\" \$HUB_URL/api/data/t/download" 3 3 "same \$(rows) 3" 5
'

ok 'a publish killed at each step changes table and excerpt, or neither' '
	sweep asked LARDER_CRASH_AT "larder publish t \$SHARED/b.csv -q" 3 4 \
		"larder publish t \$SHARED/b.csv -q && same \$(rows) 4" 12
'

ok 'a publish on a disk that fails from each step on changes table and excerpt, or neither' '
	LARDER_FAIL_WITH=ENOSPC
	export LARDER_FAIL_WITH
	sweep asked LARDER_FAIL_AT "larder publish t \$SHARED/b.csv -q" 3 4 \
		"larder publish t \$SHARED/b.csv -q && same \$(rows) 4" 12
'
