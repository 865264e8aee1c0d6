#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A knowledge base with a model: what it says is checked, kept, and never half written.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"
. "$SOURCE/tests/llm.sh"

# The same answers for every document: what does not stand in one is left out of its pages.
jq -nc '{description: "How data survives a crash.",
	points: [{text: "Changes are recorded first. See [[concepts/nowhere]], [[sources/made-up]].", section: 0,
		quote: "write-ahead log records every change first"},
		{text: "Recovery reads the log.", section: 99, quote: "Recovery **reads** the write-ahead log"},
		{text: "Invented.", section: 0, quote: "these words stand in no document"},
		{text: "Tomatoes need warmth.", section: 0, quote: "Tomatoes need warm soil"}],
	sections: [{section: 1, summary: "What the log\n# is for."}, {section: 77, summary: "of nothing"}]}' >"$SHARED/summary"
jq -nc '{pages: [{kind: "concept", title: "Write-ahead log", page: "", description: "A log that is written first."},
	{kind: "entity", title: "Acme Database", type: "Organization", description: "A maker of databases."},
	{kind: "concept", title: "Unsupported", description: "nothing of it is said"},
	{kind: "concept", title: "Write-ahead log"}]}' >"$SHARED/plan"
jq -nc '{pages: [{page: 0, points: [
		{text: "It is replayed after a crash.", section: 1, quote: "After a crash the write-ahead log is replayed"},
		{text: "Its records have checksums.", section: 0, quote: "each record has a checksum"}]},
	{page: 1, points: [{text: "It measured its cache.", section: 2, quote: "People at Acme Database measured the page cache"},
		{text: "It chose CRC32.", section: 1, quote: "Engineers of Acme Database chose CRC32"}]},
	{page: 2, points: [{text: "No.", section: 0, quote: "never said anywhere in it"}]},
	{page: 9, points: []}]}' >"$SHARED/write"
write_docs docs

start_kb() { # [LINE...]: a knowledge base and a model that answers so, after these lines
	new_kb k
	start_model m "$@" "Summarise - file:$SHARED/summary" "nearest - file:$SHARED/plan" "feed: - file:$SHARED/write"
}

