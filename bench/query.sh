#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The catalog, queries on the hub beside the same statement in the library without a sandbox, and what a filtered table costs.
#
#	bench/query.sh BUILD [ROW...]	rows: catalog first rows remote filtered hostile (all); BENCH_RUNS: 11; BENCH_TABLES: 10000
set -eu

. "$(dirname "$0")/lib.sh"
shift
rows=${*:-catalog first rows remote filtered hostile}
runs=${BENCH_RUNS:-11}
tables=${BENCH_TABLES:-10000}

parts=$source/.deps/duckdb
cc -O2 -I"$parts" -o "$work/run-sql" "$source/bench/run-sql.c" -L"$parts" -lduckdb -Wl,-rpath,"$parts"
pairs="$work/interleave -n $runs"

LARDER_TOKEN=$(larder hub init "$work/hub" --admin bench@example.com)
export LARDER_TOKEN
larder serve --data "$work/hub" --listen 127.0.0.1:0 >"$work/serve" 2>"$work/serve.log" &
echo $! >"$work/hub.pid"
until [ -s "$work/serve" ]; do sleep 0.02; done
url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/serve")
LARDER_SERVER=$url
export LARDER_SERVER

post() { # PATH, bodies on stdin, one a line: by one curl
	while read -r body; do
		printf 'url = "%s%s"\nheader = "Authorization: Bearer %s"\ndata = "%s"\noutput = "/dev/null"\nnext\n' \
			"$url" "$1" "$LARDER_TOKEN" "$(printf '%s' "$body" | sed 's/"/\\"/g')"
	done | sed '$d' >"$work/post.curl"
	curl -sf --config "$work/post.curl"
}

question() { # FILE SQL LIMIT
	printf '{"sql":"%s","limit":%s}' "$2" "$3" >"$work/$1"
}
ask="curl -sf -o /dev/null -H 'Authorization: Bearer $LARDER_TOKEN' $url/api/query --data-binary"

printf 'larder %s, %s cores, %s; runs of each: %s\n' "$(larder --version | cut -d' ' -f2)" "$(nproc)" "$(uname -sr)" "$runs"

if wants catalog; then
	for i in $(seq "$tables"); do echo "{\"id\":\"t$i\",\"description\":\"table number $i\"}"; done | post /api/admin/registry
	larder admin user add ann@example.com >/dev/null
	for i in $(seq 200); do echo "{\"name\":\"g$i\"}"; done | post /api/admin/groups
	# A group of 200 has a fiftieth of the tables, and Ann is in all of them.
	for i in $(seq 200); do larder admin member add "g$i" ann@example.com >/dev/null; done
	for i in $(seq "$tables"); do
		echo "{\"group_id\":\"g$((i % 200 + 1))\",\"resource_type\":\"table\",\"resource_id\":\"t$i\"}"
	done | post /api/admin/grants
	ann=$(larder admin token create --user ann@example.com --name t --scope read)
	title catalog "$tables tables: all of them for an admin, and for a user who has them through 200 groups; a search; the manifest, not cached"
	get="curl -sf --compressed -o /dev/null -H"
	$pairs "admin=$get 'Authorization: Bearer $LARDER_TOKEN' $url/api/v2/catalog" \
		"user=$get 'Authorization: Bearer $ann' $url/api/v2/catalog" \
		"search=$get 'Authorization: Bearer $ann' '$url/api/v2/catalog?search=number%20777'" \
		"schema=$get 'Authorization: Bearer $ann' $url/api/v2/schema/t777"
fi

if wants first || wants rows || wants remote || wants filtered || wants hostile; then
	"$work/run-sql" "COPY (SELECT range AS n, range % 1000 AS k, 'some words of row ' || range AS t FROM range(1000)) TO '$work/small.parquet'" \
		"COPY (SELECT range AS n, range % 1000 AS k, 'some words of row ' || range AS t FROM range(2000000)) TO '$work/large.parquet'"
	larder publish small "$work/small.parquet" --quiet 2>/dev/null
	larder publish large "$work/large.parquet" --quiet 2>/dev/null
fi

