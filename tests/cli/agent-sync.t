#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Agents and a hub: records there, context here, whatever happens in between.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export LARDER_AGENTS=home AGENT_NAME=charon
folder=home/workspace/local/api

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

hub() { # [OPTIONS]: a fresh one, with its admin's token
	cp -r "$SHARED/old" hub
	start_hub hub "$@"
	LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(cat "$SHARED/token")
	export LARDER_SERVER LARDER_TOKEN
}

work() { # ISSUE [SCRIPT]
	larder agent run -q --repo api --issue "$1" -- sh -c "${2:-true}" || :
}

ask() { # PATH [CURL OPTIONS]
	ask_path=$1
	shift
	curl --silent --header "Authorization: Bearer $LARDER_TOKEN" "$@" "$HUB_URL$ask_path"
}

# What the hub has, one line a record: id, revision, status.
arrived() {
	ask "/v1/agent/context?agent_id=reader&cursor=&limit=500" | jq -r ".data[].id" | sort
}

# What an agent leaves that found something.
cat >"$SHARED/report.sh" <<'END'
mkdir -p ../.meta
cat >../.meta/report.json <<'REPORT'
{"findings": [{"tool": "gosec", "severity": "high", "file": "a.go", "category": "errors", "message": "unchecked error"}],
 "changes": {"files_changed": 2}, "new": 1}
REPORT
END

ok 'a record arrives once, with its report, and its findings are proposed' '
	hub
	work 1 ". $SHARED/report.sh"
	larder agent push >said
	has said "synced: 1"
	same "$(ask "/v1/agent/context?agent_id=charon" | json ".data[0].content")" "api: completed (local/api/task-1)"
	same "$(ask /api/memory/admin/pending | json ".items[0].title")" "gosec: unchecked error in a.go"
	same "$(ask /v1/fleet/stats | json ".data.findings_total")" 1
	larder agent push --json >said
	same "$(json said .sent)/$(json said .requests)" 0/0
	same "$(ask "/v1/agent/status?agent_id=charon" | json ".data.status")" online
	larder agent sync-status --json >said
	same "$(json said .status)/$(json said .agent_id)/$(jq -r "has(\"remote_error\")" said)" online/charon/false
	same "$(json said .last_push_at | cut -c1-2)" 20
	! grep -rq "$LARDER_TOKEN" home # not even in the database
'

ok 'without a hub and without a token everything waits' '
	unset LARDER_SERVER LARDER_TOKEN
	work 1
	work 2 "exit 1"
	exits 75 larder agent push >said 2>warned
	has said "2 wait"
	has warned "until there is one"
	has warned "next: give --server URL"
	exits 4 larder agent pull >said 2>warned
	has warned "next: give --server URL"
	LARDER_SERVER=http://127.0.0.1:1 LARDER_TOKEN=lrd_x
	export LARDER_SERVER LARDER_TOKEN
	exits 75 larder agent push --json >said 2>warned
	same "$(json said .waiting)/$(json said .sent)" 2/0
	has warned offline
	same "$(larder agent sync-status --json | json .status)" offline
	LARDER_TOKEN=
	larder agent daemon --once --pull 0 2>/dev/null
	same "$(larder agent sync-status --json | json .queued)" 2
	hub
	larder agent push --json >said
	same "$(json said .sent)/$(json said .waiting)" 2/0
	same "$(arrived | wc -l)" 2
	# What went through the queue is not collected again.
	larder agent push --json >said
	same "$(json said .collected)/$(json said .requests)" 0/0
'

ok 'records of another tool are queued as they are, and sent once' '
	unset LARDER_TOKEN
	echo "[{\"workspace\":\"core/x/t\",\"repo\":\"x\",\"agent\":\"codex\",\"status\":\"completed\",\"theirs\":{\"a\":[1,2.50]}},{\"repo\":\"y\",\"status\":\"failed\",\"task\":\"token ghp_abcdefghijklmnopqrstuvwxyz0123456789\"}]" >records.json
	exits 75 larder agent push --from records.json --json >said 2>/dev/null
	same "$(json said .waiting)" 2
	exits 75 larder agent push --from - --json <records.json >said 2>/dev/null
	same "$(json said .waiting)" 2
	hub
	larder agent push --json >said
	same "$(json said .sent)/$(json said .waiting)" 2/0
	larder agent push --from records.json --json >said
	same "$(json said .sent)/$(json said .duplicates)" 2/2
	same "$(sqlite3 "file:hub/.larder/state.db?mode=ro" "SELECT agent_id || body FROM fleet_record WHERE repo = \"x\"")" \
		"charon{\"workspace\":\"core/x/t\",\"repo\":\"x\",\"agent\":\"codex\",\"status\":\"completed\",\"theirs\":{\"a\":[1,2.50]}}"
	same "$(sqlite3 "file:hub/.larder/state.db?mode=ro" "SELECT count(*) FROM fleet_record WHERE body LIKE \"%ghp_abc%\"")" 0
	# All or none; one that a hub would not take is named.
	echo "{\"dispatches\":[{\"repo\":\"z\",\"status\":\"failed\"},{\"repo\":\"z\"}]}" >bad.json
	exits 2 larder agent push --from bad.json 2>said
	has said "record 2"
	has said "status"
	for text in "" "5" "{torn" "{\"dispatches\":{}}"; do
		echo "$text" >bad.json
		exits 1 larder agent push --from bad.json 2>said
		has said "must be a JSON array of records"
	done
	same "$(larder agent sync-status --json | json .queued)" 0
