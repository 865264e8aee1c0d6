#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A processor killed, or on a disk that fails, at its durable steps: the next run has the rest done, once.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub "$SHARED/old"
	bob=$(token_of bob@example.com)
	for n in 1 2 3; do
		echo "{\"type\":\"user\",\"uuid\":\"$n\",\"message\":{\"role\":\"user\",\"content\":\"please\"}}" >s
		curl --silent --fail --header "Authorization: Bearer $bob" --form "file=@s;filename=$n.jsonl" \
			"$HUB_URL/api/upload/sessions"
	done
	stop_hub
	printf '#!/bin/sh\necho "{\\"kind\\":\\"knowledge\\",\\"title\\":\\"T\\",\\"content\\":\\"C\\"}"\n' >"$SHARED/program"
	chmod +x "$SHARED/program"
	printf 'processors:\n  - {name: words, command: [%s/program]}\n' "$SHARED" >"$SHARED/old/config.yaml"
) >"$SHARED/setup" 2>&1 || {
	sed 's/^/# /' "$SHARED/setup"
	exit 1
}

# One run of NAME with VARIABLE=STEP on a copy of the hub; $code is how it ended.
run_at() { # VARIABLE STEP NAME
	rm -rf hub
	cp -r "$SHARED/old" hub
	code=0
	env "$1=$2" larder process "$3" --data hub --json >report 2>said.err || code=$?
	case $code in 0 | 1 | 75 | 99) ;; *) echo "$1=$2: exit $code"; return 1 ;; esac
}

# What the next run has to do, and that nothing is left to do then. Failures of the disk are no session's fault.
made_good() { # NAME
	larder process "$1" --data hub --json >report || return 1
	same "$(json report .errors)" 0 || return 1
	same "$(larder process "$1" --data hub --json | jq -c "[.scanned, .errors, .waiting]")" "[0,0,0]" || return 1
	same "$(larder sessions list --data hub --processor "$1" --state "done" --json | jq ".sessions | length")" 3 || return 1
	larder hub verify hub -q || return 1
	same "$(find hub/.larder/staging -name "usage-*")" ""
}

ok 'a run killed before each durable step loses nothing, and keeps nothing twice' '
	for at in $(seq 1 100); do
		run_at LARDER_CRASH_AT $at words
		made_good words || { echo "at $at, exit $code"; cat said.err; exit 1; }
		same "$(larder sessions show --data hub bob@example.com/1.jsonl --processor words | jq ".processors[0].kept | length")" 1
		[ $code = 99 ] || break
	done
	[ $code = 0 ]
	[ $at -gt 9 ]
'

ok 'on a disk that fails from each step on it says so, and the next run makes it good' '
	for with in ENOSPC:1 EIO:4; do
		for at in $(seq 1 "${with#*:}" 100); do
			LARDER_FAIL_WITH=${with%:*} run_at LARDER_FAIL_AT $at words
			[ $code = 0 ] || [ -s said.err ] || { echo "$at: no message"; exit 1; }
			made_good words || { echo "$with at $at, exit $code"; cat said.err; exit 1; }
			[ $code != 0 ] || [ $at -lt 10 ] || break
		done
		[ $at -lt 97 ]
	done
'

# The first of each row of steps of one kind (within a transaction one is like the other), every ninth of those.
steps_of_usage() {
	rm -rf hub
	cp -r "$SHARED/old" hub
	LARDER_STEPS=$PWD/steps larder process usage --data hub --quiet >/dev/null
	awk "{ kind = \$2 } kind != last || kind == \"rename\" { if (n++ % 9 == ${1:-0}) print \$1 } { last = kind }" steps
}


ok 'the usage tables come whole, wherever their making was cut' '
	for at in $(steps_of_usage 0); do
		run_at LARDER_CRASH_AT $at usage
		made_good usage || { echo "at $at, exit $code"; cat said.err; exit 1; }
	done
	for at in $(steps_of_usage 4); do
		LARDER_FAIL_WITH=ENOSPC run_at LARDER_FAIL_AT $at usage
		made_good usage || { echo "failing at $at, exit $code"; cat said.err; exit 1; }
	done
'
