#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Knowledge bases: what an add costs, and what it does to those who read meanwhile. Rounds are interleaved; medians.
#
#	bench/kb.sh BUILD [ROW...]	rows: jobs model flat steps read search pdf (all)
#	BENCH_DIR	where files go; BENCH_RUNS: 5; KB_SIZES: "100 1000 10000"
set -eu

. "$(dirname "$0")/lib.sh"
shift
rows=${*:-jobs model flat steps read search pdf}
runs=${BENCH_RUNS:-5}
sizes=${KB_SIZES:-100 1000 10000}
unset LARDER_KB

# DIR FROM TO SEED: documents of some hundred words each out of a vocabulary of thousands, so that concepts are shared by a few of
# them, as in a real collection, however many there are.
make_docs() {
	mkdir -p "$1"
	awk -v dir="$1" -v from="$2" -v to="$3" -v seed="$4" '
		function word(n) { return sprintf("%s%s%s", substr(c, n % 20 + 1, 1) substr(v, int(n / 20) % 5 + 1, 1),
			substr(c, int(n / 100) % 20 + 1, 1) substr(v, int(n / 2000) % 5 + 1, 1), substr(c, int(n / 7) % 20 + 1, 1)) }
		BEGIN {
			c = "bcdfghjklmnpqrstvwxz"; v = "aeiou"; srand(seed)
			for (i = from; i <= to; i++) {
				file = sprintf("%s/doc-%06d.md", dir, i)
				topic = word(int(rand() * 9000)) " " word(int(rand() * 9000))
				printf "# Report %d on %s\n\n", i, topic >file
				for (s = 0; s < 6; s++) {
					printf "## Part %d %s\n\n", s, word(int(rand() * 9000)) >file
					for (k = 0; k < 4; k++) {
						printf "The %s", topic >file
						for (w = 0; w < 9; w++) printf " %s %s", (w % 3 ? "of the" : "is"), word(int(rand() * 9000)) >file
						printf ". " >file
					}
					printf "\n\n" >file
				}
				close(file)
			}
		}'
}

run_jobs() {
	printf 'rm -rf %s/j && larder kb init %s/j -q && LARDER_CONVERT=%s/slow larder kb add %s/html --kb %s/j -q --jobs %s' \
		"$work" "$work" "$work" "$work" "$work" "$1"
}

# 24 HTML files, and a converter that takes its time.
make_slow() {
	[ ! -d "$work/html" ] || return 0
	mkdir "$work/html"
	make_docs "$work/md" 1 24 1
	for f in "$work"/md/*.md; do
		{ echo '<html><body>'; echo '<p>It was checked by the reviewers of Acme.</p>'; sed 's/^# \(.*\)/<h1>\1<\/h1>/; s/^## \(.*\)/<h2>\1<\/h2>/; s/^[^<].*/<p>&<\/p>/' "$f"; } \
			>"$work/html/$(basename "$f" .md).html"
	done
	printf '#!/bin/sh\nsleep 0.5\nexec %s/src/larder-convert "$@"\n' "$build" >"$work/slow"
	chmod +x "$work/slow"
}

if wants jobs; then
	title jobs '24 HTML files, each conversion taking 0.5 s, by --jobs'
	make_slow
	"$work/interleave" -n "$runs" "jobs-1=$(run_jobs 1)" "jobs-4=$(run_jobs 4)" "jobs-8=$(run_jobs 8)"
fi

# The stand-in is one of the tests' tools, which a release build has not.
model_server=$build/tests/tools/model-server
[ -x "$model_server" ] || model_server=$source/build/tests/tools/model-server
if wants model && [ ! -x "$model_server" ]; then
	echo "(model) skipped: there is no model-server; 'make' builds it"
elif wants model; then
	title model '24 HTML files, each conversion taking 0.5 s and each of three calls of a model 50 ms, by --jobs'
	make_slow
	point='{"text":"It was checked.","section":0,"quote":"checked by the reviewers of Acme"}'
	{
		echo "Summarise - wait:50:{\"description\":\"A report.\",\"points\":[$point],\"sections\":[]}"
		echo 'nearest - wait:50:{"pages":[{"kind":"concept","title":"Reviews"},{"kind":"entity","title":"Acme"}]}'
		echo "feed: - wait:50:{\"pages\":[{\"page\":0,\"points\":[$point]},{\"page\":1,\"points\":[$point]}]}"
	} >"$work/plan"
	"$model_server" --plan "$work/plan" >"$work/port" &
	server=$!
	trap 'kill $server; rm -rf "$work"' EXIT
	until [ -s "$work/port" ]; do sleep 0.1; done
	run_model() {
		printf 'export LARDER_LLM_URL=http://127.0.0.1:%s/v1 LARDER_LLM_MODEL=stand-in; %s' "$(cat "$work/port")" "$(run_jobs "$1")"
	}
	"$work/interleave" -n "$runs" "model-1=$(run_model 1)" "model-4=$(run_model 4)" "model-8=$(run_model 8)"
	kill $server
	trap 'rm -rf "$work"' EXIT
