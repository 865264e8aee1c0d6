#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder init, killed before each durable step in turn, or with a disk that fails from there on: said again, it
# gives a whole workspace; no litter stays; what is remembered of tokens is old or new, never torn or readable
# by others.
# In memory where that is to be had: what a kill leaves is the same there, and a sync costs nothing.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	printf 'k\n1\n2\n' >t.csv
	larder publish t t.csv -q
	larder admin rule add units --mandatory --title Units --text 'In metres.'
	token_of other@example.com >other.token
	printf '%s\n' "$LARDER_TOKEN" >ann.token
	printf '%s\n' "$HUB_URL" >url
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
ANN=$(cat ann.token) OTHER=$(cat other.token) URL=$(cat url)
export ANN OTHER URL

credentials=config/credentials.yaml
export credentials LARDER_CONFIG_DIR=config

# A folder with a person's files in it, and the token of another user remembered.
prepare() {
	rm -rf ws config
	mkdir -p ws/.claude config
	echo mine >ws/.claude/CLAUDE.local.md
	echo '{"model":"opus"}' >ws/.claude/settings.json
	printf 'tokens:\n  "%s other@example.com": %s\n' "$URL" "$OTHER" >$credentials
	chmod 600 $credentials
}

# What must hold at any time. Called as a plain command, so that each line counts (set -e).
never_broken() {
	same "$(stat -c %a $credentials)" 600
	has $credentials "$OTHER"
	same "$(grep -c lrd_ $credentials)" "$(grep -cE 'lrd_[a-z0-9]{12}_.{43}' $credentials)"
	same "$(cat ws/.claude/CLAUDE.local.md)" mine
	same "$(json ws/.claude/settings.json .model)" opus
	find config -perm /077 -name 'credentials*' >readable
	same "$(cat readable)" ''
	! grep -rqF "${ANN#lrd_*_}" ws
}

# What must hold after it was said again; the tables and rules are the pull's, swept by its own test.
whole() {
	never_broken
	larder init ws --server "$URL" --token "$ANN" -q --no-pull
	never_broken
	has $credentials "$ANN"
	for f in CLAUDE.md LARDER_WORKSPACE.md .larder/config.yaml; do
		[ -s "ws/$f" ]
	done
	json ws/.claude/settings.json '.hooks.SessionEnd | length == 1' >/dev/null
	same "$(ls -A ws/.larder/staging)" ''
	same "$(ls -A config | tr '\n' ' ')" 'config.yaml credentials.yaml '
	(cd ws && find . -name '*.corrupt*' -o -name '*.orig*') >copies
	same "$(cat copies)" ''
}

complete() {
	larder init ws -q
	larder verify -w ws -q
	same "$(larder query -w ws --format csv 'SELECT count(*) n FROM t' | tr -d '\r' | tail -n 1)" 2
	[ -s ws/.claude/rules/km_units.md ]
}

ok 'killed before each durable step, init said again makes a whole workspace' '
	for at in $(seq 1 $(every 2) 200); do
		prepare
		code=0
		LARDER_CRASH_AT=$at larder init ws --server $URL --token $ANN -q --no-pull 2>err || code=$?
		case $code in
		0) break ;;
		99) echo "killed at $at" ; whole ;;
		*) echo "killed at $at: exit $code"; cat err; exit 1 ;;
		esac
	done
	complete
	[ $at -gt 15 ]
	[ $at -lt 200 ]
'

# EIO and ENOSPC in turn: it fails from there on, so no step is left out.
ok 'with a disk that fails from each step on, it says so, and said again makes a whole workspace' '
	for at in $(seq 1 $(every 3) 201); do
		prepare
		error=EIO words="Input/output error"
		[ $((at % 2)) = 1 ] || { error=ENOSPC; words="No space left"; }
		code=0
		LARDER_FAIL_AT=$at LARDER_FAIL_WITH=$error larder init ws --server $URL --token $ANN -q --no-pull 2>err || code=$?
		case $code in
		0) break ;;
		1) [ -s err ] || { echo "failing at $at: no message"; exit 1; } ;;
		*) echo "failing at $at: exit $code"; cat err; exit 1 ;;
		esac
		grep -qiE "$words|disk|full" err || { echo "failing at $at:"; cat err; exit 1; }
		echo "failing at $at"
		whole
	done
	complete
	[ $at -gt 15 ]
	[ $at -lt 200 ]
'

ok 'killed while it is said again, the workspace keeps working' '
	prepare
	larder init ws --server $URL --token $ANN -q
	for at in $(seq 1 60); do
		rm ws/CLAUDE.md
		code=0
		LARDER_CRASH_AT=$at larder init ws -q --no-pull 2>err || code=$?
		echo "killed at $at"
		whole
		[ $code = 99 ] || break
	done
	same $code 0
	[ $at -gt 3 ]
	complete
'

ok 'killed in its first pull, it is a workspace whose next pull goes on' '
	prepare
	LARDER_STEPS=steps larder init ws --server $URL --token $ANN -q --no-pull
	made=$(wc -l <steps)
	for more in 1 6 11 16; do
		at=$((made + more))
		prepare
		code=0
		LARDER_CRASH_AT=$at larder init ws --server $URL --token $ANN -q 2>err || code=$?
		same $code 99
		larder pull -w ws -q
		whole
		complete
	done
'
