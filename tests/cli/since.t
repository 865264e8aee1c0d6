#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What changed of a manifest, for who has the one before (docs/http-api.md, "A difference of manifests").
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/site.sh"

TABLES=40

as_admin() { LARDER_SERVER=$HUB_URL LARDER_TOKEN=$ADMIN "$@"; }

# Tables t1 to t$TABLES, or those named, of an object that the hub has: what takes a command each is done by one curl.
publish_all() { # SHA256 [TABLE...]
	object=$1
	shift
	[ $# != 0 ] || set -- $(seq -f 't%.0f' $TABLES)
	for table; do
		printf 'url = "%s/api/admin/registry/%s/versions"\nheader = "Authorization: Bearer %s"\n' \
			"$HUB_URL" "$table" "$ADMIN"
		printf 'header = "Content-Type: application/json"\noutput = "/dev/null"\n'
		printf 'data = "{\\"create\\":true,\\"parts\\":[{\\"path\\":\\"\\",\\"sha256\\":\\"%s\\",\\"format\\":\\"parquet\\"}]}"\nnext\n' "$object"
	done | sed '$d' >versions.curl
	curl -sSf --config versions.curl
}

object_of() { # VALUE: the table `seed` with that value; prints its hash
	printf 'id,v\n1,%s\n' "$1" >seed.csv
	as_admin larder publish seed seed.csv --json | json .version
}

# Pulls in ./ws; what the manifest's request came to is in ./asked: status and bytes of each.
traced_pull() {
	rm -f trace
	LARDER_TRACE=$PWD/trace pull ws "$@" || return
	jq -r 'select(.kind == "http" and (.url | endswith("/api/sync/manifest"))) | "\(.status) \(.bytes)"' trace >asked
}

asked() { # STATUS...: of the requests for the manifest, in order
	same "$(cut -d' ' -f1 asked | tr '\n' ' ')" "$* "
}

# A workspace that has what the hub has now.
workspace() {
	new_workspace ws "$HUB_URL"
	pull ws
	total=$(json report .parquets_total)
}

get() { # TAG [CURL OPTIONS]: as who has TAG and knows differences; prints the status
	tag=$1
	shift
	curl -sS -D head -o body -w '%{http_code}' -H "Authorization: Bearer $LARDER_TOKEN" -H "If-None-Match: $tag" \
		-H "A-IM: ${A_IM:-larder-tables}" "$@" "$HUB_URL/api/sync/manifest"
}

header() { # NAME
	sed -n "s/^$1: *\(.*\)\r$/\1/Ip" head
}

(
	new_hub hub && ADMIN=$LARDER_TOKEN || exit 1
	first=$(object_of 1) && publish_all "$first" || exit 1
	larder admin table add far --mode remote
	larder admin table add far-off --mode remote
	token_of bob@example.com --scope read >bob
	token_of eve@example.com --scope read >eve
	member team bob@example.com
	member others eve@example.com
	for table in t1 t2 t3 t4 t5 t6; do larder admin grant add team $table; done
	echo "$LARDER_TOKEN" >ann
	stop_hub
) >/dev/null || exit 1
ADMIN=$(cat ann)
LARDER_TOKEN=$ADMIN
export ADMIN LARDER_TOKEN
start_hub hub
unset LARDER_SERVER

ok 'one changed table of many comes as a difference, of some hundred bytes' '
	workspace
	publish_all $(object_of 7) t7
	traced_pull
	asked 226
	difference=$(cut -d" " -f2 asked)
	whole=$(curl -sS --compressed -o whole -w "%{size_download}" -H "Authorization: Bearer $ADMIN" "$HUB_URL/api/sync/manifest")
	echo "$difference bytes, the whole $whole"
	[ $difference -lt 500 ] && [ $((2 * difference)) -lt $whole ]
	same "$(jq -c "[.tables_updated, .tables_removed, .parquets_total, .warnings, .errors]" report)" "[2,0,$total,[],[]]"
	same "$(jq -r ".plan[].table" report | tr "\n" " ")" "seed t7 "
	same "$(sum_of ws t7)" 7
	same "$(sum_of ws t8)" 1
	same "$(jq -r .digest whole)" "$(digest_of whole)"
	larder verify --workspace ws -q
	traced_pull
	asked 304
'

ok 'removed, renamed, remote, described, in parts: the difference leads where the whole leads' '
	workspace
	mkdir parts
	printf "id,v\n1,5\n" | tee parts/a.csv >parts/b.csv
	(
		as_admin larder admin table remove t9
		as_admin larder admin table change t10 --name other
		as_admin larder admin table change t11 --mode remote
		as_admin larder admin table change t12 --description "what it is"
		as_admin larder publish t13 parts -q
		as_admin larder admin table remove far-off
	) >/dev/null
	traced_pull
	asked 226
	same "$(jq -c "[.tables_updated, .tables_removed, .parquets_total, .warnings, .errors]" report)" "[2,3,$((total - 2)),[],[]]"
	same "$(sum_of ws t13)" 10
	same "$(sum_of ws other)" 1
	[ ! -e ws/server/parquet/t9.parquet ] && [ ! -e ws/server/parquet/t10.parquet ] && [ ! -e ws/server/parquet/t11.parquet ]
	same "$(larder catalog --workspace ws --offline --json | jq -r ".tables[] | select(.name == \"t12\") | .description")" "what it is"
	larder verify --workspace ws -q
	mv ws by-difference
	workspace
	snapshot ws/server >whole
	snapshot by-difference/server >difference
	# versions that were replaced are kept for a while
	grep -v "versions/" difference >links
	grep -v "versions/" whole | cmp - links
	# a table in parts is known by the same hash here and there
	publish_all $(object_of 3) t14
	traced_pull
	asked 226
'

ok 'who lost a table is told its name and nothing of others; other groups are told nothing' '
	LARDER_TOKEN=$(cat $SHARED/bob)
	workspace
	same "$(json report .parquets_total)" 6
	get "\"none\"" >/dev/null
	tag=$(header ETag)
	grant=$(as_admin larder admin grant list --json | jq -r ".grants[] | select(.resource_id == \"t2\") | .id")
	as_admin larder admin grant remove "$grant" >/dev/null
	as_admin larder publish secret $SHARED/seed.csv -q
	same "$(get "$tag")" 226
	same "$(jq -c "[.tables, .gone, .remote]" body)" "[{},[\"t2\"],[]]"
	same "$(header Delta-Base)" "$tag"
	before=$tag after=$(header ETag)
	as_admin larder admin grant add team secret >/dev/null
	get "\"none\"" >/dev/null # as another of the team
	as_admin larder admin table remove secret >/dev/null
	publish_all $(object_of 12) t6
	for known in "$before" "$after"; do
		same "$(get "$known")" 226
		hasnt body secret
	done
	tag=$before
	traced_pull
	asked 226
	same "$(jq -c "[.tables_removed, .parquets_total]" report)" "[1,5]"
	[ ! -e ws/server/parquet/t2.parquet ]
	larder verify --workspace ws -q
	LARDER_TOKEN=$(cat $SHARED/eve)
	same "$(get "$tag")" 200
	same "$(jq -c "[.tables, .gone]" body)" "[{},null]"
	# in the other group as well: what a manifest of these groups was, nobody was told
	as_admin larder admin member add team eve@example.com >/dev/null
	same "$(get "$tag")" 200
	same "$(jq -c "[(.tables | length), .gone]" body)" "[5,null]"
	LARDER_TOKEN=$ADMIN
	same "$(get "$tag")" 200
'

ok 'whose rights to a table became narrower, or wider, is told of that table as it is for them' '
	LARDER_TOKEN=$(cat $SHARED/bob)
	workspace
	grant=$(as_admin larder admin grant list --json | jq -r ".grants[] | select(.resource_id == \"t3\") | .id")
	as_admin larder admin grant remove "$grant" >/dev/null
	as_admin larder admin grant add team t3 --where "id > 1" >/dev/null
	traced_pull
	asked 226
	same "$(jq -c "[[.plan[] | [.table, .action]], .parquets_total, .warnings]" report)" "[[[\"t3\",\"fetch\"]],$total,[]]"
	same "$(sum_of ws t3)" null
	as_admin larder admin grant add team t3 >/dev/null 2>&1 || {
		as_admin larder admin grant remove "$(as_admin larder admin grant list --json | jq -r ".grants[] | select(.resource_id == \"t3\") | .id")" >/dev/null
		as_admin larder admin grant add team t3 >/dev/null
	}
	traced_pull
	asked 226
	same "$(sum_of ws t3)" 1
'

ok 'a client of before gets the whole, and so does who comes with what is not known' '
	get "\"none\"" >/dev/null
	tag=$(header ETag)
	same "$(get "$tag")" 304
	publish_all $(object_of 9) t15
	same "$(get "\"none\"")" 200
	same "$(curl -sS -o old -w "%{http_code}" -H "Authorization: Bearer $ADMIN" -H "If-None-Match: $tag" "$HUB_URL/api/sync/manifest")" 200
	same "$(jq ".tables | length" old)" "$(jq ".tables | length" body)"
	same "$(A_IM=vcdiff get "$tag")" 200
	same "$(get "\"x\", W/$tag")" 226
	same "$(header IM)" larder-tables
	same "$(get "$tag" --compressed)" 226
	new=$(header ETag)
	same "${new#W/}" "$(get "\"none\"" >/dev/null; header ETag)"
