#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Several at once on one knowledge base: writers, readers, and who was killed. LARDER_TEST_LONG=1 lets two writers and four readers go
# on for a minute; under ThreadSanitizer: LARDER_BIN=build-tsan/src TSAN_OPTIONS=halt_on_error=1 LARDER_TEST_LONG=1 sh tests/cli/kb-concurrent.t
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

# NAME: batches of twelve documents, some of which change or go again; at least one, until there is a file `enough`. What was added
# in NAME.added, what is left in NAME.left.
write_batches() {
	n=0 added=0 left=0
	while [ $n = 0 ] || [ ! -f enough ]; do
		n=$((n + 1))
		make_docs $1$n 12
		larder kb add $1$n --jobs 4 --json >$1.add || return 1
		added=$((added + $(json $1.add .added))) left=$((left + 12))
		[ ! -f long ] || {
			larder kb recompile $1$n-1 -q
			larder kb remove $1$n-2 -y -q
			left=$((left - 1))
			echo "It was seen again at Acme Database." >>$1$n/$1$n-3.md
			larder kb add $1$n/$1$n-3.md -q
		}
	done
	echo $added >$1.added
	echo $left >$1.left
}

ok 'two writers and four readers: nothing is lost, nobody sees half a document' '
	new_kb k
	[ -z "${LARDER_TEST_LONG:-}" ] || touch long
	[ -f long ] || touch enough
	for name in red blue; do { write_batches $name || touch failed-$name; } >$name.out 2>&1 & done
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
	if [ -f long ]; then
		sleep 60
		touch enough
	fi
	WAIT_SECONDS=120 wait_for "[ -f red.left ] && [ -f blue.left ] || ls failed* >/dev/null 2>&1"
	touch stop
	wait
	cat reader* red.out blue.out
	ls failed* 2>/dev/null && exit 1
	left=$(($(cat red.left) + $(cat blue.left)))
	echo "$(cat red.added blue.added) documents were added, $left are left" | tr "\n" " "
	same "$(($(cat red.added) % 12 + $(cat blue.added) % 12))" 0
	# nothing is removed in the short form: no reader sees one fewer than before
	[ -f long ] || for n in 1 2 3 4; do sort -n counts$n | cmp - counts$n; done
	same "$(larder kb list --json | json "[.documents[].document] | unique | length")" $left
	[ -f long ] || same "$(grep -c "^## From" k/wiki/entities/Acme-Database.md)" 24
	[ -f long ] || same "$(grep -c "ingest |" k/wiki/log.md)" 24
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
