#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Knowing how a hub is: health by audience, metrics, logs, the record.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export SCHEDULER_STARTUP_GRACE_SECONDS=0
new_hub hub || exit 1
bob=$(token_of bob@example.com)
export bob
printf 'id\n1\n' >one.csv
larder publish one one.csv >/dev/null 2>&1 || exit 1
stop_hub || exit 1
cp -r hub resting
start_hub hub || exit 1
LARDER_SERVER=$HUB_URL

ok 'live, ready and the contract'\''s health need no token and say no more than they must' '
	for path in /health/live /health/ready /api/health; do
		same "$(status GET $path)" 200
		same "$(jq -c "[.status, (keys | length)]" reply.json)" "[\"ok\",2]"
	done
'

ok 'a hub that cannot write is alive and not ready, and goes on serving what it has' '
	cp -r "$SHARED/resting" hub
	steps=$(steps_of_start hub)
	LARDER_FAIL_AT=$((steps + 1)) LARDER_FAIL_WITH=ENOSPC start_hub hub
	same "$(status GET /health/live)" 200
	wait_for "[ \"\$(status GET /health/ready)\" = 503 ]"
	same "$(json reply.json .status)" unhealthy
	same "$(status GET /api/health)" 200
	same "$(status GET /api/health/detailed "$LARDER_TOKEN")" 200
	same "$(jq -c "[.status, .services.database.level, .services.writing.level]" reply.json)" "[\"unhealthy\",\"error\",\"error\"]"
	same "$(status GET /api/sync/manifest "$LARDER_TOKEN")" 200
	same "$(status GET /metrics "$LARDER_TOKEN")" 200
	has reply.json "larder_writable 0"
'

ok 'details are for who is logged in, and those of the operator for admins' '
	same "$(status GET /api/health/detailed)" 401
	same "$(status GET /api/health/detailed "$bob")" 200
	same "$(jq -c "[.status, .caller_role, (.services | keys)]" reply.json)" \
		"[\"healthy\",\"user\",[\"database\",\"tables\"]]"
	same "$(status GET /api/health/detailed "$LARDER_TOKEN")" 200
	same "$(jq -c "[.status, .caller_role, (.services | keys)]" reply.json)" \
		"[\"healthy\",\"admin\",[\"database\",\"disk\",\"jobs\",\"sandbox\",\"scheduler\",\"session_pipeline\",\"tables\",\"writing\"]]"
	same "$(json reply.json .services.scheduler.level)" info
	has reply.json "1 tables"
	same "$(json reply.json .services.sandbox.audience)" operator
'

ok 'a scheduler that fell silent, a failing and an overdue job are seen by operators and watchdogs' '
	cp -r "$SHARED/resting" hub
	{
		echo "jobs:"
		larder scheduler --list --json | jq -r ".jobs[] | \"- {name: \\\"\(.name)\\\", disabled: true}\""
		echo "- {name: bad, schedule: every 1d, path: /api/sync/pull-confirm}"
		echo "- {name: good, schedule: every 1m, path: /health/live, method: GET}"
	} >hub/config.yaml
	start_hub hub
	LARDER_SERVER=$HUB_URL
	exits 1 larder jobs --check >text
	has text "scheduler never"
	exits 1 larder scheduler --data hub --once 2>err
	status GET /api/health/detailed "$LARDER_TOKEN"
	same "$(jq -c "[.status, .services.jobs.level]" reply.json)" "[\"degraded\",\"warning\"]"
	has reply.json "1 failing, 0 overdue: bad"
	same "$(status GET /api/health/detailed "$bob")" 200
	same "$(json reply.json .status)" healthy
	stop_hub
	LARDER_NOW=+300s start_hub hub # five minutes later nobody has asked
	wait_for "grep -q \"warn scheduler state=silent\" hub.err"
	LARDER_SERVER=$HUB_URL
	status GET /api/health/detailed "$LARDER_TOKEN"
	same "$(json reply.json .services.scheduler.level)" warning
	has reply.json "1 failing, 1 overdue"
	exits 1 larder jobs --check >text
	has text "scheduler silent"
	has text overdue
	status GET /metrics "$LARDER_TOKEN"
	has reply.json "larder_scheduler_active 0"
	has reply.json "larder_job_overdue{job_name=\"good\"} 1"
	has reply.json "larder_job_failures_in_a_row{job_name=\"bad\"} 1"
	! command -v promtool || promtool check metrics <reply.json
'