'

ok 'a hub that was started anew sends the whole, but where nothing has changed since it did' '
	new_hub own
	unset LARDER_SERVER
	port=${HUB_URL##*:}
	ADMIN=$LARDER_TOKEN TABLES=6
	publish_all $(object_of 1)
	workspace
	anew() {
		stop_hub
		start_hub own --listen 127.0.0.1:$port
	}
	anew
	traced_pull
	asked 304
	publish_all $(object_of 2) t1
	traced_pull
	asked 226
	publish_all $(object_of 4) t1
	anew
	traced_pull
	asked 200
	publish_all $(object_of 3) t2
	traced_pull
	asked 226
'

ok 'where over half has changed the whole comes' '
	workspace
	publish_all $(object_of 5)
	traced_pull
	asked 200
	same "$(sum_of ws t20)" 5
'

ok 'what is not here as recorded is mended by the whole manifest' '
	workspace
	publish_all $(object_of 6) t17
	rm ws/server/parquet/t18.parquet
	traced_pull
	asked 226 200
	same "$(json report ".plan | length")" 3
	same "$(jq -c .warnings report)" "[]"
	[ -f ws/server/parquet/t18.parquet ]
	larder verify --workspace ws -q
'

ok 'a dry run plans by a difference too, names what is kept, and changes nothing' '
	workspace
	publish_all $(object_of 8) t19
	traced_pull --dry-run
	asked 226
	traced_pull --dry-run
	asked 226
	same "$(jq -c "[.parquets_total, (.plan | length), [.plan[] | select(.action != \"keep\") | .table]]" report)" "[$total,$total,[\"seed\",\"t19\"]]"
	same "$(sum_of ws t19)" 5
'

# A site whose manifest has changed: table b is other, c went, d is new. ./before is the one of before.
changed_site() {
	LARDER_TOKEN=token
	new_site site a b c
	cp site/api/sync/manifest/index.json before
	new_workspace ws "$FAULTY_URL"
	pull ws
	rm -r site/api/data/c
	site_table site b 10 7001
	site_table site d 10 7002
	site_manifest site
	site_since site before
}

arrived() {
	same "$(ls ws/server/parquet | tr "\n" " ")" "a.parquet b.parquet d.parquet "
	cmp site/api/data/b/download ws/server/parquet/b.parquet
	larder verify --workspace ws -q
}

ok 'a difference that was made by others from the description is taken' '
	changed_site
	traced_pull
	asked 226
	same "$(jq -c .warnings report)" "[]"
	arrived
'

ok 'what does not lead to the tables of the hub is not believed: a warning, the whole, nothing lost' '
	changed_site
	cp site/api/sync/manifest.since right
	cp -R ws ready
	for filter in ".digest = (\"0\" * 64)" "del(.tables.d)" ".gone = {}" "[]"; do
		rm -rf ws
		cp -R ready ws
		jq -c "$filter" right >site/api/sync/manifest.since
		traced_pull
		asked 226 200
		same "$(json report ".warnings | length")" 1
		has report "asked for its whole manifest"
		same "$(jq -c .errors report)" "[]"
		arrived
	done
	printf "{\"tables\":{" >site/api/sync/manifest.since
	rm -rf ws
	cp -R ready ws
	traced_pull
	asked 226 200
	arrived
	traced_pull
	asked 304
'

ok 'a row that says other than the manifest that was reached: the whole' '
	changed_site
	sqlite3 ws/.larder/state.db "UPDATE ws_table SET rows = 11 WHERE name = '\''a'\''"
	traced_pull
	asked 226 200
	has report "asked for its whole manifest"
	arrived
'

ok 'a pull that fails half-way asks for the whole the next time' '
	changed_site
	faults site "/api/data/d/download status:404"
	exits 1 traced_pull
	faults site
	[ -f ws/server/parquet/b.parquet ]
	traced_pull
	asked 200
	arrived
'
