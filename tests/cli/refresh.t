#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Tables of a hub brought up to date from files, HTTP and SQL over other tables; PostgreSQL is in refresh-postgres.t.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/site.sh"
new_hub hub || exit 1
HUB=$SHARED/hub
export HUB

# table NAME [OPTIONS]: a table whose source the options set.
table() {
	larder admin table add "$1" >/dev/null 2>&1 || :
	larder admin table source "$@"
}
outcome() { larder refresh --data "$HUB" --json "$@" | json '.tables[0].outcome'; }
rows() { larder admin table list --json | json ".tables[] | select(.id == \"$1\") | .rows"; }

ok 'files become the table, and are read again only when one has changed' '
	printf "a,b\n1,x\n2,y\n" >one.csv
	table files --files "$PWD/one.csv"
	same "$(outcome files)" updated
	same "$(rows files)" 2
	same "$(outcome files)" unchanged
	printf "a,b\n1,x\n2,y\n3,z\n" >one.csv
	same "$(outcome files)" updated
	same "$(rows files)" 3
	larder admin table source files --json >source.json
	same "$(json source.json "[.runs[].outcome] | join(\" \")")" "updated unchanged updated"
	json source.json .last_sync | grep -q "^20"
'

ok 'a pattern is a table in parts, and one that fits nothing is said so' '
	mkdir d
	printf "a\n1\n" >d/x1.csv
	printf "a\n2\n" >d/x2.csv
	table pattern --files "$PWD/d/x*.csv"
	same "$(outcome pattern)" updated
	same "$(rows pattern)" 2
	rm d/x1.csv d/x2.csv
	exits 1 larder refresh --data "$HUB" pattern >out
	has out "no file is there"
	same "$(rows pattern)" 2
'

ok 'last_sync moves with a success only' '
	printf "a\n1\n" >f.csv
	table moving --files "$PWD/f.csv"
	same "$(outcome moving)" updated
	before=$(larder admin table source moving --json | json .last_sync)
	printf "a\n\"1\n" >f.csv
	exits 1 larder refresh --data "$HUB" moving
	larder admin table source moving --json >source.json
	same "$(json source.json .last_sync)" "$before"
	same "$(json source.json .outcome)" failed
	[ "$(json source.json .last_try)" \> "$before" ]
	json source.json .error | grep -q .
'

ok 'a source without rows, or with a column less, is refused until it is meant' '
	printf "a,b\n1,2\n" >g.csv
	table guarded --files "$PWD/g.csv"
	same "$(outcome guarded)" updated
	printf "a\n1\n" >g.csv
	exits 3 larder refresh --data "$HUB" guarded >out
	has out "no column '"'b'"'"
	has out "--accept-loss"
	printf "a,b\n" >g.csv
	exits 3 larder refresh --data "$HUB" guarded >out
	has out "no rows"
	same "$(rows guarded)" 1
	same "$(outcome guarded --accept-loss)" updated
	same "$(rows guarded)" 0
	printf "a,b\n1,2\n" >g.csv
	same "$(outcome guarded)" updated
	table guarded --files "$PWD/g.csv" --allow-empty --allow-column-loss
	printf "a\n" >g.csv
	same "$(outcome guarded)" updated
	larder hub verify "$HUB" -q
'

ok 'more than max_bytes is refused at the first byte too many' '
	printf "a\n12345678\n" >h.csv
	table capped --files "$PWD/h.csv" --max-bytes 11
	same "$(outcome capped)" updated
	printf "a\n123456789\n" >h.csv
	exits 1 larder refresh --data "$HUB" capped >out
	has out "max_bytes"
	table capped --sql "SELECT * FROM range(1000000) t(i) ORDER BY hash(i)" --max-bytes 100K
	exits 1 larder refresh --data "$HUB" capped >out
	has out "larger than"
	same "$(rows capped)" 1
'

