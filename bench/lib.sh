# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What each bench script begins with: `. "$(dirname "$0")/lib.sh"` with BUILD as its first argument, under set -eu.
#
#	source, build, work	folders: this checkout, the build, one for files (below BENCH_DIR) that goes at the end
#	$work/interleave	times commands in turn (interleave.c)
#	$work/NAME.pid		processes that are killed at the end
#	start_postgres		runs a server of our own; psql finds it
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
		signal=TERM
		[ "${file##*/}" != pg.pid ] || signal=QUIT # at once, whoever is connected
		[ ! -f "$file" ] || kill -s $signal "$(cat "$file")" 2>/dev/null || :
	done
	wait 2>/dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

cc -O2 -o "$work/interleave" "$source/bench/interleave.c"
start_postgres() {
	PATH=$PATH:$(find /usr/lib/postgresql/*/bin -maxdepth 0 | sort -V | tail -n 1)
	as_postgres=
	[ "$(id -u)" != 0 ] || as_postgres='setpriv --reuid=postgres --regid=postgres --clear-groups --'
	mkdir -m 700 "$work/pg"
	[ -z "$as_postgres" ] || chown postgres:postgres "$work/pg"
	$as_postgres initdb --no-sync --auth=trust --encoding=UTF8 --locale=C.UTF-8 -U larder -D "$work/pg" >/dev/null
	# A source is another machine: what it computes is not the hub's load.
	$as_postgres nice -n 19 postgres -D "$work/pg" -c listen_addresses= -c unix_socket_directories="$work/pg" -c fsync=off \
		-c max_wal_size=8GB >"$work/pg.log" 2>&1 &
	echo $! >"$work/pg.pid"
	PGHOST=$work/pg PGUSER=larder PGDATABASE=postgres
	export PATH PGHOST PGUSER PGDATABASE
	until pg_isready -q; do sleep 0.05; done
}
wants() { case " $rows " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
title() { printf '\n(%s) %s\n' "$1" "$2"; }
