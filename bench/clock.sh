#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scheduler: how late jobs are when 10,000 of them are due at one moment, beside one curl that makes the same calls; and what it
# costs while nothing is due.
#
#	bench/clock.sh BUILD	BENCH_JOBS: 10000; BENCH_IDLE: seconds to be idle, 20
set -eu

. "$(dirname "$0")/lib.sh"
jobs=${BENCH_JOBS:-10000}
idle=${BENCH_IDLE:-20}
SCHEDULER_API_TOKEN=bench-bench-bench-bench-bench-bench
export SCHEDULER_API_TOKEN

LARDER_TOKEN=$(larder hub init "$work/hub" --admin ann@example.com)
larder serve --data "$work/hub" --listen 127.0.0.1:0 --quiet >"$work/serve" 2>"$work/serve.log" &
echo $! >"$work/hub.pid"
until [ -s "$work/serve" ]; do sleep 0.02; done
LARDER_SERVER=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
export LARDER_SERVER LARDER_TOKEN

off() {
	echo 'jobs:'
	larder scheduler --list --json | jq -r '.jobs[] | "- {name: \"\(.name)\", disabled: true}"'
}

start_scheduler() { # CONFIG GRACE
	SCHEDULER_STARTUP_GRACE_SECONDS=$2 larder scheduler --config "$1" --quiet 2>"$work/scheduler.log" &
	scheduler=$!
	echo $scheduler >"$work/scheduler.pid"
}

stop_scheduler() {
	kill $scheduler
	wait $scheduler || :
}

# All due in the same millisecond: the grace of their first run.
{
	off
	seq "$jobs" | sed 's|.*|- {name: job-&, schedule: every 12h, path: /health/live, method: GET}|'
} >"$work/many.yaml"
start_scheduler "$work/many.yaml" 4
# Looking costs the hub as much as hundreds of runs: not before it is likely to be over.
sleep 6
until [ "$(larder jobs --json | jq '[.jobs[] | select(.last)] | length')" = "$jobs" ]; do sleep 1; done
stop_scheduler
larder jobs --json | jq -r '
	def ms: .[0:19] as $s | (.[20:23] | tonumber) + 1000 * ($s + "Z" | fromdate);
	.jobs[].last | [(.started_at | ms) - (.planned_at | ms), (.finished_at | ms) - .duration_ms - (.planned_at | ms)] | @tsv' >"$work/both"
lag() { # COLUMN: of its figures p50, p99 and the last
	cut -f "$1" "$work/both" | sort -n >"$work/lags"
	awk '{ v[NR] = $1 } END { printf "%d ms, %d ms, %d ms", v[int((NR + 1) * .5)], v[int((NR + 1) * .99)], v[NR] }' "$work/lags"
}

seq "$jobs" | sed "s|.*|url = $LARDER_SERVER/health/live\noutput = /dev/null|" >"$work/urls"
before=$(date +%s%3N)
curl --silent --parallel --parallel-max 256 --config "$work/urls"
peer=$(($(date +%s%3N) - before))

printf '\n(clock) %s jobs due in one millisecond, each a GET (p50, p99, last)\n' "$jobs"
printf '  %-58s %s\n' 'larder scheduler: its run is a row' "$(lag 1)" '... and the hub has the request' "$(lag 2)"
printf '  %-58s %s\n' "curl --parallel --parallel-max 256 --config urls, in all" "$peer ms"
printf '  %-58s %s\n' 'the last of them to curl'\''s time' "$(awk "BEGIN { printf \"%.2f\", $(tail -n 1 "$work/lags") / $peer }")"

ticks() { awk '{ print $14 + $15 }' "/proc/$scheduler/stat"; }
off >"$work/idle.yaml"
start_scheduler "$work/idle.yaml" 0
sleep 2
before=$(ticks)
sleep "$idle"
spent=$(($(ticks) - before))
stop_scheduler
printf '\n(clock) idle: larder scheduler with nothing due, CPU of %s s: %s ms\n' "$idle" "$((spent * 1000 / $(getconf CLK_TCK)))"