ok 'only what is due is refreshed, and a named table always' '
	printf "a\n1\n" >i.csv
	table hourly --files "$PWD/i.csv" --schedule "every 1h"
	table always --files "$PWD/i.csv"
	due() { larder refresh --data "$HUB" --dry-run --json | json "[.tables[].table] | join(\" \")"; }
	due | grep -qw hourly
	larder refresh --data "$HUB" hourly
	due | grep -qvw hourly
	due | grep -qw always
	LARDER_NOW=+3601 larder refresh --data "$HUB" --dry-run --json | json "[.tables[].table] | join(\" \")" | grep -qw hourly
	same "$(outcome hourly)" unchanged
	exits 2 larder admin table source hourly --files /x --schedule "every now and then" 2>err
	has err "every now and then"
'

ok 'SQL over other tables is made of their new versions, contained' '
	printf "k,v\na,1\nb,2\na,3\n" >j.csv
	table base --files "$PWD/j.csv"
	table sums --sql "SELECT k, sum(v) AS v FROM base GROUP BY k ORDER BY k; -- by key"
	larder refresh --data "$HUB" sums base --json >report
	same "$(json report "[.tables[] | .table + \":\" + .outcome] | join(\" \")")" "base:updated sums:updated"
	same "$(rows sums)" 2
	for bad in "SELECT * FROM read_csv(\"/etc/passwd\")" "COPY base TO \"$PWD/out\"" "SELECT 1; SELECT 2" \
		"SELECT 1) TO \"/tmp/x\" --" "SELECT * FROM bad" "SELECT * FROM nosuch"; do
		table bad --sql "$(printf %s "$bad" | tr \" "'"'"'")"
		exits 1 larder refresh --data "$HUB" bad >out || { echo "$bad"; cat out; exit 1; }
	done
	[ ! -e out.parquet ]
'

ok 'SQL over SQL is made in the order in which the tables read each other, and a circle is told' '
	printf "k\n1\n" >chain.csv
	table chain --files "$PWD/chain.csv"
	table a_top --sql "SELECT n FROM m_mid"
	table m_mid --sql "SELECT n FROM Z_Low"
	table m_top --sql "SELECT 0 AS \"a_top\" FROM chain"
	table z_low --sql "SELECT count(*) AS n FROM chain"
	larder refresh --data "$HUB" chain a_top m_mid m_top z_low --json >report || { cat report; exit 1; }
	same "$(json report "[.tables[].table] | join(\" \")")" "chain z_low m_mid a_top m_top"
	table ring_a --sql "SELECT * FROM ring_b"
	table ring_b --sql "SELECT * FROM ring_a"
	table ring_c --sql "SELECT 1 AS n"
	exits 1 larder refresh --data "$HUB" ring_a ring_b ring_c --json >report
	same "$(json report "[.tables[].outcome] | sort | join(\" \")")" "failed failed updated"
	has report "ring_a <- ring_b <- ring_a"
'

ok 'a file on the web is fetched, asked for by its ETag, and continued after a cut' '
	mkdir -p site
	seq 200000 | awk "BEGIN { print \"a,b\" } { print \$1 \",\" \$1 * 7919 }" >site/big.csv
	: >site.plan
	start_faulty site
	table web --url "$FAULTY_URL/big.csv"
	faults site "/big.csv reset:400000 3"
	exits 1 larder refresh --data "$HUB" web >out
	faults site
	same "$(outcome web)" updated
	same "$(rows web)" 200000
	grep -q "bytes=[1-9]" site.log
	same "$(outcome web)" unchanged
	same "$(ls "$HUB/.larder/staging")" ""
'

