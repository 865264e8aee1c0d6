#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder query --remote: the hub's rows as they come, from a workspace and without one.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	awk 'BEGIN { print "n,t"; for (i = 1; i <= 30000; i++) printf "%d,some words of row %d\n", i, i }' >long.csv
	larder publish long long.csv -q
	printf 'a,b\n1,"x, y"\n2,\n' >small.csv
	larder publish small small.csv -q
	printf 'secret\n1\n' >hidden.csv
	larder publish hidden hidden.csv -q
	member readers bo@example.com
	larder admin grant add readers small
	token_of bo@example.com --scope read >bo.token
	echo "$LARDER_SERVER" >url
	larder init ws --server "$LARDER_SERVER" --token "$(cat bo.token)"
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat bo.token) LARDER_SERVER=$(cat url)
HUB_URL=$LARDER_SERVER
export LARDER_TOKEN LARDER_SERVER

ok 'rows come in each format, within the rights of whoever asks' '
	larder query --remote --format csv "SELECT a, b FROM small ORDER BY a" >out
	printf "a,b\r\n1,\"x, y\"\r\n2,\r\n" | cmp - out
	larder query --remote --json "SELECT a FROM small ORDER BY a" >out
	same "$(jq -c "[.columns, .types, .rows, .row_count, .truncated]" out)" "[[\"a\"],[\"BIGINT\"],[[1],[2]],2,false]"
	larder query --remote "SELECT a FROM small" >out
	has out "(2 rows)"
	exits 1 larder query --remote "FROM hidden" 2>err
	has err "hidden"
	has err "larder catalog"
	exits 2 larder query --remote "SELEC 1" 2>err
'

ok 'in a workspace its own hub and token are asked' '
	cd "$SHARED/ws"
	unset LARDER_TOKEN
	larder query --remote --server "$HUB_URL" --token "$(cat ../bo.token)" --format csv "SELECT count(*) AS n FROM small" >out
	printf "n\r\n2\r\n" | cmp - out
'

ok 'a cut is told on stderr and in the answer, with what cut it' '
	larder query --remote --json --limit 1 "SELECT a FROM small ORDER BY a" >out 2>err
	same "$(jq -c "[.row_count, .truncated]" out)" "[1,true]"
	has err "cut after 1 rows, by the limit of rows"
'

ok 'wrong use and a hub that is not there are told apart' '
	exits 2 larder query --server "$HUB_URL" "SELECT 1" 2>err
	has err "--remote"
	exits 4 larder query --remote --token lrd_wrong "SELECT 1" 2>err
	exits 75 larder query --remote --server http://127.0.0.1:9 "SELECT 1" 2>err
	exits 2 larder query --remote --format xml "SELECT 1" 2>err
'

# A site that gives this answer.
answering() { # TEXT [FAULT]
	mkdir -p site/api
	printf "%s" "$1" >site/api/query
	: >site.plan
	[ -z "${2:-}" ] || echo "/api/query $2" >site.plan
	start_faulty site
}

ok 'rows are printed before the answer is whole, and a break is told with how far it came' '
	rows=$(seq -s, -f "[%g]" 1 20000)
	answering "{\"columns\":[\"n\"],\"types\":[\"BIGINT\"],\"rows\":[$rows],\"row_count\":20000}" reset:90%
	exits 75 larder query --remote --server "$FAULTY_URL" --format csv "SELECT 1" >out 2>err
	[ "$(wc -l <out)" -gt 5000 ]
	has err "after 1"
'

ok 'what the hub says when it gives up in the middle is what is told' '
	text="{\"columns\":[\"n\"],\"types\":[\"BIGINT\"],\"rows\":[[1],[2]],\"error\":{\"detail\":\"the disk is full\",\"code\":\"io\"}"
	answering "$text}" short:${#text}
	exits 1 larder query --remote --server "$FAULTY_URL" --format csv "SELECT 1" >out 2>err
	has err "after 2 rows the hub gave up: the disk is full"
'

ok 'an answer that is none is refused' '
	for text in "" "[]" "{\"rows\":[[1]" "{\"rows\":[1]}" "{\"columns\":[\"a\"],\"rows\":[[1],]}"; do
		answering "$text"
		exits 1 larder query --remote --server "$FAULTY_URL" --format csv "SELECT 1" >out 2>err
	done
'

ok 'a long answer is not held in memory' '
	skip_if_sanitized
	rows=$(seq -s, -f "[%g,\"some words that take their room in memory\"]" 1 200000)
	answering "{\"columns\":[\"n\",\"t\"],\"types\":[\"BIGINT\",\"VARCHAR\"],\"rows\":[$rows],\"row_count\":200000}"
	( ulimit -v 100000; larder query --remote --limit 0 --server "$FAULTY_URL" --format csv "SELECT 1" ) >out
	same "$(wc -l <out)" 200001
'
