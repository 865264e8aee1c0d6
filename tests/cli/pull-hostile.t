#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder pull from a hub that lies, into places with odd names. One bad thing never stops the others.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"

edit_manifest() { # SITE JQ-FILTER
	jq -c "$2" "$1/api/sync/manifest/index.json" >manifest.new
	mv manifest.new "$1/api/sync/manifest/index.json"
}

ok 'a manifest that is no JSON, no manifest, or cut, is one error' '
	new_site site a
	new_workspace ws $FAULTY_URL
	pull ws
	for text in "<html>" "" "[]" "{}" "{\"tables\":[]}" "{\"tables\":{\"a\":{\"hash\":"; do
		printf %s "$text" >site/api/sync/manifest/index.json
		exits 1 pull ws
		same "$(json report ".errors[0].stage")" manifest
		[ -f ws/server/parquet/a.parquet ]
	done
'

ok 'a manifest of 200 MB of nesting is refused without being read to its end' '
	new_site site a
	new_workspace ws $FAULTY_URL
	head -c 209715200 /dev/zero | tr "\0" "[" >site/api/sync/manifest/index.json
	before=$(date +%s)
	exits 1 pull ws
	[ $(($(date +%s) - before)) -lt 10 ]
	same "$(json report ".errors[0].stage")" manifest
	rm site/api/sync/manifest/index.json
'

