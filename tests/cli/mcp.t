#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder mcp: the official clients of both generations, and what they would not send.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	echo "$LARDER_TOKEN" >token
	awk 'BEGIN { print "k,v"; for (i = 0; i < 1000; i++) print i ",a" }' >orders.csv
	larder publish orders orders.csv -q
	larder admin rule add r1 --mandatory --title 'Orders' --text 'In orders, never add v.'
	larder init ws --server "$HUB_URL" --token "$LARDER_TOKEN"
	stop_hub
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
cd ws || exit 1

mcp() { # MESSAGE...: the answers
	printf '%s\n' "$@" | larder mcp --workspace "$SHARED/ws"
}
ping='{"jsonrpc":"2.0","id":7,"method":"ping"}'

# client GENERATION: the hub is gone, so all of it is answered offline.
client() {
	command -v node >/dev/null && [ -d "$SOURCE/.deps/sdk/node_modules" ] || skip 'the clients of tests/sdk are not here'
	cp "$SOURCE/tests/sdk/mcp.mjs" .
	ln -s "$SOURCE/.deps/sdk/node_modules" node_modules
	node mcp.mjs "$1" stdio "$SHARED/ws"
}

ok 'the official client of the first generation works with it, offline' 'client 1'
ok 'the second generation does, with a handshake' 'client 2'
ok 'the second generation does, without one (2026-07-28)' 'client 2-modern'

# client_of_hub GENERATION: the same session with the hub itself.
client_of_hub() {
	command -v node >/dev/null && [ -d "$SOURCE/.deps/sdk/node_modules" ] || skip 'the clients of tests/sdk are not here'
	cp "$SOURCE/tests/sdk/mcp.mjs" .
	ln -s "$SOURCE/.deps/sdk/node_modules" node_modules
	cp -r "$SHARED/hub" hub
	start_hub hub
	node mcp.mjs "$1" http "$HUB_URL/mcp" "$(cat "$SHARED/token")"
	stop_hub
}

ok 'a hub serves the first generation over HTTP' 'client_of_hub 1'
ok 'a hub serves the second, with a handshake' 'client_of_hub 2'
ok 'a hub serves the second, without one' 'client_of_hub 2-modern'

post() { # MESSAGE [HEADER...]: the status; the reply is in reply
	message=$1
	shift
	for header; do
		set -- "$@" --header "$header"
		shift
	done
	curl -s -o reply -w '%{http_code}\n' -H "Authorization: Bearer $(cat "$SHARED/token")" "$@" --data "$message" "$HUB_URL/mcp"
}

ok 'over HTTP a message has its status, and headers must say what the body says' '
	cp -r "$SHARED/hub" hub
	start_hub hub
	modern="{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}"
	list="{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":$modern}}"
	same "$(post "$list" "MCP-Protocol-Version: 2026-07-28" "Mcp-Method: tools/list")" 200
	same "$(post "$list" "MCP-Protocol-Version: 2026-07-28" "Mcp-Method: tools/call")" 400
	same "$(json reply .error.code)" -32020
	same "$(post "$list")" 400
	same "$(post "$(echo "$list" | sed s,tools/list,nothing,)" "MCP-Protocol-Version: 2026-07-28" "Mcp-Method: nothing")" 404
	same "$(post "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}")" 202
	same "$(post "$list" "Origin: http://evil.example")" 403
	same "$(curl -s -o reply -w "%{http_code}" "$HUB_URL/mcp")" 405
	same "$(curl -s -o reply -w "%{http_code}" --data "$list" "$HUB_URL/mcp")" 401
	stop_hub
'

ok 'a caller without a grant finds no table, queries none, and may not take notes with a reading token' '
	cp -r "$SHARED/hub" hub
	LARDER_TOKEN=$(cat "$SHARED/token")
	export LARDER_TOKEN
	start_hub hub
	export LARDER_SERVER=$HUB_URL
	token_of bo@example.com --scope read >bo
	call() {
		curl -s -H "Authorization: Bearer $(cat bo)" --data "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":$2}}" "$HUB_URL/mcp"
	}
	call catalog_search "{}" >out
	same "$(json out .result.structuredContent.total)" 0
	call query_run "{\"sql\":\"SELECT * FROM orders\"}" >out
	same "$(json out .result.isError)" true
	call table_describe "{\"table\":\"orders\"}" >out
	same "$(json out .result.isError)" true
	call note_submit "{\"text\":\"x\"}" >out
	same "$(json out .result.isError)" true
	stop_hub
