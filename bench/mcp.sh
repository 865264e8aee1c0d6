#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a call of a tool costs an agent: over stdio in a workspace and over HTTP on a hub, beside what lies under each of them.
#
#	bench/mcp.sh BUILD [ROW...]	rows: stdio http (both); BENCH_RUNS: 11
set -eu

. "$(dirname "$0")/lib.sh"
shift
rows=${*:-stdio http}
runs=${BENCH_RUNS:-11}

pairs="$work/interleave -n $runs"

LARDER_TOKEN=$(larder hub init "$work/hub" --admin bench@example.com)
export LARDER_TOKEN
larder serve --data "$work/hub" --listen 127.0.0.1:0 >"$work/serve" 2>"$work/serve.log" &
echo $! >"$work/hub.pid"
until [ -s "$work/serve" ]; do sleep 0.02; done
LARDER_SERVER=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
export LARDER_SERVER
awk 'BEGIN { print "n,t"; for (i = 1; i <= 1000; i++) print i ",some words of row " i }' >"$work/small.csv"
for table in one two three four five; do larder publish "$table" "$work/small.csv" --quiet --description "table number $table" 2>/dev/null; done
larder init "$work/ws" --server "$LARDER_SERVER" --token "$LARDER_TOKEN" >/dev/null 2>&1

tool() { # NAME ARGUMENTS: a message
	printf '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n' "$1" "$2"
}
many() { # FILE TIMES NAME ARGUMENTS
	for i in $(seq "$2"); do tool "$3" "$4"; done >"$work/$1"
}
sql='{"sql":"SELECT count(*), max(n) FROM one"}'

printf 'larder %s, %s cores, %s; runs of each: %s\n' "$(larder --version | cut -d' ' -f2)" "$(nproc)" "$(uname -sr)" "$runs"

if wants stdio; then
	title stdio 'one process of larder mcp: its start with one ping, then 100 calls of each tool (divide by 100); beside it the command that a shell would run'
	printf '{"jsonrpc":"2.0","id":1,"method":"ping"}\n' >"$work/ping"
	many search 100 catalog_search '{"query":"number"}'
	many rules 100 rule_search '{"query":""}'
	many query 10 query_run "$sql"
	mcp="larder mcp --workspace $work/ws"
	$pairs "start=$mcp <$work/ping >/dev/null" "100 catalog_search=$mcp <$work/search >/dev/null" \
		"100 rule_search=$mcp <$work/rules >/dev/null" "10 query_run=$mcp <$work/query >/dev/null" \
		"command=larder query --workspace $work/ws --json 'SELECT count(*), max(n) FROM one' >/dev/null"
fi

if wants http; then
	title http 'one call over HTTP by curl: the health route (what curl and the hub cost), tools, and a query beside the same one without MCP'
	tool catalog_search '{"query":"number"}' >"$work/search"
	tool query_run "$sql" >"$work/query"
	printf '%s' "$sql" >"$work/plain"
	get="curl -sf -o /dev/null -H 'Authorization: Bearer $LARDER_TOKEN'"
	$pairs -p 'sleep 0.2' "health=$get $LARDER_SERVER/api/health" "catalog_search=$get $LARDER_SERVER/mcp --data-binary @$work/search" \
		"query_run=$get $LARDER_SERVER/mcp --data-binary @$work/query" "plain query=$get $LARDER_SERVER/api/query --data-binary @$work/plain"
fi
