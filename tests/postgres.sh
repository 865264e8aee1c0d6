# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# A real PostgreSQL server for scripts about one; sourced after lib.sh. It listens on a Unix socket in its own
# folder and nowhere else, so that no port is needed; its durability is off, as nothing of it outlives the script.
#
#	need_postgres			skips the whole script where the server is not installed
#	start_postgres DIR [SETTING=VALUE...]	makes an empty cluster in DIR and runs it; sets POSTGRES_PID,
#					POSTGRES_URL (database "postgres") and PGHOST, PGUSER, PGDATABASE for psql
#	stop_postgres [SIGNAL]		ends it at once (QUIT: as a crash, without waiting for anybody)
#	restart_postgres DIR		runs an existing cluster again
#	sql TEXT			runs statements; prints values without decoration
#
# Started outside of promises it lives until the script ends. As root, which PostgreSQL refuses, it runs as the
# user "postgres" of Debian's package. Ready in about a second.

POSTGRES_BIN=$(find /usr/lib/postgresql/*/bin -maxdepth 0 2>/dev/null | sort -V | tail -n 1)

need_postgres() {
	[ -n "$POSTGRES_BIN" ] && command -v psql >/dev/null || skip_all 'PostgreSQL is not installed'
}

as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
	else
		"$@"
	fi
}

restart_postgres() { # DIR [SETTING=VALUE...]
	PGHOST=$(cd "$1" && pwd)
	POSTGRES_URL="postgresql://$PGUSER@/postgres?host=$PGHOST"
	export PGHOST POSTGRES_URL
	shift
	postgres_options="-c listen_addresses= -c unix_socket_directories=$PGHOST -c fsync=off -c max_connections=20"
	for postgres_setting in "$@"; do
		postgres_options="$postgres_options -c $postgres_setting"
	done
	rm -f "$PGHOST/postmaster.pid"
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid=postgres --regid=postgres --clear-groups -- "$POSTGRES_BIN/postgres"
	else
		set -- "$POSTGRES_BIN/postgres"
	fi
	# shellcheck disable=SC2086 # a list of options
	start "$PGHOST.server" "$@" -D "$PGHOST" $postgres_options
	POSTGRES_PID=$STARTED_PID
	export POSTGRES_PID
	wait_for '"$POSTGRES_BIN/pg_isready" -q || gone $POSTGRES_PID'
	! gone "$POSTGRES_PID" || {
		cat "$PGHOST.server.err" >&2
		return 1
	}
}

start_postgres() { # DIR [SETTING=VALUE...]
	PGUSER=larder PGDATABASE=postgres
	export PGUSER PGDATABASE
	# The server's user must get to its folder through ours.
	chmod 711 "$test_root" "$SHARED"
	[ -z "${case_dir:-}" ] || chmod 711 "$case_dir"
	mkdir -m 700 "$1"
	[ "$(id -u)" != 0 ] || chown postgres:postgres "$1"
	as_postgres "$POSTGRES_BIN/initdb" --no-sync --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
		--no-instructions -U "$PGUSER" -D "$1" >"$1.initdb" 2>&1 || {
		cat "$1.initdb" >&2
		return 1
	}
	restart_postgres "$@"
}

stop_postgres() { # [SIGNAL]
	kill -s "${1:-QUIT}" "$POSTGRES_PID" 2>/dev/null || :
	wait_for 'gone $POSTGRES_PID'
}

sql() {
	"$POSTGRES_BIN/psql" --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"
}

# A server that is killed leaves its shared memory behind; one that is told to go does not.
end_postgres() {
	postgres_code=$?
	[ -z "${POSTGRES_PID:-}" ] || ! kill -s QUIT "$POSTGRES_PID" 2>/dev/null || wait "$POSTGRES_PID" 2>/dev/null || :
	return $postgres_code
}
trap 'end_postgres; end_script' EXIT
