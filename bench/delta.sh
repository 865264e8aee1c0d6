#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Refreshes of one table: what rsync, zsync and larder fetch of the new version, in bytes, seconds and CPU seconds of the client. The
# table is made twice: as one file (chunks), and with a key (stable parts, with chunks and with patches). Every tool starts from the same
# old version. Shares are of the new file's size; those of parts of the size of all parts.
#
#	bench/delta.sh BUILD [CASE...]	cases: append latest oldest middle insert random scattered again (all)
#	BENCH_ROWS: 2000000; BENCH_RUNS: 3; BENCH_TABLE: events, or lines; BENCH_DIR: where files go (a temporary folder)
set -eu

. "$(dirname "$0")/lib.sh"
shift
cases=${*:-append latest oldest middle insert random scattered again}
rows=${BENCH_ROWS:-2000000}
runs=${BENCH_RUNS:-3}

duckdb=$source/.deps/duckdb
cc -O2 -I"$duckdb" -o "$work/sql" "$source/bench/run-sql.c" -L"$duckdb" -lduckdb -Wl,-rpath,"$duckdb"
mkdir -p "$work/site"
site=$work/site

# The columns as a function of the key k. Three of them can be changed (salt s). Events: ten, of which those three are 21 % of the bytes;
# lines: the seventeen of an order's lines (quantity, price and status change), 19 %.
columns() { # KEY SALT
	[ "${BENCH_TABLE:-events}" = lines ] && lines "$@" || events "$@"
}

lines() {
	cat <<END
$1 AS id, $1 // 8 AS order_key, ($1 // 2 % 4)::INTEGER AS line, (hash($1 * 3) % 200000)::INTEGER AS part, (hash($1 * 7) % 10000)::INTEGER AS supplier,
(1 + hash($1 * 11 + $2) % 50)::INTEGER AS quantity, (hash($1 * 13 + $2) % 10000000)::DECIMAL(12, 2) AS price, (hash($1 * 17) % 11)::TINYINT AS discount,
(hash($1 * 19) % 9)::TINYINT AS tax, ['A', 'N', 'R'][(1 + hash($1 * 23) % 3)::INTEGER] AS returned, ['O', 'F'][(1 + hash($1 * 29 + $2) % 2)::INTEGER] AS status,
DATE '1992-01-01' + (hash($1 * 31) % 2500)::INTEGER AS shipped, DATE '1992-01-01' + (hash($1 * 37) % 2500)::INTEGER AS promised,
DATE '1992-01-01' + (hash($1 * 41) % 2500)::INTEGER AS received, ['in person', 'collect', 'none', 'take back'][(1 + hash($1 * 43) % 4)::INTEGER] AS instructions,
['air', 'rail', 'ship', 'truck', 'mail', 'fob', 'reg air'][(1 + hash($1 * 47) % 7)::INTEGER] AS mode,
'lot ' || (hash($1 * 53) % 100000) || ' shelf ' || (hash($1 * 59) % 10000) || ' row ' || (hash($1 * 61) % 1000) AS comment
END
}

events() {
	cat <<END
$1 AS id, md5(($1)::varchar)::uuid AS u, TIMESTAMP '2024-01-01' + to_seconds($1) AS at,
(hash($1 * 3 + $2) % 1000000) / 100.0 AS price, (hash($1 * 29 + $2) % 10000)::INTEGER AS qty,
['new', 'paid', 'sent', 'back'][(1 + hash($1 * 5 + $2) % 4)::INTEGER] AS state, hash($1 * 17) % 300 AS shop,
'https://example.com/p/' || (hash($1 * 7) % 50000) || '?q=' || (hash($1 * 11) % 1000) AS url,
'{"a":' || (hash($1 * 19) % 1000) || ',"b":"' || (hash($1 * 23) % 77) || '"}' AS extra, hash($1 * 31) % 2 = 0 AS flag
END
}

