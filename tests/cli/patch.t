#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Patches: a part of a table with a key is made from the one before it and the rows in which they differ.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/site.sh"
. "$SOURCE/tests/hub.sh"

# A table of one part, and versions of it: rows changed, gone and new all over.
new_hub hub >/dev/null
rows 1 60000 1 >base.csv
awk -F , -v OFS=, 'NR > 1 && $1 % 100 == 7 { $3 = "changed" } { print }' base.csv >changed.csv
awk -F , 'NR == 1 || $1 % 100 != 9' base.csv >gone.csv
awk -F , -v OFS=, 'NR > 1 && $1 % 500 == 1 { print $1 + 1000000, "new", $3 } NR > 1 && $1 % 300 == 2 { $2 = "x" } NR == 1 || $1 % 400 != 3' base.csv >mixed.csv
larder publish t base.csv --key id -q >/dev/null || exit 1
new_workspace base $HUB_URL
larder pull --workspace base -q || exit 1

get() { # PATH: body in ./body, prints the status
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" -o body -w '%{http_code}' "$HUB_URL$1"
}

refresh() { # CSV [PATCHES]: the base, and a pull of that version
	rm -rf ws
	cp -a "$SHARED/base" ws
	larder publish t "$SHARED/base.csv" -q
	larder publish t "$SHARED/$1" -q
	LARDER_PATCHES=${2:-always} LARDER_TRACE=$PWD/trace pull ws
}

same_parts() { # each part here is the hub's, by its hash
	larder verify --workspace ws -q
	get /api/sync/manifest >/dev/null
	jq -r ".tables.t.parts[].sha256" body | sort >want
	for part in ws/server/parquet/t/*; do basename "$(readlink $part)" .parquet; done | sort >have
	cmp want have
}

ok 'rows changed here and there come as a patch, and the parts are the hub'"'"'s to the byte' '
	refresh changed.csv
	same_parts
	size=$(jq ".tables.t.size_bytes" body)
	[ "$(json report .bytes_fetched)" -lt $((size / 30)) ]
	[ "$(json report .bytes_reused)" -gt $((size / 10 * 9)) ]
	grep -q "data/t/patch" trace
	! grep -q "data/t/download" trace
	same "$(json report .warnings[0] 2>/dev/null || echo none)" none
	[ -z "$(ls -A ws/.larder/staging)" ]
'

ok 'rows gone, and all of it at once' '
	refresh gone.csv
	same_parts
	[ "$(json report .bytes_fetched)" -lt $(($(jq ".tables.t.size_bytes" body) / 100)) ]
	refresh mixed.csv
	same_parts
	! grep -q "data/t/download" trace
	same "$(larder query --workspace ws "SELECT count(*) FROM t WHERE id > 1000000" --json | json ".rows[0][0]")" 120
'

ok 'by itself a patch comes over a link not known yet; never is never' '
	refresh changed.csv auto
	same_parts
	grep -q "data/t/patch" trace
	rm trace
	refresh changed.csv never
	same_parts
	! grep -q "data/t/patch" trace
	rm -rf ws
	cp -a "$SHARED/base" ws
	printf "server: $HUB_URL\npatches: sometimes\n" >ws/.larder/config.yaml
	exits 2 larder pull --workspace ws 2>err
	has err "auto, always and never are known"
'

ok 'where patches are wanted in any case no index is asked for, and the next refresh has one all the same' '
	rows 1 140000 1 >one.csv
	awk -F , -v OFS=, "NR > 1 && \$1 % 100 == 7 { \$3 = \"changed\" } { print }" one.csv >two.csv
	{ cat two.csv; echo "900001,x,y"; } >three.csv
	larder publish wide one.csv --key id -q
	rm -rf ws
	new_workspace ws $HUB_URL
	pull ws
	larder publish wide two.csv -q
	same "$(get "/api/data/wide/chunks?part=part-00000.parquet")" 200
	LARDER_PATCHES=always LARDER_TRACE=$PWD/trace pull ws
	grep -q "data/wide/patch" trace
	! grep -q "data/wide/chunks" trace
	larder publish wide three.csv -q
	LARDER_PATCHES=never pull ws
	[ "$(json report .bytes_reused)" -gt 1000000 ]
	larder verify --workspace ws -q
	larder admin table remove wide
'

ok 'a patch is told of, as secret as its table, and goes with its part' '
	refresh gone.csv
	get /api/sync/manifest >/dev/null
	from=$(jq -r ".tables.t.parts[0].patch.from" body)
	same "$(jq -r ".tables.t.parts[0].patch.sha256" body)" \
		"$(cat "$SHARED"/hub/objects/*/$(jq -r ".tables.t.parts[0].sha256" body).patch | sha256sum | cut -c1-64)"
	[ -f "$SHARED"/hub/objects/*/$from.parquet ]
	same $(get "/api/data/t/patch?part=part-00000.parquet") 200
	token=$(token_of bob@example.com)
	same $(status GET "/api/data/t/patch?part=part-00000.parquet" $token) 404
	larder publish u "$SHARED/gone.csv" --key id -q
	larder publish v "$SHARED/mixed.csv" --key a -q
	same $(get "/api/data/v/patch?part=part-00000.parquet") 404
	same "$(jq -r .code body)" no_patch
	cp -r "$SHARED/hub" copy
	larder hub verify copy
	patch=$(ls copy/objects/*/*.patch | head -1)
	printf x | dd of="$patch" bs=1 seek=100 conv=notrunc 2>/dev/null
	exits 1 larder hub verify copy >out 2>&1
	has out "the patch of object"
	mv "$patch" "${patch%.patch}x.patch"
	exits 1 larder hub verify copy >out 2>&1
	has out "no row speaks of the file"
	larder admin table remove u
	larder admin table remove v
	larder admin table remove t
	same "$(ls "$SHARED"/hub/objects/*/*.patch 2>/dev/null | wc -l)" 0
	larder publish t "$SHARED/base.csv" --key id -q
