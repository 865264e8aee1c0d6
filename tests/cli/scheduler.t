#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# The scheduler: its table of jobs, what it calls, and what is left when it or the hub is killed.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export SCHEDULER_STARTUP_GRACE_SECONDS=0
unset API_URL SCHEDULER_API_TOKEN

# One session of bob's, so that a processor has work.
new_hub hub || exit 1
bob=$(token_of bob@example.com)
printf '{"type":"user"}\n' >s
curl --silent --fail --output /dev/null --header "Authorization: Bearer $bob" --form "file=@s;filename=1.jsonl" \
	"$HUB_URL/api/upload/sessions" || exit 1
export bob
stop_hub || exit 1

# A copy of that hub with the jobs on stdin in place of those that are known.
with_jobs() { # DIR
	cp -r "$SHARED/hub" "$1"
	{
		echo 'jobs:'
		larder scheduler --list --json | jq -r '.jobs[] | "- {name: \"\(.name)\", disabled: true}"'
		cat
	} >>"$1/config.yaml"
}

serve() { # DIR [OPTIONS]
	start_hub "$@"
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
}

# A processor that works until it is told to stop, and the job that runs it each second.
slow_job='- {name: slow, schedule: every 1s, path: "/api/admin/run-session-processor?processor=slow"'
with_slow_job() { # DIR KEYS
	echo "$slow_job$2}" | with_jobs "$1"
	printf "processors:\n- {name: slow, command: [/bin/sleep, '%s']}\n" "$(nap)" >>"$1/config.yaml"
}

# Five minutes that nobody else sleeps.
nap() {
	echo "300.$$$(basename "$PWD")"
}

sleeper() {
	grep -lsaz "^$(nap)\$" /proc/[0-9]*/cmdline | cut -d / -f 3 | grep .
}

job() { # NAME PATH: of the list of jobs
	larder jobs --json | jq -r ".jobs[] | select(.name == \"$1\") | $2"
}

runs() { # NAME
	status GET "/api/admin/jobs/$1/runs" "$LARDER_TOKEN" >/dev/null
	jq '.runs | length' reply.json
}

