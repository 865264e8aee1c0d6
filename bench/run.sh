#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Larder beside what a user would pick instead, on this machine, in one run: `make bench`. Rounds are interleaved; the figures are
# medians and ratios to the first line of each table, whose command lines are printed. Never a test: machines are noisy.
#
#	bench/run.sh BUILD [ROW...]	rows: a b c d e f g h i j clock jobs agents sessions kb query mcp (all; g i j are link.sh, h is delta.sh);
#	BENCH_DIR: where files go (a temporary folder), BENCH_RUNS: 5
set -eu

. "$(dirname "$0")/lib.sh"
shift
rows=${*:-a b c d e f g h i j clock jobs agents sessions kb query mcp}
runs=${BENCH_RUNS:-5}

parts=$source/.deps/duckdb
cc -O2 -I"$parts" -o "$work/make-data" "$source/bench/make-data.c" -L"$parts" -lduckdb -Wl,-rpath,"$parts"
pairs="$work/interleave -n $runs"

free_port() {
	# The kernel names a free one; nginx cannot be told "any".
	"$build/src/larder" serve --data "$work/hub" --listen 127.0.0.1:0 >"$work/port" 2>/dev/null &
	probe=$!
	until [ -s "$work/port" ]; do sleep 0.02; done
	kill $probe && wait $probe || :
	sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/port"
}

start_hub() {
	rm -f "$work/serve"
	larder serve --data "$work/hub" --listen 127.0.0.1:0 >"$work/serve" 2>"$work/serve.log" &
	echo $! >"$work/hub.pid"
	until [ -s "$work/serve" ]; do sleep 0.02; done
	url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
	LARDER_SERVER=$url
	export LARDER_SERVER
}

# Lines "TABLE SHA256" of objects that the hub has: a table of each, by requests of our own, as a program a table would take long.
publish_known() {
	while read -r table object; do
		cat <<END
url = "$url/api/admin/registry/$table/versions"
header = "Authorization: Bearer $LARDER_TOKEN"
header = "Content-Type: application/json"
data = "{\"create\":true,\"parts\":[{\"path\":\"\",\"sha256\":\"$object\",\"format\":\"parquet\"}]}"
output = "/dev/null"
next
END
	done | sed '$d' >"$work/versions.curl"
	curl -sf --config "$work/versions.curl"
}

hub_memory() {
	curl -sf "$url/api/health" >/dev/null
	awk '/^VmRSS/ { now = $2 } /^VmHWM/ { peak = $2 } END { printf "%.1f MB, at most %.1f MB", now / 1024, peak / 1024 }' \
		"/proc/$(cat "$work/hub.pid")/status"
}

start_nginx() {
	port=$1
	cat >"$work/nginx.conf" <<END
worker_processes 2; daemon on; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; autoindex on;
  client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3;
  uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
  server { listen 127.0.0.1:$port; root $work/files; } }
END
	nginx -c "$work/nginx.conf" -e "$work/nginx.log"
	peer=http://127.0.0.1:$port
}

# curl and aria2 get the list of what to fetch; rclone lists the folder itself.
make_lists() {
	(cd "$work/files/$1" && for f in *; do
		printf 'url = "%s/%s/%s"\noutput = "%s/out/%s"\n' "$peer" "$1" "$f" "$work" "$f" >>"$work/$1.curl"
		printf '%s/%s/%s\n out=%s\n' "$peer" "$1" "$f" "$f" >>"$work/$1.aria2"
	done)
}

# Everything gone before each run, and nothing left to write back.
cat >"$work/fresh" <<END
rm -rf "$work/ws" "$work/out"; mkdir "$work/out"
[ "\$NAME" != larder ] || larder init "$work/ws" --server "\$LARDER_SERVER" --token "\$LARDER_TOKEN" --no-pull --quiet
sync
END

