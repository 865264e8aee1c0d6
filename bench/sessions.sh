#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What comes back from workspaces: the scan of a stable hub, transcripts processed, an outbox drained, the hook at a session's end.
#
#	bench/sessions.sh BUILD [ROW...]	rows: scan usage drain hook (all); BENCH_RUNS: 5; BENCH_FILES: 100000;
#		BENCH_MB: 200; BENCH_RECORDS: "1000 10000" (the aim is 100000); BENCH_DIR: where files go
set -eu

. "$(dirname "$0")/lib.sh"
shift
rows=${*:-scan usage drain hook}
runs=${BENCH_RUNS:-5}
HOME=$work/home
export HOME
mkdir "$HOME"

if wants scan; then
	n=${BENCH_FILES:-100000}
	title scan "$n stable sessions looked at, beside find"
	larder hub init "$work/scan" --admin ann@example.com >/dev/null
	for user in $(seq 100); do mkdir -p "$work/scan/sessions/u$user@example.com"; done
	seq "$n" | awk -v top="$work/scan/sessions" '{
		file = top "/u" ($1 % 100 + 1) "@example.com/" $1 ".jsonl"
		print "{\"type\":\"user\",\"uuid\":\"" $1 "\",\"message\":{\"role\":\"user\",\"content\":\"x\"}}" >file
		close(file)
	}'
	find "$work/scan/sessions" -name '*.jsonl' -exec touch -d '2 hours ago' {} +
	: >"$work/marker"
	larder process usage --data "$work/scan" --budget 0 --quiet
	"$work/interleave" -n "$runs" -x "find=find $work/scan/sessions -type f -name *.jsonl -newer $work/marker" \
		"larder=larder process usage --data $work/scan --quiet"
	rm -rf "$work/scan"
fi

if wants usage; then
	mb=${BENCH_MB:-200}
	title usage "$mb MB of transcripts become the usage tables, beside DuckDB's own read of the same lines"
	mkdir -p "$work/made" "$work/kept/bob@example.com"
	awk -v sessions=400 -v turns=$((mb * 100 / 172)) -v pad=150 -v folder="$work/kept/bob@example.com" \
		-f "$source/tests/transcripts.awk"
	find "$work/kept" -name '*.jsonl' -exec touch -d '2 hours ago' {} +
	printf '  %s MB in %s files\n' "$(du -sm "$work/kept" | cut -f 1)" "$(find "$work/kept" -type f | wc -l)"
	jq -n --arg sql "SELECT count(*), sum(length(json)) FROM read_ndjson_objects('$work/kept/*/*.jsonl', ignore_errors = true,
		maximum_object_size = 67108864)" '{op: "query", sql: $sql, tables: []}' >"$work/read.json"
	cat >"$work/fresh" <<END
[ \$NAME = usage ] || exit 0
[ ! -d "$work/usage/sessions" ] || mv "$work/usage/sessions" "$work/kept"
rm -rf "$work/usage"
larder hub init "$work/usage" --admin ann@example.com >/dev/null
mv "$work/kept" "$work/usage/sessions"
END
	"$work/interleave" -n "$runs" \
		-p "sh $work/fresh; [ \$NAME != read ] || [ -d $work/kept ] || mv $work/usage/sessions $work/kept" \
		"read=larder-duck <$work/read.json >/dev/null" \
		"usage=larder process usage --data $work/usage --budget 0 --quiet >/dev/null"
	rm -rf "$work/usage" "$work/kept"
fi

start_hub() {
	rm -f "$work/serve"
	larder serve --data "$work/hub" --listen "127.0.0.1:${1:-0}" --quiet >"$work/serve" 2>"$work/serve.log" &
	echo $! >"$work/hub.pid"
	until [ -s "$work/serve" ]; do sleep 0.02; done
	url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
}

stop_hub() {
	kill "$(cat "$work/hub.pid")"
	while kill -0 "$(cat "$work/hub.pid")" 2>/dev/null; do sleep 0.02; done
	rm "$work/hub.pid"
}

# A workspace with N transcripts that were never sent; the hub is not there.
offline() { # N
	rm -rf "$work/hub" "$work/ws" "$HOME/.claude"
	LARDER_TOKEN=$(larder hub init "$work/hub" --admin ann@example.com)
	export LARDER_TOKEN
	start_hub
	larder init "$work/ws" --server "$url" --token "$LARDER_TOKEN" --no-pull --quiet
	stop_hub
	projects=$HOME/.claude/projects/$(printf %s "$work/ws" | sed 's/[^A-Za-z0-9]/-/g')
	mkdir -p "$projects"
	seq "$1" | awk -v top="$projects" '{ file = top "/" $1 ".jsonl"; print "{\"type\":\"user\",\"n\":" $1 "}" >file; close(file) }'
}

if wants drain; then
	for n in ${BENCH_RECORDS:-1000 10000}; do
		title drain "$n small records, queued and drained"
		offline "$n"
		start_hub "${url##*:}"
		"$work/interleave" -n 1 -c -x "push=larder push --quiet --workspace $work/ws"
		stop_hub
	done
fi

if wants hook; then
	title hook 'the hook at the end of a session: one of 100 transcripts grew, the hub is not there'
	offline 100
	"$work/interleave" -n 41 -p "echo '{}' >>$projects/7.jsonl" "version=larder --version" \
		"hook=larder push --detach --quiet --workspace $work/ws"
fi