'

ok 'no patch where most rows changed, the key is not unique, or the columns are others' '
	patches() { get /api/sync/manifest >/dev/null; jq "[.tables.t.parts[] | select(.patch)] | length" body; }
	sed "s/,/,9/2" "$SHARED/base.csv" >most.csv
	larder publish t "$SHARED/base.csv" -q
	larder publish t most.csv -q
	same $(patches) 0
	sed "1s/b/c/" "$SHARED/changed.csv" >other.csv
	larder publish t "$SHARED/base.csv" -q
	larder publish t other.csv -q
	same $(patches) 0
	{ cat "$SHARED/changed.csv"; sed -n 2p "$SHARED/base.csv"; } >twice.csv
	larder publish t "$SHARED/base.csv" -q
	larder publish t twice.csv -q
	same $(patches) 0
'

# hostile PATCH: a site whose only part is the hub's second version, with that patch
hostile() {
	unset LARDER_SERVER
	site=$PWD/site
	mkdir -p site/api/data/t site/api/sync site/api/memory
	site_rules site
	cp "$SHARED/$2" site/api/data/t/download
	cp "$1" site/api/data/t/patch
	jq -nc --arg sha "$(sha256sum <site/api/data/t/download | cut -c1-64)" --arg md5 "$(md5sum <site/api/data/t/download | cut -c1-32)" \
		--argjson size "$(stat -c %s site/api/data/t/download)" --arg from "$(cat "$SHARED/from")" \
		--arg patch "$(sha256sum <"$1" | cut -c1-64)" --argjson length "$(stat -c %s "$1")" \
		"{tables: {t: {id: \"t\", sha256: \$sha, version: \$sha, rows: 10, size_bytes: \$size, query_mode: \"local\", parts: [
		  {path: \"part-00000.parquet\", sha256: \$sha, hash: \$md5, size_bytes: \$size, patch: {from: \$from, sha256: \$patch, size_bytes: \$length}}]}},
		  assets: {}}" >site/api/sync/manifest.json
	: >site.plan
	start_faulty site
	rm -rf ws
	cp -a "$SHARED/base" ws
	echo "server: $FAULTY_URL" >ws/.larder/config.yaml
	LARDER_PATCHES=${3:-always} pull ws
	larder verify --workspace ws -q
	cmp "$SHARED/$2" ws/server/parquet/t/part-00000.parquet
}

whole() { # TEXT: it came whole, and why was said
	[ "$(json report .bytes_fetched)" -ge "$(stat -c %s site/api/data/t/download)" ]
	has pull.err "the file is fetched whole"
	has pull.err "$1"
	[ -z "$(ls -A ws/.larder/staging)" ]
}

