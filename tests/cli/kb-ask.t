#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What a knowledge base is asked: search, query, chat; and what keeps it right: lint, doctor, recompile, import.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"

(
	new_kb k
	write_docs docs
	larder kb add docs -q
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

# A copy of the one with five documents.
copy_kb() {
	cp -a "$SHARED/k" k
	cp -a "$SHARED/docs" docs
	LARDER_KB=k
	export LARDER_KB
}

ok 'search finds words in pages and sections, best first, with a snippet' '
	copy_kb
	larder kb search recovery --json >out
	same "$(json out ".hits[0].title")" Recovery
	larder kb search "\"dirty pages\"" --sources --json >out
	same "$(json out "[.hits[0].link, .hits[0].anchor] | join(\"#\")")" "sources/a#Page cache"
	json out ".hits[0].snippet" | grep -q "Dirty pages"
	larder kb search "check*" --json | json ".hits | length" >n
	[ "$(cat n)" -gt 3 ]
	larder kb search appended gardening --json >out
	[ "$(json out ".hits | length")" -gt 1 ]
	larder kb search nothinglikethis >out
	has out "Nothing was found"
	exits 2 larder kb search "?!"
	larder kb search "a\"b OR NEAR( tomatoes" -q
'

ok 'of words that thousands have, titles come first, then what has all of them, then the rarest' '
	new_kb k
	awk "BEGIN {
		print \"# Common ground\\n\\nWhat is said of the kettle and of the common spout here is old.\"
		for (i = 1; i <= 2200; i++) printf \"\\n## Part %d\\n\\nA common lid number %d of the common kettle.\\n\", i, i
		print \"\\n## Last\\n\\nOnly here a zither is played beside a kettle.\"
	}" >many.md
	larder kb add many.md -q
	larder kb search common --sources --json >out
	same "$(json out ".hits | length")" 10
	same "$(json out ".hits[0].anchor")" "Common ground"
	same "$(json out "[.hits[] | .link + .anchor] | unique | length")" 10
	larder kb search common spout --sources --json >out
	same "$(json out ".hits[0].anchor")" "Common ground"
	larder kb query "Which zither has a common kettle?" --json >out
	same "$(json out ".passages[0].citation")" "[[sources/many#Last]]"
	larder kb search common kettle zither --any --sources --limit 1000 --json >out
	same "$(json out ".hits | length")" 1000
	same "$(json out ".hits[0].anchor")" Last
	same "$(larder kb search kettle --limit 1 --json | json ".hits | length")" 1
'

ok 'Chinese is found by any run of its letters' '
	new_kb k
	printf "# 数据库\n\n预写日志记录每一次更改。检查点将页面复制到数据库文件中。\n" >zh.md
	larder kb add zh.md -q
	larder kb search 日志 --json >out
	same "$(json out ".hits[0].link")" sources/zh
	json out ".hits[0].snippet" | grep -q 预写日志
	larder kb query 检查点 --save --json >out
	same "$(json out .saved)" explorations/检查点.md
	has k/wiki/explorations/检查点.md "query: \"检查点\""
'

ok 'query answers with passages that stand there, each with its citation' '
	copy_kb
	larder kb query "What is replayed after a crash?" --json >out
	same "$(json out ".passages[0].citation")" "[[sources/a#Write-ahead log]]"
	json out ".passages[0].text" | grep -q "is replayed by the recovery code"
	larder kb query "zebra unicorn" >none
	has none "Nothing in this knowledge base"
	exits 2 larder kb query ""
	tree k >before
	larder kb query "what is a checkpoint?" -q
	tree k | cmp - before
'

ok 'a saved answer has a name of its own, whatever the question' '
	copy_kb
	larder kb query "What is a \"checkpoint\"?
## Second line" --save --json >out
	path=$(json out .saved)
	same "$path" explorations/what-is-a-checkpoint-second-line.md
	larder kb query "What is a checkpoint; second line" --save --json >out2
	same "$(json out2 .saved)" explorations/what-is-a-checkpoint-second-line-2.md
	has "k/wiki/$path" "query: \"What is a \\\"checkpoint\\\"?\\n## Second line\""
	same "$(grep -c "query |" k/wiki/log.md)" 2
	! grep -q "^## Second" k/wiki/log.md
	has k/wiki/index.md "- [[explorations/what-is-a-checkpoint-second-line-2]] — "
	larder kb lint --dry-run --json | json .clean | grep -qx true
'

ok 'chats are kept turn by turn, resumed, listed and deleted' '
	copy_kb
	printf "What is a checkpoint?\n\nWhat is compost?\n/exit\n" | larder kb chat >out 2>err
	has out "[[sources/"
	larder kb chat --list --json >list
	same "$(json list ".chats | length")" 1
	same "$(json list ".chats[0].turns")" 2
	id=$(json list ".chats[0].id")
	larder kb chat "What is a page cache?" --resume latest --json | json .chat | grep -qx -e "$id"
	echo /exit | larder kb chat --resume "$(printf %.8s "$id")" >out
	same "$(grep -c "^? " out)" 3
	exits 1 larder kb chat --resume nosuch 2>err
	has err "there is no chat"
	larder kb chat --delete "$id" -q
	larder kb chat --list | grep -q "no chat yet"
