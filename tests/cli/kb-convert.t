#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Conversion in a child: HTML, tables, real documents; and what is damaged, empty, huge or hostile.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"
policy=/usr/share/doc/debian-policy
reference=/usr/share/developers-reference
export policy reference

ok 'the main content of a page becomes Markdown' '
	new_kb k
	cat >page.html <<-END
		<!DOCTYPE html><html><head><title>Site: The page</title><style>p{}</style></head><body>
		<nav><a href="/">Home</a> Navigation words</nav>
		<div class="side sidebar">Sidebar words</div>
		<main><h1>The page<a class="headerlink" href="#x">¶</a></h1>
		<p>First <b>bold</b> and <code>code()</code> with a <a href="https://example.org/x">link</a> &amp; 1 &lt; 2.</p>
		<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul><ol><li>first</li><li>second</li></ol>
		<h2>Table</h2><table><tr><th>A</th><th>B|C</th></tr><tr><td>1</td><td>x<br>y</td></tr></table>
		<pre>if [[ -f x ]]; then
		  echo "</pre>
		<blockquote><p>quoted words</p></blockquote>
		<dl><dt>Term</dt><dd>Its meaning.</dd></dl>
		<p>Shell has [[ brackets.</p><script>evil()</script>
		</main><footer>Footer words</footer></body></html>
	END
	larder kb add page.html -q
	f=k/wiki/sources/page.md
	same "$(head -n 1 $f)" "# The page"
	has $f "First **bold** and \`code()\` with a [link](https://example.org/x) & 1 \\< 2."
	grep -qx -e "- one" $f && grep -qx -e "  - inner" $f && grep -qx -e "- two" $f && grep -qx "2. second" $f
	has $f "| A | B\\|C |"
	has $f "| --- | --- |"
	has $f "| 1 | x y |"
	has $f "> quoted words"
	has $f "**Term**"
	has $f "Shell has \\[[ brackets."
	for w in Navigation Sidebar Footer evil ¶; do hasnt $f "$w"; done
	same "$(larder kb list --json | json ".documents[0].title")" "The page"
	larder kb lint --dry-run -q
'

ok 'a picture that stands in the page itself is kept, one that is none leaves its words' '
	new_kb k
	printf "<p>Some words around a picture <img alt=dot src=\"data:image/png;base64,aGVs\nbG8=\"> and <img alt=\"svg\" src=\"data:image/svg+xml;base64,PHN2Zy8+\">, then <img alt=bad src=\"data:image/png;base64,@@@@\"> and <img alt=text src=\"data:text/html;base64,aGVsbG8=\">.</p>" >page.html
	larder kb add page.html -q
	has k/wiki/sources/page.md "picture ![dot](sources/images/page/img_001.png) and ![svg](sources/images/page/img_002.svg), then bad and text."
	same "$(cat k/wiki/sources/images/page/img_001.png)" hello
	same "$(ls k/wiki/sources/images/page | wc -l)" 2
	larder kb lint --dry-run -q
	larder kb remove page -y -q
	[ ! -e k/wiki/sources/images/page ]
'

ok 'a small table is shown, a large one is described' '
	new_kb k
	printf "name;age\n\"O\"\"Neil; J\";4\r\n\"two\nlines\";\n" >small.csv
	{ echo "id,city,note"; seq 1 1000 | sed "s/.*/&,City&,/"; } >large.csv
	printf "a\tb\n1\t2\n" >t.tsv
	larder kb add small.csv large.csv t.tsv -q
	has k/wiki/sources/small.md "| O\"Neil; J | 4 |"
	has k/wiki/sources/small.md "| two lines |  |"
	has k/wiki/sources/large.md "A table of 1000 rows and 3 columns."
	has k/wiki/sources/large.md "- **id**: numbers from 1 to 1000"
	has k/wiki/sources/large.md "- **city**: text, such as City1, City2"
	has k/wiki/sources/large.md "1000 empty"
	[ "$(wc -l <k/wiki/sources/large.md)" -lt 60 ]
	has k/wiki/sources/t.md "| 1 | 2 |"
'

ok 'what cannot be converted has a clear outcome, and leaves nothing' '
	new_kb k
	mkdir d
	: >d/empty.html
	echo "<html><body><script>x</script></body></html>" >d/notext.html
	printf "\377\376\0\0" >d/bin.txt
	printf ",,\n,,\n" >d/blank.csv
	tree k >before
	exits 1 larder kb add d --json >out
	same "$(json out .failed)" 4
	json out "[.documents[].reason] | join(\"\n\")" >reasons
	same "$(grep -c "^empty: there is no text" reasons)" 3
	grep -q "^damaged: " reasons
	tree k | cmp - before
	same "$(ls -A k/.larder/staging)" ""
'

ok 'nesting without end, and a converter that dies, cost one document' '
	new_kb k
	deep() { printf "<p>some words before it all</p>"; yes "$1" | head -n "$2" | tr -d "\n"; echo "words within"; }
	deep "<div>" 60000 >div.html
	deep "<ul><li>" 50000 >ul.html
	deep "<div>" 600 >most.html
	deep "<p>" 50000 >flat.html
	yes "> " | head -n 50000 | tr -d "\n" >quote.md
	echo "deep words of a quote" >>quote.md
	yes "[[a" | head -n 50000 | tr -d "\n" >links.md
	echo "<p>These are some words of a page that is fine.</p>" >fine.html
	exits 1 larder kb add div.html ul.html most.html flat.html quote.md links.md fine.html --json >out 2>err
	same "$(json out "[.documents[].outcome] | join(\" \")")" "failed failed added added added added added"
	json out "[.documents[0,1].reason] | join(\" \")" | grep -qx "too_large: its elements nest more than 4096 deep too_large: its elements nest more than 4096 deep"
	json out ".documents[2].notes[0]" | grep -q "more than 512"
	printf "#!/bin/sh\nkill -SEGV \$\$\n" >dies
	chmod +x dies
	echo "<p>These are other words of a page that is fine.</p>" >other.html
	exits 1 env LARDER_CONVERT=$PWD/dies larder kb add other.html --json >out
	json out ".documents[0].reason" | grep -q "signal 11"
	printf "#!/bin/sh\nexit 0\n" >dies
	exits 1 env LARDER_CONVERT=$PWD/dies larder kb add other.html --json >out
	json out ".documents[0].reason" | grep -q "no result"
	exits 1 env LARDER_CONVERT=$PWD/nowhere larder kb add other.html 2>err
	has err larder-convert
	same "$(ls -A k/.larder/staging)" ""
'

ok 'what a converter writes is not trusted' '
	new_kb k
	cat >evil <<-\END
		#!/bin/sh
		cd "$3" || exit 1
		echo "![a](images/ok.png) ![b](images/.hidden) some words of a text that is long enough" >document.md
		echo ok >images/ok.png
		echo no >images/.hidden
		echo no >"images/b c.png"
		ln -s /etc/passwd images/link.png
		echo "{\"outcome\":\"ok\",\"title\":\"T\",\"pages\":3}" >result.json
	END
	chmod +x evil
	echo x >p.html
	LARDER_CONVERT=$PWD/evil larder kb add p.html -q
	same "$(ls -A k/wiki/sources/images/p)" ok.png
	has k/wiki/sources/p.md "](sources/images/p/ok.png)"
'

ok 'the converter reads its file, writes its folder and reaches nothing else' '
	new_kb k
	echo secret >secret.txt
	cat >peek <<-\END
		#!/bin/sh
		cd "$3" || exit 1
		{ cat "$PEEK/secret.txt" && echo read; } >peek.out 2>&1
		{ echo x >"$PEEK/written"; } 2>/dev/null
		env >>peek.out
		{ cat peek.out; echo "some words of a text that is long enough"; } >document.md
		echo "{\"outcome\":\"ok\"}" >result.json
	END
	chmod +x peek
	echo x >p.html
	sed -i "s|\$PEEK|$PWD|" peek
	LARDER_LLM_KEY=top-of-all LARDER_CONVERT=$PWD/peek larder kb add p.html -q
	hasnt k/wiki/sources/p.md top-of-all
	hasnt k/wiki/sources/p.md secret$
	[ ! -e written ]
	grep -q "^read" k/wiki/sources/p.md && skip "no Landlock in this kernel" || :
'

ok 'the Debian policy, as HTML and as text: added, asked, linted, removed again' '
	[ -d $policy/policy.html ] || skip "debian-policy is not installed"
	new_kb k
	mkdir d
	cp $policy/policy.html/ch-relationships.html $policy/policy.html/ch-maintainerscripts.html $policy/policy.html/ch-docs.html d
	gzip -dc $policy/perl-policy.txt.gz >d/perl-policy.txt
	gzip -dc $policy/policy.html/_sources/ch-files.rst.txt.gz >d/ch-files.txt 2>/dev/null || cp $policy/policy.html/_sources/ch-files.rst.txt d/ch-files.txt
	tree k >before
	larder kb add d --json >out
	same "$(json out .added)" 5
	larder kb query "Which script is called before a package is unpacked?" --json >answer
	json answer "[.passages[].text] | join(\" \")" | grep -q "preinst"
	json answer ".passages[0].citation" | grep -q "^\[\[sources/ch-"
	larder kb search virtual package --json | json ".hits | length > 3" | grep -qx true
	larder kb lint --json >lint
	same "$(json lint .clean)" true
	rm k/wiki/reports/*
	for d in perl-policy ch-docs ch-files ch-relationships ch-maintainerscripts; do larder kb remove $d -y -q; done
	tree k | diff before -
'

ok 'the reference of Debian developers, in four formats: added, asked, linted, removed again' '
	[ -r $reference/developers-reference.pdf ] || skip "developers-reference is not installed"
	new_kb k
	mkdir d
	cp $reference/pkgs.html $reference/developers-reference.pdf d
	cp $reference/developers-reference.epub d/book.epub
	gzip -dc $reference/developers-reference.txt.gz >d/text.txt
	tree k >before
	larder kb add d --json >out
	same "$(json out .added)" 4
	for d in pkgs developers-reference book text; do
		grep -qi wnpp k/wiki/sources/$d.* || { echo "nothing of $d"; exit 1; }
	done
	larder kb query "How is a package orphaned?" --json >answer
	json answer "[.passages[].text] | join(\" \")" | grep -qi orphan
	larder kb lint --json >lint
	same "$(json lint .clean)" true
	rm k/wiki/reports/*
	for d in pkgs developers-reference book text; do larder kb remove $d -y -q; done
	tree k | diff before -
'

ok 'a page of the web is added by its URL, and known by it' '
	new_kb k
	mkdir www
	echo "<html><body><h1>Guide</h1><p>The guide explains how to feed otters in winter.</p></body></html>" >www/guide.html
	: >www.plan
	start_faulty www
	larder kb add $FAULTY_URL/guide.html --json >out || { cat out www.log; exit 1; }
	same "$(json out ".documents[0].document")" guide
	has k/wiki/sources/guide.md "feed otters"
	same "$(larder kb list --json | json ".documents[0].path")" "$FAULTY_URL/guide.html"
	larder kb add $FAULTY_URL/guide.html --json | json .skipped | grep -qx 1
	exits 1 larder kb add $FAULTY_URL/nowhere.html --json >out
	same "$(json out ".documents[0].stage")" fetch
	same "$(ls -A k/.larder/staging)" ""
	exits 75 larder kb add http://127.0.0.1:1/x.html -q
'

ok 'what a page of the web is, its first bytes say; what it is called, its address' '
	new_kb k
	mkdir -p www/sub "www/a b"
	cp "$SOURCE/tests/data/office/report.pdf" www/paper
	page() { echo "<html><body><h1>Guide</h1><p>The guide explains how to feed otters in $1.</p></body></html>" >"$2"; }
	page winter www/page.txt
	page summer www/sub/page.html
	page autumn "www/a b/Über uns.html"
	: >www.plan
	start_faulty www
	larder kb add $FAULTY_URL/paper $FAULTY_URL/page.txt "$FAULTY_URL/sub/page.html?x=1#top" "$FAULTY_URL/a%20b/%C3%9Cber%20uns.html" -q
	suffix=$(printf %s "$FAULTY_URL/sub/page.html?x=1#top" | sha256sum | cut -c 1-8)
	same "$(ls k/raw | tr "\n" " ")" "page-$suffix.html page.html paper.pdf Über-uns.html "
	tree k >before
	larder kb add $FAULTY_URL/paper $FAULTY_URL/page.txt --json | json .skipped | grep -qx 2
	tree k | cmp - before
	same "$(ls -A k/.larder/staging)" ""
'