ok 'a mirror that cannot be used is told once and the manifest is reached; a bad entry keeps it from that' '
	new_site site a
	new_workspace ws $FAULTY_URL
	edit_manifest site ".mirror = \"ftp://files.example/x\""
	pull ws
	same "$(json report ".warnings | join(\"|\")")" \
		"the hub'"'"'s mirror is passed over: it is no http:// or https:// address of a server alone"
	LARDER_TRACE=$PWD/trace pull ws
	same "$(jq -s -c "map(select(.kind == \"http\") | .status) | unique" trace)" "[304]"
	same "$(json report ".warnings | length")" 0
	edit_manifest site ".tables.b = 7"
	for again in "" again; do
		pull ws
		same "$again $(json report ".warnings | length")" "$again 2"
	done
'

ok 'names that would leave the folder, or break SQL, are passed over one by one' '
	new_site site good
	long=$(printf %300s | tr " " a)
	edit_manifest site ".tables.good as \$g | .tables += {\"../../x\": \$g, \"a\\\"b\": \$g, \"a'"'"'b\": \$g,
		\".hidden\": \$g, \"$long\": \$g, \"/etc/x\": \$g, \"a b\": \$g, \"\": \$g, \"..\": \$g, \"x\\u0000\\n\": \$g}"
	new_workspace ws $FAULTY_URL
	pull ws
	[ -f ws/server/parquet/good.parquet ]
	same "$(ls -A ws/server/parquet | grep -c -v "^x.parquet$")" 1
	[ ! -e x ] && [ ! -e ws/x ] && [ ! -e ws/server/x ]
	[ "$(json report ".warnings | length")" -ge 9 ]
	larder verify --workspace ws -q
'

ok 'names with dots, dashes and SQL words are good names' '
	new_site site in.c-crm.orders select 1table
	new_workspace ws $FAULTY_URL
	pull ws
	[ "$(sum_of ws in.c-crm.orders)" -gt 0 ]
	[ "$(sum_of ws select)" -gt 0 ]
	[ "$(sum_of ws 1table)" -gt 0 ]
'

ok 'part paths that would leave the folder, or collide, spoil only their table' '
	new_site site good
	edit_manifest site ".tables.good as \$g | .tables += {
		p1: {parts: [{path: \"../../../evil\", sha256: \$g.sha256, size_bytes: \$g.size_bytes}]},
		p2: {parts: [{path: \"/tmp/evil\", sha256: \$g.sha256, size_bytes: \$g.size_bytes}]},
		p3: {parts: [{path: \"a\"}, {path: \"a/b\"}]},
		\"good.parquet\": {parts: [{path: \"a\"}]}}"
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(ls ws/server/parquet)" good.parquet
	same "$(json report ".warnings | length")" 4
'

ok 'an entry that went bad keeps the copy that is here' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	edit_manifest site ".tables.a.sha256 = \"nonsense\""
	pull ws
	same "$(json report .tables_removed)" 0
	[ -f ws/server/parquet/a.parquet ]
	same "$(json report ".warnings | length")" 1
	pull ws
	same "$(json report ".warnings | length")" 1
'

ok 'a hash that does not match, a flipped byte, a file without footer: the others go on' '
	new_site site good wrong noframe
	edit_manifest site ".tables.wrong.sha256 = (\"0\" * 64)"
	printf "not a parquet file" >site/api/data/noframe/download
	edit_manifest site ".tables.noframe.sha256 = \"$(sha256sum <site/api/data/noframe/download | cut -c1-64)\" |
		.tables.noframe.size_bytes = 18"
	new_workspace ws $FAULTY_URL
	exits 1 pull ws
	same "$(json report .tables_updated)" 1
	same "$(json report ".errors | map(.table) | sort | join(\" \")")" "noframe wrong"
	same "$(ls ws/server/parquet)" good.parquet
	larder verify --workspace ws -q
'

ok 'bytes that have the right frame and are no Parquet inside: the view fails, the others stand' '
	new_site site good
	mkdir -p site/api/data/bad
	{ printf PAR1; head -c 200 /dev/zero; printf "\020\0\0\0PAR1"; } >site/api/data/bad/download
	site_manifest site
	new_workspace ws $FAULTY_URL
	exits 1 pull ws
	same "$(json report ".errors[0].stage")" views
	same "$(json report ".errors[0].table")" bad
	[ "$(sum_of ws good)" -gt 0 ]
'

ok 'rules: an id with a slash, one of 50 MB, one without text; the others go on' '
	new_site site
	{
		printf "{\"mandatory\":[{\"id\":\"../../evil\",\"title\":\"T\",\"content\":\"C\"},"
		printf "{\"id\":\"huge\",\"title\":\"T\",\"content\":\""
		head -c 52428800 /dev/zero | tr "\0" x
		printf "\"},{\"id\":\"none\"},{\"id\":\"good\",\"title\":\"T\",\"content\":\"C\"}],\"approved\":[]}"
	} >site/api/memory/bundle
	new_workspace ws $FAULTY_URL
	pull ws
	same "$(ls ws/.claude/rules)" km_good.md
	same "$(json report .rules_count)" 1
	has pull.err huge
	has pull.err "../../evil"
	same "$(json report ".warnings | length")" 3
	[ ! -e evil.md ]
	rm site/api/memory/bundle
'

ok 'a bundle that is no bundle withdraws nothing' '
	new_site site
	site_rules site r1
	new_workspace ws $FAULTY_URL
	pull ws
	for text in "{}" "<html>" "{\"detail\":\"x\"}"; do
		printf %s "$text" >site/api/memory/bundle
		exits 1 pull ws
		[ -f ws/.claude/rules/km_r1.md ]
	done
	site_rules site
	pull ws
	[ ! -e ws/.claude/rules/km_r1.md ]
'

ok 'workspace paths with blanks, quotes and other alphabets keep all their views' '
	new_site site a b
	for dir in "with blank" "it'"'"'s" "say \"hi\"" "Größe 数据" "semi;colon"; do
		new_workspace "$dir" $FAULTY_URL
		pull "$dir"
		[ "$(sum_of "$dir" a)" -gt 0 ]
		[ "$(sum_of "$dir" b)" -gt 0 ]
		larder verify --workspace "$dir" -q
	done
'

ok 'a person has a table of that name: it stays, and the view is reported as blocked' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	site_table site c 10
	site_manifest site
	jq -nc --arg db "$PWD/ws/user/duckdb/analytics.duckdb" \
		"{op: \"hold\", database: \$db, leave: true, sql: [\"CREATE TABLE c AS SELECT 5 AS v\"]}" | larder-duck >/dev/null
	pull ws
	same "$(json report ".views.blocked | join(\" \")")" c
	same "$(sum_of ws c)" 5
	pull ws
	same "$(json report ".views.blocked | join(\" \")")" c
	larder verify --workspace ws -q
'

ok 'a folder where a link must go is a conflict that is named; the next run finishes' '
	new_site site a
	new_workspace ws $FAULTY_URL
	mkdir -p ws/server/parquet/a.parquet/keep
	exits 1 pull ws
	has pull.err a.parquet
	rm -r ws/server/parquet/a.parquet
	pull ws
	[ -f ws/server/parquet/a.parquet ]
	larder verify --workspace ws -q
'

ok 'a database that became garbage is named with the way out, which fetches nothing again' '
	new_site site a b
	new_workspace ws $FAULTY_URL
	pull ws
	rm -f ws/.larder/state.db-*
	head -c 50000 /dev/urandom >ws/.larder/state.db
	for command in pull status verify; do
		exits 1 larder $command --workspace ws 2>err
		has err "state.db"
		has err "move .larder/state.db away"
	done
	rm ws/.larder/state.db*
	before=$(requests site GET./api/data)
	pull ws
	same "$(requests site GET./api/data)" "$before"
	larder verify --workspace ws -q
'