'

ok 'work that goes on is one record, the newest' '
	unset LARDER_TOKEN
	work 1 "exit 1"
	exits 1 larder agent resume -q local/api/task-1
	exits 75 larder agent push --json >said 2>/dev/null
	same "$(json said .waiting)" 1
	hub
	larder agent push -q
	exits 1 larder agent resume -q local/api/task-1
	larder agent push --json >said
	same "$(json said .sent)/$(json said .duplicates)/$(arrived | wc -l)" 1/0/1
	same "$(sqlite3 "file:hub/.larder/state.db?mode=ro" "SELECT json_extract(body, \"\$.runs\") FROM fleet_record")" 3
	exits 75 larder agent run -q --repo api --issue 1 -- true # three failures pause a pool
	larder agent stop local/api/task-1
	larder agent run -q --repo api --issue 1 --agent another -- true
	larder agent push -q
	same "$(arrived | wc -l)" 3 # the same folder, other dispatches
'

ok 'a report that comes late is sent' '
	hub
	work 1
	larder agent push -q
	mkdir -p $folder/task-1/.meta
	echo "{\"findings\":[{\"message\":\"late\"}]}" >$folder/task-1/.meta/report.json
	larder agent push --json >said
	same "$(json said .sent)" 1
	same "$(ask /v1/fleet/stats | json ".data.findings_total")" 1
	larder agent push --json >said
	same "$(json said .sent)" 0
'

ok 'a corrupt report is set aside and named' '
	hub
	work 1 "mkdir -p ../.meta; echo \"{torn\" >../.meta/report.json"
	ls $folder/task-1/.meta >listed
	grep -q "report.json.corrupt-" listed
	same "$(cat $folder/task-1/.meta/report.json.corrupt-*)" "{torn"
	larder agent push -q
	same "$(arrived | wc -l)" 1
	same "$(sqlite3 "file:hub/.larder/state.db?mode=ro" "SELECT json_extract(body, \"\$.report_error\") <> \"\" FROM fleet_record")" 1
	larder agent push --json >said
	same "$(json said .sent)" 0
'

ok 'a killed hub: what it had taken is a duplicate, nothing is lost' '
	hub
	for i in 1 2 3 4 5; do work $i; done
	cp -r home before
	larder agent push -q
	kill -KILL $HUB_PID
	wait_for "gone $HUB_PID"
	rm -rf home
	mv before home # as if the answer had never come
	start_hub hub
	LARDER_SERVER=$HUB_URL
	work 6
	larder agent push --json >said
	same "$(json said .sent)/$(json said .duplicates)" 6/5
	same "$(arrived | wc -l)" 6
'

ok 'a thousand records go in batches and come in pages' '
	hub
	seq 1001 | jq -c "{workspace: \"core/r/task-\(.)\", repo: \"r\", status: \"completed\"}" | jq -cs . >records.json
	larder agent push --from records.json --json >said
	same "$(json said .sent)/$(json said .requests)" 1001/3
	larder agent pull --json >said
	same "$(json said .count)/$(json said .taken)/$(json said .requests)" 1001/1001/3
	same "$(jq length home/sync/context.json)" 1001
	larder agent pull --json >said
	same "$(json said .taken)/$(json said .requests)" 0/1
'

ok 'two pushes at once bring everything once' '
	hub
	for i in 1 2 3 4 5 6; do work $i; done
	larder agent push --json >one &
	larder agent push --json >two
	wait $!
	same $(($(json one .sent) + $(json two .sent))) 6
	same $(($(json one .duplicates) + $(json two .duplicates))) 0
'