'

ok 'a wiki that was just made has nothing to find fault with' '
	copy_kb
	larder kb lint --json >out
	same "$(json out .clean)" true
	has "k/wiki/$(json out .report)" "0 findings"
	grep -q "lint |" k/wiki/log.md
	larder kb status --json | json .last_lint_at
'

ok 'lint finds each kind of fault' '
	copy_kb
	cd k/wiki
	printf "\nA link to [[concepts/Nowhere]] and [[concepts/Checksum]], [[sources/a#No such]].\n" >>concepts/checksum.md
	printf -- "---\ntype: [x\n---\n\n# Broken\n\n[[concepts/checksum]]\n" >concepts/broken.md
	printf "# Alone\n\nNobody links here.\n" >explorations/alone.md
	sed -i "/write-ahead-log/d" index.md
	echo "- [[concepts/gone]] — x" >>index.md
	sed -i "s/is a file to which changes are appended/is something else/" sources/a.md
	rm sources/c.md
	cd ../..
	echo mine >k/raw/mine.txt
	echo "# New

It says some words, and more words later on." >new.md
	larder kb add new.md -q
	echo "more" >>new.md
	exits 1 larder kb lint --json >out
	found() { json out ".findings[] | select(.check == \"$1\") | .page + \": \" + .detail" >found; grep -qF -e "$2" found || { cat found; return 1; }; }
	found broken-link "there is no page .concepts/Nowhere." || found broken-link "concepts/Nowhere"
	found broken-link "is called"
	found dead-citation "No such"
	found front-matter concepts/broken.md
	found orphan explorations/alone.md
	found index concepts/write-ahead-log.md
	found index concepts/gone
	found edited-source wiki/sources/a.md
	found unsupported "sources/a"
	found missing-file wiki/sources/c.md
	found raw-unknown raw/mine.txt
	found stale-source new.md
	found fields concepts/broken.md
'

