#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Notes that people push become proposals, and what is private in them does not.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/llm.sh"

(
	new_hub hub
	token_of bob@example.com >bob
	token_of cy@example.com >cy
	cat >bob.md <<-'END'
		# My notes
		- Revenue excludes **cancelled** orders.
		- I like short answers.
		- The database password is hunter2.
		- Bob's phone number is 0170 123456789.
		- Use net_amount instead of amount in reports.
		```
		The code here is not a note.
		```
		The fiscal year starts in February
		and ends in January.
	END
	printf -- '- Revenue excludes cancelled orders.\n- Warehouses hold returns for 14 days.\n' >cy.md
	for who in bob cy; do
		jq -Rs '{content: .}' <$who.md | curl --silent --fail --output /dev/null --data-binary @- \
			--header "Authorization: Bearer $(cat $who)" "$HUB_URL/api/upload/local-md"
	done
	stop_hub
	echo "$LARDER_TOKEN" >ann
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
LARDER_TOKEN=$(cat ann)
export LARDER_TOKEN

start_here() {
	[ -d hub ] || cp -r "$SHARED/hub" hub
	start_hub hub
	LARDER_SERVER=$HUB_URL
	export LARDER_SERVER
}

# Sends new notes of WHO from stdin.
note() { # WHO
	jq -Rs "{content: .}" | curl --silent --fail --output /dev/null --data-binary @- \
		--header "Authorization: Bearer $(cat "$SHARED/$1")" "$HUB_URL/api/upload/local-md"
}

ok 'statements are proposed with their authors, private ones are not, and an unchanged set is skipped' '
	cp -r "$SHARED/hub" hub
	larder corporate-memory --data hub --dry-run >said
	has said "2 of 2 notes are new"
	larder corporate-memory --data hub --json >said
	same "$(jq -c "[.users_scanned, .files_found, .items_new, .items_pending, .items_preserved, .items_filtered, .skipped, .errors, .model]" said)" \
		"[2,2,4,4,1,2,false,0,null]"
	same "$(larder corporate-memory --data hub --json | jq -c "[.skipped, .items_new, .files_changed]")" "[true,0,0]"
	start_here
	larder admin rule list --status pending --json | jq -r ".rules[] | [.title, .confidence, .evidence_count] | @tsv" | sort >list
	same "$(cat list)" "$(printf "Revenue excludes cancelled orders\t0.55\t2\nThe fiscal year starts in February and ends in January\t0.5\t1\nUse net_amount instead of amount in reports\t0.5\t1\nWarehouses hold returns for 14 days\t0.5\t1")"
	id=$(larder admin rule list --json | json ".rules[] | select(.evidence_count == 2) | .id")
	[ "${id#km_}" != "$id" ]
	larder admin rule show "$id" --history >shown
	has shown "bob@example.com in local-md/bob@example.com/CLAUDE.local.md:2, claude_local_md"
'

ok 'only what changed is read again, and what is known stays' '
	cp -r "$SHARED/hub" hub
	larder corporate-memory --data hub >/dev/null
	start_here
	printf -- "- Warehouses hold returns for 14 days.\r\n- Shipments leave from Graz.\r\n\t- Shipments must have\r\n\t  a label.\r\n" | note cy
	larder corporate-memory --data hub --json >said
	same "$(jq -c "[.files_found, .files_changed, .items_new, .items_preserved]" said)" "[2,1,1,1]"
	larder admin rule list --json | json ".rules[].title" | grep -qx "Shipments must have a label"
'

ok 'the endpoint is for admins, and answers in the shape of the contract' '
	start_here
	same "$(status POST /api/admin/run-corporate-memory)" 401
	same "$(status POST /api/admin/run-corporate-memory "$(cat "$SHARED/bob")")" 403
	same "$(status POST /api/admin/run-corporate-memory "$LARDER_TOKEN")" 200
	same "$(jq -c "[.ok, .details.items_new, .details.skipped]" reply.json)" "[true,4,false]"
	same "$(status POST /api/admin/run-corporate-memory "$LARDER_TOKEN")" 200
	same "$(jq -c "[.ok, .details.items_new, .details.skipped]" reply.json)" "[true,0,true]"
	status GET /api/admin/audit "$LARDER_TOKEN" >/dev/null
	same "$(jq "[.. | objects | select(.action == \"run_corporate_memory\")] | length" reply.json)" 2
'

# What a model says of the notes: ITEMS, and of which numbers it says that they are safe.
model_says() { # ITEMS SAFE
	model_plan model "colleagues - text:$(jq -nc --argjson safe "$2" \
		"{judgments: [\$safe[] | {number: ., safe: true}]}")" "* - text:{\"items\":$1}"
}

item() { # TITLE QUOTE [KNOWN]
	jq -nc --arg title "$1" --arg quote "$2" --arg known "${3:-}" "{known_id: \$known, title: \$title,
		content: \"Content of \(\$title).\", quote: \$quote, domain: \"finance\", entities: []}"
}

ok 'with a model only what it says is harmless is proposed' '
	start_model model
	model_says "[$(item Good "Revenue excludes"),$(item Doubtful x),$(item "My password" x)]" "[0]"
	cp -r "$SHARED/hub" hub
	# each of the two files gives the same three
	larder corporate-memory --data hub --json >said
	same "$(jq -c "[.items_extracted, .items_filtered, .items_new, .items_preserved, .errors, .model.calls]" said)" "[6,4,1,1,0,4]"
	start_here
	same "$(larder admin rule list --json | jq -c ".rules[] | [.title, .evidence_count]")" "[\"Good\",2]"
'

ok 'what the model knows again keeps its id' '
	cp -r "$SHARED/hub" hub
	larder corporate-memory --data hub >/dev/null
	start_here
	id=$(larder admin rule list --json | json ".rules[] | select(.title | startswith(\"Warehouses\")) | .id")
	stop_hub
	start_model model
	model_says "[$(item "Said otherwise" x "$id"),$(item Invented x km_000000000000)]" "[1]"
	larder corporate-memory --data hub --json >said
	same "$(jq -c "[.items_new, .items_preserved]" said)" "[1,3]"
	start_here
	larder admin rule show "$id" --json >item
	same "$(json item .title)" "Warehouses hold returns for 14 days"
	status GET "/api/memory/$id" "$LARDER_TOKEN" >/dev/null
	same "$(json reply.json ".evidence | length")" 2
'

ok 'a model that fails proposes nothing, and the next run makes it good' '
	cp -r "$SHARED/hub" hub
	start_model model "* - status:401"
	for plan in "* - status:401" "* - text:nonsense" "colleagues - cut:{" ; do
		model_plan model "$plan" "* - text:{\"items\":[$(item Good x)]}"
		exits 1 larder corporate-memory --data hub --json >said
		same "$(jq -c "[.items_new, .skipped]" said)" "[0,false]"
		[ "$(json said .errors)" -ge 1 ]
		[ -n "$(json said ".errors_detail[0]")" ]
	done
	model_says "[$(item Good x)]" "[0]"
	same "$(larder corporate-memory --data hub --json | jq -c "[.errors, .items_new]")" "[0,1]"
'

ok 'notes whose bytes are not those of the record fail alone' '
	cp -r "$SHARED/hub" hub
	echo "- Revenue includes everything that is sold." >>hub/local-md/bob@example.com/CLAUDE.local.md
	exits 1 larder corporate-memory --data hub --json >said
	same "$(jq -c "[.errors, .items_new]" said)" "[1,2]"
	has said "not those that were uploaded"
'

ok 'one run at a time; one that was killed is made good by the next' '
	start_here
	start_model model "* - wait:60000:{\"items\":[]}"
	start first larder corporate-memory --data hub
	first=$STARTED_PID
	wait_for "[ -s model.log ]"
	exits 75 larder corporate-memory --data hub 2>err
	has err "already running"
	same "$(status POST /api/admin/run-corporate-memory "$LARDER_TOKEN")" 409
	kill -KILL "$first"
	wait_for "gone $first"
	model_says "[$(item Good x)]" "[0]"
	same "$(larder corporate-memory --data hub --json | jq -c "[.errors, .items_new]")" "[0,1]"
'

ok 'a run that dies is 500, with its row in the record' '
	start_model model "* - wait:60000:{\"items\":[]}"
	start_here
	status POST /api/admin/run-corporate-memory "$LARDER_TOKEN" >code &
	asked=$!
	wait_for "[ -s model.log ]"
	pkill -KILL -P "$HUB_PID" -f "corporate-memory"
	wait $asked
	same "$(cat code)" 500
	larder admin audit --action run_corporate_memory --json >rows
	same "$(jq -c "[.audit[] | .detail | fromjson | .ok, (.unhandled_error | length > 0)]" rows)" "[false,true]"
	larder admin rule list --json | jq -e ".rules == []"
'