fi

# A knowledge base of N documents, made once: in memory where there is some, as nothing of it must survive, and then copied.
kb_of() { # N
	[ ! -d "$work/kb-$1" ] || return 0
	quick=$(mktemp -d "$(if [ -w /dev/shm ]; then echo /dev/shm; else echo "$work"; fi)/larder-bench-kb.XXXXXX")
	make_docs "$quick/docs" 1 "$1" 7
	larder kb init "$quick/kb" -q
	larder kb add "$quick/docs" --kb "$quick/kb" -q
	cp -a "$quick/kb" "$work/kb-$1"
	rm -rf "$quick"
	sync
}

if wants flat || wants search; then
	for n in $sizes; do kb_of "$n"; done
fi

if wants flat; then
	title flat 'adding one document to a knowledge base of so many'
	make_docs "$work/new" 900001 900200 11
	i=900001
	for n in $sizes; do
		cat >"$work/one-$n" <<-END
			#!/bin/sh
			# each run adds the next document
			i=\$(cat $work/at-$n 2>/dev/null || echo $i)
			echo \$((i + 1)) >$work/at-$n
			exec larder kb add $work/new/doc-\$i.md --kb $work/kb-$n -q
		END
		chmod +x "$work/one-$n"
	done
	set -- -n $((runs * 3))
	for n in $sizes; do
		set -- "$@" "$n-documents=$work/one-$n"
	done
	"$work/interleave" "$@"
fi

if wants steps; then
	title steps 'durable steps of adding one document to a knowledge base of 100 (a build with faults)'
	kb_of 100
	make_docs "$work/more" 910001 910003 13
	larder kb add "$work/more/doc-910001.md" --kb "$work/kb-100" -q
	LARDER_STEPS=$work/steps larder kb add "$work/more/doc-910002.md" --kb "$work/kb-100" -q
	awk '{ n[$2]++ } END { for (k in n) printf "%-10s %d\n", k, n[k] }' "$work/steps" | sort
	if command -v strace >/dev/null; then
		strace -f -c -o "$work/calls" larder kb add "$work/more/doc-910003.md" --kb "$work/kb-100" -q
		awk 'NR > 2 && $NF != "total" { calls += $4 } $NF ~ /^(fsync|fdatasync|syncfs|rename|renameat|openat|unlink|unlinkat)$/ \
			{ printf "%-10s %d\n", $NF, $4 } END { printf "%-10s %d\n", "all calls", calls }' "$work/calls"
	fi
fi

if wants read; then
	title read "'larder kb list' of 100 documents, alone and while 200 are added"
	kb_of 100
	make_docs "$work/bulk" 920001 920200 17
	"$work/interleave" -n 20 "alone=larder kb list --kb $work/kb-100 -q"
	larder kb add "$work/bulk" --kb "$work/kb-100" -q &
	adding=$!
	"$work/interleave" -n 20 "during-an-add=larder kb list --kb $work/kb-100 -q"
	wait $adding
fi

if wants search; then
	title search 'a search of two words and a question, by the size of the knowledge base'
	for n in $sizes; do
		"$work/interleave" -n "$runs" "$n-search=larder kb search bobab report --kb $work/kb-$n -q" \
			"$n-query=larder kb query 'What is the report of bobab?' --kb $work/kb-$n -q"
	done
fi

if wants pdf; then
	title pdf "a PDF of 1,000 pages, beside pdftotext alone: what the largest process of each holds"
	awk 'BEGIN {
		n = 1000
		print "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj"
		printf "2 0 obj <</Type/Pages/Count %d/Kids[", n
		for (i = 0; i < n; i++) printf "%d 0 R ", 10 + 2 * i
		print "]>> endobj\n3 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj"
		for (i = 0; i < n; i++) {
			c = "BT /F 10 Tf 12 TL 50 750 Td "
			for (k = 0; k < 40; k++) c = c sprintf("(Line %d of page %d says that the pump of hall %d was checked in year %d) Tj T* ", k, i + 1, i % 17, 1900 + k)
			c = c "ET"
			printf "%d 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>> endobj\n", 10 + 2 * i, 11 + 2 * i
			printf "%d 0 obj <</Length %d>> stream\n%s\nendstream endobj\n", 11 + 2 * i, length(c), c
		}
		print "trailer <</Root 1 0 R>>"
	}' >"$work/long.pdf"
	"$work/interleave" -n "$runs" -p "rm -rf $work/p && larder kb init $work/p -q" "larder=larder kb add $work/long.pdf --kb $work/p -q" \
		"pdftotext=pdftotext -layout $work/long.pdf $work/long.txt 2>/dev/null"
fi
