#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# gcc -fanalyzer, which understands the cleanup attribute and so finds leaks, and clang-tidy (.clang-tidy),
# which does not and so looks for the rest. Nothing may be found.
set -eu
cd "$(dirname "$0")/.."

[ -f build-analyze/build.ninja ] ||
	CC=gcc meson setup build-analyze -Dwerror=true -Dc_args=-fanalyzer -Dtests=false
# shellcheck disable=SC2046 # one target a word
ninja -C build-analyze $(ninja -C build-analyze -t targets rule c_COMPILER | grep -v 'libsqlite3\.a\.p')

[ -f build-tidy/build.ninja ] || CC=clang-14 meson setup build-tidy -Dtests=false
find src -name '*.c' -print0 | xargs -0 -n 4 -P "$(nproc)" clang-tidy-14 --quiet -p build-tidy 2>/dev/null
