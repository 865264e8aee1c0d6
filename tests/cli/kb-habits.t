#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What users of earlier programs of this kind rely on, in small things.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"
. "$SOURCE/tests/llm.sh"

ok 'who may read a file is for the umask to say, and then for a person' '
	new_kb k
	write_docs docs
	(umask 027 && larder kb add docs/a.md docs/c.txt -q)
	same "$(stat -c %a k/raw/a.md k/wiki/sources/a.md k/wiki/summaries/a.md | sort -u)" 640
	chmod 600 k/wiki/concepts/write-ahead-log.md
	chmod 604 k/raw/c.txt k/wiki/sources/c.md
	larder kb add docs/b.md -q
	has k/wiki/concepts/write-ahead-log.md "## From [[summaries/b]]"
	same "$(stat -c %a k/wiki/concepts/write-ahead-log.md)" 600
	echo "Cold soil is measured with the same thermometer." >>docs/c.txt
	larder kb add docs/c.txt -q
	has k/wiki/sources/c.md "Cold soil"
	same "$(stat -c %a k/raw/c.txt k/wiki/sources/c.md | sort -u)" 604
'

ok 'what stands in the way of a file is told, and once it is gone the file is there' '
	new_kb k
	write_docs docs
	rmdir k/raw k/wiki/entities
	echo "mine" >k/raw
	echo "mine too" >k/wiki/entities
	exits 3 larder kb add docs/a.md 2>err
	has err "saved, but not all files are in place yet"
	same "$(cat k/raw k/wiki/entities)" "mine
mine too"
	rm k/raw k/wiki/entities
	larder kb list -q
	cmp docs/a.md k/raw/a.md
	[ -s k/wiki/entities/Acme-Database.md ]
	larder kb doctor -q
	same "$(ls -A k/.larder/staging)" ""
'

ok 'a name keeps the letters of all scripts; of one without any it is document' '
	new_kb k
	write_docs docs
	mv docs/a.md "docs/数据 库 (v2).md"
	mv docs/b.md "docs/!!!.md"
	larder kb add docs --json | json "[.documents[].document] | join(\" \")" >names
	same "$(cat names)" "document c d e 数据-库-v2"
	[ -f "k/wiki/summaries/数据-库-v2.md" ]
	larder kb remove "数据-库-v2" -y -q
'

ok 'removing one leaves its namesakes, links of others to nothing, and on request pages that nobody feeds' '
	new_kb k
	write_docs docs
	cp docs/a.md rep.md
	sed "s/Storage/Other storage/" docs/a.md >rep-2.md
	larder kb add rep.md rep-2.md docs/b.md -q
	printf "\nA link of mine to [[concepts/ghost]].\n" >>k/wiki/concepts/checksum.md
	larder kb remove rep -y -q
	has k/wiki/index.md "- [[summaries/rep-2]]"
	has k/wiki/concepts/write-ahead-log.md "## From [[summaries/rep-2]]"
	! grep -r "summaries/rep\]\]" k/wiki/concepts k/wiki/entities k/wiki/index.md
	has k/wiki/concepts/checksum.md "[[concepts/ghost]]"
	larder kb remove b -y -q
	larder kb remove rep-2 --keep-empty -y -q
	[ -f k/wiki/concepts/page-cache.md ]
	hasnt k/wiki/concepts/page-cache.md rep-2
	has k/wiki/index.md "concepts/page-cache"
'

ok 'who says no at the prompt removes nothing' '
	command -v script >/dev/null || skip "script is not installed"
	new_kb k
	write_docs docs
	larder kb add docs/a.md -q
	tree k >before
	echo n | script -qec "larder kb remove a" /dev/null >said || :
	has said "wiki/summaries/a.md"
	has said "nothing was removed"
	tree k | cmp - before
	echo y | script -qec "larder kb remove a" /dev/null >said
	[ ! -e k/wiki/summaries/a.md ]
'

ok 'settings count, and what they cannot be is told with its line' '
	new_kb k
	set_to() { sed -i "/^$1:/d" k/.larder/kb.yaml; echo "$1: $2" >>k/.larder/kb.yaml; }
	set_to pageindex_threshold 1
	larder kb add "$SOURCE/tests/data/office/report.pdf" -q
	same "$(larder kb list --json | json ".documents[0] | .type + \" \" + .doc_type")" "long_pdf pageindex"
	[ -f k/wiki/sources/report.json ]
	has k/wiki/summaries/report.md "doc_type: pageindex"
	for wrong in "jobs: many" "jobs: 65" "pageindex_threshold: 0" "entity_types: ship"; do
		cp k/.larder/kb.yaml kept
		set_to "${wrong%%:*}" "${wrong#*: }"
		exits 2 larder kb status 2>err
		grep -q "kb.yaml., line [0-9]*: " err
		mv kept k/.larder/kb.yaml
	done
	exits 2 env LARDER_KB_JOBS=x larder kb status
'

ok 'kinds of entities are those of the settings; another is other' '
	new_kb k
	write_docs docs
	sed -i "s/^entity_types:.*/entity_types: [ship, \"deep sea\"]/" k/.larder/kb.yaml
	point() { printf "{\"text\":\"It is said.\",\"section\":0,\"quote\":\"The write-ahead log records every change first\"}"; }
	start_model m "Summarise - text:{\"description\":\"Of logs.\",\"points\":[$(point)],\"sections\":[]}" \
		"nearest - text:{\"pages\":[{\"kind\":\"entity\",\"title\":\"Argo\",\"type\":\"SHIP\"},{\"kind\":\"entity\",\"title\":\"Abyss\",\"type\":\"Deep Sea\"},{\"kind\":\"entity\",\"title\":\"Ann\",\"type\":\"person\"}]}" \
		"feed: - text:{\"pages\":[{\"page\":0,\"points\":[$(point)]},{\"page\":1,\"points\":[$(point)]},{\"page\":2,\"points\":[$(point)]}]}"
	larder kb add docs/a.md -q
	has m.log "(types: ship, deep sea, other)"
	has k/wiki/entities/Argo.md "type: \"Ship\""
	has k/wiki/entities/Abyss.md "type: \"Deep Sea\""
	has k/wiki/entities/Ann.md "type: \"Other\""
'

ok 'of a document of the oldest kind, known by name and type, a new version takes the place' '
	mkdir -p w/raw w/wiki/sources w/wiki/summaries w/.openkb
	echo "old text of the notes on otters" >w/raw/notes.txt
	cp w/raw/notes.txt w/wiki/sources/notes.md
	printf -- "---\ndoc_type: short\nfull_text: sources/notes.md\n---\n\n# Notes\n" >w/wiki/summaries/notes.md
	printf "{\"%s\": {\"name\": \"notes.txt\", \"type\": \"txt\"}}" "$(sha256sum <w/raw/notes.txt | cut -c 1-64)" >w/.openkb/hashes.json
	larder kb import w -q
	echo "new text of the notes on otters that swim" >notes.txt
	larder kb add notes.txt --kb w --json | json .updated | grep -qx 1
	same "$(larder kb list --kb w --json | json "[.documents[] | .document + \" \" + .path] | join(\",\")")" "notes $PWD/notes.txt"
	cmp notes.txt w/raw/notes.txt
	same "$(ls w/raw)" notes.txt
'
