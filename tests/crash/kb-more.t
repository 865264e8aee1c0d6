#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# The commands of larder kb that kb.t has not: made, taken over, watched, repaired, asked and proposed, each ended before each durable
# step by turns by a kill and a power cut (base/fault.h). In memory where that is to be had.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/kb.sh"

LARDER_NOW=2026-01-02T03:04:05Z
export LARDER_NOW

(
	new_kb base
	write_docs docs
	larder kb add docs/a.md -q --kb base
	mkdir -p old/wiki/concepts old/raw old/.openkb
	cp docs/a.md old/raw
	printf -- '---\ntype: "Concept"\ndescription: "x"\n---\n\n# X\n\n[[summaries/a]]\n' >old/wiki/concepts/x.md
	printf '# I\n\n## Concepts\n- [[concepts/x]] — x\n' >old/wiki/index.md
	printf '{"%s": {"name": "a.md", "type": "md"}}' "$(sha256sum <docs/a.md | cut -c 1-64)" >old/.openkb/hashes.json
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

# STEP BEGIN CHECK COMMAND...: by turns killed and cut before each STEP-th step, from what BEGIN makes; CHECK is evaluated after
# each, and $code is 0 once it is swept past. LARDER_TEST_LONG=1 tries both at every step.
each_end() {
	step=$1 begin=$2 check=$3 turn=crash at=1
	shift 3
	[ -z "${LARDER_TEST_LONG:-}" ] || step=1
	while [ $at -lt 300 ]; do
		rm -rf cut
		mkdir cut
		eval "$begin"
		code=0
		[ $turn = crash ] || export LARDER_CUT=$PWD/cut
		LARDER_CRASH_AT=$at larder kb "$@" >out 2>err || code=$?
		unset LARDER_CUT
		echo "$turn at $at of kb $*: exit $code"
		[ $code = 0 ] || same $code 99
		hasnt err cut:
		eval "$check"
		[ $code != 0 ] || break
		if [ $turn = crash ]; then
			turn='cut'
			[ -z "${LARDER_TEST_LONG:-}" ] || continue
		else
			turn='crash'
		fi
		at=$((at + step))
	done
	[ $at -gt 4 ] && [ $at -lt 300 ]
}

ok 'init: there is none yet, or all of it; said again it is made' '
	larder kb init whole -q
	tree whole >wanted
	each_end 5 "rm -rf k" "
		[ \$code = 0 ] || { [ -f k/.larder/kb.yaml ] && larder kb list --kb k -q; } || exits 1 larder kb list --kb k -q
		larder kb init k -q
		tree k | cmp wanted -
		larder kb doctor --kb k -q
	" init k -q
'

ok 'import: the wiki stays as it is, and said again it is taken over' '
	kept() { (cd "$1" && find . -path ./.larder -prune -o -type f -exec sha256sum {} + | grep -v "wiki/log.md\|wiki/AGENTS.md" | sort -k 2); }
	kept "$SHARED/old" >before
	each_end 5 "rm -rf w; cp -a \$SHARED/old w" "
		kept w | diff before -
		! larder kb list --kb w --json >listed 2>err || same \"\$(json listed \".documents | length\")\" 1
		larder kb import w -q
		kept w | diff before -
		same \"\$(larder kb list --kb w --json | json \".documents | length\")\" 1
		larder kb search x --kb w --json | json \".hits | length > 0\" | grep -qx true
		same \"\$(ls -A w/.larder/staging)\" \"\"
	" import w -q
'

ok 'watch: what was in raw/ is added, once' '
	cp -a "$SHARED/base" filled
	cp "$SHARED/docs/c.txt" filled/raw
	cp -a filled k
	larder kb watch --once --settle-ms 0 --kb k
	whole k >wanted
	each_end 5 "rm -rf k; cp -a filled k" "
		larder kb doctor --kb k -q
		larder kb watch --once --settle-ms 0 --kb k -q
		whole k | cmp wanted -
		same \"\$(larder kb list --kb k --json | json \".documents | length\")\" 2
		same \"\$(ls -A k/.larder/staging)\" \"\"
	" watch --once --settle-ms 0 --kb k -q
'

ok 'doctor --repair: what is gone is there again, or still gone' '
	cp -a "$SHARED/base" broken
	rm broken/wiki/summaries/a.md broken/wiki/sources/a.md
	cp -a broken k
	larder kb doctor --repair --kb k -q
	whole k >wanted
	each_end 5 "rm -rf k; cp -a broken k" "
		larder kb doctor --kb k -q || same \"\$(ls k/wiki/summaries k/wiki/sources | grep -c a.md)\" 0
		larder kb doctor --repair --kb k -q
		whole k | grep -v wiki/log.md >now
		grep -v wiki/log.md wanted | cmp - now
		same \"\$(ls -A k/.larder/staging)\" \"\"
	" doctor --repair --kb k -q
'

ok 'chat: a turn is there whole or not at all, and a chat that is deleted is' '
	turns() { sqlite3 k/.larder/state.db "SELECT (SELECT count(*) FROM kb_chat) || (SELECT count(*) FROM kb_turn)"; }
	each_end 1 "rm -rf k; cp -a \$SHARED/base k" "
		larder kb doctor --kb k -q
		turns | grep -qx -e 00 -e 11
		[ \$code != 0 ] || turns | grep -qx 11
	" chat "What is a checkpoint?" --kb k -q
	cp -a k chatted
	id=$(larder kb chat --list --kb k --json | json ".chats[0].id")
	each_end 1 "rm -rf k; cp -a chatted k" "
		larder kb doctor --kb k -q
		turns | grep -qx -e 00 -e 11
		[ \$code != 0 ] || turns | grep -qx 00
	" chat --delete "$id" --kb k -q
'

ok 'publish: killed and said again, the hub has each page once' '
	new_hub hub
	items() { curl -sf -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/memory?per_page=100" | json ".items | length"; }
	larder kb publish concepts/write-ahead-log --kb "$SHARED/base" --dry-run -q
	each_end 1 "rm -rf k; cp -a \$SHARED/base k" "
		larder kb publish concepts/write-ahead-log --kb k -q
		same \"\$(items)\" 1
		same \"\$(larder kb publish concepts/write-ahead-log --kb k --json | json .proposed)\" 0
	" publish concepts/write-ahead-log --kb k -q
'
