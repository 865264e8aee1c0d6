#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# The commands of larder kb that change the wiki (the others are in kb-more.t), ended before each durable step in turn by a kill, or by a power cut that takes with it all
# that was not synced (base/fault.h), or with a disk that fails from there on: what the next command finds is the wiki of before, to
# the byte, or that of after. No litter stays. By turns a kill and a cut, in steps; LARDER_TEST_LONG=1 tries both at every step.
# In memory where that is to be had: what a kill leaves is the same there, and a sync costs nothing.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"
. "$SOURCE/tests/llm.sh"

# With the log, whose entries have the time.
LARDER_NOW=2026-01-02T03:04:05Z
export LARDER_NOW

(
	new_kb base
	write_docs docs
	printf 'x' >docs/p.png
	cat >docs/two.md <<-END
		# Two

		A second page on the write-ahead log. Its picture: ![p](p.png)
		The write-ahead log of Acme Database is kept on another disk than the page cache.
	END
	larder kb add docs/a.md docs/b.md -q --kb base
	printf '\n[[concepts/no-such]] [[concepts/CHECKSUM]]\n' >>base/wiki/concepts/write-ahead-log.md
	larder kb doctor --repair -q --kb base || :
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

# The states that may be found: states/1 is that of before, the last that of after.
states() { # COMMAND...: run on a copy
	rm -rf states k
	mkdir states
	cp -a "$SHARED/base" k
	whole k >states/1
	n=1
	for command; do
		n=$((n + 1))
		eval "larder kb $command --kb k -q" >/dev/null 2>&1 || :
		whole k >states/$n
	done
	! cmp -s states/1 states/$n
}

# What must be true after it was cut short, once the next command has opened it.
is_one_of() {
	larder kb list --kb k -q
	whole k >seen
	larder kb doctor --kb k -q >doctor 2>&1 || { cat doctor; return 1; }
	whole k >now
	cmp seen now # who only reads has finished what the crash left
	for state in states/*; do
		! cmp -s "$state" now || return 0
	done
	diff "$state" now
	return 1
}

sweep() { # WHAT FIRST STEP COMMAND...: WHAT is end (kills and cuts by turns), crash, cut, EIO or ENOSPC
	what=$1 at=$2 step=$3
	shift 3
	[ -z "${LARDER_TEST_LONG:-}" ] || step=1
	if [ $what = end ] && [ $step = 1 ]; then
		sweep crash $at 1 "$@"
		what=cut at=1 step=1
	fi
	turn=crash
	while [ "$at" -lt 400 ]; do
		rm -rf k cut
		mkdir cut
		cp -a "$SHARED/base" k
		code=0 how=$what
		[ $what != end ] || how=$turn
		case $how in
		crash) LARDER_CRASH_AT=$at larder kb "$@" --kb k -q >out 2>err || code=$? turn=cut ;;
		cut) LARDER_CUT=$PWD/cut LARDER_CRASH_AT=$at larder kb "$@" --kb k -q >out 2>err || code=$? turn=crash ;;
		*) LARDER_FAIL_AT=$at LARDER_FAIL_WITH=$how larder kb "$@" --kb k -q >out 2>err || code=$? ;;
		esac
		echo "$how at $at of kb $*: exit $code"
		case $how/$code in
		cut/99 | crash/99) ;;
		crash/* | cut/*) break ;;
		*/[013] | */75) ;;
		*) cat err; return 1 ;;
		esac
		hasnt err cut:
		is_one_of
		same "$(ls -A k/.larder/staging)" ""
		# swept past: nothing failed any more
		[ $code != 0 ] || ! cmp -s now states/$n || grep -qiE "input/output|no space|disk" err || break
		at=$((at + step))
	done
	[ "$at" -gt 10 ] && [ "$at" -lt 400 ]
}

all_ends() { # COMMAND...
	sweep end 1 2 "$@"
	sweep EIO 2 9 "$@"
	sweep ENOSPC 4 13 "$@"
}

