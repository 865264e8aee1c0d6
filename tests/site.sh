# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: Apache-2.0
#
# For scripts about pulling; sourced after lib.sh. A site is a folder that the faulty server serves as
# a hub would; tables are real Parquet files.
#
#	parquet FILE ROWS [SALT]	a Parquet file with columns id and v; other bytes for another salt
#	site_table SITE NAME ROWS [SALT]	puts one on the site
#	site_manifest SITE [old]	writes the manifest of what is on the site; old: as older hubs do
#	site_rules SITE [ID...]		writes the bundle
#	site_since SITE OLD		what changed since the manifest in the file OLD, for who asks for it
#	new_site SITE NAME...		tables of 10 rows each, manifest, no rules; then starts the server
#	new_workspace DIR URL		makes a folder a workspace of that server
#	pull DIR [OPTIONS]		pulls in it; the report is in ./report, stderr in ./pull.err
#	faults SITE LINE...		what the server does wrong from now on
#	rows FIRST LAST SEED		a CSV of random rows, 17 bytes each when converted; the same for the same seed
#	site_indexed SITE FILE [INDEX]	the only table is `big`, FILE with the chunk index FILE.chunks
#	without_index BEGIN		pulls from such a site, whose index is missing, cut, and too long; BEGIN makes
#					it and ws, `whole WHY` judges
#	requests SITE [PATTERN]		how many of the requests so far match
#	sum_of DIR TABLE		what a query over the analytics file gives for sum(v)

parquet() {
	{
		echo id,v
		seq "$2" | awk -v salt="${3:-1}" '{ srand($1 * 7919 + salt); print $1 "," int(rand() * 1000000000) + salt }'
	} >"$1.csv"
	jq -nc --arg in "$PWD/$1.csv" --arg out "$PWD/$1" \
		'{op: "convert", inputs: [$in], format: "csv", order_by: [], output: $out}' | larder-duck >/dev/null
	rm "$1.csv"
}

site_table() {
	mkdir -p "$1/api/data/$2"
	parquet "$1/api/data/$2/download" "$3" "${4:-1}"
}

site_manifest() {
	mkdir -p "$1/api/sync/manifest" "$1/api/memory"
	for site_dir in "$1"/api/data/*/; do
		site_file=${site_dir}download
		[ -f "$site_file" ] || continue
		jq -nc --arg name "$(basename "$site_dir")" --arg old "${2:-}" \
			--arg md5 "$(md5sum <"$site_file" | cut -c1-32)" \
			--arg sha "$(sha256sum <"$site_file" | cut -c1-64)" \
			--argjson size "$(stat -c %s "$site_file")" \
			'{($name): ({hash: $md5, rows: 10, size_bytes: $size, updated: "2026-01-01T00:00:00",
			  query_mode: "local", source_type: ""}
			  + if $old == "" then {id: $name, sha256: $sha} else {} end)}'
	done | jq -sc '{tables: (add // {}), assets: {}, server_time: "2026-01-01T00:00:00Z"}' \
		>"$1/api/sync/manifest/new"
	mv "$1/api/sync/manifest/new" "$1/api/sync/manifest/index.json"
	[ -f "$1/api/memory/bundle" ] || site_rules "$1"
}

# The digest of a manifest, as docs/http-api.md has it.
digest_of() { # FILE
	jq -r '.tables | to_entries | map(select(.value.query_mode != "remote")) | sort_by(.key)[] |
		[.key, (.value | .id, .sha256, .hash, .updated, .rows, .size_bytes)] |
		map("\(. // "")\t") | add' "$1" | sha256sum | cut -c1-64
}

site_since() {
	site_now=$1/api/sync/manifest/index.json
	jq -nc --slurpfile old "$2" --slurpfile now "$site_now" --arg digest "$(digest_of "$site_now")" \
		'$old[0].tables as $a | $now[0].tables as $b | {
		  tables: ($b | with_entries(select(.value != $a[.key]))),
		  gone: [$a | keys[] | select($b[.] == null)], remote: [], digest: $digest}' >"$1/api/sync/manifest.since"
}

rows() {
	echo id,a,b
	openssl enc -aes-128-ctr -nosalt -K 00 -iv "$3" -in /dev/zero 2>/dev/null | head -c $((($2 - $1 + 1) * 16)) |
		od -An -v -tx8 -w16 | awk -v first="$1" '{ print first + NR - 1 "," $1 "," $2 }'
}

site_indexed() {
	mkdir -p "$1/api/data/big" "$1/api/sync" "$1/api/memory"
	cp "$2" "$1/api/data/big/download"
	cp "${3:-$2.chunks}" "$1/api/data/big/chunks"
	jq -nc --arg sha "$(sha256sum <"$1/api/data/big/download" | cut -c1-64)" \
		--argjson size "$(stat -c %s "$1/api/data/big/download")" \
		--arg index "$(sha256sum <"$1/api/data/big/chunks" | cut -c1-64)" \
		--argjson length "$(stat -c %s "$1/api/data/big/chunks")" \
		'{tables: {big: {id: "big", sha256: $sha, rows: 10, size_bytes: $size, query_mode: "local",
		  chunks: {sha256: $index, size_bytes: $length}}}, assets: {}}' >"$1/api/sync/manifest.json"
	[ -f "$1/api/memory/bundle" ] || site_rules "$1"
}

without_index() {
	for site_fault in missing cut long; do
		rm -rf ws site*
		"$1"
		case $site_fault in
		missing) rm site/api/data/big/chunks && site_why='did not come (status 404)' ;;
		cut) truncate -s -7 site/api/data/big/chunks && site_why='other bytes than the manifest says' ;;
		long) head -c 1000 /dev/zero >>site/api/data/big/chunks && site_why='longer than the manifest says' ;;
		esac
		pull ws
		whole "$site_why"
	done
}

site_rules() {
	site=$1
	shift
	for site_rule in "$@"; do
		jq -nc --arg id "$site_rule" '{id: $id, title: "Title of \($id)", content: "Text of \($id)."}'
	done | jq -sc '{mandatory: ., approved: [], token_estimate: 0, token_budget: 6000}' >"$site/api/memory/bundle"
}

new_site() {
	site=$1
	shift
	for site_name in "$@"; do
		site_table "$site" "$site_name" 10 "$(printf %s "$site_name" | cksum | cut -c1-4)"
	done
	site_manifest "$site"
	: >"$site.plan"
	start_faulty "$site"
}

new_workspace() {
	mkdir -p "$1/.larder"
	echo "server: $2" >"$1/.larder/config.yaml"
	export LARDER_TOKEN="${LARDER_TOKEN:-token}"
}

pull() {
	pull_dir=$1
	shift
	pull_code=0
	larder pull --workspace "$pull_dir" --json "$@" >report 2>pull.err || pull_code=$?
	[ $pull_code = 0 ] || cat pull.err >&2
	return $pull_code
}

faults() {
	site=$1
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >"$site.plan.new"
	[ $# != 0 ] || : >"$site.plan.new"
	mv "$site.plan.new" "$site.plan"
}

requests() {
	grep -c -e "${2:-.}" "$1.log" || :
}

sum_of() {
	jq -nc --arg db "$1/user/duckdb/analytics.duckdb" --arg sql "SELECT sum(v) AS s FROM \"$2\"" \
		'{op: "query", sql: $sql, database: $db, tables: [], contained: false}' | larder-duck |
		jq -r 'select(type == "array") | .[0]'
}
