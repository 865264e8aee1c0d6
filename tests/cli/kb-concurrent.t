#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Several at once on one knowledge base: writers, readers, and who was killed.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/kb.sh"

# DIR N: documents that share a concept, so that their pages meet.
make_docs() {
	mkdir -p "$1"
	for i in $(seq "$2"); do
		printf '# Report %s %s\n\nAt Acme Database page %s is in memory at once. With %s pages the memory of Acme Database is full.\n' \
			"$1" "$i" "$i" "$i" >"$1/$1-$i.md"
	done
}

ok 'two writers and four readers: nothing is lost, nobody sees half a document' '
	new_kb k
	make_docs red 12
	make_docs blue 12
	start one larder kb add red --jobs 2 --json
	one=$STARTED_PID
	start two larder kb add blue --jobs 2 --json
	two=$STARTED_PID
	for n in 1 2 3 4; do
		(
			while [ ! -f stop ]; do
				larder kb list --json >list$n && json list$n ".documents | length" >>counts$n
				larder kb search "memory" --json >search$n
				# who is listed is summarised
				larder kb status --json >status$n
				same "$(json status$n .documents)" "$(json status$n .summaries)"
			done
		) >reader$n 2>&1 || touch failed$n &
	done
	wait_for "gone $one && gone $two"
	touch stop
	wait
	cat reader* one.err two.err
	ls failed* 2>/dev/null && exit 1
	same "$(json one.out .added)" 12
	same "$(json two.out .added)" 12
	for n in 1 2 3 4; do sort -n counts$n | cmp - counts$n; done
	same "$(larder kb list --json | json "[.documents[].document] | unique | length")" 24
	same "$(grep -c "^## From" k/wiki/entities/Acme-Database.md)" 24
	same "$(grep -c "ingest |" k/wiki/log.md)" 24
	larder kb lint --dry-run -q
	larder kb doctor -q
	same "$(ls -A k/.larder/staging)" ""
'

ok 'a reader does not wait for an add' '
	new_kb k
	echo "<p>Some words about the winter garden in the snow.</p>" >slow.html
	printf "#!/bin/sh\nwhile [ ! -f %s/go ]; do sleep 0.05; done\nexec %s/larder-convert \"\$@\"\n" "$PWD" "$TEST_BIN" >slow
	chmod +x slow
	start add env LARDER_CONVERT=$PWD/slow larder kb add slow.html
	wait_for "ls k/.larder/staging | grep -q convert"
	larder kb list -q
	larder kb search winter -q
	echo "Other words about the summer garden in the sun." >fast.md
	larder kb add fast.md -q
	[ ! -f k/wiki/summaries/slow.md ]
	touch go
	wait_for "gone $STARTED_PID"
	[ -f k/wiki/summaries/slow.md ]
'

ok 'one that was killed holds nobody up, and what it had staged goes' '
	new_kb k
	echo "<p>Some words about the winter garden in the snow.</p>" >slow.html
	printf "#!/bin/sh\nwhile [ ! -f %s/go ]; do sleep 0.05; done\n" "$PWD" >slow
	chmod +x slow
	start add env LARDER_CONVERT=$PWD/slow larder kb add slow.html
	wait_for "ls k/.larder/staging | grep -q convert"
	echo "Other words about the summer garden in the sun." >fast.md
	larder kb add fast.md -q
	ls k/.larder/staging | grep -q convert
	kill -KILL $STARTED_PID
	wait_for "gone $STARTED_PID"
	larder kb doctor -q
	same "$(ls -A k/.larder/staging)" ""
'

ok 'SIGINT ends a batch between two documents; said again it goes on' '
	new_kb k
	make_docs red 6
	for i in 1 2 3; do echo "<p>Report number $i on the buffer pool and its pages.</p>" >red/z$i.html; done
	printf "#!/bin/sh\nwhile [ ! -f %s/go ]; do sleep 0.05; done\nexec %s/larder-convert \"\$@\"\n" "$PWD" "$TEST_BIN" >slow
	chmod +x slow
	start add env LARDER_CONVERT=$PWD/slow larder kb add red --jobs 1
	wait_for "[ -f k/wiki/summaries/red-6.md ]"
	kill -INT $STARTED_PID
	touch go
	wait_for "gone $STARTED_PID"
	larder kb lint --dry-run -q
	same "$(ls -A k/.larder/staging)" ""
	larder kb add red --json >out
	same "$(json out .failed)" 0
	same "$(larder kb list --json | json ".documents | length")" 9
'
