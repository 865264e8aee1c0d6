#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder status: what is here and how fresh, from the workspace alone.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	printf 'k\n1\n2\n3\n' >t.csv
	larder publish t t.csv -q
	mkdir parts
	printf 'k\n4\n' >parts/b.csv
	printf 'k\n5\n' >parts/a.csv
	larder publish parts parts -q
	larder admin rule add units --mandatory --title Units --text 'In metres.'
	larder init fresh --server "$LARDER_SERVER" --token "$LARDER_TOKEN" -q --no-pull
	larder init ws --server "$LARDER_SERVER" --token "$LARDER_TOKEN" -q
	printf '%s\n' "$HUB_URL" >url
	stop_hub # all of this is offline
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
URL=$(cat url) LARDER_TOKEN=lrd_000000000000_x
export URL LARDER_TOKEN

copy() {
	cp -a "$SHARED/ws" ws
}

ok 'the object has the fields of the contract and ours, and they are right' '
	larder status -w "$SHARED/ws" --json >s
	same "$(json s .workspace)" "$SHARED/ws"
	same "$(json s .server)" $URL
	same "$(json s .initialized)" true
	same "$(json s .parquet_tables)" 2
	same "$(json s .duckdb_exists)" true
	same "$(json s .files_damaged)" 0
	same "$(json s .rules_count)" 1
	same "$(json s .views_waiting)" 0
	same "$(json s .bytes)" $(cat "$SHARED"/ws/server/versions/*.parquet | wc -c)
	same "$(json s ".tables | map(.name) | join(\",\")")" parts,t
	same "$(json s ".tables[] | select(.name == \"t\") | .rows")" 3
	same "$(json s ".tables[] | select(.name == \"t\") | .parts")" 0
	same "$(json s ".tables[] | select(.name == \"parts\") | .parts")" 2
	same "$(json s ".tables[] | select(.name == \"t\") | .version")" "$(sha256sum <"$SHARED"/ws/server/parquet/t.parquet | cut -d" " -f1)"
	same "$(json s ".tables | map(.state) | unique | join(\",\")")" ok
	same "$(json s ".last_pull_result.tables_updated")" 2
'

ok 'times are of the last pull and of the last one without an error' '
	copy
	larder status -w ws --json >s
	at=$(date -d "$(json s .last_synced)" +%s)
	[ $(($(date +%s) - at)) -ge 0 ]
	[ $(($(date +%s) - at)) -lt 600 ]
	same "$(json s .last_synced)" "$(json s .last_pull)"
'

ok 'people see the same in a few lines' '
	larder status -w "$SHARED/ws" >s
	has s "$SHARED/ws"
	has s $URL
	has s " ago"
	has s "tables     2, "
	has s "rules      1"
	hasnt s damaged
	same "$(wc -l <s)" 6
	larder status -w "$SHARED/ws" -v >s
	same "$(grep -c " ok$" s)" 2
	same "$(sed -n "s/^  t .* \([0-9]*\) rows.*/\1/p" s)" 3
'

ok 'no request is made, and nothing is written' '
	copy
	snapshot ws | grep -v state.db- >before
	LARDER_TRACE=$PWD/trace larder status -w ws >s
	! grep -q http trace
	snapshot ws | grep -v state.db- >after
	cmp before after
'

ok 'what is missing is counted, named, and told how to mend' '
	copy
	larder verify -w ws -q # knows the copies by now
	rm "$(readlink -f ws/server/parquet/t.parquet)"
	larder status -w ws --json >s
	same "$(json s .files_damaged)" 1
	same "$(json s ".tables[] | select(.name == \"t\") | .state")" missing
	same "$(json s ".tables[] | select(.name == \"parts\") | .state")" ok
	larder status -w ws >s
	has s "1 file is missing"
	has s "larder verify --repair"
'

ok 'what was copied or changed is not called damaged before it was read' '
	copy
	same "$(larder status -w ws --json | jq -c "[.files_damaged, .files_touched]")" "[0,3]"
	larder status -w ws >s
	has s "3 files were copied or changed"
	has s "larder verify"
	larder verify -w ws -q
	same "$(larder status -w ws --json | json .files_touched)" 0
	file=$(readlink -f ws/server/parquet/parts/a.parquet)
	chmod u+w "$file"
	printf x >>"$file"
	same "$(larder status -w ws --json | json ".tables[] | select(.name == \"parts\") | .state")" touched
	exits 1 larder verify -w ws -q 2>err
	same "$(larder status -w ws --json | json .files_touched)" 1
'

ok 'a workspace that was never pulled says so' '
	cp -a "$SHARED/fresh" ws
	larder status -w ws --json >s
	same "$(jq -c "[.last_synced, .last_pull, .last_pull_result, .parquet_tables, .duckdb_exists]" s)" "[null,null,null,0,false]"
	larder status -w ws >s
	has s "never: run \`larder pull\`"
	has s "none yet"
'

ok 'a pull that cannot reach the hub leaves what the last one said' '
	larder status -w "$SHARED/ws" --json | jq -c . >before
	exits 75 larder pull -w "$SHARED/ws" -q 2>err
	larder status -w "$SHARED/ws" --json | jq -c . >after
	cmp before after
'

ok 'a pull with an error shows beside the last one without' '
	cp -a "$SHARED/hub" hub
	start_hub hub
	LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(larder hub token hub --user ann@example.com)
	export LARDER_SERVER LARDER_TOKEN
	larder init ws -q
	sum=$(larder status -w ws --json | json ".tables[] | select(.name == \"t\") | .version")
	find hub/objects -name "$sum*" -delete
	rm "$(readlink -f ws/server/parquet/t.parquet)"
	exits 1 larder pull -w ws -q 2>err
	larder status -w ws >s
	has s "1 error; the last one without was"
	larder status -w ws --json >s
	same "$(json s ".last_pull_result.errors | length")" 1
	[ "$(json s .last_pull)" != "$(json s .last_synced)" ]
'

ok 'rows and sizes that a hub does not know are not numbers' '
	cp -a "$SHARED/ws" other
	mkdir -p served/api/sync served/api/memory served/api/data/old
	cp other/server/parquet/t.parquet served/api/data/old/download
	sum=$(md5sum <other/server/parquet/t.parquet | cut -d" " -f1)
	echo "{\"tables\":{\"old\":{\"hash\":\"$sum\",\"updated\":null,\"size_bytes\":null,\"rows\":null,
		\"query_mode\":\"local\",\"source_type\":\"\"}},\"assets\":{},\"server_time\":\"2026-01-01T00:00:00+00:00\"}" >served/api/sync/manifest
	echo "{\"mandatory\":[],\"approved\":[],\"token_estimate\":0,\"token_budget\":6000}" >served/api/memory/bundle
	: >served.plan
	start_faulty served
	cp -a "$SHARED/fresh" ws
	LARDER_SERVER=$FAULTY_URL LARDER_TOKEN=x larder pull -w ws -q
	same "$(larder status -w ws --json | jq -c ".tables[0].rows")" null
	larder status -w ws -v >s
	has s " - rows"
	hasnt s "-1"
'

ok 'outside a workspace, or in one of nothing, it says how to make one: exit 1' '
	exits 1 larder status 2>err
	has err "no workspace here"
	has err "larder init"
	exits 1 larder status -w nowhere 2>err
	has err "nowhere"
	mkdir -p half/.larder
	exits 1 larder status -w half 2>err
	[ ! -e half/.larder/state.db ]
	exits 2 larder status extra 2>err
'

ok 'the nearest workspace above is meant, or the one that is named' '
	copy
	cp -a "$SHARED/fresh" ws/inner
	mkdir ws/inner/deep
	same "$(cd ws/inner/deep && larder status --json | json .workspace)" "$PWD/ws/inner"
	same "$(cd ws/server && larder status --json | json .workspace)" "$PWD/ws"
	same "$(cd ws/inner && larder status -w .. --json | json .workspace)" "$PWD/ws"
	same "$(cd ws && LARDER_WORKSPACE=inner larder status --json | json .workspace)" "$PWD/ws/inner"
'

ok 'a workspace that was moved or copied is the same workspace' '
	copy
	mv ws "other place"
	larder status -w "other place" --json >s
	same "$(json s .files_damaged)" 0
	same "$(larder query -w "other place" --format csv "SELECT count(*) n FROM t" | tr -d "\r")" "$(printf "n\n3")"
'