# The first part of three versions and their patches, and from which part.
larder publish t base.csv -q >/dev/null
curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | jq -r '.tables.t.parts[0].sha256' >from
for version in changed gone mixed; do
	larder publish t base.csv -q >/dev/null
	larder publish t $version.csv -q >/dev/null
	sum=$(curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/sync/manifest" | jq -r '.tables.t.parts[0].sha256')
	cp hub/objects/*/$sum.parquet $version
	cp hub/objects/*/$sum.patch $version.patch
done

ok 'a server of files is enough' '
	hostile "$SHARED/changed.patch" changed
	[ "$(json report .bytes_fetched)" -lt $(($(stat -c %s "$SHARED/changed") / 30)) ]
'

ok 'a patch of another part, one that is garbage or cut, a part that is none: the whole file' '
	hostile "$SHARED/gone.patch" changed
	whole "another hash"
	hostile "$SHARED/changed.patch" gone
	whole "cannot be applied" # it would be longer than the part
	head -c 5000 /dev/urandom >garbage
	hostile garbage changed
	whole "cannot be applied"
	head -c 500 "$SHARED/changed.patch" >cut
	hostile cut changed
	whole "cannot be applied"
	hostile "$SHARED/gone" changed
	whole "cannot be applied"
'

ok 'a patch for another DuckDB, or of columns that are not there, is not tried again each time' '
	sed "s/v[0-9]\.[0-9]*\.[0-9]*\",\"key/v9.9.9\",\"key/" "$SHARED/changed.patch" >other
	cmp -s other "$SHARED/changed.patch" && exit 1
	hostile other changed
	whole "for DuckDB v9.9.9"
	requests site "/api/data/t/patch" >before
	cp "$SHARED/gone" site/api/data/t/download
	sed -i "s/$(sha256sum <"$SHARED/changed" | cut -c1-64)/$(sha256sum <"$SHARED/gone" | cut -c1-64)/g
		s/$(md5sum <"$SHARED/changed" | cut -c1-32)/$(md5sum <"$SHARED/gone" | cut -c1-32)/
		s/\"size_bytes\":$(stat -c %s "$SHARED/changed")/\"size_bytes\":$(stat -c %s "$SHARED/gone")/g" site/api/sync/manifest.json
	LARDER_PATCHES=auto pull ws
	same "$(requests site "/api/data/t/patch")" "$(cat before)"
	cmp "$SHARED/gone" ws/server/parquet/t/part-00000.parquet
	sed "s/\"key\":\[\"id\"/\"key\":[\"ix\"/" "$SHARED/changed.patch" >other
	hostile other changed
	whole "for another table"
'

ok 'a patch that is missing or longer than told: the whole file' '
	hostile "$SHARED/changed.patch" changed
	rm -rf ws
	cp -a "$SHARED/base" ws
	echo "server: $FAULTY_URL" >ws/.larder/config.yaml
	rm site/api/data/t/patch
	LARDER_PATCHES=always pull ws
	whole "did not come (status 404)"
	rm -rf ws
	cp -a "$SHARED/base" ws
	echo "server: $FAULTY_URL" >ws/.larder/config.yaml
	{ cat "$SHARED/changed.patch"; echo more; } >site/api/data/t/patch
	LARDER_PATCHES=always pull ws
	whole "longer than the manifest says"
'

# duck_runs TRACE: how many programs made parts or views, or tried to
duck_runs() {
	jq -s "map(select(.kind == \"child\" and (.argv0 | endswith(\"larder-duck\")))) | length" "$1"
}

ok 'one program makes all parts; one that a patch has ended is replaced, and the others are made' '
	unset LARDER_SERVER
	mkdir -p site/api/memory site/api/sync
	site_rules site
	: >site.plan
	start_faulty site
	head -c 5000 /dev/urandom >garbage
	for bad in none changed gone mixed; do
		for version in changed gone mixed; do
			mkdir -p site/api/data/$version
			cp "$SHARED/$version" site/api/data/$version/download
			cp "$SHARED/$version.patch" site/api/data/$version/patch
			[ $version != $bad ] || cp garbage site/api/data/$version/patch
			jq -nc --arg name $version --arg sha "$(sha256sum <$SHARED/$version | cut -c1-64)" --arg from "$(cat "$SHARED/from")" \
				--argjson size "$(stat -c %s $SHARED/$version)" --arg patch "$(sha256sum <site/api/data/$version/patch | cut -c1-64)" \
				--argjson length "$(stat -c %s site/api/data/$version/patch)" \
				"{(\$name): {sha256: \$sha, size_bytes: \$size, parts: [{path: \"part-00000.parquet\", sha256: \$sha, size_bytes: \$size,
				  patch: {from: \$from, sha256: \$patch, size_bytes: \$length}}]}}"
		done | jq -sc "{tables: add}" >site/api/sync/manifest.json
		rm -rf ws trace
		cp -a "$SHARED/base" ws
		echo "server: $FAULTY_URL" >ws/.larder/config.yaml
		LARDER_PATCHES=always LARDER_TRACE=$PWD/trace pull ws --jobs 1
		larder verify --workspace ws -q
		for version in changed gone mixed; do
			cmp $SHARED/$version ws/server/parquet/$version/part-00000.parquet
		done
		same "$bad $(requests site "/download")" "$bad $([ $bad = none ] && echo 0 || echo 1)"
		same "$bad $(json report ".warnings | length")" "$bad $([ $bad = none ] && echo 0 || echo 1)"
		duck_runs trace >>runs
		: >site.log
	done
	# One, and one for the views; after the first, second or third of three a new one for each that is left.
	same "$(head -n 1 runs)/$(tail -n 3 runs | sort | tr -d "\n")" 2/234
'
