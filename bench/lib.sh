# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What each bench script begins with: `. "$(dirname "$0")/lib.sh"` with BUILD as its first argument, under set -eu.
#
#	source, build, work	folders: this checkout, the build, one for files (below BENCH_DIR) that goes at the end
#	$work/interleave	times commands in turn (interleave.c)
#	$work/NAME.pid		processes that are killed at the end
#	wants ROW, title ROW TEXT	of scripts whose $rows may be named

source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/larder-bench.XXXXXX")
chmod 711 "$work" # servers that were started by root read as others
PATH=$build/src:$PATH
LARDER_CONFIG_DIR=$work/config
export PATH LARDER_CONFIG_DIR

cleanup() {
	for file in "$work"/*.pid; do
		[ ! -f "$file" ] || kill "$(cat "$file")" 2>/dev/null || :
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

cc -O2 -o "$work/interleave" "$source/bench/interleave.c"
wants() { case " $rows " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
title() { printf '\n(%s) %s\n' "$1" "$2"; }