ok 'a refused token stops all until it is another' '
	hub
	work 1
	exits 4 larder agent push --token lrd_000000000000_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa --json >said 2>warned
	same "$(json said .paused)/$(json said .refused)" 1/true
	has warned "refuses this token"
	LARDER_TOKEN=lrd_000000000000_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa larder agent sync-status >said
	has said "the hub refuses this token"
	larder agent push --json >said
	same "$(json said .sent)" 1
'

ok 'a key may do what it names, from where it says, so often' '
	hub
	work 1
	key=$(larder admin token create --name k --permission sync.read)
	exits 4 larder agent push --token "$key" 2>warned
	same "$(status GET "/v1/agent/status?agent_id=nobody" "$key")" 404
	same "$(json reply.json .error)" not_found
	same "$(status POST /v1/agent/sync "$key" "{}")/$(json reply.json .error)" 403/forbidden
	same "$(status GET /api/sync/manifest "$key")" 403
	same "$(status POST /auth/tokens "$key" "{\"name\":\"x\"}")" 403
	key=$(larder admin token create --name k --ip 192.0.2.1)
	same "$(status GET "/v1/agent/context?agent_id=a" "$key")/$(json reply.json .error)/$(json reply.json .your_ip)" 403/ip_not_allowed/127.0.0.1
	same "$(status GET /api/sync/manifest "$key")" 403
	key=$(larder admin token create --name k --ip 127.0.0.1)
	same "$(status GET /api/sync/manifest "$key")" 200
	same "$(status POST /auth/tokens "$key" "{\"name\":\"x\"}")" 403
	same "$(status POST /auth/tokens "$LARDER_TOKEN" "{\"name\":\"x\",\"permissions\":[]}")" 400
	key=$(larder admin token create --name k --rate 2)
	status GET "/v1/fleet/nodes" "$key"
	status GET "/v1/fleet/nodes" "$key"
	same "$(status GET "/v1/fleet/nodes" "$key")/$(json reply.json .error)" 429/rate_limited
	grep -qi "^retry-after: [1-9]" reply.head
	grep -qi "^x-ratelimit-limit: 2" reply.head
	exits 2 larder admin token create --name k --permission fly 2>said || exits 1 true
	has said "sync.read"
'

ok 'clients of the older contract are accepted, and counted once' '
	hub
	body="{\"agent_id\":\"old\",\"dispatches\":[{\"id\":\"core/x/t\",\"workspace\":\"core/x/t\",\"repo\":\"x\",\"agent\":\"codex\",\"status\":\"completed\",\"runs\":1,\"updated_at\":\"2026-01-01T00:00:00Z\"},{\"repo\":\"y\",\"agent_type\":\"claude\",\"status\":\"failed\"}]}"
	same "$(status POST /v1/agent/sync "$LARDER_TOKEN" "$body")" 201
	same "$(json reply.json .data.synced)/$(json reply.json .data.accepted)" 2/2
	same "$(status POST /v1/agent/sync/push "$LARDER_TOKEN" "$body")/$(json reply.json .data.duplicate)" 201/2
	same "$(status GET "/v1/agent/sync/pull?agent_id=old" "$LARDER_TOKEN")/$(json reply.json .total)" 200/2
	same "$(status POST /v1/agent/sync "$LARDER_TOKEN" "{\"agent_id\":\"old\"}")" 201
	same "$(status POST /v1/agent/sync "$LARDER_TOKEN" "{\"dispatches\":[]}")/$(json reply.json .error)" 422/validation_failed
	same "$(status POST /v1/agent/sync "$LARDER_TOKEN" "{\"agent_id\":\"$(head -c 256 /dev/zero | tr "\\0" a)\"}")" 422
	same "$(status POST /v1/agent/sync "" "{}")/$(json reply.json .error)" 401/unauthorised
'

ok 'an agent of one tenant is unknown to another' '
	hub
	work 1
	larder agent push -q
	other=$(token_of bob@example.com)
	same "$(status GET "/v1/agent/status?agent_id=charon" "$other")" 404
	same "$(status GET "/v1/agent/context?agent_id=charon" "$other")/$(json reply.json .total)" 200/0
	larder agent push -q --token "$other"
	same "$(status GET "/v1/agent/status?agent_id=charon" "$LARDER_TOKEN")" 200
'

ok 'an Idempotency-Key belongs to one body' '
	hub
	one="{\"agent_id\":\"a\",\"dispatches\":[{\"repo\":\"y\",\"status\":\"failed\"}]}"
	two="{\"agent_id\":\"a\",\"dispatches\":[{\"repo\":\"z\",\"status\":\"failed\"}]}"
	for body in "$one" "$one" "$two"; do
		ask /v1/agent/sync --header "Idempotency-Key: k1" --data "$body" | jq -c ".data.synced // .error" >>said
	done
	same "$(cat said)" "1