'

ok 'one long value does not take the room of the others' '
	mcp "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"query_run\",\"arguments\":{\"sql\":\"SELECT repeat(v, 3000000) AS t, k FROM orders ORDER BY k LIMIT 3\"}}}" >out
	same "$(jq -c ".result.structuredContent | [.row_count, .cells_cut, .truncated]" out)" "[3,3,false]"
	json out ".result.structuredContent.rows[2][0]" >cell
	has cell "... (3000000 bytes)"
	[ "$(wc -c <cell)" -lt 17000 ]
	json out .result.structuredContent.next >next
	has next substr
'

ok 'what is no message is answered, and the next one is served' '
	mcp "nonsense" "[]" "{\"jsonrpc\":\"2.0\"}" "$ping" >out
	same "$(wc -l <out)" 4
	same "$(sed -n 1p out | json .error.code)" -32700
	same "$(sed -n 2p out | json .error.code)" -32600
	same "$(sed -n 4p out | json .id)" 7
'

ok 'stdout holds nothing but messages, whatever a query does' '
	mcp "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"query_run\",\"arguments\":{\"sql\":\"PRAGMA enable_profiling\"}}}" \
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"query_run\",\"arguments\":{\"sql\":\"EXPLAIN ANALYZE SELECT 1\"}}}" >out
	same "$(wc -l <out)" 2
	jq -e .id out >/dev/null
'

ok 'an agent reaches no file through SQL and writes none' '
	for sql in "SELECT * FROM read_csv('"'/etc/passwd'"')" "SELECT * FROM '"'/etc/passwd'"'" "COPY orders TO '"'$PWD/x'"'" \
		"ATTACH '"'$PWD/y.db'"'" "INSTALL httpfs" "CREATE TABLE t AS SELECT 1"; do
		jq -nc --arg sql "$sql" "{jsonrpc: \"2.0\", id: 1, method: \"tools/call\",
			params: {name: \"query_run\", arguments: {sql: \$sql}}}" >message
		mcp "$(cat message)" >out
		same "$(json out .result.isError)" true
		hasnt out root:
	done
	same "$(ls)" "message
out"
'

ok 'notes are kept whole, one after the other, and go to the hub with the next push' '
	rm -f "$SHARED/ws/CLAUDE.local.md"
	note() {
		jq -nc --arg text "$1" "{jsonrpc: \"2.0\", id: 1, method: \"tools/call\",
			params: {name: \"note_submit\", arguments: {text: \$text, title: \"orders\"}}}"
	}
	mcp "$(note "v is a letter
# Not a heading")" >out
	same "$(json out .result.structuredContent.status)" kept
	mcp "$(note two)" "$(note "$(head -c 4100 /dev/zero | tr "\\0" x)")" >out
	same "$(sed -n 2p out | json .result.isError)" true
	has "$SHARED/ws/CLAUDE.local.md" "  # Not a heading"
	same "$(grep -c "^- " "$SHARED/ws/CLAUDE.local.md")" 2
	HOME=$SHARED larder push --workspace "$SHARED/ws" --preview >preview
	has preview "v is a letter"
'

ok 'ten agents leave notes at a time, and none is lost' '
	rm -f "$SHARED/ws/CLAUDE.local.md"
	for i in 0 1 2 3 4 5 6 7 8 9; do
		mcp "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"note_submit\",\"arguments\":{\"text\":\"note $i\"}}}" >out.$i &
	done
	wait
	same "$(grep -c "note [0-9]" "$SHARED/ws/CLAUDE.local.md")" 10
'

ok 'outside a workspace it says so and ends' '
	exits 1 larder mcp </dev/null 2>err || exits 3 larder mcp </dev/null 2>err
	has err "larder init"
'

ok 'init --mcp registers it beside what is there' '
	start_hub "$SHARED/hub"
	token=$(larder hub token "$SHARED/hub" --user ann@example.com 2>/dev/null || cat "$SHARED/token")
	mkdir new
	echo "{\"mcpServers\":{\"other\":{\"command\":\"x\"}},\"kept\":1}" >new/.mcp.json
	larder init new --server "$HUB_URL" --token "$token" --mcp >said
	same "$(json new/.mcp.json .mcpServers.larder.command)" larder
	same "$(json new/.mcp.json .mcpServers.other.command)" x
	same "$(json new/.mcp.json .kept)" 1
	has said .mcp.json
	stop_hub
'