ok 'lint --fix puts links right and leaves the words of those to nothing' '
	copy_kb
	printf "\nSee [[concepts/CHECKSUM|sums]], [[Write_Ahead-Log]], [[concepts/no-where]] and \`[[code]]\`.\n" >>k/wiki/concepts/compost.md
	larder kb lint --fix --dry-run --json >out || :
	same "$(json out .fixed)" 1
	has k/wiki/concepts/compost.md "[[concepts/no-where]]"
	larder kb lint --fix --json >out || :
	same "$(json out .fixed)" 1
	has k/wiki/concepts/compost.md "See [[concepts/checksum|sums]], [[concepts/write-ahead-log]], no where and \`[[code]]\`."
	same "$(json out "[.findings[] | select(.check == \"broken-link\")] | length")" 0
'

ok 'recompile makes the same pages of the same sources, and others of a corrected one' '
	copy_kb
	tree k >before
	larder kb recompile --all --json >out
	same "$(json out .updated)" 5
	tree k | diff before -
	sed -i "s/Compost is made of leaves/Mulch is made of leaves/" k/wiki/sources/d.md
	larder kb recompile d -q
	has k/wiki/summaries/d.md Mulch
	exits 2 larder kb recompile
	exits 2 larder kb recompile d --all
	exits 1 larder kb recompile nosuch
	echo mine >k/wiki/AGENTS.md
	larder kb recompile d --refresh-schema -q
	same "$(cat k/wiki/AGENTS.md.bak)" mine
	has k/wiki/AGENTS.md "Wiki schema"
'

ok 'doctor says what is gone and makes again what can be' '
	copy_kb
	larder kb doctor --json | json .healthy | grep -qx true
	tree k >before
	rm k/wiki/summaries/a.md k/wiki/sources/b.md
	exits 1 larder kb doctor --json >out
	same "$(json out "[.findings[] | select(.result == \"bad\")] | length > 2")" true
	larder kb doctor --repair --json >out
	same "$(json out .healthy)" true
	tree k | diff before -
	rm k/raw/c.txt
	exits 1 larder kb doctor --repair >out
	has out "has no file in raw/"
	has out "next: larder kb add"
'

ok 'pages that a person wrote are found after a lint' '
	copy_kb
	mkdir k/wiki/notes
	printf "# Aardvark\n\nMy note on the aardvark, see [[concepts/checksum]].\n" >k/wiki/notes/aardvark.md
	larder kb lint -q
	larder kb search aardvark --json | json ".hits[0].link" | grep -qx notes/aardvark
'

ok 'a wiki of an earlier program is taken over as it is' '
	mkdir -p w/raw w/wiki/summaries w/wiki/concepts w/wiki/sources/images/paper w/.openkb/journal
	cd w
	printf "%%PDF" >raw/paper.pdf
	printf "old text of the notes\n" >raw/notes.txt
	printf "[{\"page\": 1, \"content\": \"Page one says that otters swim.\"}, {\"page\": 2, \"content\": \"Page two.\"}]" >wiki/sources/paper.json
	printf "The notes say that otters dive.\n" >wiki/sources/notes.md
	printf png >wiki/sources/images/paper/p1_img1.png
	printf -- "---\ntype: \"Summary\"\ndescription: \"A paper\"\ndoc_type: pageindex\nfull_text: \"sources/paper.json\"\n---\n\n# Paper\n\n## Related Concepts\n- [[concepts/otter]]\n" >wiki/summaries/paper.md
	printf -- "---\ndoc_type: short\nfull_text: sources/notes.md\nbrief: Notes\n---\n\n# Notes\n\n[[concepts/otter]]\n" >wiki/summaries/notes.md
	printf -- "---\nsources: [\"summaries/notes.md\", \"summaries/paper.md\"]\nbrief: An animal\n---\n\n# Otter\n\nThey swim.\n\nSee also: [[summaries/paper]], [[summaries/notes]]\n" >wiki/concepts/otter.md
	printf "# Knowledge Base Index\n\n## Documents\n- [[summaries/notes]] (short) — Notes\n- [[summaries/paper]] (pageindex) — A paper\n\n## Concepts\n- [[concepts/otter]] — An animal\n" >wiki/index.md
	printf "# Operations Log\n\n" >wiki/log.md
	printf "schema\n" >wiki/AGENTS.md
	h1=$(sha256sum <raw/paper.pdf | cut -c 1-64) h2=$(sha256sum <raw/notes.txt | cut -c 1-64)
	printf "{\"%s\": {\"name\": \"paper.pdf\", \"doc_name\": \"paper\", \"type\": \"long_pdf\", \"path\": \"/x/paper.pdf\", \"raw_path\": \"raw/paper.pdf\", \"source_path\": \"wiki/sources/paper.json\", \"doc_id\": \"pi-1\"}, \"%s\": {\"name\": \"notes.txt\", \"type\": \"txt\"}}" "$h1" "$h2" >.openkb/hashes.json
	printf "model: m\nlanguage: fr\n" >.openkb/config.yaml
	echo "{\"status\": \"active\"}" >.openkb/journal/00.json
	cd ..
	snapshot w >before
	exits 3 larder kb import w 2>err
	has err "cut short"
	rm w/.openkb/journal/00.json
	snapshot w >before
	larder kb import w --dry-run --json >out
	same "$(json out "[.documents, .pages] | @csv")" 2,3
	snapshot w | cmp - before
	larder kb import w --json >out
	same "$(json out "[.documents, .pages] | @csv")" 2,3
	snapshot w | grep -v "^d\\|\./\.larder" >after
	grep -v ^d before | diff - after
	LARDER_KB=w
	export LARDER_KB
	larder kb status --json | json .language | grep -qx fr
	larder kb list --json | json "[.documents[] | .document + \" \" + .doc_type] | join(\",\")" | grep -qx "paper pageindex,notes short"
	larder kb search otters --sources --json | json ".hits | length" | grep -qx 2
	larder kb search swim --json | json "[.hits[].link] | join(\" \")" | grep -q concepts/otter
	larder kb import w --json | json .known | grep -qx 2
	larder kb remove notes -y -q
	has w/wiki/concepts/otter.md "See also: [[summaries/paper]]"
	hasnt w/wiki/concepts/otter.md "summaries/notes"
	has w/wiki/concepts/otter.md "They swim."
	larder kb remove paper -y -q
	[ ! -e w/wiki/concepts/otter.md ]
	[ ! -e w/wiki/sources/images/paper ]
'

ok 'watch adds what settles in raw/, and leaves a failing file alone until it changes' '
	new_kb k
	start watch larder kb watch --settle-ms 100 --json
	pid=$STARTED_PID
	echo "Some words about the winter garden in the snow." >k/raw/one.md
	wait_for "grep -q one.md watch.out"
	mkdir k/raw/deep
	printf "\0\0\0" >k/raw/deep/bad.md
	wait_for "grep -q bad.md watch.err"
	echo "Other words about the summer garden in the sun." >k/raw/deep/two.md
	wait_for "grep -q two.md watch.out"
	same "$(grep -c "bad.md. was not added" watch.err)" 1
	echo "Now it is a text with some words that make sense." >k/raw/deep/bad.md
	wait_for "grep -q \"\\\"updated\\\"\\|\\\"added\\\"\" watch.out && [ -f k/wiki/summaries/bad.md ]"
	kill -TERM $pid
	wait_for "gone $pid"
	larder kb watch --once --settle-ms 0 --json >again
	[ ! -s again ]
'
