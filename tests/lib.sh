# shellcheck shell=sh disable=SC2016,SC2030,SC2031
# SPDX-License-Identifier: Apache-2.0
#
# The harness of tests/cli and tests/crash: a script sources this and makes promises; TAP comes out.
#
#	. "$(dirname "$0")/../lib.sh"
#	ok 'pull brings a published table' '
#		start_hub hub
#		larder pull
#		[ -f server/parquet/orders.parquet ]
#	'
#
# Each promise runs in a subshell with `set -e`, in an empty folder of its own, which is also its HOME;
# it holds when the commands end with 0. Its output is shown only when it does not hold. Hubs that a
# promise starts end with it; hubs started outside live until the script ends. `exit 0` ends a
# promise early; a command that should fail is written `exits 3 larder pull`.
#
#	skip REASON		inside a promise: it cannot be tried here
#	skip_if_sanitized	inside: what is measured here is more under a sanitizer
#	skip_all REASON		outside: none of this file can
#	exits CODE CMD...	holds when CMD ends with that code
#	has FILE TEXT		holds when FILE contains TEXT; hasnt: when it does not
#	same A B		holds when the two texts are equal, and shows both when not
#	wait_for COMMANDS	evaluates them until they succeed, for at least WAIT_SECONDS (20)
#	json [FILE] PATH	what jq -r gives for PATH, from FILE or stdin; null and absent are failures
#	start_hub DIR [OPTIONS]	runs `larder serve` on the hub in DIR; sets HUB_URL and HUB_PID
#	stop_hub [SIGNAL]	ends HUB_PID (TERM) and waits until it has gone
#	start_faulty DIR	runs a server on the files in DIR that misbehaves as DIR.plan says (see
#				tests/tools/fault-plan.h) and logs to DIR.log; sets FAULTY_URL
#	start NAME CMD...	any other process to be ended with the promise; sets STARTED_PID
#	snapshot DIR		one line per file below DIR: path, kind, sum; to compare before and after
#
# $SHARED is a folder for the whole script. LARDER_TEST_TRACE=1 shows each command of a failed promise,
# LARDER_TEST_KEEP=1 keeps its folder, LARDER_TEST_ONLY=TEXT runs only the promises with TEXT in their name.

TEST_BIN=${LARDER_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/src}
PATH=$TEST_BIN:$PATH
SOURCE=${LARDER_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
for variable in $(env | sed -n 's/^\(LARDER_[A-Z_]*\)=.*/\1/p'); do
	case $variable in
	LARDER_TEST_*) ;;
	*) unset "$variable" ;;
	esac
done
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
LC_ALL=C.UTF-8 TZ=UTC
export PATH SOURCE LC_ALL TZ
umask 022

# In memory where that is to be had: what a kill leaves is the same there, and a sync costs nothing.
if [ -z "${TMPDIR:-}" ] && [ -d /dev/shm ] && [ -w /dev/shm ]; then
	TMPDIR=/dev/shm
fi
test_root=$(mktemp -d "${TMPDIR:-/tmp}/larder-test.XXXXXX") || exit 1
SHARED=$test_root/shared HOME=$test_root/shared
export SHARED HOME
mkdir "$SHARED"
# jq 1.6 compiles its own library at each start, 45 ms of CPU; gojq has the same language, takes 6, and sorts the keys of objects.
mkdir "$test_root/bin"
ln -s "$(command -v gojq)" "$test_root/bin/jq"
PATH=$test_root/bin:$PATH
cd "$SHARED" || exit 1
case_number=0
cases_failed=0

# The processes named in a file, one id a line, are ended and waited for.
end_processes() {
	[ -f "$1" ] || return 0
	while read -r pid; do
		kill -KILL "$pid" 2>/dev/null || :
	done <"$1"
}

end_script() {
	code=$?
	end_processes "$test_root/pids"
	if [ $case_number -gt 0 ]; then
		echo "1..$case_number"
	elif [ $code = 0 ] && [ ! -f "$test_root/skipped" ]; then
		echo '1..0 # SKIP no promise was made'
	fi
	if [ -z "${LARDER_TEST_KEEP:-}" ]; then
		chmod -R u+rwX "$test_root" 2>/dev/null
		rm -rf "$test_root"
	fi
	[ $cases_failed = 0 ] || code=1
	exit $code
}
trap end_script EXIT
trap 'exit 143' HUP INT TERM

skip_all() {
	: >"$test_root/skipped"
	echo "1..0 # SKIP $*"
	exit 0
}

skip() {
	echo "$*" >"$test_root/why"
	exit 77
}

skip_if_sanitized() {
	[ "${LARDER_TEST_SANITIZER:-none}" = none ] || skip "built with $LARDER_TEST_SANITIZER"
}

