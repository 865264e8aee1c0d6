#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder pull: what a person sees who pulls every day. P-numbers are those of the wire contract's list of
# behaviours (docs/http-api.md), each kept or, where it was a fault, cured.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/site.sh"

ok 'a first pull brings tables, views and rules from a real hub' '
	new_hub hub
	printf "id,v\n1,10\n2,20\n" >t.csv
	larder publish orders t.csv -q
	larder admin rule add r1 --title "Be exact" --text "Count twice." --mandatory >/dev/null
	new_workspace ws $HUB_URL
	pull ws
	same "$(json report .tables_updated)" 1
	same "$(json report .parquets_total)" 1
	same "$(json report .rules_count)" 1
	same "$(json report .errors)" "[]"
	same "$(json report .workspace)" "$PWD/ws"
	same "$(json report .views.changed)" 1
	same "$(sum_of ws orders)" 30
	has ws/.claude/rules/km_r1.md "# Be exact"
	has ws/.claude/rules/km_r1.md "$HUB_URL"
	larder verify --workspace ws -q
'

# A hub with a table and a rule, and a workspace that has both.
one_of_each() {
	new_hub hub
	printf "id,v\n1,10\n" >t.csv
	larder publish orders t.csv -q
	larder admin rule add r1 --title T --text C --mandatory >/dev/null
	new_workspace ws $HUB_URL
	pull ws
}

ok 'a second pull is one request and changes nothing on disk' '
	one_of_each
	snapshot ws | grep -v "\.larder" >before
	pull ws
	same "$(json report .requests)" 1
	same "$(json report .tables_updated)" 0
	same "$(json report .rules_count)" 1
	same "$(json report .views.changed)" 0
	snapshot ws | grep -v "\.larder" >after
	cmp before after
	larder pull --workspace ws | grep -q "^Nothing has changed: 1 table, 1 rule, 1 request,"
'