if wants first; then
	title first 'a small table: the whole answer of a count, and of ten rows (warm workers); the library: a process that opens, asks and ends'
	question count 'SELECT count(*), max(n) FROM small' 10
	question ten 'SELECT * FROM small ORDER BY n DESC LIMIT 10' 10
	for i in 1 2 3; do eval "$ask @$work/count"; done
	$pairs -p 'sleep 0.2' "hub count=$ask @$work/count" "hub ten=$ask @$work/ten" \
		"larder count=larder query --remote 'SELECT count(*), max(n) FROM small'" \
		"library count=$work/run-sql \"SELECT count(*) FROM '$work/small.parquet'\""
	printf '  first byte, with a warm worker, of 21 times: curl -w %%{time_starttransfer} %s/api/query --data-binary @count\n' "$url"
	for i in $(seq 21); do
		sleep 0.3
		curl -sf -o /dev/null -w '%{time_starttransfer}\n' -H "Authorization: Bearer $LARDER_TOKEN" "$url/api/query" --data-binary "@$work/count"
	done | sort -n | awk '{ t[NR] = $1; fast += $1 < 0.02 } END { printf "  median %s s, worst %s s, %d of %d under 20 ms\n", t[int((NR + 1) / 2)], t[NR], fast, NR }'
fi

if wants rows; then
	title rows 'a million rows of three columns as JSON; an aggregate over two million: the hub, and the library without a sandbox'
	question million 'SELECT * FROM large LIMIT 1000000' 1000000
	question groups 'SELECT k, count(*), sum(n), max(t) FROM large GROUP BY k' 1000
	$pairs "hub rows=$ask @$work/million" \
		"library rows=$work/run-sql \"COPY (SELECT * FROM '$work/large.parquet' LIMIT 1000000) TO '/dev/null' (FORMAT json, ARRAY true)\""
	$pairs "hub groups=$ask @$work/groups" \
		"library groups=$work/run-sql \"COPY (SELECT k, count(*), sum(n), max(t) FROM '$work/large.parquet' GROUP BY k) TO '/dev/null' (FORMAT json, ARRAY true)\""
fi

if wants remote; then
	start_postgres
	psql -qc "CREATE TABLE orders AS SELECT g AS id, (g::bigint * 7919) % 100000 AS customer, (random() * 1000)::numeric(10,2) AS amount,
		'order number ' || g AS note FROM generate_series(1, 200000) g; CREATE INDEX ON orders(id); ANALYZE"
	larder admin table add orders --mode remote >/dev/null
	larder admin table remote orders --engine postgres --set connection="host=$work/pg user=larder dbname=postgres" --set table=orders >/dev/null
	larder metadata --data "$work/hub" >/dev/null
	title remote 'a table that stays in PostgreSQL: one row, an aggregate, 200,000 rows as JSON, priced first; psql beside it (rows as CSV); the table beside one of the hub'
	question one 'SELECT * FROM orders WHERE id = 7' 10
	question sum 'SELECT customer % 100, sum(amount) FROM orders GROUP BY 1' 1000
	question all 'SELECT * FROM orders' 1000000
	question both 'SELECT k, sum(amount) FROM orders JOIN small ON n = customer GROUP BY k' 1000
	$pairs "psql one=psql -qAtc 'SELECT * FROM orders WHERE id = 7'" "hub one=$ask @$work/one"
	$pairs "psql sum=psql -qAtc 'SELECT customer % 100, sum(amount) FROM orders GROUP BY 1'" "hub sum=$ask @$work/sum"
	$pairs "psql rows=psql -qc '\\copy orders TO /dev/null CSV'" "hub rows=$ask @$work/all" "hub with small=$ask @$work/both"
fi

