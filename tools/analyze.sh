#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# gcc -fanalyzer, which understands the cleanup attribute and so finds leaks, and clang-tidy (.clang-tidy),
# which does not and so looks for the rest. Nothing may be found but what is named below.
#
#	tools/analyze.sh [FILE...]	all of src/ without a name
set -eu
cd "$(dirname "$0")/.."
rm -rf build-analyze build-tidy
CC=gcc meson setup build-analyze -Dtests=false >/dev/null
CC=clang-14 meson setup build-tidy -Dtests=false >/dev/null
[ $# -gt 0 ] || set -- src
found=build-analyze/found
: >"$found"

# What gcc 12 says wrongly, each with the reason:
#	a struct in a uthash table is reached through its embedded handle, which the analyzer cannot follow;
#	an AUTO_ variable whose address is lent to a function of another file is "uninitialised" at its cleanup.
wrong='sqlite-stmt\.c.*analyzer-malloc-leak|base\.h.*analyzer-use-of-uninitialized-value'

# analyze PATH...: the compile commands of the files that begin so, one a line, each with the analyzer.
analyze() {
	jq -r --arg paths "$*" '
		($paths | split(" ")) as $wanted
		| .[] | (.file | ltrimstr("../")) as $file
		| select(any($wanted[]; . as $path | $file | startswith($path)))
		| .command | sub(" -MD .* -c "; " -fanalyzer -fdiagnostics-color=never -o /dev/null -c ")' build-analyze/compile_commands.json |
		(cd build-analyze && CCACHE_DISABLE=1 tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" sh -c) 2>&1 || :
}

analyze "$@" >build-analyze/gcc.log
grep -E 'warning:|error:' build-analyze/gcc.log | grep -vE "$wrong" | sort -u >>"$found" || :

find "$@" -name '*.c' -print0 |
	xargs -0 -n 4 -P "$(nproc)" clang-tidy-14 --quiet -p build-tidy >build-analyze/tidy.log 2>/dev/null || :
grep -E 'warning:|error:' build-analyze/tidy.log | sort -u >>"$found" || :

[ ! -s "$found" ] || {
	cat "$found"
	echo "analyze: $(wc -l <"$found") found; the paths to them are in build-analyze/gcc.log and tidy.log" >&2
	exit 1
}