ok 'a pull with nothing new is one request of less than a kilobyte, question and answer' '
	one_of_each
	LARDER_TRACE=$PWD/trace pull ws
	same "$(jq -c "select(.kind == \"http\") | [.status, .sent > 200, .head > 100]" trace)" "[304,true,true]"
	[ "$(jq "select(.kind == \"http\") | .sent + .head + .bytes" trace)" -lt 1000 ]
'

ok 'a changed rule alone is brought by the next pull' '
	new_hub hub
	larder admin rule add r1 --title Old --text C --mandatory >/dev/null
	new_workspace ws $HUB_URL
	pull ws
	larder admin rule add r1 --title New --text C --mandatory --replace >/dev/null
	pull ws
	has ws/.claude/rules/km_r1.md "# New"
	larder admin rule remove r1 >/dev/null
	pull ws
	[ ! -e ws/.claude/rules/km_r1.md ]
	same "$(json report .rules_count)" 0
'

ok 'a republished table is replaced: link, view and version together' '
	new_hub hub
	printf "id,v\n1,10\n" >t.csv
	larder publish orders t.csv -q
	new_workspace ws $HUB_URL
	pull ws
	old=$(readlink ws/server/parquet/orders.parquet)
	printf "id,v\n1,11\n" >t.csv
	larder publish orders t.csv -q
	pull ws
	same "$(json report .tables_updated)" 1
	same "$(sum_of ws orders)" 11
	[ "$(readlink ws/server/parquet/orders.parquet)" != "$old" ]
	[ -f ws/server/parquet/"$old" ]
	larder verify --workspace ws -q
'

ok 'old versions go after their grace time' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	site_table site a 10 7001
	site_manifest site
	pull ws
	same "$(ls ws/server/versions | wc -l)" 2
	LARDER_NOW=+4000 larder pull --workspace ws -q
	same "$(ls ws/server/versions | wc -l)" 1
	same "$(sum_of ws a)" "$(sum_of ws a)"
	LARDER_NOW=+4000 larder verify --workspace ws -q
'

ok 'a withdrawn grant takes file, link, view and rows; what the user made stays' '
	new_hub hub
	admin=$LARDER_TOKEN
	printf "id,v\n1,10\n" >t.csv
	larder publish orders t.csv -q
	larder publish other t.csv -q
	bob=$(token_of bob@example.com)
	member team bob@example.com >/dev/null
	larder admin grant add team orders >/dev/null
	larder admin grant add team other >/dev/null
	new_workspace ws $HUB_URL
	LARDER_TOKEN=$bob pull ws
	same "$(json report .tables_updated)" 2
	jq -nc --arg db "$PWD/ws/user/duckdb/analytics.duckdb" \
		"{op: \"hold\", database: \$db, leave: true, sql: [\"CREATE TABLE mine AS SELECT 7 AS v\", \"CREATE VIEW own AS SELECT 8 AS v\"]}" |
		larder-duck >/dev/null
	larder admin grant remove team orders >/dev/null
	LARDER_TOKEN=$bob pull ws
	same "$(json report .tables_removed)" 1
	[ ! -e ws/server/parquet/orders.parquet ]
	same "$(ls ws/server/parquet)" other.parquet
	same "$(sum_of ws orders)" ""
	same "$(sum_of ws mine)" 7
	same "$(sum_of ws own)" 8
	LARDER_TOKEN=$bob larder verify --workspace ws -q
'

ok 'a table in parts is one view, and only changed parts are fetched' '
	new_hub hub
	mkdir -p parts
	for p in a b c; do printf "id,v\n1,1\n" >parts/$p.csv; done
	larder publish parted parts -q
	new_workspace ws $HUB_URL
	pull ws
	same "$(sum_of ws parted)" 3
	printf "id,v\n1,5\n" >parts/b.csv
	rm parts/c.csv
	larder publish parted parts -q
	pull ws
	same "$(json report .tables_updated)" 1
	same "$(sum_of ws parted)" 6
	same "$(json report .requests)" 2
	[ ! -e ws/server/parquet/parted/c.parquet ]
	larder verify --workspace ws -q
'

ok 'parts below key=value folders give the view their keys' '
	new_hub hub
	mkdir -p parts/year=2025 parts/year=2026
	printf "v\n1\n" >parts/year=2025/x.csv
	printf "v\n2\n" >parts/year=2026/x.csv
	larder publish parted parts -q
	new_workspace ws $HUB_URL
	pull ws
	jq -nc --arg db "$PWD/ws/user/duckdb/analytics.duckdb" \
		"{op: \"query\", sql: \"SELECT v FROM parted WHERE year = 2026\", database: \$db, tables: [], contained: false}" |
		larder-duck | grep -qx "\[2\]"
	pull ws
	same "$(json report "[.requests, .parquets_total, .tables_updated] | join(\"-\")")" 1-1-0
	rm ws/server/versions/*/year=2026/*
	pull ws
	same "$(json report "[.requests, .bytes_fetched] | join(\"-\")")" 2-0
	larder verify --workspace ws -q
	rm -r parts/year=2025
	larder publish parted parts -q
	pull ws
	same "$(sum_of ws parted)" 2
	[ ! -e ws/server/parquet/parted/year=2025 ]
	larder verify --workspace ws -q
'

ok 'a table changes between one file and parts' '
	new_hub hub
	mkdir parts
	printf "id,v\n1,1\n" >parts/a.csv
	printf "id,v\n1,2\n" >parts/b.csv
	larder publish t parts -q
	new_workspace ws $HUB_URL
	pull ws
	larder publish t parts/a.csv -q
	pull ws
	same "$(sum_of ws t)" 1
	[ ! -e ws/server/parquet/t ]
	larder publish t parts -q
	pull ws
	same "$(sum_of ws t)" 3
	[ ! -e ws/server/parquet/t.parquet ]
	larder verify --workspace ws -q
'

ok 'P1: a failing manifest is one error and writes nothing' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	snapshot ws | grep -v "\.larder" >before
	faults site "/api/sync/manifest* status:500"
	exits 1 pull ws
	same "$(json report ".errors | length")" 1
	same "$(json report ".errors[0].stage")" manifest
	snapshot ws | grep -v "\.larder" >after
	cmp before after
'

ok 'P2: remote tables are neither fetched nor counted' '
	new_site site a b
	jq -c ".tables.b.query_mode = \"remote\"" site/api/sync/manifest/index.json >m
	mv m site/api/sync/manifest/index.json
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(json report .parquets_total)" 1
	same "$(requests site data/b)" 0
'

ok 'P3: a missing file is fetched again although the hash matches' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	rm ws/server/versions/*.parquet
	pull ws
	same "$(json report .tables_updated)" 1
	same "$(requests site data/a/download)" 2
	larder verify --workspace ws -q
'

ok 'P4 cured: a file that only looks changed is hashed, not fetched' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	touch -d 2020-01-01 ws/server/versions/*.parquet
	pull ws
	same "$(requests site data/a/download)" 1
	pull ws
	larder verify --workspace ws -q
'

ok 'a workspace that was copied needs no fetch, and its views follow' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	sum=$(sum_of ws a)
	cp -R ws "moved here"
	rm -r ws
	pull "moved here"
	same "$(requests site data/)" 2
	same "$(sum_of "moved here" a)" "$sum"
	larder verify --workspace "moved here" -q
'

ok 'a file whose bytes were changed in place is found and fetched again' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	file=$(ls ws/server/versions/*.parquet)
	printf x | dd of="$file" bs=1 seek=20 conv=notrunc 2>/dev/null
	pull ws
	same "$(requests site data/a/download)" 2
	larder verify --workspace ws -q
'

ok 'a link that was removed is set again without a fetch' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	rm ws/server/parquet/a.parquet
	pull ws
	[ -f ws/server/parquet/a.parquet ]
	same "$(requests site data/a/download)" 1
'

ok 'a folder of links that did not change is not looked through, and what changed in it is found' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	# a folder as old as this one will be: nothing changes in it without its time
	export LARDER_NOW=+1m
	pull ws
	ln -sf "$(readlink ws/server/parquet/b.parquet)" ws/server/parquet/a.parquet
	LARDER_NOW=+2m pull ws
	# with what was reached here, which is no longer all here, so without it; and the rules
	same "$(json report .requests)" 3
	cmp site/api/data/a/download ws/server/parquet/a.parquet
	LARDER_NOW=+3m pull ws
	file=$(readlink -f ws/server/parquet/a.parquet)
	chmod u+w "$file"
	printf x | dd of="$file" bs=1 seek=20 conv=notrunc 2>/dev/null
	LARDER_NOW=+3m pull ws
	same "$(requests site data/a/download)" 2
	rm ws/server/parquet/a.parquet
	LARDER_NOW=+3m pull ws
	[ -f ws/server/parquet/a.parquet ]
	larder verify --workspace ws -q
'

ok 'P5 cured: a dry run says what would be done and writes nothing' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	site_table site a 10 7001
	rm -r site/api/data/b
	site_table site c 10
	site_manifest site
	snapshot ws | grep -v "state.db" >before
	larder pull --workspace ws --dry-run >out
	snapshot ws | grep -v "state.db" >after
	cmp before after
	grep -q "^fetch *a: changed" out
	grep -q "^remove *b: no longer offered" out
	grep -q "^fetch *c: new" out
	larder pull --workspace ws --dry-run --json | json ".plan | length" | grep -qx 3
	same "$(requests site data/c)" 0
'

ok 'P6: nothing to fetch and no rules make no folders; P13: the analytics file is there' '
	new_site site
	new_workspace ws $FAULTY_URL
	pull ws
	[ ! -e ws/server ]
	[ ! -e ws/.claude ]
	[ -f ws/user/duckdb/analytics.duckdb ]
	larder pull --workspace ws | grep -q "offers you no table"
'

ok 'P11: servers of the older protocol, MD5 only' '
	new_site site a b
	site_manifest site old
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(json report .tables_updated)" 2
	pull ws
	same "$(requests site data/)" 2
	faults site "/api/data/a/download flip:50%"
	site_table site a 10 7001
	site_manifest site old
	exits 1 pull ws
	json report ".errors[0].error" | grep -q "bytes are wrong"
	larder verify --workspace ws -q
'

ok 'without any hash the Parquet frame is checked' '
	new_site site a b
	jq -c ".tables[] |= (.hash = null | del(.sha256, .version))" site/api/sync/manifest/index.json >m
	mv m site/api/sync/manifest/index.json
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(json report .tables_updated)" 2
	head -c 100 /dev/zero >site/api/data/b/download
	jq -c ".tables.b.size_bytes = 100 | .tables.b.updated = \"2027\"" site/api/sync/manifest/index.json >m
	mv m site/api/sync/manifest/index.json
	exits 1 pull ws
	json report ".errors[0].error" | grep -q "no Parquet file"
	larder verify --workspace ws -q
'

ok 'P18 cured: exit 75 when offline, 4 when refused, 1 when a table fails' '
	new_site site a
	new_workspace ws http://127.0.0.1:1
	exits 75 pull ws
	echo "server: $FAULTY_URL" >ws/.larder/config.yaml
	faults site "/api/sync/manifest* status:401"
	exits 4 pull ws
	faults site "/api/sync/manifest* status:403"
	exits 4 pull ws
	faults site "/api/data/a/download status:404"
	exits 1 pull ws
	faults site
	pull ws
'

ok 'P17: --quiet is silent, -v names tables, a failure is told once on stderr' '
	new_site site a
	new_workspace ws $FAULTY_URL
	larder pull --workspace ws --quiet >out 2>err
	[ ! -s out ]
	[ ! -s err ]
	site_table site a 10 7001
	site_manifest site
	larder pull --workspace ws -v | grep -q "^fetch *a: changed"
	faults site "/api/memory/bundle status:500"
	site_table site a 10 7002
	site_manifest site
	exits 1 larder pull --workspace ws --quiet 2>err
	same "$(wc -l <err)" 1
	has err memory_bundle
'

ok 'errors of the rules never undo tables' '
	new_site site a
	new_workspace ws $FAULTY_URL
	faults site "/api/memory/bundle status:500"
	exits 1 pull ws
	same "$(json report .tables_updated)" 1
	same "$(json report ".errors[0].stage")" memory_bundle
	[ -f ws/server/parquet/a.parquet ]
'

ok '--atomic switches all tables or none' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	faults site "/api/data/b/download status:404"
	exits 1 pull ws --atomic
	[ ! -e ws/server/parquet/a.parquet ]
	faults site
	pull ws --atomic
	same "$(json report .tables_updated)" 2
	same "$(requests site data/a/download)" 1
	larder verify --workspace ws -q
'

ok 'two workspaces share nothing, and one is never taken for the other' '
	new_site site a
	new_workspace one $FAULTY_URL
	new_workspace two $FAULTY_URL
	pull one
	pull two
	same "$(requests site data/a/download)" 2
	mkdir elsewhere
	(cd elsewhere && exits 1 larder pull 2>err && grep -q "no workspace" err)
	mkdir -p one/deep/below
	(cd one/deep/below && larder pull --json | json .workspace | grep -qx "$PWD/one" || [ -n "$HOME" ])
'

ok 'the token of the environment is used for every request' '
	new_hub hub
	printf "id,v\n1,10\n" >t.csv
	for n in 1 2 3 4 5; do larder publish t$n t.csv --name n$n -q; done
	mkdir -p conf
	good=$LARDER_TOKEN
	printf "tokens:\n  \"%s\": \"wrong\"\n" "$HUB_URL" >conf/credentials.yaml
	new_workspace ws $HUB_URL
	LARDER_CONFIG_DIR=$PWD/conf LARDER_TOKEN=$good pull ws
	same "$(json report .tables_updated)" 5
'

ok 'the same bytes under two names are fetched once' '
	new_site site a
	mkdir -p site/api/data/b
	cp site/api/data/a/download site/api/data/b/download
	site_manifest site
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(json report .tables_updated)" 2
	same "$(requests site /download)" 1
	rm -r site/api/data/a
	site_manifest site
	pull ws
	[ -f ws/server/parquet/b.parquet ]
	larder verify --workspace ws -q
'

ok 'verify names a flipped byte that pull cannot see, and --repair mends it' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	larder verify --workspace ws | grep -q "^All is as it should be: 2 tables"
	file=$(readlink -f ws/server/parquet/a.parquet)
	touch -r "$file" stamp
	printf x | dd of="$file" bs=1 seek=20 conv=notrunc 2>/dev/null
	touch -r stamp "$file"
	exits 1 larder verify --workspace ws --json >found
	same "$(json found ".findings[0].kind")" file
	same "$(json found ".findings[0].name")" a
	larder verify --workspace ws --repair --json >found
	same "$(json found .clean)" true
	same "$(json found .repaired)" 1
	echo litter >ws/server/versions/none.parquet
	rm ws/server/parquet/b.parquet
	echo edited >>ws/user/duckdb/nothing
	exits 1 larder verify --workspace ws --json >found
	same "$(json found ".findings | map(.kind) | sort | join(\" \")")" "link litter"
	larder verify --workspace ws --repair -q
	larder verify --workspace ws -q
'

ok 'a hub that goes back to an earlier state is followed' '
	new_site site a
	cp site/api/sync/manifest/index.json first
	cp site/api/data/a/download first.parquet
	new_workspace ws $FAULTY_URL
	pull ws
	sum=$(sum_of ws a)
	site_table site a 10 7001
	site_manifest site
	faults site "/api/memory/bundle status:500"
	exits 1 pull ws
	faults site
	cp first site/api/sync/manifest/index.json
	cp first.parquet site/api/data/a/download
	pull ws
	same "$(sum_of ws a)" "$sum"
	larder verify --workspace ws -q
'

ok 'a lost link of a table in key=value parts is noticed, by verify and by the next pull' '
	new_hub hub
	mkdir -p t/y=1 t/y=2
	printf "id,v\n1,10\n" >t/y=1/a.csv
	printf "id,v\n2,20\n" >t/y=2/a.csv
	larder publish orders t -q
	new_workspace ws $HUB_URL
	pull ws
	same "$(sum_of ws orders)" 30
	rm ws/server/versions/*/y=1/a.parquet
	exits 1 larder verify --workspace ws -q 2>found
	has found y=1/a.parquet
	pull ws
	same "$(json report .bytes_fetched)" 0
	same "$(sum_of ws orders)" 30
	larder verify --workspace ws -q
'