# Keys are even: what is inserted is odd.
select_case() {
	one=$((rows / 100))
	base="FROM range($rows) t(i)"
	case $1 in
	base | again) echo "SELECT $(columns i*2 0) $base" ;;
	append) echo "SELECT $(columns i*2 0) FROM range($((rows + one))) t(i)" ;;
	latest) echo "SELECT $(columns i*2 "(CASE WHEN i >= $((rows - one)) THEN 1 ELSE 0 END)") $base" ;;
	oldest) echo "SELECT $(columns i*2 0) $base WHERE i >= $one" ;;
	middle) echo "SELECT $(columns i*2 0) $base WHERE i < $((rows / 2)) OR i >= $((rows / 2 + one))" ;;
	insert) echo "SELECT $(columns k 0) FROM (SELECT i*2 AS k $base UNION ALL SELECT $rows + 1 + i*2 FROM range($((one / 10))) t(i))" ;;
	random) echo "SELECT $(columns i*2 '(CASE WHEN hash(i * 131) % 100 = 0 THEN 1 ELSE 0 END)') $base" ;;
	scattered) echo "SELECT $(columns i*2 0) $base WHERE hash(i * 137) % 100 <> 0" ;;
	esac
}

name_case() {
	case $1 in
	append) echo '1 % appended' ;;
	latest) echo '1 % updated, newest' ;;
	oldest) echo '1 % deleted, oldest' ;;
	middle) echo '1 % deleted, middle' ;;
	insert) echo '0.1 % inserted, middle' ;;
	random) echo '1 % updated at random' ;;
	scattered) echo '1 % deleted at random' ;;
	again) echo 'the same rows again' ;;
	esac
}

# What is aimed at: rsync or zsync, one file and chunks, parts and chunks (the last for 6 and 2 million rows), patches.
aims() {
	case $1 in
	append) echo '1.8 / 2.2 / 2.1' ;;
	latest) echo '0.4 / 0.45 / 0.35' ;;
	oldest | middle) echo '45-99.6 / same / 1.1, 5.2' ;;
	insert) echo '50 / 51 / 2.2, 6' ;;
	random) echo '29 / 29 / 18 / 0.3' ;;
	scattered) echo '99.6 / 100 / 100 / 0.1' ;;
	again) echo '0.1 / 0 / 0' ;;
	esac
}

make_file() { # CASE FILE: as the hub would write it, by the key
	"$work/sql" "COPY (SELECT * FROM ($(select_case "$1")) ORDER BY id) TO '$2' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2)" >"$work/sql.out"
}

start_hub() { # NAME: a hub of its own; sets url, LARDER_TOKEN
	larder hub init "$work/hub-$1" --admin bench@example.com >"$work/token-$1"
	larder serve --data "$work/hub-$1" --listen 127.0.0.1:0 >"$work/serve-$1" 2>"$work/serve-$1.log" &
	echo $! >"$work/hub-$1.pid"
	until [ -s "$work/serve-$1" ]; do sleep 0.02; done
	sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve-$1" >"$work/url-$1"
}

publish() { # NAME FILE [OPTIONS]
	publish_name=$1 publish_file=$2
	shift 2
	larder publish events "$publish_file" "$@" -q --server "$(cat "$work/url-$publish_name")" --token "$(cat "$work/token-$publish_name")" >"$work/published-$publish_name"
}

workspace() { # NAME
	larder init "$work/base-$1" --server "$(cat "$work/url-$1")" --token "$(cat "$work/token-$1")" -q
}

free_port() {
	larder hub init "$work/probe" --admin bench@example.com >/dev/null
	larder serve --data "$work/probe" --listen 127.0.0.1:0 >"$work/port" 2>/dev/null &
	probe=$!
	until [ -s "$work/port" ]; do sleep 0.02; done
	kill $probe && wait $probe || :
	sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/port"
	rm -rf "$work/probe" "$work/port"
}

start_peers() {
	web=$(free_port)
	cat >"$work/nginx.conf" <<END
worker_processes 2; daemon on; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 256; }
http { access_log off; sendfile on; client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3;
  uwsgi_temp_path $work/n4; scgi_temp_path $work/n5; server { listen 127.0.0.1:$web; root $site; } }
END
	nginx -c "$work/nginx.conf" -e "$work/nginx.log"
	rport=$(free_port)
	cat >"$work/rsyncd.conf" <<END
pid file = $work/rsyncd.pid
use chroot = no
log file = $work/rsyncd.log
[site]
path = $site
read only = yes
END
	rsync --daemon --config="$work/rsyncd.conf" --port="$rport" --address=127.0.0.1
}

# What each tool starts from, put there before each run.
cat >"$work/fresh" <<END
case \$NAME in
rsync) rm -rf "$work/r"; mkdir "$work/r"; cp "$work/old.parquet" "$work/r/new.parquet"; touch -d 2000-01-01 "$work/r/new.parquet" ;;
zsync) rm -rf "$work/z"; mkdir "$work/z" ;;
one) rm -rf "$work/ws"; cp -a "$work/base-one" "$work/ws" ;;
*) rm -rf "$work/ws"; cp -a "$work/base-parts" "$work/ws" ;;
esac
sync
END

