#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Transcripts of people on the hub's machine, taken into its store; and the endpoints beside that.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
new_hub hub || exit 1
HUB=$SHARED/hub
larder admin user add bo@example.com >/dev/null
larder admin user add cy@example.com >/dev/null
larder admin user add cy@other.example >/dev/null
export HUB
OWNER=$(id -u)
[ "$OWNER" != 0 ] || OWNER=1000
export OWNER

# home NAME: a home in ./homes with a project.
home() {
	mkdir -p "homes/$1/.claude/projects/-srv-x"
	echo '{"type":"user","cwd":"/srv/x","message":{"role":"user","content":"hi"}}' >"homes/$1/.claude/projects/-srv-x/$1-1.jsonl"
	[ "$(id -u)" != 0 ] || chown -R "$OWNER" "homes/$1"
}
collect() { larder collect --data "$HUB" --homes "$PWD/homes" --json "$@" >report; }

ok 'transcripts come into the store of their user, and grown ones come again' '
	home bo
	collect
	same "$(jq -c "[.rc, .users_processed, .files_copied, .files_skipped]" report)" "[0,1,1,0]"
	cmp "$HUB/sessions/bo@example.com/bo-1.jsonl" homes/bo/.claude/projects/-srv-x/bo-1.jsonl
	collect
	same "$(jq -c "[.files_copied, .files_extended, .files_skipped]" report)" "[0,0,1]"
	echo "{\"type\":\"assistant\"}" >>homes/bo/.claude/projects/-srv-x/bo-1.jsonl
	collect
	same "$(jq -c "[.files_copied, .files_extended, .files_skipped]" report)" "[0,1,0]"
	cmp "$HUB/sessions/bo@example.com/bo-1.jsonl" homes/bo/.claude/projects/-srv-x/bo-1.jsonl
	mkdir -p homes/bo/user/sessions homes/bo/.claude/projects/-srv-x/bo-1/subagents
	echo "{}" >homes/bo/user/sessions/own.jsonl
	echo "{}" >homes/bo/.claude/projects/-srv-x/bo-1/subagents/agent-a.jsonl
	echo "{}" >homes/bo/.claude/projects/-srv-x/notes.txt
	[ "$(id -u)" != 0 ] || chown -R "$OWNER" homes/bo
	collect
	same "$(json report .files_copied)" 2
	[ -f "$HUB/sessions/bo@example.com/bo-1.agent-a.jsonl" ] && [ -f "$HUB/sessions/bo@example.com/own.jsonl" ]
'

ok 'secrets are taken out, private homes and folders are left alone' '
	home bo
	echo "{\"content\":\"ghp_0123456789abcdefghijABCDEFGHIJ012345\"}" >>homes/bo/.claude/projects/-srv-x/bo-1.jsonl
	mkdir -p homes/bo/quiet
	: >homes/bo/quiet/.larder-private
	echo "{\"cwd\":\"$PWD/homes/bo/quiet\"}" >homes/bo/.claude/projects/-srv-x/hidden.jsonl
	[ "$(id -u)" != 0 ] || chown -R "$OWNER" homes/bo
	collect
	same "$(json report .redacted)" 1
	same "$(json report .files_private)" 1
	hasnt "$HUB/sessions/bo@example.com/bo-1.jsonl" ghp_
	[ ! -e "$HUB/sessions/bo@example.com/hidden.jsonl" ]
	: >homes/bo/.larder-private
	echo more >>homes/bo/.claude/projects/-srv-x/bo-1.jsonl
	collect
	same "$(json report .users_processed)" 0
'

ok 'links, pipes and files of others are not read' '
	home bo
	rm -f "$HUB"/sessions/bo@example.com/*
	echo "not yours" >elsewhere.jsonl
	ln -s "$PWD/elsewhere.jsonl" homes/bo/.claude/projects/-srv-x/link.jsonl
	mkfifo homes/bo/.claude/projects/-srv-x/pipe.jsonl
	ln -s /etc homes/bo/.claude/projects/etc
	[ "$(id -u)" != 0 ] || echo secret >homes/bo/.claude/projects/-srv-x/roots.jsonl
	exits 1 collect || collect
	[ ! -e "$HUB/sessions/bo@example.com/link.jsonl" ] && [ ! -e "$HUB/sessions/bo@example.com/roots.jsonl" ]
'

ok 'a home that could be of two users is told, one of none is passed over, and the settings decide' '
	home cy
	home nobody-here
	exits 1 collect
	same "$(json report .errors)" 1
	json report ".errors_detail[0]" | grep -q "collector.users"
	cp -r "$HUB" own
	printf "collector:\n  users:\n    cy: cy@other.example\n" >own/config.yaml
	larder collect --data own --homes "$PWD/homes" --json >report
	same "$(json report .files_copied)" 1
	[ -f own/sessions/cy@other.example/cy-1.jsonl ]
	LARDER_SKIP_COLLECTOR=1 larder collect --data own --json | jq -e .skipped
'

ok 'the endpoints of the scheduler answer in the shapes of their contract' '
	AGNES_SKIP_LEGACY_COLLECTOR=1
	export AGNES_SKIP_LEGACY_COLLECTOR
	new_hub own
	larder_server=$HUB_URL
	same "$(status POST /api/admin/run-session-collector "$LARDER_TOKEN")" 200
	same "$(jq -c "[.ok, .details.skipped, .details.files_copied]" reply.json)" "[true,true,0]"
	same "$(status POST /api/admin/run-blocked-purge "$LARDER_TOKEN")" 200
	same "$(jq -c . reply.json)" "{\"details\":{\"ids\":[],\"purged\":0},\"ok\":true}"
	same "$(status POST /api/admin/run-reap-stuck-reviews "$LARDER_TOKEN")" 200
	same "$(jq -c . reply.json)" "{\"grace_seconds\":1800,\"reaped\":0,\"skipped\":false}"
	LARDER_SERVER=$larder_server larder admin table add far --mode remote --source bigquery
	same "$(status POST /api/admin/run-bq-metadata-refresh "$LARDER_TOKEN")" 200
	same "$(jq -c "[.total, .succeeded, .no_data, .failed]" reply.json)" "[1,0,1,0]"
	bo=$(LARDER_SERVER=$larder_server token_of bo@example.com)
	for name in session-collector blocked-purge reap-stuck-reviews bq-metadata-refresh backup; do
		same "$(status POST /api/admin/run-$name "$bo")" 403
		same "$(status POST /api/admin/run-$name)" 401
	done
	curl -sS -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/admin/audit" >audit.json
	for action in run_session_collector run_blocked_purge run_reap_stuck_reviews run_bq_metadata_refresh; do
		jq -e "[.audit[].action] | index(\"$action\")" audit.json
	done
'
