#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A push killed or starved of disk at each durable step in turn, on either side: afterwards the same command
# again brings everything, once, and nothing is left over.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
TOKEN=$(cat token)
export TOKEN

# A fresh workspace ./ws of the hub at $HUB_URL, with two transcripts and CLAUDE.local.md.
workspace() {
	rm -rf ws "$HOME/.claude"
	mkdir -p ws/.larder
	printf 'server: "%s"\n' "$HUB_URL" >ws/.larder/config.yaml
	projects=$HOME/.claude/projects/$(printf %s "$(realpath ws)" | sed 's/[^A-Za-z0-9]/-/g')
	mkdir -p "$projects"
	echo '{"one":1}' >"$projects/one.jsonl"
	echo '{"two":2}' >"$projects/two.jsonl"
	echo '# mine' >ws/CLAUDE.local.md
	export LARDER_TOKEN="$TOKEN"
}

# All is there, once, and a further push has nothing to do. What a hub refused with a 500 is due some seconds later.
arrived() { # HUB
	LARDER_NOW=+600s larder push --workspace ws --json >said || return 1
	same "$(json said .waiting)/$(json said .dead)/$(json said .paused)" 0/0/0 || return 1
	for name in one two; do
		cmp "$projects/$name.jsonl" "$1/sessions/ann@example.com/$name.jsonl" || return 1
	done
	cmp ws/CLAUDE.local.md "$1/local-md/ann@example.com/CLAUDE.local.md" || return 1
	same "$(find "$1/sessions" -type f | wc -l)" 2 || return 1
	larder push --workspace ws --json >said || return 1
	same "$(json said .requests)" 0
}

sweep() { # VARIABLE
	cp -r "$SHARED/old" hub
	start_hub hub || return 1
	for at in $(seq 1 200); do
		rm -rf hub/sessions hub/local-md
		workspace
		code=0
		env "$1=$at" larder push --workspace ws -q 2>said.err || code=$?
		[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || { echo "$1=$at: no message"; return 1; }
		arrived hub || { echo "$1=$at, exit $code"; cat said.err; return 1; }
		[ $code != 0 ] || [ $at -lt 12 ] || break
	done
	stop_hub
	[ $at -lt 200 ]
}

ok 'a push killed before each durable step is made good by the next' '
	sweep LARDER_CRASH_AT
'

ok 'a push on a disk that fails from each step on says so, and is made good by the next' '
	LARDER_FAIL_WITH=ENOSPC sweep LARDER_FAIL_AT
'

ok 'a detached push and one beside it bring everything once' '
	cp -r "$SHARED/old" hub
	start_hub hub
	workspace
	kill -STOP $HUB_PID
	larder push --workspace ws --quiet --detach
	kill -CONT $HUB_PID
	arrived hub
	stop_hub
'

# The hub with a fault at a step of its own, a push against it, and the end of both.
push_at() { # VARIABLE STEP
	hub_at "$1" "$2" || return 0
	workspace
	mv "$projects/two.jsonl" ws/CLAUDE.local.md .
	code=0
	larder push --workspace ws -q 2>said.err || code=$?
	mv two.jsonl "$projects"
	mv CLAUDE.local.md ws
	kill -TERM "$HUB_PID" 2>/dev/null || :
	wait "$HUB_PID" || :
}

good_again() {
	start_hub hub || return 1
	[ -d ws ] || workspace
	printf "server: \"%s\"\n" "$HUB_URL" >ws/.larder/config.yaml
	arrived hub || return 1
	stop_hub || return 1
	same "$(ls -A hub/.larder/staging)" "" || return 1
	larder hub verify hub -q
}

# What a start does is swept in crash/hub.
hub_sweep() { # VARIABLE
	from=$(steps_of_start "$SHARED/old")
	for at in $(seq $((from + 1)) "$(every 2)" 200); do
		push_at "$1" $at
		case $code in 0 | 1 | 75 | 99) ;; *) echo "$1=$at: exit $code"; return 1 ;; esac
		good_again || { echo "$1=$at, exit $code"; cat said.err; return 1; }
		[ $code != 0 ] || break
	done
	[ $at -gt $((from + 2)) ] && [ $at -lt 200 ]
}

ok 'a hub killed before each durable step of an upload has it or not, and the next push brings it' '
	hub_sweep LARDER_CRASH_AT
'

ok 'a hub whose disk fails from each step on takes nothing half, and the next push brings it' '
	LARDER_FAIL_WITH=ENOSPC hub_sweep LARDER_FAIL_AT
'

# ./hub, ./ws and the transcripts as they are when all was sent and one of them has grown: kept in ./sent, put back for each step.
grown() {
	cp -r "$SHARED/old" hub
	start_hub hub || return 1
	workspace
	larder push --workspace ws -q || return 1
	echo '{"more":3}' >>"$projects/one.jsonl"
	mkdir sent
	cp -a hub/sessions sent/sessions
	cp -a ws sent/ws
}

back_to_sent() {
	rm -rf ws hub/sessions
	cp -a sent/ws ws
	cp -a sent/sessions hub/sessions
}

grown_sweep() { # VARIABLE
	grown || return 1
	larder push --workspace ws --json >said || return 1
	same "$(json said .tails)/$(json said .requests)" 1/1 || return 1
	for at in $(seq 1 "$(every 2)" 200); do
		back_to_sent
		code=0
		env "$1=$at" larder push --workspace ws -q 2>said.err || code=$?
		[ $code = 0 ] || [ $code = 99 ] || [ -s said.err ] || { echo "$1=$at: no message"; return 1; }
		arrived hub || { echo "$1=$at, exit $code"; cat said.err; return 1; }
		[ $code != 0 ] || [ $at -lt 8 ] || break
	done
	stop_hub
	[ $at -lt 200 ]
}

ok 'of a transcript that has grown, a push killed before each durable step is made good by the next' '
	grown_sweep LARDER_CRASH_AT
'

ok 'of a transcript that has grown, a push on a disk that fails from each step on is made good by the next' '
	LARDER_FAIL_WITH=EIO grown_sweep LARDER_FAIL_AT
'

# The rest comes to a hub that is killed, or whose disk fails, in the middle: it has the old bytes or the new ones.
ok 'a hub killed before each durable step of a grown part has the old or the new, and the next push brings it' '
	grown
	stop_hub
	cp -a hub sent/hub
	for at in $(seq $(($(steps_of_start "$PWD/sent/hub") + 1)) $(every 3) 200); do
		rm -rf ws hub
		cp -a sent/ws ws
		cp -a sent/hub hub
		code=99
		if LARDER_CRASH_AT=$at start_hub hub; then
			printf "server: \"%s\"\n" "$HUB_URL" >ws/.larder/config.yaml
			code=0
			larder push --workspace ws -q 2>said.err || code=$?
			kill -TERM "$HUB_PID" 2>/dev/null || :
		fi
		wait "$HUB_PID" || :
		head -c "$(stat -c %s sent/sessions/ann@example.com/one.jsonl)" hub/sessions/ann@example.com/one.jsonl |
			cmp - sent/sessions/ann@example.com/one.jsonl
		good_again || { echo "killed at $at, exit $code"; cat said.err; exit 1; }
		[ $code != 0 ] || break
	done
	[ $at -lt 200 ]
'