ok 'the table has the jobs of the contract with their times' '
	LARDER_NOW=2026-05-10T12:00:00Z SCHEDULER_STARTUP_GRACE_SECONDS=60 larder scheduler --list --json >list
	jq -r ".jobs[] | [.name, .schedule, .call, .timeout_s] | @tsv" list >table
	printf "%s\t%s\t%s\t%s\n" \
		data-refresh "every 15m" "POST /api/sync/trigger" 120 \
		health-check "every 5m" "GET /api/health" 30 \
		script-runner "every 1m" "POST /api/scripts/run-due" 600 \
		marketplaces "daily 03:00" "POST /api/marketplaces/sync-all" 900 \
		session-collector "every 10m" "POST /api/admin/run-session-collector" 300 \
		session-processor:verification "every 15m" \
			"POST /api/admin/run-session-processor?processor=verification" 900 \
		session-processor:usage "every 10m" "POST /api/admin/run-session-processor?processor=usage" 300 \
		corporate-memory "every 17m" "POST /api/admin/run-corporate-memory" 900 \
		store-blocked-purge "daily 04:00" "POST /api/admin/run-blocked-purge" 600 \
		store-reap-stuck-reviews "every 15m" "POST /api/admin/run-reap-stuck-reviews" 60 \
		bq-metadata-refresh "every 4h" "POST /api/admin/run-bq-metadata-refresh" 1800 >wanted
	head -n 11 table | diff wanted -
	same "$(jq -c "[.jobs[] | select(.name == \"marketplaces\").next[]]" list)" \
		"[\"2026-05-11T03:00:00.000Z\",\"2026-05-12T03:00:00.000Z\",\"2026-05-13T03:00:00.000Z\"]"
	same "$(jq -c ".jobs[0].next" list)" \
		"[\"2026-05-10T12:01:00.000Z\",\"2026-05-10T12:16:00.000Z\",\"2026-05-10T12:31:00.000Z\"]"
	same "$(json list .grace_s)" 60
	larder scheduler --list >text
	has text "every 17m"
'

ok 'each variable changes its job, and is checked as ever' '
	schedule() { jq -r ".jobs[] | select(.name == \"$1\").schedule" list; }
	while read -r variable name; do
		env "$variable= +7_200 " larder scheduler --list --json >list
		same "$variable $(schedule "$name")" "$variable every 2h"
		exits 2 env "$variable=" larder scheduler --list 2>err
		has err "$variable is set but empty"
	done <<-END
		SCHEDULER_DATA_REFRESH_INTERVAL data-refresh
		SCHEDULER_HEALTH_CHECK_INTERVAL health-check
		SCHEDULER_SCRIPT_RUN_INTERVAL script-runner
		SCHEDULER_SESSION_COLLECTOR_INTERVAL session-collector
		SCHEDULER_VERIFICATION_DETECTOR_INTERVAL session-processor:verification
		SCHEDULER_USAGE_PROCESSOR_INTERVAL session-processor:usage
		SCHEDULER_CORPORATE_MEMORY_INTERVAL corporate-memory
		SCHEDULER_BQ_METADATA_REFRESH_INTERVAL bq-metadata-refresh
	END
	exits 2 env SCHEDULER_TICK_SECONDS=120 larder scheduler --list 2>err
	has err "tick"
	exits 2 env SCHEDULER_TICK_SECONDS=0 larder scheduler --list 2>err
	SCHEDULER_TICK_SECONDS=60 larder scheduler --list >text
	exits 2 env SCHEDULER_STARTUP_GRACE_SECONDS=-1 larder scheduler --list 2>err
	exits 2 env SCHEDULER_STARTUP_GRACE_SECONDS= larder scheduler --list 2>err
	exits 2 env SCHEDULER_BQ_METADATA_INITIAL_OFFSET_MAX_SECONDS=x larder scheduler --list 2>err
	SCHEDULER_BQ_METADATA_INITIAL_OFFSET_MAX_SECONDS=-3 larder scheduler --list --json >list
	same "$(jq ".jobs[] | select(.name == \"bq-metadata-refresh\").jitter_s" list)" 0
	SCHEDULER_VERIFICATION_SCHEDULE="daily 01:00" larder scheduler --list --json >list
	same "$(schedule session-processor:verification)" "daily 01:00"
	SCHEDULER_VERIFICATION_SCHEDULE="daily 1" larder scheduler --list --json >list 2>err
	same "$(schedule session-processor:verification)" "every 15m"
	has err SCHEDULER_VERIFICATION_SCHEDULE
'

ok 'the configuration file changes jobs and adds some; what is wrong there has its line' '
	cat >config.yaml <<-END
		jobs:
		- {name: data-refresh, schedule: "daily 02:30", timezone: Europe/Berlin, timeout: 5m}
		- {name: health-check, disabled: true}
		- {name: mine, path: /api/mine, method: GET, schedule: cron 0 5 * * mon-fri, jitter: 10m}
	END
	LARDER_NOW=2026-03-28T12:00:00Z larder scheduler --config config.yaml --list --json >list
	same "$(jq -c "[.jobs[] | select(.name == \"data-refresh\") | .schedule, .timezone, .timeout_s, .next[0:2]]" list)" \
		"[\"daily 02:30\",\"Europe/Berlin\",300,[\"2026-03-29T01:00:00.000Z\",\"2026-03-30T00:30:00.000Z\"]]"
	same "$(jq -c "[.jobs[] | select(.name == \"health-check\").enabled]" list)" "[false]"
	same "$(jq -c "[.jobs[] | select(.name == \"mine\") | .call, .jitter_s]" list)" "[\"GET /api/mine\",600]"
	cp config.yaml "$SHARED/hub/config.yaml"
	larder config check --data "$SHARED/hub" >checked
	has checked "jobs: 3"
	rm "$SHARED/hub/config.yaml"
	while IFS="|" read -r text why; do
		printf "limits: {threads: 2}\njobs:\n- %s\n" "$text" >bad.yaml
		exits 2 larder scheduler --config bad.yaml --list 2>err
		has err "line 3"
		has err "$why"
	done <<-END
		{name: data-refresh, schedule: every 0s}|1 second
		{name: data-refresh, schedule: every 5m, timezone: Mars/Base}|Mars/Base
		{name: mine, schedule: every 5m}|needs a path
		{name: mine, path: /x}|needs a path and a schedule
		{name: mine, path: "http://other/x", schedule: every 5m}|/api/...
		{name: mine, path: "/a b", schedule: every 5m}|/api/...
		{name: mine, path: /x, schedule: every 5m, method: DELETE}|GET or POST
		{name: mine, path: /x, schedule: every 5m, timeout: 2d}|must be 1 to
		{name: "a/b", path: /x, schedule: every 5m}|name
		{nmae: mine}|unknown key
	END
'

ok 'a job is called, and its run is a row and a line of the record' '
	echo "- {name: tick, schedule: every 1s, path: /health/live, method: GET}" | with_jobs hub
	serve hub --with-scheduler
	wait_for "[ \"\$(job tick .state)\" = ok ]"
	larder jobs --json >jobs
	same "$(jq -r .scheduler.state jobs)" active
	same "$(jq -r ".jobs | length" jobs)" 1
	same "$(jq -c ".jobs[0] | [.last.outcome, .last.status, .failures_in_a_row, .running_since]" jobs)" "[\"ok\",200,0,null]"
	wait_for "[ \"\$(runs tick)\" -ge 2 ]"
	jq -e ".runs[0] | .planned_at and .started_at and .next_at" reply.json
	larder jobs >text
	has text "scheduler active: larder scheduler on"
	has text "every 1s"
	larder jobs --check >text
	status GET "/api/admin/audit" "$LARDER_TOKEN"
	jq -e "[.audit[] | select(.action == \"job.run\" and .resource == \"job:tick\" and .user == \"scheduler@system.local\")] | length > 0" reply.json
	stop_hub
	has hub.err "job=tick"
'

ok 'a killed scheduler is started again, and one that stands by takes over' '
	echo "- {name: tick, schedule: every 1s, path: /health/live, method: GET}" | with_jobs hub
	export SCHEDULER_API_TOKEN=a-secret-that-is-longer-than-32-letters
	serve hub
	start one larder scheduler --data hub
	one=$STARTED_PID
	wait_for "grep -q \" leading\" one.err"
	start two larder scheduler --data hub
	wait_for "grep -q standby two.err"
	hasnt two.err " leading"
	wait_for "[ \"\$(job tick .state)\" = ok ]"
	kill -KILL $one
	wait_for "grep -q \" leading\" two.err"
	before=$(runs tick)
	wait_for "[ \"\$(runs tick)\" -gt $before ]"
	kill -TERM $STARTED_PID
	wait_for "gone $STARTED_PID"
	has two.err "stopping"
	same "$(larder jobs --json | json .scheduler.holder 2>&1 | grep -c larder)" 0
	stop_hub
	serve hub --with-scheduler
	wait_for "grep -q \" leading\" hub.err"
	first=$(grep -lsaz "^scheduler\$" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r p; do
		! tr "\000" " " <"/proc/$p/cmdline" | grep -q "$PWD" || echo "$p"; done)
	kill -KILL $first
	wait_for "[ \"\$(grep -c \" leading\" hub.err)\" = 2 ]"
	stop_hub
	wait_for "! grep -lsaz \"^scheduler\$\" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r p; do
		tr \"\\000\" \" \" <\"/proc/\$p/cmdline\"; done | grep -q \"\$PWD\""
'

ok 'a job that still runs is not started again, though nobody waits for it any more' '
	with_slow_job hub ", timeout: 1s"
	serve hub --with-scheduler
	wait_for "sleeper >pid"
	wait_for "grep -q \"run job=slow\" hub.err" # the call was given up after a second
	same "$(job slow .state)" running
	wait_for "[ \"\$(grep -c \"wait-a-second\" hub.err)\" = 0 ]"
	same "$(runs slow)" 1
	kill "$(cat pid)"
	wait_for "[ \"\$(runs slow)\" -ge 2 ]" # now it may
	jq -e ".runs[-1] | .status == 200 and .outcome == \"ok\" and .duration_ms > 900" reply.json
	kill "$(sleeper)" || :
'

ok 'a hub that is killed in a job closes its run, and it is tried again' '
	with_slow_job hub ", timeout: 60s"
	serve hub --with-scheduler
	wait_for "sleeper >pid"
	stop_hub KILL
	wait_for "gone \$(cat pid)"
	serve hub
	same "$(job slow .last.outcome)" cut
	same "$(job slow .state)" failing
	jq -n --arg next "$(job slow .next_at)" "(\$next | sub(\"[.][0-9]+Z\"; \"Z\") | fromdate) - now | . > -60 and . < 70"
	has hub.err "cut-runs runs=1"
'

ok 'SIGTERM is answered at once, and the run goes on' '
	with_slow_job hub ", timeout: 600s"
	export SCHEDULER_API_TOKEN=a-secret-that-is-longer-than-32-letters
	serve hub
	start one larder scheduler --data hub
	wait_for "sleeper >pid"
	kill -TERM $STARTED_PID
	WAIT_SECONDS=5
	wait_for "gone $STARTED_PID"
	same "$(job slow .state)" running
	kill "$(cat pid)"
	wait_for "[ \"\$(job slow .last.outcome)\" = ok ]"
'

ok 'what the scheduler cannot reach, and a hub that comes back' '
	echo "- {name: tick, schedule: every 1s, path: /health/live, method: GET}" | with_jobs hub
	export SCHEDULER_API_TOKEN=a-secret-that-is-longer-than-32-letters
	serve hub
	port=${HUB_URL##*:}
	stop_hub
	exits 75 larder scheduler --data hub --server "$HUB_URL" --once 2>err
	has err "claim"
	start one larder scheduler --data hub --server "$HUB_URL"
	wait_for "grep -q \"warn ask\" one.err"
	start back larder serve --data hub --listen "127.0.0.1:$port"
	wait_for "grep -q \" leading\" one.err"
	wait_for "grep -q \"run job=tick\" one.err"
'

ok 'the secret of the scheduler opens the hub as its own user, and mints nothing' '
	export SCHEDULER_API_TOKEN=" a-secret-that-is-longer-than-32-letters "
	secret=a-secret-that-is-longer-than-32-letters
	cp -r "$SHARED/hub" hub
	serve hub
	same "$(status GET /api/admin/users "$secret")" 200
	jq -e ".users[] | select(.email == \"scheduler@system.local\") | .groups == [\"admin\"]" reply.json
	same "$(status GET /api/admin/users "${secret}x")" 401
	same "$(status GET /api/admin/users "${secret%?}")" 401
	same "$(status POST /auth/tokens "$secret" "{\"name\": \"mine\"}")" 403
	has reply.json "mints no tokens"
	exits 3 larder admin user remove ann@example.com 2>err
	stop_hub
	unset SCHEDULER_API_TOKEN
	serve hub
	same "$(status GET /api/admin/users "$secret")" 401
	stop_hub
	SCHEDULER_API_TOKEN=short-secret
	export SCHEDULER_API_TOKEN
	serve hub
	same "$(status GET /api/admin/users short-secret)" 401
	has hub.err "too short"
'

ok 'once does what is due and says how it went; a refused scheduler says so' '
	printf "%s\n" "- {name: tick, schedule: every 1d, path: /health/live, method: GET}" \
		"- {name: worse, schedule: every 1d, path: /api/sync/pull-confirm}" | with_jobs hub
	serve hub
	exits 1 larder scheduler --data hub --once 2>err
	has err "1 runs did not succeed"
	same "$(job tick .state) $(job worse .state) $(job worse .last.status)" "ok failing 422"
	larder scheduler --data hub --once
	same "$(runs tick)" 1
	exits 1 larder jobs --check >text
	has text failing
	exits 4 larder scheduler --data hub --once --token "$bob" 2>err
	exits 4 larder scheduler --data hub --once --token nonsense 2>err
'

ok 'a run is begun once, and only by an admin' '
	echo "- {name: tick, schedule: every 1d, path: /health/live, method: GET}" | with_jobs hub
	serve hub
	larder scheduler --data hub --once
	ask() { curl --silent --output reply.json --write-out "%{http_code}\n" --header "X-Larder-Run: $1" \
		--header "Authorization: Bearer $2" "$HUB_URL/health/live"; }
	same "$(ask 1 "$LARDER_TOKEN")" 409
	has reply.json "run 1 is not open"
	same "$(ask 99 "$LARDER_TOKEN")" 409
	same "$(ask x "$LARDER_TOKEN")" 400
	same "$(ask 1 "$bob")" 403
	same "$(ask 1 nobody)" 401
	same "$(status POST /api/scheduler/claim "$bob" "{}")" 403
	same "$(status POST /api/scheduler/claim "$LARDER_TOKEN" "{}")" 400
	same "$(status POST /api/scheduler/claim "$LARDER_TOKEN" "{\"holder\":\"x\",\"owner\":\"y\",\"jobs\":[{}]}")" 400
	same "$(status POST /api/scheduler/claim "$LARDER_TOKEN" \
		"{\"holder\":\"x\",\"owner\":\"y\",\"jobs\":[{\"name\":\"a\",\"schedule\":\"never\",\"call\":{\"method\":\"GET\",\"path\":\"/health/live\"}}]}")" 400
	same "$(runs tick)" 1
'

ok 'runs in an answer that was lost are given again, and to nobody twice' '
	echo "- {name: tick, schedule: every 1d, path: /health/live, method: GET}" | with_jobs hub
	serve hub
	claim() { # OWNER TOKEN
		status POST /api/scheduler/claim "$LARDER_TOKEN" "{\"holder\":\"x\",\"owner\":\"$1\",\"host\":\"h\",\"token\":\"$2\",
			\"fire\":true,\"jobs\":[{\"name\":\"tick\",\"schedule\":\"every 1d\",\"first_in_ms\":0,
			\"call\":{\"method\":\"GET\",\"path\":\"/health/live\",\"timeout_s\":5}}]}" >/dev/null
		jq -c "[.leader, [.runs[]?.id]]" reply.json
	}
	same "$(claim one "")" "[true,[1]]"
	token=$(json reply.json .token)
	same "$(claim one "$token")" "[true,[]]"
	same "$(claim two "")" "[false,[]]"
	same "$(json reply.json .holder)" "x on h"
	same "$(claim one "")" "[true,[1]]" # it forgot, or never heard
	same "$(status POST /api/scheduler/release "$LARDER_TOKEN" "{\"token\":\"$token\"}")" 204 # of before: nothing
	same "$(claim two "")" "[false,[]]"
	same "$(status POST /api/scheduler/release "$LARDER_TOKEN" \
		"{\"token\":\"$(claim one "" >/dev/null; json reply.json .token)\"}")" 204
	same "$(claim two "")" "[true,[1]]"
	curl --silent --fail --header "X-Larder-Run: 1" --header "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/health/live"
	wait_for "[ \"\$(job tick .state)\" = ok ]"
	same "$(claim three "")" "[false,[]]"
	same "$(runs tick)" 1
'

ok 'more jobs than one answer holds are all called, once each' '
	seq 1100 | sed "s|.*|- {name: job-&, schedule: every 1d, path: /health/live, method: GET}|" | with_jobs hub
	serve hub --quiet
	larder scheduler --data hub --once --quiet
	same "$(larder jobs --json | jq -c "[.jobs[] | select(.state == \"ok\" and .last.run <= 1100)] | length")" 1100
	larder scheduler --data hub --once --quiet
	same "$(larder jobs --json | jq "[.jobs[].last.run] | max")" 1100
'