ok 'sessions that nobody processes are seen by operators, and one that was forgotten is named' '
	cp -r "$SHARED/resting" hub
	look() {
		same "$(status GET /api/health/detailed "$LARDER_TOKEN")" 200
		jq -c "[.status, .services.session_pipeline.level, .services.session_pipeline.stuck_file]" reply.json
	}
	send() {
		echo "{\"type\":\"user\"}" >s
		curl --silent --fail --output /dev/null --header "Authorization: Bearer $bob" \
			--form "file=@s;filename=$1" "$HUB_URL/api/upload/sessions"
	}
	start_hub hub
	same "$(look)" "[\"healthy\",\"ok\",null]"
	send z.jsonl
	same "$(look)" "[\"healthy\",\"ok\",null]"
	stop_hub
	LARDER_NOW=+2000s start_hub hub
	same "$(look)" "[\"degraded\",\"warning\",null]"
	[ "$(json reply.json .services.session_pipeline.lag_seconds)" -ge 2000 ]
	has reply.json "was last done with one never"
	same "$(status GET /api/health/detailed "$bob") $(json reply.json .status)" "200 healthy"
	send a.jsonl
	LARDER_NOW=+2000s larder process verification --data hub --limit 1
	same "$(look)" "[\"healthy\",\"ok\",null]"
	stop_hub
	LARDER_NOW=+8000s start_hub hub
	same "$(look)" "[\"healthy\",\"info\",\"bob@example.com/z.jsonl\"]"
	stop_hub
	SESSION_PIPELINE_STUCK_FILE_GRACE_SECONDS=9000 LARDER_NOW=+8000s start_hub hub
	same "$(look)" "[\"healthy\",\"ok\",null]"
	rm hub/sessions/bob@example.com/z.jsonl
	send b.jsonl
	stop_hub
	SCHEDULER_VERIFICATION_DETECTOR_INTERVAL=3600 LARDER_NOW=+12000s start_hub hub
	same "$(look)" "[\"healthy\",\"ok\",null]"
	stop_hub
	LARDER_NOW=+12000s start_hub hub
	same "$(look)" "[\"degraded\",\"warning\",null]"
	stop_hub
	printf "jobs:\n- {name: \"session-processor:verification\", disabled: true}\n" >hub/config.yaml
	LARDER_NOW=+12000s start_hub hub
	same "$(look)" "[\"healthy\",\"ok\",null]"
	has reply.json "is disabled"
'

ok 'metrics are for admins and what promtool takes' '
	same "$(status GET /metrics)" 401
	same "$(status GET /metrics "$bob")" 403
	same "$(status GET /metrics "$LARDER_TOKEN")" 200
	has reply.head "text/plain; version=0.0.4"
	has reply.json "larder_tables 1"
	has reply.json "larder_http_requests_total"
	command -v promtool || skip "there is no promtool"
	promtool check metrics <reply.json >said 2>&1
	[ ! -s said ] || { cat said; exit 1; }
'

ok 'with --log-format json each line of the log is an object, with the id of its request' '
	cp -r "$SHARED/resting" hub
	start_hub hub --log-format json --with-scheduler
	wait_for "grep -q leading hub.err"
	mv hub/objects hub/away
	curl --silent --header "Authorization: Bearer $LARDER_TOKEN" --header "X-Request-Id: find-me" \
		"$HUB_URL/api/data/one/download" || :
	stop_hub
	jq -es "all(.time and .level and .event) and (map(.event) | index(\"serving\"))" hub.err
	jq -es "any(.event == \"leading\")" hub.err
	jq -es "any(.id == \"find-me\")" hub.err
	exits 2 larder serve --data hub --log-format xml 2>err
	has err "neither text nor json"
'

ok 'every administrative act is on record, found by rule' '
	larder admin group add stock
	larder admin member add stock bob@example.com
	larder admin grant add stock one
	larder admin rule add r --title R --text x
	larder admin table change one --description y
	larder admin rule remove r
	larder admin group remove stock
	for action in group.add member.add grant.add rule.add table.change rule.remove group.remove user.add token.create; do
		larder admin audit --action "$action" --json | jq -e ".audit | length > 0" || { echo "no $action"; exit 1; }
	done
	same "$(larder admin audit --action "group.*" --json | jq ".audit | length")" 2
	same "$(larder admin audit --action "!group.*" --json | jq "[.audit[] | select(.action | startswith(\"group.\"))] | length")" 0
	same "$(larder admin audit --user bob@example.com --json | jq ".audit | length")" 0
	same "$(larder admin audit --since 1h --limit 2 --json | jq ".audit | length")" 2
	same "$(larder admin audit --until 1h --json | jq ".audit | length")" 0
	first=$(larder admin audit --limit 1 --json | json ".audit[0].id")
	same "$(larder admin audit --limit 1 --before "$first" --json | jq ".audit[0].id < $first")" true
	exits 2 larder admin audit --since yesterday 2>err
	has err "24h"
	exits 4 larder admin audit --token "$bob" 2>err
	larder admin audit --resource one >text
	has text ann@example.com
'