1
\"conflict\""
'

ok 'context is merged by id, paged, and goes when it is taken back' '
	hub
	for i in $(seq 1 12); do echo "{\"repo\":\"r$i\",\"status\":\"completed\"}"; done | jq -cs "{agent_id: \"other\", dispatches: .}" >body
	ask /v1/agent/sync --data @body >/dev/null
	larder agent pull >said
	has said "12 items known, 12 new"
	same "$(jq length home/sync/context.json)" 12
	same "$(larder agent pull --json | json .taken)" 0
	ask /v1/agent/sync --data "{\"agent_id\":\"other\",\"dispatches\":[{\"repo\":\"r13\",\"status\":\"failed\"}]}" >/dev/null
	larder agent pull --json >said
	same "$(json said .taken)/$(json said .count)/$(json said .stale)" 1/13/false
	# A month later the observations are over: here at once, there with the next pull.
	same "$(LARDER_NOW=+31d larder agent sync-status --json | json .context_count)" 0
	larder agent pull --show --quiet >said
	has said "r13: failed"
	larder agent pull --since 2020-01-01T00:00:00Z --json >said
	same "$(json said .taken)" 13
	larder agent pull --since 2100-01-01T00:00:00Z --json >said
	same "$(json said .taken)/$(json said .count)" 0/13
	same "$(larder agent sync-status --history --json | json ".history[0].direction")" pull
'

ok 'stale data is used, marked, with its age' '
	hub
	ask /v1/agent/sync --data "{\"agent_id\":\"other\",\"dispatches\":[{\"repo\":\"r\",\"status\":\"failed\"}]}" >/dev/null
	larder agent pull -q
	stop_hub
	exits 75 larder agent pull --json >said 2>warned
	same "$(json said .count)/$(json said .stale)" 1/true
	[ "$(json said .age_ms)" -ge 0 ]
	has warned "min old"
	rm -rf home
	exits 75 larder agent pull --json >said 2>warned
	same "$(json said .count)/$(jq .age_ms said)" 0/null
	unset LARDER_TOKEN
	exits 4 larder agent pull --json >said 2>warned
	same "$(json said .stale)" true
'

ok 'an odd answer never empties what is known, and delivers nothing' '
	hub
	ask /v1/agent/sync --data "{\"agent_id\":\"other\",\"dispatches\":[{\"repo\":\"r\",\"status\":\"failed\"}]}" >/dev/null
	larder agent pull -q
	work 1
	mkdir -p portal/v1/agent
	: >portal.plan
	start_faulty portal
	for answer in "<html>log in first</html>" "{}" "[]" "null" "" "{\"data\":null}" "{\"data\":{\"context\":5}}"; do
		printf %s "$answer" >portal/v1/agent/context
		exits 75 larder agent pull --server "$FAULTY_URL" --json >said 2>warned
		same "$(json said .count)/$(json said .stale)" 1/true
	done
	for status in 500 404 401; do
		echo "/v1/agent/context status:$status" >portal.plan
		larder agent pull --server "$FAULTY_URL" --json >said 2>warned || :
		same "$status $(json said .count)/$(json said .stale)" "$status 1/true"
	done
	: >portal.plan
	printf %s "{\"data\":[]}" >portal/v1/agent/context
	larder agent pull --server "$FAULTY_URL" --json >said
	same "$(json said .count)/$(json said .stale)" 1/false
	# To whatever is sent: a page, a redirect, a refusal of the whole batch, a busy server.
	echo "welcome to our network" >portal/v1/agent/sync
	hours=0
	for fault in "" "redirect:$HUB_URL/v1/agent/sync" status:502 status:404 status:429:1; do
		echo "/v1/agent/sync $fault" >portal.plan
		[ -n "$fault" ] || : >portal.plan
		export LARDER_NOW=+${hours}h # its wait is over
		exits 75 larder agent push --server "$FAULTY_URL" --json >said 2>warned
		same "$fault $(json said .sent)/$(json said .waiting)" "$fault 0/1"
		[ "$(json said .requests)" -gt 0 ]
		hours=$((hours + 1))
	done
	LARDER_NOW=+${hours}h
	larder agent push --json >said
	same "$(json said .sent)" 1
	unset LARDER_NOW
	work 2
	echo "/v1/agent/sync status:422" >portal.plan
	exits 1 larder agent push --server "$FAULTY_URL" --json >said 2>warned
	same "$(json said .dead)" 1
	has warned "push --dead"
	larder agent push --dead >said
	has said since
	larder agent push --redrive --json >said
	same "$(json said .sent)/$(json said .dead)" 1/0
