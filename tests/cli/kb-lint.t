#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What contradicts in a wiki, as a model sees it: with quotes that are there, asked once, within a budget.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"
. "$SOURCE/tests/llm.sh"

(
	new_kb k
	mkdir docs
	cat >docs/red.md <<-END
		# Red report

		The checkpoint interval is five minutes in every release of Acme Database. Acme Database keeps it.
		A checkpoint interval that is short costs writes, so the checkpoint interval is a matter of taste.
	END
	cat >docs/blue.md <<-END
		# Blue report

		The checkpoint interval is one hour in every release of Acme Database. Acme Database says so.
		Nobody at Acme Database changes the checkpoint interval, for the checkpoint interval is documented.
	END
	larder kb add docs -q
	larder kb lint -q
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
jq -nc '{contradictions: [
	{first: "checkpoint interval is **five minutes** in every release", second: "The checkpoint interval is one hour",
		why: "It is [[one]] or the\n![other](http://e.org/x.png)."},
	{first: "these words stand nowhere in it", second: "The checkpoint interval is one hour", why: "invented"},
	{first: "The checkpoint interval is one hour", second: "checkpoint interval is one", why: "the same"}]}' >"$SHARED/found"

copy_kb() { # [LINE...]: the wiki with a model of that plan
	cp -a "$SHARED/k" k
	LARDER_KB=k
	export LARDER_KB
	start_model m "$@"
}
told() { json "$1" "[.findings[] | select(.check == \"contradiction\")] | length"; }

ok 'a contradiction is told with a quote from each side; what is invented is not' '
	copy_kb "* - file:$SHARED/found"
	exits 1 larder kb lint --json >out
	n=$(model_calls m)
	[ "$n" -ge 2 ]
	same "$(json out .judged)" "$n"
	same "$(json out .unjudged)" 0
	[ "$(json out .tokens_in)" -gt 100 ]
	json out "[.findings[] | select(.page == \"concepts/checkpoint-interval.md\")][0].detail" >detail
	has detail "\"checkpoint interval is **five minutes** in every release\" against"
	has detail "\"The checkpoint interval is one hour\": It is [ [one]] or the [other](http://e.org/x.png)."
	hasnt out invented
	hasnt out "the same"
	has "k/wiki/$(json out .report)" "## contradiction ("
	grep -q "The first text (" m.log
	grep -q "The only text (concepts/checkpoint-interval.md)" m.log
'

ok 'what was judged is not asked again, until a page changes' '
	copy_kb "* - file:$SHARED/found"
	exits 1 larder kb lint --json >one
	n=$(model_calls m)
	exits 1 larder kb lint --json >two
	same "$(model_calls m)" "$n"
	same "$(json two .judged_before)" "$n"
	same "$(told one)" "$(told two)"
	exits 1 larder kb lint --dry-run --extractive --json >three
	same "$(told one)" "$(told three)"
	sed -i "s/five minutes/one hour/" k/wiki/concepts/checkpoint-interval.md
	model_plan m "* - text:{\"contradictions\":[]}"
	larder kb lint --json >four || :
	after=$(model_calls m)
	[ "$after" -gt "$n" ]
	[ $((after - n)) -lt "$n" ]
	[ "$(told four)" -lt "$(told one)" ]
	larder kb remove red -y -q
	larder kb lint -q || :
	same "$(sqlite3 k/.larder/state.db "SELECT count(*) FROM kb_judged WHERE first_id NOT IN (SELECT id FROM kb_page)")" 0
'

ok 'a budget ends the asking, and the next lint goes on; a trial asks nothing' '
	copy_kb "* - text:{\"contradictions\":[]}"
	larder kb lint --dry-run --json >dry
	same "$(model_calls m)" 0
	all=$(json dry .unjudged)
	LARDER_LLM_BUDGET_CALLS=1 larder kb lint --json >out 2>err
	same "$(model_calls m)" 1
	same "$(json out .unjudged)" $((all - 1))
	has err "budget of 1 calls"
	larder kb lint --pairs 1 -q 2>err
	same "$(model_calls m)" 2
	larder kb lint --json >out
	same "$(json out .judged)" $((all - 2))
	larder kb lint -q
	same "$(model_calls m)" "$all"
	exits 2 larder kb lint --pairs 99999
'

ok 'a key that is refused ends the asking, nonsense that of one pair; the other findings are told' '
	copy_kb "only - text:{\"no\":1}" "* - text:{\"contradictions\":[]}"
	larder kb lint --json >out 2>err || same $? 1
	only=$(sqlite3 k/.larder/state.db "SELECT count(*) FROM (SELECT 1 FROM kb_page_doc GROUP BY page_id HAVING count(*) > 1)")
	same "$(json out .unjudged)" "$only"
	[ "$(json out .judged)" -gt 0 ]
	has err "$only pairs of pages were not compared"
	model_plan m "* - status:401"
	exits 4 larder kb lint -q
	printf "\n[[concepts/no-such]]\n" >>k/wiki/concepts/checkpoint-interval.md
	exits 1 larder kb lint --json >out 2>err
	same "$(json out "[.findings[] | select(.check == \"broken-link\")] | length")" 1
'

ok 'killed while it asks, what was answered stays answered' '
	copy_kb "only - wait:20000:{\"contradictions\":[]}" "* - text:{\"contradictions\":[]}"
	larder kb lint -q &
	pid=$!
	all=$(larder kb lint --dry-run --json | json "(.unjudged + .judged_before)")
	only=$(sqlite3 k/.larder/state.db "SELECT count(*) FROM (SELECT 1 FROM kb_page_doc GROUP BY page_id HAVING count(*) > 1)")
	wait_for "[ \$(sqlite3 -readonly k/.larder/state.db \"SELECT count(*) FROM kb_judged\") = $((all - only)) ]"
	kill -KILL $pid
	wait $pid || :
	model_plan m "* - text:{\"contradictions\":[]}"
	larder kb lint --json >out
	same "$(json out .judged)" "$only"
	larder kb doctor -q
'
