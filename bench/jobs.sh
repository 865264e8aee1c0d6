#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Jobs of a hub: PostgreSQL rows into a table beside psql's COPY into a file, and what a download's latency is while refreshes run.
#
#	bench/jobs.sh BUILD		BENCH_ROWS: rows (1000000), BENCH_RUNS: rounds (3), BENCH_SECONDS: of each wrk (5)
set -eu

. "$(dirname "$0")/lib.sh"
rows=${BENCH_ROWS:-1000000}
runs=${BENCH_RUNS:-3}
seconds=${BENCH_SECONDS:-5}

start_postgres
psql -qc "CREATE TABLE orders AS SELECT g AS id, (g::bigint * 7919) % 100000 AS customer, (random() * 1000)::numeric(10,2) AS amount,
		now() - g * interval '1 second' AS placed, 'order number ' || g AS note FROM generate_series(1, $rows) g"
LARDER_TOKEN=$(larder hub init "$work/hub" --admin bench@example.com)
larder serve --data "$work/hub" --listen 127.0.0.1:0 >"$work/serve" 2>"$work/serve.log" &
echo $! >"$work/hub.pid"
until [ -s "$work/serve" ]; do sleep 0.02; done
LARDER_SERVER=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
export LARDER_SERVER LARDER_TOKEN
larder admin table add orders >/dev/null
larder admin table source orders --connection "host=$work/pg user=larder dbname=postgres" --table orders >/dev/null

printf '\n(jobs) %s rows of PostgreSQL: psql copies them into a CSV file; larder makes a table of them (Parquet, figures, committed)\n' "$rows"
# A byte of another row makes the version a new one each time.
"$work/interleave" -n "$runs" -p "psql -qc 'UPDATE orders SET amount = amount + 1 WHERE id = 1'; rm -f $work/orders.csv; sync" \
	"psql=psql -qc \"\\copy orders TO '$work/orders.csv' CSV\"" \
	"larder=larder refresh --data $work/hub orders --quiet >/dev/null"

printf '\n(jobs) a small download by 16 connections (p50, p99): idle, then while refreshes and a processor run\n'
printf 'k\n1\n' >"$work/t.csv"
larder publish small "$work/t.csv" --quiet
latency() {
	wrk -t1 -c16 -d"${seconds}s" --latency -H "Authorization: Bearer $LARDER_TOKEN" "$LARDER_SERVER/api/data/small/download" |
		awk -v what="$1" '$1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } /^Requests/ { rate = $2 }
			END { printf "  %-6s p50 %s, p99 %s, %s requests per second\n", what, p50, p99, rate }'
}
busy() {
	while [ -e "$work/busy" ]; do
		psql -qc 'UPDATE orders SET amount = amount + 1 WHERE id = 1'
		larder refresh --data "$work/hub" orders --quiet >/dev/null 2>&1 || :
		larder process usage --data "$work/hub" --quiet >/dev/null 2>&1 || :
	done
}
if command -v wrk >/dev/null; then
	for round in $(seq "$runs"); do
		latency idle
		: >"$work/busy"
		busy &
		latency busy
		rm -f "$work/busy"
		wait $!
	done
fi