ok 'with refresh.folders, files elsewhere are refused, also behind links and as secrets' '
	mkdir -p export other
	printf "a\n1\n" | tee export/in.csv >other/out.csv
	ln -s ../other/out.csv export/link.csv
	ln -s export door
	printf "refresh:\n  folders: [%s/door]\n" "$PWD" >"$HUB/config.yaml"
	table inside --files "$PWD/export/in.csv"
	table outside --files "$PWD/other/out.csv"
	table linked --files "$PWD/export/link.csv"
	table beside --files "$PWD/export/../other/*.csv"
	table secret --url "http://127.0.0.1:1/x.csv" --token-file "$PWD/other/out.csv"
	exits 1 larder refresh --data "$HUB" inside outside linked beside secret --json >report
	same "$(json report "[.tables[] | select(.outcome == \"updated\") | .table] | join(\" \")")" inside
	same "$(grep -o "none of the folders" report | wc -l)" 4
	echo "refresh: {folders: [export]}" >"$HUB/config.yaml"
	exits 2 larder refresh --data "$HUB" inside 2>err
	has err "no absolute path"
	rm "$HUB/config.yaml"
	larder refresh --data "$HUB" outside linked
'

ok 'a secret is named, never kept, and must be there when it is needed' '
	exits 2 larder admin table source base --url https://user:pw@example.com/x.csv 2>err
	has err token_env
	exits 2 larder admin table source base --connection "host=x password=geheim" --table t 2>err
	has err "password"
	exits 2 larder admin table source base --connection postgresql://u:geheim@h/db --table t
	table secret --url http://127.0.0.1:1/x.csv --token-env NO_SUCH_TOKEN
	exits 1 larder refresh --data "$HUB" secret >out
	has out NO_SUCH_TOKEN
	! grep -rq geheim "$HUB/.larder"
'

wait_idle() { wait_for "[ \"\$(status GET /api/sync/status; json reply.json .locked)\" = \"200
false\" ]"; }

ok 'the hub is told over HTTP, and says what it does' '
	printf "a\n1\n" >k.csv
	table told --files "$PWD/k.csv"
	same "$(status GET /api/sync/status)" 200
	same "$(cat reply.json)" "{\"locked\":false}"
	same "$(status POST "/api/sync/trigger?wait=1" "$LARDER_TOKEN" "{\"tables\":[\"told\"]}")" 200
	same "$(json reply.json ".ok, .details.updated" | tr "\n" " ")" "true 1 "
	printf "a\n1\n2\n" >k.csv
	same "$(status POST /api/sync/trigger "$LARDER_TOKEN" "[\"told\"]")" 200
	same "$(jq -c "[.status, .tables]" reply.json)" "[\"triggered\",[\"told\"]]"
	wait_for "[ \"\$(rows told)\" = 2 ]"
	wait_idle
	for body in "{\"tabels\":[]}" "3" "[1]" "[\"--json\"]" "{\"tables\":\"told\"}"; do
		same "$(status POST /api/sync/trigger "$LARDER_TOKEN" "$body")" 422
	done
	same "$(status POST /api/sync/trigger "$LARDER_TOKEN")" 200
	wait_idle
	! cat /proc/[0-9]*/stat 2>/dev/null | grep -q ") Z $HUB_PID "
	bo=$(token_of bo@example.com)
	same "$(status POST /api/sync/trigger "$bo")" 403
	same "$(status GET /api/admin/sources "$bo")" 403
'

ok 'one refresh at a time: the second is told so' '
	mkfifo held
	mkdir -p slow
	: >slow.plan
	seq 100000 >slow/x.csv
	start_faulty slow
	table slow --url "$FAULTY_URL/x.csv"
	faults slow "/x.csv stall:1000"
	start first larder refresh --data "$HUB" slow
	first=$STARTED_PID
	wait_for "[ \"\$(status GET /api/sync/status; json reply.json .locked)\" = \"200
true\" ]"
	exits 75 larder refresh --data "$HUB" slow
	same "$(status POST /api/sync/trigger "$LARDER_TOKEN")" 409
	has reply.json sync_already_in_progress
	kill -KILL $first
	wait_for "gone $first"
	faults slow
	same "$(outcome slow)" updated
'

ok 'a hub that is killed in a triggered refresh publishes nothing half; the scheduler has it continued, and waits' '
	new_hub own
	mkdir -p cut
	: >cut.plan
	{ echo n; seq 400000; } >cut/x.csv
	start_faulty cut
	table cut --url "$FAULTY_URL/x.csv"
	faults cut "/x.csv stall:1500000" # a megabyte at a time is written
	same "$(status POST /api/sync/trigger "$LARDER_TOKEN" "[\"cut\"]")" 200
	wait_for "[ \"\$(cat own/.larder/staging/rf-* 2>/dev/null | wc -c)\" -gt 1000000 ]"
	stop_hub KILL
	pkill -KILL -f "refresh.*$PWD/own" || : # a machine that was switched off
	wait_for "! pgrep -f \"refresh.*$PWD/own\" >/dev/null"
	faults cut
	{
		echo "jobs:"
		larder scheduler --list --json | jq -r ".jobs[] | select(.name != \"data-refresh\") | \"- {name: \\\"\\(.name)\\\", disabled: true}\""
	} >own/config.yaml
	start_hub own
	export LARDER_SERVER=$HUB_URL
	larder admin table source cut --json | jq -e ".last_sync == null and .runs == []"
	larder admin table list --json | jq -e ".tables[] | select(.id == \"cut\") | .rows == null"
	larder hub verify own -q
	SCHEDULER_STARTUP_GRACE_SECONDS=0 larder scheduler --data own --once --quiet
	same "$(rows cut)" 400000
	grep -q "bytes=[1-9]" cut.log
	same "$(larder jobs --json | json ".jobs[] | select(.name == \"data-refresh\") | .state")" ok
'

ok 'a source goes with its table, and a table of remote mode has none' '
	printf "a\n1\n" >l.csv
	table short --files "$PWD/l.csv"
	larder admin table remove short
	larder admin table source --json | jq -e ".sources | map(.table) | index(\"short\") | not"
	larder admin table add far --mode remote
	exits 3 larder admin table source far --files "$PWD/l.csv"
	exits 1 larder admin table source nosuch --files "$PWD/l.csv"
	table kept --files "$PWD/l.csv"
	larder admin table source kept --remove
	exits 1 larder admin table source kept
	exits 2 larder admin table source kept --files "$HUB/.larder/state.db" --format nonsense
	larder admin table source kept --files "$HUB/.larder/state.db" --format csv
	exits 4 larder refresh --data "$HUB" kept || exits 1 larder refresh --data "$HUB" kept
'

ok 'a cut download that nobody continues goes after its time, once, and one of yesterday stays' '
	mkdir -p site
	seq 200000 | awk "BEGIN { print \"a,b\" } { print \$1 \",\" \$1 * 7919 }" >site/big.csv
	: >site.plan
	new_hub own
	start_faulty site
	for name in old young; do
		table $name --url "$FAULTY_URL/big.csv?$name"
	done
	faults site "/big.csv reset:400000"
	purge() {
		same "$(status POST /api/admin/run-blocked-purge "$LARDER_TOKEN")" 200
		jq -c . reply.json
	}
	exits 1 larder refresh --data own old
	LARDER_NOW=+2764800s exits 1 larder refresh --data own young
	same "$(ls own/.larder/staging | wc -l)" 2
	touch -d "@$(($(date +%s) + 2851200))" own/.larder/staging/* # as their hub saw it
	stop_hub
	LARDER_HUB_PURGE_AFTER=0s LARDER_NOW=+2851200s start_hub own
	same "$(purge)" "{\"details\":{\"ids\":[],\"purged\":0,\"skipped\":true},\"ok\":true}"
	stop_hub
	LARDER_NOW=+2851200s start_hub own
	same "$(purge)" "{\"details\":{\"ids\":[\"old\"],\"purged\":1},\"ok\":true}"
	same "$(purge)" "{\"details\":{\"ids\":[],\"purged\":0},\"ok\":true}"
	same "$(ls own/.larder/staging | wc -l)" 1
'

ok 'a web page in the place of a file is no table' '
	mkdir -p site
	printf "<html><body>Please, log in</body></html>\n" >site/page.html
	: >site.plan
	start_faulty site
	table paged --url "$FAULTY_URL/page.html" --format csv
	exits 1 larder refresh --data "$HUB" --json paged >report
	same "$(jq -c ".tables[0] | [.outcome, .attempts // 1]" report)" "[\"failed\",1]"
	has report "a web page, not"
	same "$(larder admin table list --json | jq ".tables[] | select(.id == \"paged\") | .rows")" null
'
