#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Office files (tests/data/office: made by LibreOffice from the flat sources beside them), PDF and EPUB; and
# those that are encrypted, cut, scanned, empty or bombs.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"
office=$SOURCE/tests/data/office
policy=/usr/share/doc/debian-policy
export office policy

ok 'Word: headings, lists, a table, a link, a note and a picture' '
	new_kb k
	larder kb add "$office/report.docx" -q
	f=k/wiki/sources/report.md
	for line in "# The harvest" "## What was sown" "- Wheat" "   - winter wheat" "1. Plough" "3. Reap" "| Wheat | 1200 |" \
		"| Crop | Tons \\| total |"; do
		grep -qxF -e "$line" $f || { echo "no line: $line"; cat $f; exit 1; }
	done
	has $f "Wheat was **very good** and rye *fair*; see [the fields](https://example.com/fields).[^2]"
	has $f "[^2]: Counted in August."
	has $f "![A red dot](sources/images/report/image1.png)"
	[ -s k/wiki/sources/images/report/image1.png ]
	same "$(larder kb list --json | json ".documents[0].title")" "Harvest report"
	larder kb lint --dry-run -q
'

ok 'PowerPoint: a page a slide, with its title, levels and notes' '
	new_kb k
	larder kb add "$office/deck.pptx" -q
	f=k/wiki/sources/deck.md
	for line in "## Why we sow early" "- Rain comes in March" "  - most of it" "> Mention the flood of 1998." \
		"<!-- page 2 -->" "## What it costs"; do
		grep -qxF -e "$line" $f || { echo "no line: $line"; cat $f; exit 1; }
	done
'

ok 'Excel: a table a sheet, with dates, numbers and results of formulas' '
	new_kb k
	larder kb add "$office/yields.xlsx" -q
	f=k/wiki/sources/yields.md
	for line in "# Yields" "| Field | Reaped | Tons |" "| North, upper | 2024-08-15 | 12.5 |" "| South |  | 7 |" "# Notes" "| dry year |"; do
		grep -qxF -e "$line" $f || { echo "no line: $line"; cat $f; exit 1; }
	done
'

ok 'PDF: text by page, headings by their size' '
	new_kb k
	larder kb add "$office/report.pdf" -q
	f=k/wiki/sources/report.md
	for line in "<!-- page 1 -->" "# The harvest" "## What was sown" "# Figures"; do
		grep -qxF -e "$line" $f || { echo "no line: $line"; cat $f; exit 1; }
	done
	has $f "Wheat was very good and rye fair"
'

ok 'old Word and Excel files through catdoc' '
	command -v catdoc >/dev/null || skip "catdoc is not installed"
	new_kb k
	larder kb add "$office/report.doc" "$office/yields.xls" -q
	has k/wiki/sources/report.md "Wheat was very good and rye fair"
	has k/wiki/sources/yields.md "| dry year |"
'

