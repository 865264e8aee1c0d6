#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A knowledge base from outside: init, add, list, status, remove.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"

ok 'init makes a knowledge base once, and never out of a workspace' '
	larder kb init k --language de --json >out
	same "$(json out .made)" true
	for f in raw wiki/index.md wiki/log.md wiki/AGENTS.md wiki/summaries wiki/concepts wiki/entities \
		wiki/explorations wiki/reports wiki/sources/images; do [ -e "k/$f" ]; done
	has k/.larder/kb.yaml "language: de"
	echo mine >k/wiki/AGENTS.md
	larder kb init k --json >out
	same "$(json out ".made")" false
	same "$(cat k/wiki/AGENTS.md)" mine
	mkdir -p ws/.larder
	echo x >ws/.larder/config.yaml
	exits 3 larder kb init ws 2>err
	has err "is a workspace"
	exits 2 larder kb init k --language ""
'

ok 'the knowledge base is the one that was named, or the one around; never another' '
	exits 1 larder kb list 2>err
	has err "there is no knowledge base here"
	has err "next: make one"
	larder kb init k -q
	(cd k/wiki/concepts && larder kb status --json) >out
	same "$(json out .kb)" "$PWD/k"
	LARDER_KB=k larder kb status -q
	exits 1 larder kb list --kb nowhere
	exits 1 env LARDER_KB=nowhere larder kb list
	(cd k && exits 1 env LARDER_KB=nowhere larder kb list)
'

ok 'documents become pages that link to each other and to where it stands' '
	new_kb k
	write_docs docs
	larder kb add docs --json >out
	same "$(json out "[.added, .skipped, .failed] | @csv")" 5,0,0
	same "$(json out "[.documents[].document] | join(\" \")")" "a b c d e"
	larder kb list --json | json "[.documents[] | .document + \".\" + .type] | join(\" \")" >list
	same "$(cat list)" "a.md b.md c.txt d.md e.md"
	cmp docs/a.md k/raw/a.md
	cmp docs/c.txt k/raw/c.txt
	cmp docs/a.md k/wiki/sources/a.md
	sed -n 1,6p k/wiki/summaries/a.md >head
	printf "%s\n" --- "type: \"Summary\"" >want
	head -n 2 head | cmp - want
	has head "doc_type: short"
	has head "full_text: \"sources/a.md\""
	has k/wiki/summaries/a.md "[[sources/a#Write-ahead log]]"
	has k/wiki/summaries/a.md "## Related Concepts"
	has k/wiki/concepts/write-ahead-log.md "sources: [\"summaries/e.md\", \"summaries/b.md\", \"summaries/a.md\"]"
	has k/wiki/concepts/write-ahead-log.md "## From [[summaries/b]]"
	has k/wiki/concepts/write-ahead-log.md "- [[summaries/e]]"
	has k/wiki/entities/Acme-Database.md "type: \"Other\""
	has k/wiki/index.md "- [[summaries/a]] (short) — "
	has k/wiki/index.md "- [[concepts/write-ahead-log]] — "
	has k/wiki/index.md "- [[entities/Acme-Database]] (other) — "
	grep -qE "^## \[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\] ingest \| a.md$" k/wiki/log.md
	same "$(ls -A k/.larder/staging)" ""
'

ok 'however many prepare at once, the wiki is that of a serial run' '
	write_docs docs
	for jobs in 1 8; do
		larder kb init k$jobs -q
		LARDER_KB=k$jobs larder kb add docs --jobs $jobs -q
		tree k$jobs >tree$jobs
	done
	cmp tree1 tree8
'

ok 'what is known is skipped, what has changed is updated in its place' '
	new_kb k
	write_docs docs
	larder kb add docs -q
	tree k >before
	larder kb add docs --json >out
	same "$(json out "[.added, .updated, .skipped] | @csv")" 0,0,5
	json out ".documents[0].reason" | grep -q "known as .a."
	tree k | cmp - before
	cp docs/a.md copy.md
	larder kb add copy.md --json >out
	same "$(json out .skipped)" 1
	cp docs/a.md old
	echo "Snapshots are copies of a snapshot store. A snapshot store keeps each snapshot." >>docs/a.md
	larder kb add docs --json >out
	same "$(json out "[.added, .updated, .skipped] | @csv")" 0,1,4
	has k/raw/a.md Snapshots
	same "$(larder kb list --json | json ".documents | length")" 5
	cp old docs/a.md
	larder kb add docs/a.md -q
	tree k | cmp - before