cold() {
	$pairs -p "sh $work/fresh" \
		"larder=larder pull --quiet --workspace $work/ws" \
		"curl=curl -sf --no-progress-meter --parallel --parallel-immediate --parallel-max 16 --config $work/$1.curl" \
		"aria2c=aria2c -q -j16 --file-allocation=none -d $work/out -i $work/$1.aria2" \
		"rclone=rclone copy --transfers 16 --checkers 16 --http-url $peer/$1 :http: $work/out" \
		"curl+verify=curl -sf --no-progress-meter --parallel --parallel-immediate --parallel-max 16 --config $work/$1.curl && cd $work/out && ls | xargs -P2 -n64 openssl dgst -sha256"
}

# Before each command one table is other than it was for that command before: of the hub, or of the peer's folder.
change_one() { # OBJECT OTHER
	rm -f "$work"/changed.*
	cat >"$work/change" <<END
if [ -f "$work/changed.\$NAME" ]; then object=$1 file=t00000; rm "$work/changed.\$NAME"; else object=$2 file=t00001; : >"$work/changed.\$NAME"; fi
if [ "\$NAME" = larder ]; then
	curl -sf -o /dev/null -H "Authorization: Bearer $LARDER_TOKEN" -H "Content-Type: application/json" \\
		-d "{\\"parts\\":[{\\"path\\":\\"\\",\\"sha256\\":\\"\$object\\",\\"format\\":\\"parquet\\"}]}" "$url/api/admin/registry/t1/versions"
else
	cp "$work/files/tiny/\$file.parquet" "$work/files/same/t1.parquet"
fi
END
}

# A hub of its own for each set of tables, so that each pull is of one set.
fresh_hub() {
	[ ! -f "$work/hub.pid" ] || { kill "$(cat "$work/hub.pid")"; while kill -0 "$(cat "$work/hub.pid")" 2>/dev/null; do sleep 0.02; done; }
	rm -rf "$work/hub"
	LARDER_TOKEN=$(larder hub init "$work/hub" --admin bench@example.com)
	export LARDER_TOKEN
	start_hub
}

printf 'larder %s, %s cores, %s; runs of each: %s\n' "$(larder --version | cut -d' ' -f2)" "$(nproc)" "$(uname -sr)" "$runs"
LARDER_TOKEN=$(larder hub init "$work/hub" --admin bench@example.com)
export LARDER_TOKEN
start_nginx "$(free_port)"
fresh_hub

if wants a || wants d; then
	mkdir -p "$work/files/big"
	"$work/make-data" "$work/files/big" 32 31250 31250
	for f in "$work"/files/big/*; do
		name=${f##*/}
		larder publish "${name%.parquet}" "$f" --quiet >/dev/null
	done
	make_lists big
fi
if wants a; then
	title a 'cold pull of 32 files, 1 GB (larder verifies, commits and makes views; curl, aria2c, rclone do none of it)'
	cold big
fi
if wants d; then
	title d 'one client, 1 GB in 32 files: our hub and nginx'
	sed "s#$peer/big/\(t[0-9]*\).parquet#$url/api/data/\1/download#; s#output = .*#output = /dev/null#" "$work/big.curl" >"$work/hub.curl"
	sed 's#output = .*#output = /dev/null#' "$work/big.curl" >"$work/null.curl"
	$pairs "hub=curl -sf -H 'Authorization: Bearer $LARDER_TOKEN' --config $work/hub.curl" \
		"nginx=curl -sf --config $work/null.curl"
	title e "64 clients at once, the same files twice by 64 connections; then small replies"
	$pairs "hub=curl -sf --no-progress-meter --parallel --parallel-immediate --parallel-max 64 -H 'Authorization: Bearer $LARDER_TOKEN' --config $work/hub.curl --config $work/hub.curl" \
		"nginx=curl -sf --no-progress-meter --parallel --parallel-immediate --parallel-max 64 --config $work/null.curl --config $work/null.curl"
	printf '  memory of the hub with 64 clients: %s\n' "$(hub_memory)"