ok 'add: each document is whole or not there' '
	states "add \$SHARED/docs/two.md" "add \$SHARED/docs/c.txt"
	sweep end 1 3 add "$SHARED/docs/two.md" "$SHARED/docs/c.txt" --jobs 1
	sweep EIO 3 17 add "$SHARED/docs/two.md" "$SHARED/docs/c.txt" --jobs 1
	sweep ENOSPC 5 23 add "$SHARED/docs/two.md" "$SHARED/docs/c.txt" --jobs 1
'

ok 'an add that changes a document leaves the old one or the new one' '
	cp -a "$SHARED/docs" docs.kept
	sed "s/Checkpoints move/Snapshots and checkpoints move/" docs.kept/a.md >"$SHARED/docs/a.md"
	states "add \$SHARED/docs/a.md"
	sweep end 2 3 add "$SHARED/docs/a.md"
	cat docs.kept/a.md >"$SHARED/docs/a.md"
'

ok 'remove' '
	states "remove a -y"
	all_ends remove a -y
'

ok 'recompile' '
	cp -a "$SHARED/base" kept
	sed -i "s/Checkpoints move/Snapshots and checkpoints move/" "$SHARED/base/wiki/sources/a.md"
	states "recompile a"
	all_ends recompile a
	rm -rf "$SHARED/base"
	mv kept "$SHARED/base"
'

ok 'lint --fix' '
	states "lint --fix --dry-run" "lint --fix" || :
	# the fix is one transaction, the report another
	cp -a "$SHARED/base" fixed
	(cd fixed/wiki && sed -i "s/\[\[concepts\/no-such\]\] \[\[concepts\/CHECKSUM\]\]/no such [[concepts\/checksum]]/" concepts/write-ahead-log.md)
	whole fixed >states/2b
	all_ends lint --fix
'

ok 'query --save' '
	states "query checkpoint --save"
	all_ends query checkpoint --save
'

ok 'an add with a model, ended at each step and said again, asks for nothing that was answered' '
	point="{\"text\":\"It is kept apart.\",\"section\":0,\"quote\":\"is kept on another disk\"}"
	start_model m "Summarise - text:{\"description\":\"Of logs.\",\"points\":[$point],\"sections\":[]}" \
		"nearest - text:{\"pages\":[{\"kind\":\"concept\",\"title\":\"Write-ahead log\"}]}" \
		"feed: - text:{\"pages\":[{\"page\":0,\"points\":[$point]}]}"
	states "add \$SHARED/docs/two.md"
	step=13
	[ -z "${LARDER_TEST_LONG:-}" ] || step=1
	for turn in crash cut; do
		at=1
		while [ $at -lt 400 ]; do
			rm -rf k cut
			mkdir cut
			cp -a "$SHARED/base" k
			: >m.log
			code=0
			[ $turn = crash ] || export LARDER_CUT=$PWD/cut
			LARDER_CRASH_AT=$at larder kb add "$SHARED/docs/two.md" --kb k -q 2>err || code=$?
			unset LARDER_CUT
			[ $code = 0 ] || same $code 99
			is_one_of
			kept=$(sqlite3 k/.larder/state.db "SELECT count(*) FROM kb_work")
			asked=$(model_calls m)
			larder kb add "$SHARED/docs/two.md" --kb k -q
			cmp -s now states/$n || { is_one_of && cmp now states/$n; }
			# at most the one whose answer was on its way is asked again
			[ $(($(model_calls m) - asked)) -le $((3 - kept)) ]
			same "$(sqlite3 k/.larder/state.db "SELECT count(*) FROM kb_work")" 0
			[ $code != 0 ] || break
			at=$((at + step))
		done
		[ $at -gt 30 ] && [ $at -lt 400 ]
	done
'

ok 'a copy of one that was killed is as good as itself, and leaves the other alone' '
	states "add \$SHARED/docs/two.md"
	LARDER_STEPS=steps larder kb add "$SHARED/docs/two.md" --kb k -q || :
	rm -rf k
	cp -a "$SHARED/base" k
	at=$(grep -n rename steps 2>/dev/null | sed -n 2p | cut -d: -f1)
	LARDER_CRASH_AT=${at:-60} larder kb add "$SHARED/docs/two.md" --kb k -q 2>err || same $? 99
	whole k >killed
	mv k original
	cp -a original k
	is_one_of
	whole original | cmp - killed
'