ok 'add makes pages of what the model says, each point with its source' '
	start_kb
	larder kb add "$SHARED/docs/a.md" --json >out
	same "$(json out "[.added, .failed] | join(\" \")")" "1 0"
	[ "$(json out .tokens_in)" -gt 100 ]
	[ "$(json out .tokens_out)" -gt 10 ]
	same "$(model_calls m)" 3
	has k/wiki/summaries/a.md "description: \"How data survives a crash.\""
	has k/wiki/summaries/a.md "- Changes are recorded first. See nowhere, made up. ([[sources/a#Storage engines]])"
	hasnt k/wiki/summaries/a.md Tomatoes
	hasnt k/wiki/summaries/a.md Invented
	has k/wiki/summaries/a.md "- [[sources/a#Write-ahead log]]: What the log # is for."
	has k/wiki/concepts/write-ahead-log.md "- It is replayed after a crash. ([[sources/a#Write-ahead log]])"
	has k/wiki/entities/Acme-Database.md "type: \"Organization\""
	[ ! -e k/wiki/concepts/unsupported.md ]
	hasnt k/wiki/summaries/a.md unsupported
	larder kb lint --json >lint
	same "$(json lint "[.findings[] | select(.check != \"orphan\")] | length")" 0
	same "$(larder kb show a --json | json "[.sections[] | select(.summary)] | .[0].summary")" "What the log # is for."
'

ok 'what is asked thrice of a document begins the same, and is marked for the cache' '
	start_kb
	LARDER_LLM_KIND=anthropic larder kb add "$SHARED/docs/a.md" -q
	has k/wiki/concepts/write-ahead-log.md "- It is replayed after a crash."
	same "$(jq -c "[.body.tools, .body.tool_choice, .body.system, .body.messages[0].content[0]]" m.log | sort -u | wc -l)" 1
	same "$(jq -r ".body.messages[0].content | length" m.log | sort -u)" 3
	same "$(model_calls m ".body.messages[0].content[0] | .cache_control and (.text | contains(\"Dirty pages\"))")" 3
	same "$(model_calls m ".body.messages[0].content[1:] | any(.cache_control)")" 0
	same "$(model_calls m ".body.messages[0].content[2].text | contains(\"JSON schema\")")" 3
'

ok 'a page that is there gets what is new, and removing gives it back' '
	start_kb
	larder kb add "$SHARED/docs/a.md" -q
	cp k/wiki/concepts/write-ahead-log.md before
	larder kb add "$SHARED/docs/b.md" -q
	has k/wiki/concepts/write-ahead-log.md "It is replayed after a crash."
	has k/wiki/concepts/write-ahead-log.md "- Its records have checksums. ([[sources/b#Recovery]])"
	grep -h "concepts/write-ahead-log: Write-ahead log. A log that is written first." m.log >shown
	has m.log "which says already"
	grep feed: m.log | tail -n 1 | grep -q "It is replayed after a crash"
	larder kb remove b -y -q
	cmp before k/wiki/concepts/write-ahead-log.md
'

ok 'an answer that was cut, nonsense and a refusal add nothing' '
	start_kb "Summarise - cut:{\"description\":"
	tree k >before
	exits 1 larder kb add "$SHARED/docs/a.md" --json >out
	same "$(json out ".documents[0].stage")" compile
	model_plan m "Summarise - file:$SHARED/summary" "nearest - text:{\"pages\":17}"
	exits 1 larder kb add "$SHARED/docs/a.md" -q
	same "$(model_calls m "select(.body.messages | length > 2)")" 1
	model_plan m "Summarise - file:$SHARED/summary" "nearest - file:$SHARED/plan" "feed: - decline"
	exits 1 larder kb add "$SHARED/docs/a.md" -q
	tree k >after
	cmp before after
	same "$(find k/.larder/staging -type f | wc -l)" 0
'

ok 'what was answered before a failure is not asked again' '
	start_kb "feed: 1 status:503"
	larder kb add "$SHARED/docs/a.md" --json >out
	same "$(json out .added)" 1
	same "$(model_calls m)" 4
	same "$(model_calls m "select(.body.messages[1].content | contains(\"Summarise\"))")" 1
'

ok 'a server that is down is a matter of later' '
	start_kb
	kill "$STARTED_PID"
	wait_for "! kill -0 $STARTED_PID"
	exits 75 larder kb add "$SHARED/docs/a.md" --json >out
	same "$(json out ".documents[0].outcome")" failed
	[ ! -e k/wiki/summaries/a.md ]
	larder kb add --extractive "$SHARED/docs/a.md" -q
	[ -e k/wiki/summaries/a.md ]
'

ok 'killed in the middle, the next run asks for the rest only' '
	start_kb "feed: - wait:20000:{}"
	larder kb add "$SHARED/docs/a.md" "$SHARED/docs/b.md" -q &
	wait_for "[ \$(model_calls m) = 6 ]"
	kill -KILL $!
	wait $! || :
	model_plan m "feed: - file:$SHARED/write"
	larder kb add "$SHARED/docs/a.md" "$SHARED/docs/b.md" --json >out
	same "$(json out .added)" 2
	same "$(model_calls m)" 8
	has k/wiki/concepts/write-ahead-log.md "Its records have checksums."
	same "$(sqlite3 k/.larder/state.db "SELECT count(*) FROM kb_work")" 0
'

ok 'many at once give the pages of one after the other' '
	start_kb
	larder kb add "$SHARED/docs" --jobs 8 --json >out
	same "$(json out "[.added, .failed] | join(\" \")")" "5 0"
	mv k one
	new_kb k
	larder kb add "$SHARED/docs" --jobs 1 -q
	tree one >many
	tree k >serial
	cmp many serial
	larder kb lint --json >lint || :
	same "$(json lint "[.findings[] | select(.check != \"orphan\")] | length")" 0
'

ok 'while a document waits for its answer the next one is converted' '
	start_kb "Summarise - wait:20000:{}"
	for n in 1 2; do echo "<p>Report number $n on the buffer pool and its pages.</p>" >$n.html; done
	start add larder kb add 1.html 2.html --jobs 1
	wait_for "[ \$(ls k/.larder/staging | grep -c source) = 2 ]"
	wait_for "[ \$(model_calls m) = 1 ]"
	same "$(larder kb list --json | json ".documents | length")" 0
	kill -KILL $STARTED_PID
'

ok 'costs are in the summary, and of the document' '
	start_kb
	LARDER_LLM_PRICE=1000,1000 larder kb add "$SHARED/docs/a.md" --json >out
	json out "(.cost * 1000 | round) == (.tokens_in + .tokens_out) and .cost == .documents[0].cost" | grep -q true
'

# QUESTION-words that the model then searches for, and its answer.
ask_plan() { # ANSWER
	model_plan m "prepare 1 text:{\"search\":[\"checkpoint\"],\"read\":[\"sources/b#Checksums\",\"concepts/none\",\"../../etc/passwd\"]}" \
		"prepare - text:{\"search\":[],\"read\":[]}" "citation - text:$1"
}

ok 'query answers from what the model looks up, and dead citations are named' '
	start_kb
	larder kb add --extractive "$SHARED/docs" -q
	ask_plan "It is CRC32 [[sources/b#Checksums]], not [[sources/b#Nothing]] [[concepts/made-up|so]]."
	larder kb query "What is the log replayed by?" --json >out
	same "$(json out .answer)" "It is CRC32 [[sources/b#Checksums]], not  so."
	same "$(json out ".dead_citations | join(\" \")")" "[[sources/b#Nothing]] [[concepts/made-up|so]]"
	same "$(json out ".passages[0].citation")" "[[sources/b#Checksums]]"
	[ "$(json out .tokens_in)" -gt 100 ]
	same "$(model_calls m)" 3
	grep prepare m.log | head -n 1 | grep -q "After a crash the write-ahead log is replayed"
	grep "citation, exactly" m.log | grep -q "Engineers of Acme Database chose CRC32"
	hasnt m.log root:
	larder kb query "What is it?" --save --json >out
	has "k/wiki/$(json out .saved)" "It is CRC32 [[sources/b#Checksums]]"
	larder kb query --extractive "What is replayed after a crash?" >plain
	has plain "> "
'

ok 'what was seen is marked for the next look, what was said for the next turn' '
	start_kb
	larder kb add --extractive "$SHARED/docs" -q
	export LARDER_LLM_KIND=anthropic
	ask_plan "First [[sources/b#Checksums]]."
	chat=$(larder kb chat "What is a checksum?" --json | json .chat)
	same "$(model_calls m)" 3
	jq -c "select(.body.tools) | .body.messages[0].content[0]" m.log >seen
	same "$(sort -u seen | wc -l)" 1
	same "$(jq -r "[.cache_control.type, (.text | startswith(\"Passages:\"))] | join(\" \")" seen | sort -u)" "ephemeral true"
	sed -n 2p m.log | json "[.body.messages[0].content[] | .cache_control != null] | join(\" \")" >marks
	same "$(cat marks)" "true true false false"
	tail -n 1 m.log | json "[.body.messages[].content[] | .cache_control != null] | any" >marks
	same "$(cat marks)" false
	ask_plan "Second."
	larder kb chat --resume "$chat" "And then?" -q
	tail -n 1 m.log | json "[.body.messages[] | [.content[] | .cache_control != null] | any] | join(\" \")" >marks
	same "$(cat marks)" "false true false"
	tail -n 1 m.log | json ".body.messages[1].content[0].text" | grep -q First
'

ok 'a long document is walked as a tree: chapters, what is below one, its text' '
	start_kb
	awk "BEGIN {
		print \"# Manual\"
		for (i = 1; i <= 9; i++) {
			printf \"\\n## Chapter %d\\n\\nChapter %d tells of the gears of the mill.\\n\", i, i
			for (k = 1; k <= 9; k++) printf \"\\n### Part %d.%d\\n\\nIn part %d.%d a wheel turns the stone.\\n\", i, k, i, k
		}
	}" >manual.md
	larder kb add --extractive manual.md -q
	same "$(larder kb show manual --json | json ".sections | length")" 91
	larder kb show manual | grep -A 1 "Part 7.3" | grep -q "In part 7.3 a wheel"
	model_plan m "prepare 1 text:{\"search\":[],\"read\":[\"sources/manual\"]}" \
		"prepare 1 text:{\"search\":[],\"read\":[\"sources/manual#Chapter 7\"]}" \
		"prepare 1 text:{\"search\":[],\"read\":[\"sources/manual#Part 7.3\"]}" \
		"citation - text:A wheel [[sources/manual#Part 7.3]]."
	larder kb query "Zzyzx?" --json >out
	same "$(json out .passages[0].citation)" "[[sources/manual#Part 7.3]]"
	asked() { sed -n "$1p" m.log | jq -r ".body.messages[1].content" >asked; }
	asked 2
	has asked "- [[sources/manual#Chapter 7]]: Chapter 7 tells of the gears of the mill."
	hasnt asked "Part 7.3"
	asked 3
	has asked "- [[sources/manual#Part 7.3]]: In part 7.3 a wheel turns the stone."
	asked 4
	has asked "[[sources/manual#Part 7.3]] (source)"
'

ok 'the model is shown a picture it asks for, of a document only; one that sees none answers without' '
	start_kb
	mkdir d
	printf "\211PNG\r\n\032\nxy" >d/mill.png
	echo secret >secret.png
	printf "# Mill\n\nThe mill has a wheel.\n\n## Wheel\n\nThe wheel is shown here: ![the wheel](mill.png). It turns.\n" >d/mill.md
	larder kb add --extractive d -q
	model_plan m "prepare 1 text:{\"search\":[],\"read\":[\"sources/mill\",\"sources/mill#Wheel\"]}" \
		"prepare 1 text:{\"search\":[],\"read\":[\"sources/images/mill/mill.png\",\"sources/images/../../../../secret.png\",\"sources/images/mill/none.png\"]}" \
		"prepare - text:{\"search\":[],\"read\":[]}" "citation - text:Red [[sources/images/mill/mill.png]]."
	larder kb query "Which colour has the wheel?" --json >out
	same "$(json out .answer)" "Red [[sources/images/mill/mill.png]]."
	same "$(json out .passages[0].kind)" picture
	same "$(grep -c "data:image/png;base64,iVBORw0KGgp4eQ==" m.log)" 2
	hasnt m.log c2VjcmV0
	sed -n 2p m.log | grep -o "Pictures: \[\[sources/images/mill/mill.png" | wc -l | grep -qx 2
	model_plan m "prepare 1 text:{\"search\":[],\"read\":[\"sources/images/mill/mill.png\"]}" \
		"data:image - status:400" "prepare - text:{\"search\":[],\"read\":[]}" "citation - text:Who knows."
	larder kb query "Which colour has the wheel?" --json >out
	same "$(json out .answer)" "Who knows."
'

ok 'an answer is shown as it comes, and nothing in it commands the terminal' '
	command -v script >/dev/null || skip "script is not installed"
	start_kb
	larder kb add --extractive "$SHARED/docs" -q
	ask_plan "Yes $(printf "\\033")[31m it is [[sources/b#Checksums]]."
	script -qec "larder kb query crash" /dev/null >shown </dev/null
	has shown "it is [[sources/b#Checksums]]."
	same "$(grep -c Checksums shown)" 1
	if grep -q "$(printf "\\033")" shown; then false; fi
'

ok 'a chat goes on where it was, and keeps only whole answers' '
	start_kb
	larder kb add --extractive "$SHARED/docs" -q
	ask_plan "First [[sources/b#Checksums]]."
	larder kb chat "What is a checksum?" --json >out
	chat=$(json out .chat)
	ask_plan "Second."
	larder kb chat --resume "$chat" "And then?" -q
	tail -n 1 m.log | json "[.body.messages[1:4][] | .role] | join(\" \")" >roles
	same "$(cat roles)" "user assistant user"
	same "$(tail -n 1 m.log | json ".body.messages[2].content" | head -n 1)" "First [[sources/b#Checksums]]."
	model_plan m "* - status:503:1"
	exits 75 larder kb chat --resume "$chat" "Down?" -q
	same "$(larder kb chat --list --json | json ".chats[0].turns")" 2
'

ok 'a long document is asked about in parts, a line without an end only at its beginning' '
	start_kb
	awk "BEGIN {
		printf \"# Long\\n\"
		for (i = 1; i <= 30; i++) {
			printf \"\\n## Part %d\\n\\nThe write-ahead log records every change first. \", i
			for (k = 0; k < 1000; k++) printf \"word \"
			printf \"\\n\"
		}
	}" >long.md
	{
		printf "# Line\n\nThe write-ahead log records every change first. "
		head -c 1000000 /dev/zero | tr "\\000" z
		echo
	} >line.md
	larder kb add long.md line.md --json >out
	same "$(json out .added)" 2
	same "$(model_calls m "select(.body.messages[1].content | contains(\"Summarise\"))")" 3
	[ "$(jq "[.body.messages[].content | length] | add" m.log | sort -n | tail -n 1)" -lt 200000 ]
	has k/wiki/summaries/long.md "Changes are recorded first."
'

ok 'watch comes back to what a server kept from it' '
	start_kb
	kill "$STARTED_PID"
	wait_for "! kill -0 $STARTED_PID"
	cp "$SHARED/docs/a.md" k/raw/
	exits 1 larder kb watch --once --settle-ms 0
	[ ! -e k/wiki/summaries/a.md ]
	larder kb watch --once --settle-ms 0 --extractive
	[ -e k/wiki/summaries/a.md ]
'