fi
if wants e; then
	mkdir -p "$work/files/json"
	curl -sf "$url/api/health" >"$work/files/json/health"
	if command -v wrk >/dev/null; then
		for target in "hub $url/api/health" "nginx $peer/json/health"; do
			printf '  %s: ' "${target%% *}"
			wrk -t1 -c64 -d3s "${target#* }" | sed -n 's/Requests.sec: */requests per second: /p'
		done
	fi
fi
if wants b; then
	fresh_hub
	mkdir -p "$work/files/small"
	"$work/make-data" "$work/files/small" 2000 10 200
	larder publish small "$work/files/small" --quiet
	make_lists small
	title b 'cold pull of 2,000 files of 10 to 200 KB: one table in 2,000 parts'
	cold small
fi
if wants c; then
	mkdir -p "$work/files/tiny"
	"$work/make-data" "$work/files/tiny" 2 4 5
	sum=$(openssl dgst -sha256 -r "$work/files/tiny/t00000.parquet" | cut -d' ' -f1)
	for n in ${BENCH_TABLES:-20 1000 10000}; do
		fresh_hub
		larder publish t "$work/files/tiny/t00000.parquet" --quiet
		seq "$n" | while read -r i; do echo "t$i $sum"; done | publish_known
		rm -rf "$work/ws"
		larder init "$work/ws" --server "$url" --token "$LARDER_TOKEN" --quiet
		title c "nothing changed, $n tables"
		set -- "larder=larder pull --quiet --workspace $work/ws"
		if [ "$n" -le 2000 ]; then
			rm -rf "$work/files/same" "$work/same"
			mkdir -p "$work/files/same"
			for i in $(seq "$n"); do cp -p "$work/files/tiny/t00000.parquet" "$work/files/same/t$i.parquet"; done
			rclone copy --http-url "$peer/same" :http: "$work/same"
			set -- "$@" "rclone=rclone copy --size-only --http-no-head --checkers 16 --http-url $peer/same :http: $work/same"
		fi
		$pairs -x "$@"
		printf '  memory of the hub: %s\n' "$(hub_memory)"
		title c "one changed table of $n"
		larder publish other "$work/files/tiny/t00001.parquet" --quiet >/dev/null
		change_one "$sum" "$(openssl dgst -sha256 -r "$work/files/tiny/t00001.parquet" | cut -d' ' -f1)"
		$pairs -p "sh $work/change" -x "$@"
	done
fi
if wants f; then
	title f 'start-up'
	rm -rf "$work/ws"
	larder init "$work/ws" --server "$url" --token "$LARDER_TOKEN" --no-pull --quiet
	set -- "larder=larder --version" "status=larder status --workspace $work/ws" 'curl=curl --version' 'git=git --version' 'rclone=rclone version'
	! larder push --help >/dev/null 2>&1 || set -- "$@" "push=larder push --quiet --workspace $work/ws"
	"$work/interleave" -n 41 -x "$@"
	fresh_hub
	printf '  memory of the hub, idle: %s\n' "$(hub_memory)"
fi
for row in g i j; do
	! wants $row || "$source/bench/link.sh" "$build" $row
done
if wants h; then
	title h "refreshes of a table, beside rsync and zsync"
	"$source/bench/delta.sh" "$build"
fi
if wants clock; then
	"$source/bench/clock.sh" "$build"
fi
if wants jobs; then
	"$source/bench/jobs.sh" "$build"
fi
if wants agents; then
	"$source/bench/agents.sh" "$build"
fi
if wants kb; then
	"$source/bench/kb.sh" "$build"
fi
if wants query; then
	"$source/bench/query.sh" "$build"
fi
if wants mcp; then
	"$source/bench/mcp.sh" "$build"
fi
if wants sessions; then
	"$source/bench/sessions.sh" "$build"
fi