run_case() { # COMMANDS
	case_dir=$test_root/$case_number
	mkdir "$case_dir"
	(
		trap 'end_processes "$case_dir.pids"' EXIT
		trap 'exit 143' HUP INT TERM
		test_pids=$case_dir.pids
		HOME=$case_dir
		cd "$case_dir" || exit 1
		[ -z "${LARDER_TEST_TRACE:-}" ] || set -x
		set -e
		eval "$1"
	) >"$case_dir.out" 2>&1 </dev/null
}

ok() { # NAME COMMANDS
	case $1 in
	*"${LARDER_TEST_ONLY:-}"*) ;;
	*) return 0 ;;
	esac
	case_number=$((case_number + 1))
	run_case "$2"
	case $? in
	0) echo "ok $case_number - $1" ;;
	77) echo "ok $case_number - $1 # SKIP $(cat "$test_root/why" 2>/dev/null)" ;;
	*)
		echo "not ok $case_number - $1"
		cases_failed=$((cases_failed + 1))
		tail -n 60 "$case_dir.out" | sed 's/^/# /'
		echo "# the folder was $case_dir (LARDER_TEST_KEEP=1 keeps it)"
		;;
	esac
	[ -n "${LARDER_TEST_KEEP:-}" ] || {
		chmod -R u+rwX "$case_dir"
		rm -rf "$case_dir" "$case_dir.out" "$case_dir.pids"
	}
}

exits() { # CODE COMMAND...
	wanted=$1
	shift
	got=0
	"$@" || got=$?
	[ $got = "$wanted" ] || {
		echo "exit $got, not $wanted: $*" >&2
		return 1
	}
}

has() { # FILE TEXT
	grep -qF -e "$2" -- "$1" || {
		printf "'%s' does not contain '%s':\n" "$1" "$2" >&2
		head -c 2000 -- "$1" >&2
		return 1
	}
}

hasnt() { # FILE TEXT
	! grep -nF -e "$2" -- "$1" >&2 || {
		printf "'%s' contains '%s'\n" "$1" "$2" >&2
		return 1
	}
}

same() { # A B
	[ "$1" = "$2" ] || {
		printf "not the same:\n  '%s'\n  '%s'\n" "$1" "$2" >&2
		return 1
	}
}

wait_for() { # COMMANDS
	wait_left=$((${WAIT_SECONDS:-20} * 50))
	until eval "$1"; do
		wait_left=$((wait_left - 1))
		[ $wait_left -gt 0 ] || {
			echo "waited ${WAIT_SECONDS:-20} s in vain for: $1" >&2
			return 1
		}
		sleep 0.02
	done
}

# The N-th step of a sweep, or with LARDER_TEST_LONG (make sweep) each.
every() { [ -n "${LARDER_TEST_LONG:-}" ] && echo 1 || echo "$1"; }

json() { # [FILE] PATH
	if [ $# = 2 ]; then
		jq -r "($2) | if . == null then error(\"null\") else . end" -- "$1"
	else
		jq -r "($1) | if . == null then error(\"null\") else . end"
	fi
}

# A process that has ended but was not waited for yet is gone too.
gone() { # PID
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

start() { # NAME COMMAND...: its output goes to NAME.out and NAME.err
	start_name=$1
	shift
	: >"$start_name.out"
	"$@" >"$start_name.out" 2>"$start_name.err" </dev/null &
	STARTED_PID=$!
	echo $STARTED_PID >>"${test_pids:-$test_root/pids}"
}

start_hub() { # DIR [OPTIONS]
	start_name=$1
	shift
	start "$start_name" larder serve --data "$start_name" --listen 127.0.0.1:0 "$@"
	HUB_PID=$STARTED_PID
	hub_out=$start_name.out
	wait_for 'grep -q "https\{0,1\}://.*:[0-9]" "$hub_out" || gone $HUB_PID' || return 1
	HUB_URL=$(grep -o 'https\{0,1\}://[^ ]*:[0-9][0-9]*' "$hub_out" | head -n 1)
	[ -n "$HUB_URL" ] || {
		echo "the hub in '$start_name' did not start:" >&2
		cat "$start_name.out" "$start_name.err" >&2
		return 1
	}
	export HUB_URL HUB_PID
}

start_faulty() { # DIR
	start "$1" "$TEST_BIN/../tests/tools/faulty-server" --root "$1" --plan "$1.plan" --log "$1.log"
	wait_for "[ -s '$1.out' ]"
	FAULTY_URL=http://127.0.0.1:$(cat "$1.out")
	export FAULTY_URL
}

stop_hub() { # [SIGNAL]
	kill -s "${1:-TERM}" "$HUB_PID"
	wait_for 'gone $HUB_PID'
	# Its exit code, when this shell started it.
	hub_code=0
	wait "$HUB_PID" 2>/dev/null || hub_code=$?
	[ -n "${1:-}" ] || [ $hub_code = 127 ] || same "hub exit $hub_code" 'hub exit 0'
}

snapshot() { # DIR
	(cd "$1" && find . -type f -exec sha256sum {} + -o -type l -printf '%l  %p\n' -o -printf '%y  %p\n' | sort -k 2)
}