if wants filtered; then
	title filtered 'a publish of two million rows: without limited grants, and with one'
	larder admin group add limited >/dev/null
	larder admin user add lim@example.com >/dev/null
	larder admin member add limited lim@example.com >/dev/null
	larder publish twin "$work/large.parquet" --quiet 2>/dev/null
	larder admin grant add limited twin --where 'k < 500' --columns n,k >/dev/null
	# Rows that no version had, so that nothing of an earlier one is found again.
	cat >"$work/turn" <<-END
		n=\$((\$(cat $work/turns 2>/dev/null || echo 0) + 1))
		echo \$n >$work/turns
		$work/run-sql "COPY (SELECT range + \$n AS n, range % 1000 AS k, 'other words of row ' || range AS t FROM range(2000000)) TO '$work/turn.parquet'" >/dev/null
	END
	$pairs -p "sh $work/turn" "plain=larder publish large $work/turn.parquet --quiet" \
		"limited=larder publish twin $work/turn.parquet --quiet"
	lim=$(larder admin token create --user lim@example.com --name t --scope read)
	title filtered 'afterwards: an aggregate and the file, of the whole table and of the excerpt; the first manifest of a set of rights that is new each time'
	question whole 'SELECT k, count(*), sum(n) FROM twin GROUP BY k' 1000
	as_lim=$(printf '%s' "$ask" | sed "s/$LARDER_TOKEN/$lim/")
	get='curl -sf -o /dev/null -H'
	cat >"$work/more" <<-END
		[ "\$NAME" = 'new rights' ] || exit 0
		n=\$((\$(cat $work/n 2>/dev/null || echo 500) + 1))
		echo \$n >$work/n
		{
			larder admin group add more\$n
			larder admin grant add more\$n twin --where "k = \$n" --columns n,k
			larder admin member add more\$n lim@example.com
		} >/dev/null
	END
	$pairs -p "sh $work/more" "query whole=$ask @$work/whole" "query excerpt=$as_lim @$work/whole" \
		"file whole=$get 'Authorization: Bearer $LARDER_TOKEN' $url/api/data/twin/download" \
		"file excerpt=$get 'Authorization: Bearer $lim' $url/api/data/twin/download" \
		"new rights=$get 'Authorization: Bearer $lim' $url/api/sync/manifest"
fi

if wants hostile; then
	title hostile 'the large file forty times by one client: alone, and beside 32 clients of two users whose statements do not end (curl, at lower priority, as they are other machines)'
	larder admin group add crowd >/dev/null
	larder admin grant add crowd small >/dev/null
	for n in 1 2; do
		larder admin user add "crowd$n@example.com" >/dev/null
		larder admin member add crowd "crowd$n@example.com" >/dev/null
		larder admin token create --user "crowd$n@example.com" --name t --scope read >"$work/crowd$n.token"
	done
	question heavy1 'SELECT count(*) FROM range(3000000000) a, range(1000) b WHERE a.range % 7 = 3' 10
	question heavy2 'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t' 10
	question heavy3 'SELECT a.* FROM range(100000) a, range(100000) b ORDER BY random()' 10
	question heavy4 "SELECT string_agg(repeat('x', 1000000), '') FROM range(100000)" 10
	for i in $(seq 32); do
		# A hub that is busy says so; whoever is hostile asks again at once.
		printf 'url = "%s/api/query"\nheader = "Authorization: Bearer %s"\ndata = "@%s/heavy%s"\noutput = "/dev/null"\nretry = 9999\nretry-delay = 1\nretry-all-errors\n' \
			"$url" "$(cat "$work/crowd$((i % 2 + 1)).token")" "$work" "$((i % 4 + 1))"
		[ "$i" = 32 ] || echo next
	done >"$work/crowd.curl"
	cat >"$work/crowd" <<-END
		if [ -f $work/crowd.pid ]; then kill \$(cat $work/crowd.pid) || :; rm $work/crowd.pid; fi
		if [ "\$NAME" = beside ]; then
			nice -n 19 curl -s --parallel --parallel-immediate --parallel-max 32 --config $work/crowd.curl >/dev/null 2>&1 &
			echo \$! >$work/crowd.pid
		fi
		sleep 2
	END
	seq 40 | sed "s#.*#url = \"$url/api/data/large/download\"\noutput = \"/dev/null\"#" >"$work/files.curl"
	get="curl -sf -H 'Authorization: Bearer $LARDER_TOKEN' --config $work/files.curl"
	"$work/interleave" -n 5 -p "sh $work/crowd" "alone=$get" "beside=$get"
	NAME=nobody sh "$work/crowd"
	printf '  statements of the crowd: %s began and were stopped, %s were turned away\n' \
		"$(grep 'query user=crowd' "$work/serve.log" | grep -vc verdict=busy)" "$(grep -c 'query user=crowd.*verdict=busy' "$work/serve.log")"
fi
