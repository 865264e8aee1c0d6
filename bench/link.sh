#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole way at a distance, and what it costs: (g) 2,000 small files and one large one over a link of 20 and 80 ms and 20 MB/s, by a
# delaying proxy on this machine; (h) is bench/delta.sh; (i) peak memory for a large table; (j) CPU seconds per GB, client and hub.
#
#	bench/link.sh BUILD [ROW...]	rows: g i j (all)
#	BENCH_RUNS: 3; BENCH_SMALL: 2000 files; BENCH_LARGE_MB: 500, of (g); BENCH_TABLE_MB: 4000, of (i); BENCH_DIR
#	BENCH_LINKS: of (g), round trip in ms:bytes a second (0: no limit); 20:0 80:0 20:20000000 80:20000000
set -eu

. "$(dirname "$0")/lib.sh"
shift
rows=${*:-g i j}
runs=${BENCH_RUNS:-3}

parts=$source/.deps/duckdb
cc -O2 -o "$work/delay-proxy" "$source/bench/delay-proxy.c"
cc -O2 -I"$parts" -o "$work/make-data" "$source/bench/make-data.c" -L"$parts" -lduckdb -Wl,-rpath,"$parts"

start_hub() {
	LARDER_TOKEN=$(larder hub init "$work/hub" --admin bench@example.com)
	larder serve --data "$work/hub" --listen 127.0.0.1:0 >"$work/serve" 2>"$work/serve.log" &
	echo $! >"$work/hub.pid"
	until [ -s "$work/serve" ]; do sleep 0.02; done
	hub=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
	export LARDER_TOKEN # not LARDER_SERVER, which would win over the address of a workspace
	port=${hub##*:}
}

stop_hub() {
	kill "$(cat "$work/hub.pid")"
	while kill -0 "$(cat "$work/hub.pid")" 2>/dev/null; do sleep 0.02; done
	rm -rf "$work/hub" "$work/hub.pid" "$work/serve"
}

# far MS RATE: proxies of the hub, of nginx and of its HTTP/2; sets far_hub, far_web and far_h2
far() {
	for end in hub web h2; do
		[ ! -f "$work/far-$end.pid" ] || kill "$(cat "$work/far-$end.pid")"
		case $end in hub) to=$port ;; web) to=$web ;; h2) to=$((web + 1)) ;; esac
		rm -f "$work/far-$end"
		"$work/delay-proxy" "$to" "$1" "$2" >"$work/far-$end" &
		echo $! >"$work/far-$end.pid"
		until [ -s "$work/far-$end" ]; do sleep 0.02; done
	done
	far_hub=http://127.0.0.1:$(cat "$work/far-hub")
	far_web=http://127.0.0.1:$(cat "$work/far-web")
	far_h2=https://127.0.0.1:$(cat "$work/far-h2")
}

start_nginx() {
	start_hub
	web=$port
	stop_hub
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key" -out "$work/cert" -days 2 \
		-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	cat >"$work/nginx.conf" <<END
worker_processes 2; daemon on; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3;
  uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
  server { listen 127.0.0.1:$web; listen 127.0.0.1:$((web + 1)) ssl http2;
    ssl_certificate $work/cert; ssl_certificate_key $work/key; root $work/files; } }
END
	nginx -c "$work/nginx.conf" -e "$work/nginx.log"
}

curl='curl -sf --no-progress-meter --parallel --parallel-immediate'
# With TLS, as over plain connections it fails with this server (its error 16). To multiplex, the first connection has to be waited for.
curl_h2="curl -sf --no-progress-meter --parallel --http2 --cacert $work/cert"

# The list for curl, by the address it is fetched from.
list() { # FOLDER URL OUTPUT
	rm -f "$3"
	for f in "$work/files/$1"/*; do
		printf 'url = "%s/%s/%s"\noutput = "%s/out/%s"\n' "$2" "$1" "${f##*/}" "$work" "${f##*/}" >>"$3"
	done
}

cat >"$work/fresh" <<END
rm -rf "$work/ws" "$work/out"; mkdir "$work/out"
case \$NAME in larder*) larder init "$work/ws" --server "\$SERVER" --token "\$LARDER_TOKEN" --no-pull --quiet ;; esac
END

over_link() { # FOLDER, what is published
	for link in ${BENCH_LINKS:-20:0 80:0 20:20000000 80:20000000}; do
		far "${link%:*}" "${link#*:}"
		list "$1" "$far_web" "$work/list"
		list "$1" "$far_h2" "$work/list2"
		SERVER=$far_hub
		export SERVER
		printf ' round trip of %s ms, at most %s bytes a second (0: no limit)\n' "${link%:*}" "${link#*:}"
		"$work/interleave" -n "$runs" -p "sh $work/fresh" \
			"larder=larder pull --quiet --workspace $work/ws" \
			"curl-16=$curl --parallel-max 16 --config $work/list" \
			"curl-64=$curl --parallel-max 64 --config $work/list" \
			"curl-300=$curl --parallel-max 300 --config $work/list" \
			"curl-h2=$curl_h2 --parallel-max 100 --config $work/list2"
	done
}

seconds_of() { # PID: CPU seconds so far
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$1/stat"
}

printf 'larder %s, %s cores, %s; runs of each: %s\n' "$(larder --version | cut -d' ' -f2)" "$(nproc)" "$(uname -sr)" "$runs"
mkdir -p "$work/files"
start_nginx
if wants g; then
	mkdir "$work/files/small"
	"$work/make-data" "$work/files/small" "${BENCH_SMALL:-2000}" 10 200
	start_hub
	larder publish small "$work/files/small" --server "$hub" --quiet
	title g "${BENCH_SMALL:-2000} files of 10 to 200 KB: one table in parts"
	over_link small
	stop_hub
	mkdir "$work/files/large"
	"$work/make-data" "$work/files/large" 1 $((${BENCH_LARGE_MB:-500} * 1000)) $((${BENCH_LARGE_MB:-500} * 1000))
	start_hub
	larder publish large "$work/files/large/t00000.parquet" --server "$hub" --quiet
	title g "one file of ${BENCH_LARGE_MB:-500} MB"
	runs=1
	over_link large
	stop_hub
	rm -rf "$work/files/small" "$work/files/large"
fi
if wants i || wants j; then
	mb=${BENCH_TABLE_MB:-4000}
	mkdir "$work/files/table"
	"$work/make-data" "$work/files/table" 1 $((mb * 1000)) $((mb * 1000))
	start_hub
	larder publish table "$work/files/table/t00000.parquet" --server "$hub" --quiet
	title i "peak memory of a table of $mb MB; (j) CPU seconds per GB"
	before=$(seconds_of "$(cat "$work/hub.pid")")
	SERVER=$hub NAME=larder sh "$work/fresh"
	"$work/interleave" -n 1 -p "NAME=larder SERVER=$hub sh $work/fresh" "larder=larder pull --quiet --workspace $work/ws" >"$work/table"
	after=$(seconds_of "$(cat "$work/hub.pid")")
	awk -v gb="$mb" -v hub="$(echo "$before $after" | awk '{ print $2 - $1 }')" '$1 == "larder" {
		printf "  client: at most %.1f MB, %.2f CPU seconds per GB; hub: %.2f CPU seconds per GB\n", $4, $3 * 1000 / gb, hub / 2 * 1000 / gb }' "$work/table"
	awk '/^VmHWM/ { printf "  hub: at most %.1f MB\n", $2 / 1024 }' "/proc/$(cat "$work/hub.pid")/status"
	stop_hub
fi