ok 'a whole manual as PDF and as EPUB, asked and taken out again' '
	[ -r $policy/policy.pdf.gz ] && [ -r $policy/policy.epub ] || skip "debian-policy is not installed"
	new_kb k
	tree k >before
	zcat $policy/policy.pdf.gz >policy.pdf
	cp $policy/policy.epub book.epub
	larder kb add policy.pdf book.epub -q
	same "$(json k/wiki/sources/policy.json length)" 193
	larder kb show policy --json >tree
	same "$(json tree "[.sections[] | select(.title | startswith(\"3.2.2\"))][0] | [.level, .first_page, .last_page] | join(\",\")")" "4,24,25"
	json tree "[.sections[] | select(.summary != null)] | length > 200" | grep -qx true
	grep -q "^ *- \[\[sources/policy#.*(p. [0-9]*-[0-9]*): [A-Z]" k/wiki/summaries/policy.md
	jq -e "any(.[]; .content | test(\"(^|\\n)#+ 1.1 Scope\"))" k/wiki/sources/policy.json
	grep -q "## 1.1. Scope" k/wiki/sources/book.*
	larder kb query "Where do maintainer scripts ask questions?" --json >answer
	grep -qi debconf answer
	larder kb lint --dry-run -q
	larder kb remove policy -q
	larder kb remove book -q
	tree k >after
	cmp before after
'

# refused WORD FILE: it is not added, says why with that word, and leaves nothing.
refused() {
	tree k >before
	exits 1 larder kb add "$2" --json >said 2>said.err
	grep -q "\"reason\":\"$1: " said || { cat said said.err; return 1; }
	tree k >after
	cmp before after
}

ok 'what wants a password is encrypted' '
	new_kb k
	qpdf --encrypt secret secret 256 -- "$office/report.pdf" locked.pdf
	refused encrypted locked.pdf
	{ printf "\320\317\021\340\241\261\032\341"; head -c 600 /dev/zero; printf "EncryptedPackage" | sed "s/./&\n/g" | tr "\n" "\0"; } >locked.docx
	refused encrypted locked.docx
	mkdir -p META-INF
	echo "<encryption><EncryptedData><CipherData><CipherReference URI=\"a.xhtml\"/></CipherData></EncryptedData></encryption>" >META-INF/encryption.xml
	zip -q locked.epub META-INF/encryption.xml
	refused encrypted locked.epub
'

ok 'what is cut or no such file is damaged' '
	new_kb k
	head -c 4000 "$office/report.docx" >cut.docx
	echo "not an archive" >text.xlsx
	echo "not a PDF" >text.pdf
	cp "$office/yields.xlsx" wrong.docx
	mkdir word
	echo "<w:document><w:body><w:p>" >word/document.xml
	zip -q torn.docx word/document.xml
	for f in cut.docx text.xlsx text.pdf wrong.docx torn.docx; do refused damaged $f || { echo "$f"; exit 1; }; done
'

# pdf PAGES CONTENT: a PDF of so many pages; poppler finds its objects by itself.
pdf() {
	awk -v n="$1" -v content="$2" "BEGIN {
		print \"%PDF-1.4\\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\"
		printf \"2 0 obj <</Type/Pages/Count %d/Kids[\", n
		for (i = 0; i < n; i++) printf \"%d 0 R \", 10 + 2 * i
		print \"]>> endobj\\n3 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj\"
		for (i = 0; i < n; i++) {
			c = content
			sub(/PAGE/, i + 1, c)
			printf \"%d 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>> endobj\\n\", 10 + 2 * i, 11 + 2 * i
			printf \"%d 0 obj <</Length %d>> stream\\n%s\\nendstream endobj\\n\", 11 + 2 * i, length(c), c
		}
		print \"trailer <</Root 1 0 R>>\"
	}"
}

ok 'pages without text are scanned, a text without words is empty' '
	new_kb k
	pdf 3 "0 0 100 100 re f" >scan.pdf
	refused scanned scan.pdf
	mkdir word
	echo "<w:document><w:body><w:p/></w:body></w:document>" >word/document.xml
	zip -q empty.docx word/document.xml
	refused empty empty.docx
'

ok 'ten thousand pages are added, each under its number' '
	new_kb k
	pdf 10000 "BT /F 12 Tf 50 700 Td (This is sheet PAGE of the long book) Tj ET" >long.pdf
	larder kb add long.pdf -q
	same "$(json k/wiki/sources/long.json length)" 10000
	json k/wiki/sources/long.json ".[9998] | select(.page == 9999).content" | grep "This is sheet 9999 of the long book"
'

ok 'bombs are too large, or damaged, and nothing suffers' '
	new_kb k
	mkdir word
	head -c 80000000 /dev/zero >word/document.xml
	zip -q bomb.docx word/document.xml
	refused too_large bomb.docx
	{
		echo "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
		echo "<w:document><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>"
	} >word/document.xml
	zip -q entities.docx word/document.xml
	refused damaged entities.docx
	{ awk "BEGIN { for (i = 0; i < 300; i++) printf \"<w:tbl><w:tr><w:tc>\" }"; } >word/document.xml
	zip -q deep.docx word/document.xml
	refused damaged deep.docx
	larder kb add "$office/report.docx" -q
'