share() { # BYTES ALL: in percent
	awk -v n="$1" -v all="$2" 'BEGIN { printf "%.2f", 100 * n / all }'
}

times_of() { # NAME: wall and CPU of the last measurement
	awk -v name="$1" '$1 == name { printf "%.2f s %.2f", $2, $3 }' "$work/times"
}

cell() { # NAME BYTES ALL
	printf '%7s %% %s' "$(share "$2" "$3")" "$(times_of "$1")"
}

size_at() { # NAME: of all parts of the version a hub has now
	curl -sf -H "Authorization: Bearer $(cat "$work/token-$1")" "$(cat "$work/url-$1")/api/sync/manifest" | jq .tables.events.size_bytes
}

run_case() {
	if [ "$1" = again ]; then
		cp "$work/old.parquet" "$site/new.parquet"
	else
		make_file "$1" "$site/new.parquet"
	fi
	size=$(stat -c %s "$site/new.parquet")
	(cd "$site" && zsyncmake -u "http://127.0.0.1:$web/new.parquet" -o new.zsync new.parquet 2>/dev/null)
	publish one "$site/new.parquet" --format parquet
	publish parts "$work/old.parquet" --format parquet # patches are of the version before
	publish parts "$site/new.parquet" --format parquet
	"$work/interleave" -n "$runs" -p "sh $work/fresh" \
		"rsync=rsync -t --no-whole-file --stats rsync://127.0.0.1:$rport/site/new.parquet $work/r/new.parquet >$work/rsync.out" \
		"zsync=cd $work/z && zsync -q -i $work/old.parquet -o out http://127.0.0.1:$web/new.zsync" \
		"one=larder pull --json --workspace $work/ws >$work/one.out 2>/dev/null" \
		"parts=LARDER_PATCHES=never larder pull --json --workspace $work/ws >$work/parts.out 2>/dev/null" \
		"patches=LARDER_PATCHES=always larder pull --json --workspace $work/ws >$work/patches.out 2>/dev/null" >"$work/times"
	(cd "$work/z" && zsync -i "$work/old.parquet" -o out2 "http://127.0.0.1:$web/new.zsync" >"$work/zsync.out" 2>&1)
	received=$(sed -n 's/^Total bytes received: //p; s/^Total bytes sent: //p' "$work/rsync.out" | tr -d ',.' | awk '{ n += $1 } END { print n }')
	zbytes=$(sed -n 's/.*used [0-9]* local, fetched \([0-9]*\).*/\1/p' "$work/zsync.out")
	zbytes=$((zbytes + $(stat -c %s "$site/new.zsync")))
	parts=$(size_at parts)
	printf '%-23s| %s | %s | %s | %s | %s | %s\n' "$(name_case "$1")" "$(cell rsync "$received" "$size")" "$(cell zsync "$zbytes" "$size")" \
		"$(cell one "$(jq .bytes_fetched "$work/one.out")" "$size")" "$(cell parts "$(jq .bytes_fetched "$work/parts.out")" "$parts")" \
		"$(cell patches "$(jq .bytes_fetched "$work/patches.out")" "$parts")" "$(aims "$1")"
	[ "$runs" -lt 0 ] || grep '^  \$' "$work/times" >"$work/commands"
}

make_file base "$work/old.parquet"
start_peers
start_hub one
start_hub parts
publish one "$work/old.parquet" --format parquet
publish parts "$work/old.parquet" --format parquet --key id
workspace one
workspace parts
printf 'larder %s, %s cores, %s; %s rows, one file of %s bytes, %s parts; medians of %s runs\n' "$(larder --version | cut -d' ' -f2)" "$(nproc)" \
	"$(uname -sr)" "$rows" "$(stat -c %s "$work/old.parquet")" "$(find "$work/base-parts/server/versions" -type f | wc -l)" "$runs"
echo 'share of the new file that was fetched, index included; seconds; CPU seconds of the client'
printf '%-23s| %-22s | %-22s | %-22s | %-22s | %-22s | %s\n' refresh rsync zsync 'one file + chunks' 'parts + chunks' 'parts + patches' 'aims, in %'
for one_case in $cases; do
	run_case "$one_case"
done
sed "s#$work#DIR#g" "$work/commands"
