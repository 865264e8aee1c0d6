#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs each libFuzzer target of a build folder for some seconds, from a copy of its corpus: what it finds
# is kept in the build folder, and a person decides what joins fuzz/corpus/.
#
#	tools/fuzz.sh BUILD SECONDS [TARGET...]
set -eu
cd "$(dirname "$0")/.."
build=$1 seconds=$2
shift 2
# shellcheck disable=SC2046 # one name a word
[ $# -gt 0 ] || set -- $(find "$build/fuzz" -maxdepth 1 -name 'fuzz-*' -type f -perm -u+x -exec basename {} \; | sort)

for target; do
	name=${target#fuzz-}
	grown=$build/corpus/$name
	mkdir -p "$grown"
	echo "$target: $seconds s"
	"$build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$build/$name-" "$grown" "fuzz/corpus/$name" 2>"$build/$name.log" || {
		tail -n 40 "$build/$name.log" >&2
		echo "fuzz: '$target' failed; the input is beside '$build/$name.log'" >&2
		exit 1
	}
	grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$build/$name.log" | sed 's/^/  /'
done