'

ok 'the same content twice in one batch is added once' '
	new_kb k
	echo "# One\n\nSome words that are the same in both files here." >a.md
	cp a.md b.md
	larder kb add a.md b.md --json >out
	same "$(json out "[.added, .skipped] | @csv")" 1,1
	json out ".documents[1].reason" | grep -q "that of .a.md."
'

ok 'of the same name the later one gets a suffix, in the order of the batch' '
	new_kb k
	mkdir x y z
	echo "The first of the files of that name has these words." >x/same.md
	echo "The second of the files of that name has other words." >y/same.md
	echo "The third, of another type, has yet other words in it." >z/same.txt
	larder kb add x/same.md y/same.md z/same.txt --jobs 3 --json >out
	suffix() { printf %s "$PWD/$1" | sha256sum | cut -c 1-8; }
	same "$(json out "[.documents[].document] | join(\" \")")" \
		"same same-$(suffix y/same.md) same-$(suffix z/same.txt)"
	[ -f k/raw/same.md ] && [ -f "k/raw/same-$(suffix z/same.txt).txt" ]
'

ok 'a name with its suffix may be taken, too; then it is longer' '
	new_kb k
	mkdir x y
	hash=$(printf %s "$PWD/y/same.md" | sha256sum)
	echo "The first of the files of that name has these words." >x/same.md
	echo "The second has the name that the third would get, by chance." >"x/same-$(printf %.8s "$hash").md"
	echo "The third of the files of that name has yet other words." >y/same.md
	larder kb add x y/same.md --json >out
	same "$(json out "[.documents[].document] | join(\" \")")" \
		"same-$(printf %.8s "$hash") same same-$(printf %.16s "$hash")"
'

ok 'pages that a document does not feed are not written' '
	new_kb k
	write_docs docs
	larder kb add docs/a.md docs/b.md -q
	find k/wiki -name "*.md" ! -name index.md ! -name log.md -printf "%i %T@ %p\n" | sort >before
	larder kb add docs/c.txt -q
	find k/wiki -name "*.md" ! -name index.md ! -name log.md -printf "%i %T@ %p\n" | sort >after
	same "$(comm -23 before after)" ""
	[ "$(comm -13 before after | wc -l)" -ge 2 ]
'

ok 'a name is that of a serial run also when an earlier one of the name fails' '
	new_kb k
	mkdir x y
	printf "\0\0\0" >x/same.md
	echo "The second of the files of that name has these words." >y/same.md
	exits 1 larder kb add x/same.md y/same.md --jobs 2 --json >out
	same "$(json out "[.added, .failed] | @csv")" 1,1
	same "$(json out ".documents[1].document")" same
	same "$(json out ".documents[0].class")" corrupt
	[ -f k/wiki/summaries/same.md ]
'

ok 'one that fails stops nobody, says why, and is not exit 0' '
	new_kb k
	write_docs docs
	: >docs/empty.txt
	echo x >docs/picture.png
	exits 1 larder kb add docs nowhere.md docs/picture.png --json >out 2>err
	same "$(json out "[.added, .failed] | @csv")" 5,3
	json out ".documents[] | select(.outcome == \"failed\") | .input + \": \" + .stage" >failed
	has failed "docs/empty.txt: convert"
	has failed "nowhere.md: scan"
	has failed "docs/picture.png: scan"
	has err "warning: "
	has err "nowhere.md"
'

