#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Agents and their hub: records queued offline and drained, start-up with many folders, how soon a hub that came back has what
# waited. Called by bench/run.sh; figures are medians, and ratios to the first line of each table.
#
#	bench/agents.sh BUILD		BENCH_RECORDS: '1000 10000 100000' (add 1000000 when there is time), BENCH_FOLDERS: 10000
set -eu

. "$(dirname "$0")/lib.sh"
sizes=${BENCH_RECORDS:-1000 10000 100000}
folders=${BENCH_FOLDERS:-10000}
runs=${BENCH_RUNS:-3}
cd "$work"

# What queues records without running anything: ours, linked with the libraries of that build.
libraries=$(find "$build/src" -name 'lib*.a' | tr '\n' ' ')
# shellcheck disable=SC2086 # a list of files
cc -O2 -D_GNU_SOURCE -I"$source/src" -o fill "$source/bench/agents-fill.c" \
	-Wl,--start-group $libraries -Wl,--end-group -ljson-c -lyaml -lcrypto -lz -lm -lpthread -ldl

now() { date +%s%N; }

start_hub() { # [PORT]
	rm -f serve
	larder serve --data hub --listen "127.0.0.1:${1:-0}" >serve 2>serve.log &
	echo $! >hub.pid
	until [ -s serve ]; do sleep 0.01; done
	LARDER_SERVER=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' serve)
	export LARDER_SERVER
}

fresh_hub() {
	rm -rf hub
	admin=$(larder hub init hub --admin bench@example.com)
	start_hub
	LARDER_TOKEN=$(LARDER_TOKEN=$admin larder admin token create --name bench --rate 0)
	export LARDER_TOKEN
}

stop_hub() {
	kill "$(cat hub.pid)"
	while kill -0 "$(cat hub.pid)" 2>/dev/null; do sleep 0.01; done
	rm -f hub.pid
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Microseconds a record: "queue drain peer".
measure() { # RECORDS
	rm -rf home batches
	mkdir batches
	queued=$(./fill home "$1" batches)
	fresh_hub
	began=$(now)
	larder agent push --quiet --home home
	ended=$(now)
	drained=$(((ended - began) / 1000000))
	stop_hub
	fresh_hub
	for body in batches/*.json; do
		printf 'url = "%s/v1/agent/sync"\nheader = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\n' \
			"$LARDER_SERVER" "$LARDER_TOKEN"
		printf 'data-binary = "@%s"\noutput = "/dev/null"\nnext\n' "$body"
	done | sed '$d' >requests
	began=$(now)
	curl --silent --config requests
	ended=$(now)
	stop_hub
	echo "$((queued * 1000 / $1)) $((drained * 1000 / $1)) $(((ended - began) / 1000 / $1))"
}

printf '\n(agents 1) records queued offline and drained to a hub on loopback: microseconds a record\n'
printf '    larder agent push --quiet --home home\n    curl --silent --config requests    (the same bodies of 500, no queue)\n'
printf '%10s  %10s  %10s  %12s  %10s  %14s\n' records queue drain 'records/s' 'curl' 'drain : curl'
first=
for n in $sizes; do
	: >figures
	i=0
	while [ $i -lt "$runs" ]; do
		measure "$n" >>figures
		i=$((i + 1))
		[ "$n" -le 10000 ] || break # a long one is its own median
	done
	queue=$(awk '{ print $1 }' figures | median)
	drain=$(awk '{ print $2 }' figures | median)
	curl=$(awk '{ print $3 }' figures | median)
	printf '%10d  %10d  %10d  %12d  %10d  %14s\n' "$n" "$queue" "$drain" $((1000000 / (drain + 1))) "$curl" \
		"$(awk "BEGIN { printf \"%.2f\", $drain / ($curl + 0.001) }")"
	first=${first:-$((queue + drain))}
	last=$((queue + drain))
done
awk "BEGIN { printf \"flat: %.2f times the cost per record of the smallest\n\", $last / ($first + 0.001) }"

printf '\n(agents 2) start-up with %d folders: milliseconds\n' "$folders"
rm -rf home
unset LARDER_SERVER LARDER_TOKEN
seq "$folders" | awk '{ print "home/workspace/core/repo-" $1 % 50 "/task-" $1 }' >names
xargs -n 1000 mkdir -p <names
awk '{ file = $1 "/status.json"; print "{\"status\":\"completed\",\"agent\":\"codex\",\"repo\":\"r\",\"task\":\"t\",\"runs\":1}" >file; close(file) }' names
timed() { # LABEL COMMAND...
	timed_label=$1
	shift
	: >figures
	i=0
	while [ $i -lt "$runs" ]; do
		began=$(now)
		"$@" >/dev/null 2>&1
		ended=$(now)
		echo $(((ended - began) / 1000000)) >>figures
		i=$((i + 1))
	done
	printf '%8d  %s    %s\n' "$(median <figures)" "$timed_label" "$*"
}
began=$(now)
larder agent reap --quiet --home home
printf '%8d  %s\n' $((($(now) - began) / 1000000)) 'taken in, each with its record, the first time'
timed 'find: the folders alone' find home/workspace -name status.json -not -path '*/repo/*'
timed 'list' larder agent list --home home
timed 'reap: all compared' larder agent reap --quiet --home home
timed 'daemon: one round' larder agent daemon --once --no-dispatch --pull 0 --home home

printf '\n(agents 3) from a hub that came back to the record that waited: milliseconds\n'
rm -rf home
: >figures
i=0
while [ $i -lt "$runs" ]; do
	fresh_hub
	port=${LARDER_SERVER##*:}
	: >daemon.log
	larder agent daemon --pull 0 --home home 2>daemon.log &
	echo $! >daemon.pid
	until grep -q begins daemon.log; do sleep 0.01; done
	stop_hub
	larder agent run -q --home home --repo r --branch "b$i" -- true
	start_hub "$port"
	began=$(now)
	until larder agent sync-status --home home --json | grep -q '"queued":0'; do sleep 0.01; done
	echo $((($(now) - began) / 1000000)) >>figures
	kill "$(cat daemon.pid)"
	rm -f daemon.pid
	stop_hub
	i=$((i + 1))
done
printf '%8d  larder agent daemon; the first attempts are 1, 5 and 15 s apart, a quarter more or less\n' "$(median <figures)"
