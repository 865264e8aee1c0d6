#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What `make check` runs, in the order of cost; every step is tried even when an earlier one failed.
#
#	tools/check-run.sh			all of it, building in build-check/ and build-clang/
#	tools/check-run.sh --quick DIR [TEST...]	only the tests, in the build folder DIR
#
# Each check of the tree and each single test case counts once. The last line is `N passed, N failed`;
# exit 1 when anything failed. What a failed file printed is shown under its name.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0
skipped=0
log=$(mktemp "${TMPDIR:-/tmp}/larder-check.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

finish() {
	[ $skipped = 0 ] || echo "$skipped skipped"
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
	exit
}

# check NAME COMMAND...: one check of the tree; quiet when it holds.
check() {
	name=$1
	shift
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok   $name"
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		# ninja prints what it did as well: an error is shown before what follows from it.
		grep -nE 'error:|FAILED' "$log" | head -n 20
		tail -n 40 "$log"
		return 1
	fi
}

sources() {
	find src tests fuzz bench -name '*.[ch]' 2>/dev/null
}

formatted() {
	# shellcheck disable=SC2046 # no name in the tree has a space
	clang-format-14 --dry-run -Werror $(sources)
}

# Not asked: what runs through eval or `check`, and what comes from a sourced file.
shell_checked() {
	# shellcheck disable=SC2046 # no name in the tree has a space
	shellcheck -S warning -e SC1090,SC2034,SC2154 $(grep -rslE '^#!/bin/sh' tools tests bench packaging) tests/lib.sh bench/lib.sh
}

build_gcc() {
	[ -f build-check/build.ninja ] || CC=gcc meson setup build-check -Dwerror=true || return 1
	ninja --quiet -C build-check
}

# clang sees every file of ours, at -O0 and unlinked: its warnings do not depend on more.
build_clang() {
	[ -f build-clang/build.ninja ] ||
		CC=clang-14 meson setup build-clang -Dwerror=true -Doptimization=0 || return 1
	# shellcheck disable=SC2046 # one target a word
	ninja --quiet -C build-clang $(ninja -C build-clang -t targets rule c_COMPILER | grep -v 'libsqlite3\.a\.p')
}

# One line for each test program or script, and what it printed when a case of it failed. A file that
# ended badly without saying which case did it (a crash, a time-out) counts as one failure more.
show_results() { # TESTLOG
	jq -r '
		def cases: (.stdout // "") | split("\n") | map(select(test("^(not )?ok\\b")));
		cases as $all
		| ($all | map(select(test("# SKIP"; "i"))) | length) as $skip
		| ($all | map(select(test("^not ok") and (test("# SKIP|# TODO"; "i") | not))) | length) as $bad
		| (.result | IN("OK", "SKIP", "EXPECTEDFAIL")) as $fine
		| (if $bad == 0 and ($fine | not) then 1 else $bad end) as $bad
		| (($all | map(select(test("^ok"))) | length) - ($all | map(select(test("^ok.*# SKIP"; "i"))) | length)) as $good
		| "@ \($good) \($bad) \($skip)",
		  "\(if $bad > 0 then "FAIL" else "ok  " end) \(.name | sub("^larder:"; "")): \($good) passed"
		  + (if $bad > 0 then ", \($bad) failed (\(.result))" else "" end)
		  + (if $skip > 0 then ", \($skip) skipped" else "" end)
		  + " (\(.duration * 10 | round / 10) s)",
		  (if $bad > 0 then
			((.stdout // "") | split("\n") | map(select(test("^ok\\b") | not)) | .[-120:][] | "     " + .),
			((.stderr // "") | split("\n") | .[-60:][] | select(. != "") | "     " + .)
		  else empty end)' "$1"
}

run_tests() { # BUILD [TEST...]
	dir=$1
	shift
	rm -f "$dir/meson-logs/testlog.json"
	# Three times as many as cores: a good part of a test is waiting for what it has started.
	meson test -C "$dir" --no-rebuild --num-processes "$(($(nproc) * 3))" "$@" >"$log" 2>&1 </dev/null
	if ! [ -s "$dir/meson-logs/testlog.json" ]; then
		cat "$log"
		check "tests in $dir: meson left no record" false
		return
	fi
	show_results "$dir/meson-logs/testlog.json" >"$log"
	grep -v '^@ ' "$log"
	while read -r _ good bad skip; do
		passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
	done <<EOF
$(grep '^@ ' "$log")
EOF
}

if [ "${1:-}" = --quick ]; then
	shift
	check "build in $1" ninja --quiet -C "$1" || finish
	run_tests "$@"
	finish
fi

check 'layers: every include points downwards' tools/check-layers
check 'sizes: no function or file over its cap' tools/check-sizes
sed 's/^/     /' "$log"
check 'format: as clang-format-14 has it' formatted
if command -v shellcheck >/dev/null; then
	check 'scripts: shellcheck has nothing to say' shell_checked
fi
check 'clang-14: no warning' build_clang
check 'gcc: no warning' build_gcc && run_tests build-check
finish