'

ok 'a server that is not this machine must be https' '
	work 1
	LARDER_TOKEN=x
	export LARDER_TOKEN
	exits 2 larder agent push --server http://192.0.2.1 2>said
	has said "in the clear"
	exits 2 larder agent push --server http://127.0.0.1.evil.example 2>said
	has said "in the clear"
	exits 2 larder agent pull --server http://192.0.2.1 2>said
'

ok 'the daemon delivers when the hub comes back, and when a token appears' '
	cp -r "$SHARED/old" hub
	LARDER_CONFIG_DIR=$PWD/config
	export LARDER_CONFIG_DIR
	start daemon larder agent daemon --pull 0
	daemon=$STARTED_PID
	wait_for "has daemon.err begins"
	work 1
	start_hub hub
	printf "server: %s\n" "$HUB_URL" >config/config.yaml
	printf "tokens:\n  \"%s ann@example.com\": %s\n" "$HUB_URL" "$(cat "$SHARED/token")" >config/new
	chmod 600 config/new
	mv config/new config/credentials.yaml
	wait_for "larder agent sync-status --json | jq -e \".queued == 0\" >/dev/null"
	LARDER_TOKEN=$(cat "$SHARED/token")
	same "$(arrived | wc -l)" 1
	kill -STOP $HUB_PID
	kill -CONT $HUB_PID
	stop_hub KILL
	work 2
	wait_for "larder agent sync-status --json | jq -e \".queued == 1\" >/dev/null"
	port=${HUB_URL##*:}
	start again larder serve --data hub --listen 127.0.0.1:$port
	wait_for "larder agent sync-status --json | jq -e \".queued == 0\" >/dev/null"
	same "$(arrived | wc -l)" 2
	exits 75 larder agent daemon 2>said
	kill -TERM $daemon
	wait_for "gone $daemon"
'

# Counts how often in a row process $daemon was found not to have run since the last look.
still() {
	switches=$(grep ctxt_switches "/proc/$daemon/status")
	if [ "$switches" = "${seen_switches:-}" ]; then quiet=$((quiet + 1)); else quiet=0; fi
	seen_switches=$switches
	[ $quiet -ge 20 ]
}

ok 'the daemon starts what waits, when there is a slot, and sleeps else' '
	mkdir -p home
	printf "concurrency:\n  local: 1\n" >home/agents.yaml
	start daemon larder agent daemon --pull 0
	daemon=$STARTED_PID
	wait_for "has daemon.err begins"
	for i in 1 2 3; do larder agent run -q --queue --repo api --issue $i --priority $i -- sh -c "echo $i >>../../order"; done
	wait_for "[ \"\$(larder agent list --status completed --json | jq \".agents | length\")\" = 3 ]"
	same "$(wc -l <$folder/order)" 3
	# Nothing is due: it is not scheduled at all, twenty looks in a row.
	quiet=0
	wait_for "still"
	kill -TERM $daemon
	wait_for "gone $daemon"
'

ok 'the daemon looks now and then at what other tools did to folders' '
	larder agent run -q --repo api --issue 1 -- true
	start daemon larder agent daemon --pull 0 --look 1s
	wait_for "has daemon.err begins"
	mkdir -p home/workspace/core/theirs/task-1
	echo "{\"status\":\"completed\"}" >home/workspace/core/theirs/task-1/status.json
	jq ".status=\"merged\"" $folder/task-1/status.json >t && mv t $folder/task-1/status.json
	wait_for "larder agent show core/theirs/task-1 >/dev/null 2>&1"
	wait_for "[ \"\$(larder agent show local/api/task-1 --json | jq -r .status)\" = merged ]"
	same "$(larder agent sync-status --json | json .queued)" 2
'

ok 'the daemon finds the end of work whose supervisor was killed' '
	start one larder agent run --repo api --branch one -- sh -c "echo begun; until [ -e go ]; do sleep 0.02; done"
	supervisor=$STARTED_PID
	wait_for "grep -q begun $folder/one/.meta/agent-local.log 2>/dev/null"
	# Not before: a daemon may well start what is queued itself.
	start daemon larder agent daemon --pull 0
	kill -KILL $supervisor
	wait_for "gone $supervisor"
	: >$folder/one/repo/go
	wait_for "[ \"\$(larder agent show local/api/one --json | jq -r .status)\" = completed ]"
	same "$(larder agent show local/api/one --json | json .reason)" finished_unwatched
'