ok 'pictures of a Markdown file come along, and only from beside it' '
	new_kb k
	mkdir -p d/img
	printf picture >d/img/a.png
	printf blank >"d/c d.png"
	printf other >d/b.png
	echo secret >secret.png
	cat >d/doc.md <<-END
		# Pictures of things

		Here is a picture ![one](img/a.png) and again ![two](img/a.png "title") and ![b](<b.png>) and ![c](c%20d.png).
		Not these: ![s](../secret.png) ![w](http://127.0.0.1:1/x.png) ![g](gone.png).
	END
	larder kb add d/doc.md 2>err
	has err "the picture .gone.png. is not there" || grep -q "gone.png" err
	has k/wiki/sources/doc.md "![one](sources/images/doc/a.png)"
	has k/wiki/sources/doc.md "![two](sources/images/doc/a.png \"title\")"
	has k/wiki/sources/doc.md "sources/images/doc/b.png"
	has k/wiki/sources/doc.md "![s](../secret.png)"
	same "$(ls k/wiki/sources/images/doc | tr "\n" " ")" "a.png b.png c_d.png "
	same "$(cat k/wiki/sources/images/doc/a.png)" picture
	larder kb remove doc -y -q
	[ ! -e k/wiki/sources/images/doc ]
'

ok 'after a removal the tree is the one of before' '
	new_kb k
	write_docs docs
	tree k >empty
	larder kb add docs/a.md docs/c.txt -q
	tree k >two
	larder kb add docs -q
	larder kb remove b --dry-run --json >plan
	same "$(json plan .dry_run)" true
	tree k >five
	larder kb remove b.md --yes --json >done
	json plan "[.deleted, .modified, .files] | tostring" >a
	json done "[.deleted, .modified, .files] | tostring" >b
	cmp a b
	larder kb remove d -y -q
	larder kb remove e -y -q
	tree k | diff two -
	larder kb remove a -y -q
	larder kb remove c.txt -y -q
	tree k | diff empty -
	same "$(larder kb status --json | json "[.documents, .summaries, .concepts, .entities, .sections, .links] | @csv")" 0,0,0,0,0,0
	grep -c "remove |" k/wiki/log.md | grep -qx 5
'

ok 'remove says which documents a word could mean' '
	new_kb k
	write_docs docs
	cp docs/a.md docs/notes-one.md
	echo "More words of the notes, which are others than before." >>docs/notes-one.md
	echo "Yet more words of the notes, which are others than before." >docs/notes-two.md
	larder kb add docs -q
	exits 3 larder kb remove notes -y 2>err
	has err "notes-one"
	has err "notes-two"
	exits 1 larder kb remove nothing -y 2>err
	has err "there is no document"
	exits 1 larder kb remove "" -y
	larder kb remove NOTES-T -y -q
	[ ! -e k/raw/notes-two.md ]
	larder kb remove notes-one --keep-raw -y -q
	[ -e k/raw/notes-one.md ]
	exits 3 larder kb add docs/notes-one.md 2>err
	has err "belongs to no document"
'

ok 'a page that was edited by hand is merged, and set aside when its part goes' '
	new_kb k
	write_docs docs
	larder kb add docs/a.md -q
	sed "s/^# Write-ahead log/&\n\nA sentence of my own./" k/wiki/concepts/write-ahead-log.md >new
	cat new >k/wiki/concepts/write-ahead-log.md
	has new "A sentence of my own."
	larder kb add docs/b.md --json >out
	has k/wiki/concepts/write-ahead-log.md "A sentence of my own."
	has k/wiki/concepts/write-ahead-log.md "## From [[summaries/b]]"
	echo "mine too" >>k/wiki/summaries/a.md
	larder kb remove a -y --json >out 2>err
	json out ".set_aside[]" >aside
	has aside reports/edited_
	grep -rqF "mine too" k/wiki/reports
	has k/wiki/concepts/write-ahead-log.md "A sentence of my own."
	hasnt k/wiki/concepts/write-ahead-log.md "## From [[summaries/a]]"
'

ok 'a dry run changes nothing and says what would be' '
	new_kb k
	write_docs docs
	tree k >before
	larder kb add docs --dry-run --json >out
	same "$(json out "[.documents[] | .outcome + \" \" + .document] | unique | length")" 5
	same "$(json out ".documents[0].outcome")" would_add
	tree k | cmp - before
'

ok 'what lies in raw/ is added where it lies' '
	new_kb k
	echo "These are some words about the winter garden in the snow." >"k/raw/My doc (v1).md"
	(cd k && LARDER_KB= larder kb add raw -q)
	larder kb list --json | json ".documents[0] | .raw + \" \" + .document" >out
	same "$(cat out)" "raw/My doc (v1).md My-doc-v1"
	same "$(ls k/raw)" "My doc (v1).md"
'

ok 'a document that is changed in raw/ is that document' '
	new_kb k
	write_docs docs
	larder kb add docs/a.md -q
	echo "Snapshots are kept in a snapshot store, as anyone would expect." >>k/raw/a.md
	larder kb add k/raw/a.md --json >out
	same "$(json out .updated)" 1
	same "$(larder kb list --json | json "[.documents[] | .raw + \" \" + .document] | join(\",\")")" "raw/a.md a"
	has k/wiki/sources/a.md Snapshots
	[ -f k/raw/a.md ]
	larder kb remove a -y -q
	[ ! -e k/raw/a.md ]
'
