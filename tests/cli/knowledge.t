#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Knowledge from its proposal to a rule file in a workspace, and who may do what with it.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	token_of bob@example.com >bob
	token_of cy@example.com >cy
	echo "$LARDER_TOKEN" >ann
	echo "$HUB_URL" >url
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
HUB_URL=$(cat url) LARDER_SERVER=$(cat url) LARDER_TOKEN=$(cat ann) BOB=$(cat bob) CY=$(cat cy)
export HUB_URL LARDER_SERVER LARDER_TOKEN

propose() { # TITLE [MORE JSON]: bob does; prints the id
	status POST /api/memory "$BOB" "{\"title\":\"$1\",\"content\":\"text of $1\"${2:-}}" >/dev/null
	json reply.json .id
}

step() { # STEP ID [REST OF THE BODY]: prints the status
	status POST "/api/memory/admin/$1?item_id=$2" "$LARDER_TOKEN" ${3:+"$3"}
}

ok 'a proposal becomes a rule file by an admins word, and goes by it' '
	id=$(LARDER_TOKEN=$BOB larder admin rule propose Churn --text "Paused accounts count." --domain finance --json | json .id)
	larder init ws --server "$LARDER_SERVER" --token "$CY" >/dev/null
	[ ! -e ws/.claude/rules/km_approved.md ]
	larder admin rule list --status pending >list
	has list "$id"
	larder admin rule approve "$id" --reason "finance says so" >said
	has said "rule $id is approved"
	larder pull --workspace ws -q
	has ws/.claude/rules/km_approved.md "Paused accounts count."
	larder admin rule mandate "$id"
	larder pull --workspace ws -q
	has "ws/.claude/rules/km_$id.md" "Paused accounts count."
	larder admin rule edit "$id" --title "Churn rate" --json >edited
	same "$(json edited .title)" "Churn rate"
	same "$(json edited .content)" "Paused accounts count."
	larder pull --workspace ws -q
	has "ws/.claude/rules/km_$id.md" "# Churn rate"
	larder admin rule revoke "$id" --reason "no longer so"
	larder pull --workspace ws -q
	[ ! -e "ws/.claude/rules/km_$id.md" ]
	larder admin rule show "$id" --history >shown
	has shown "propose by bob@example.com: pending"
	has shown "approve by ann@example.com: approved (finance says so)"
	has shown "mandate by ann@example.com: mandatory"
	has shown "revoke by ann@example.com: revoked (no longer so)"
	has shown "bob@example.com in proposal"
'

ok 'the paths and words are those of the contract' '
	id=$(propose Contract)
	same "$(status POST /api/memory "$BOB" "{\"title\":\"Contract\",\"content\":\"text of Contract\"}")" 200
	same "$(json reply.json .status)" known
	same "$(status GET /api/memory/admin/pending "$LARDER_TOKEN")" 200
	json reply.json ".items[].id" | grep -qx "$id"
	same "$(step approve "$id")" 200
	same "$(json reply.json .status)" approved
	same "$(status GET "/api/memory?status_filter=approved" "$CY")" 200
	json reply.json ".items[].id" | grep -qx "$id"
	same "$(step mandate "$id" "{\"reason\":\"it must\"}")" 200
	same "$(json reply.json .status)" mandatory
	same "$(json reply.json ".history[-1].note")" "it must"
	same "$(status GET /api/memory/admin/stats "$LARDER_TOKEN")" 200
	[ "$(json reply.json .by_status.mandatory)" -ge 1 ]
	same "$(status GET "/api/memory?limit=1&offset=0" "$CY")" 200
	same "$(json reply.json ".items | length")" 1
'

ok 'a step that cannot be is told, with the one that can' '
	id=$(propose Steps)
	exits 3 larder admin rule revoke "$id" 2>err
	has err "only what is in force can be revoked"
	has err "is rejected"
	larder admin rule reject "$id"
	exits 1 larder admin rule approve kv_none 2>err
	has err "no rule"
	same "$(step other "$id")" 404
	same "$(step approve "")" 404
	same "$(status POST /api/memory/admin/approve "$LARDER_TOKEN" "{}")" 400
	same "$(step edit "$id" "{\"fields\":{\"status\":\"approved\"}}")" 400
	same "$(step edit "$id")" 400
	exits 2 larder admin rule edit "$id"
'

ok 'others neither see nor decide what is not for them' '
	id=$(propose Secret)
	same "$(status GET "/api/memory/$id" "$BOB")" 200
	same "$(json reply.json ".evidence | length")" 1
	same "$(status GET "/api/memory/$id" "$CY")" 404
	same "$(status GET "/api/memory?status_filter=pending" "$CY")" 200
	same "$(json reply.json ".items | length")" 0
	same "$(status GET /api/memory/admin/pending "$BOB")" 403
	same "$(status POST "/api/memory/admin/approve?item_id=$id" "$BOB")" 403
	same "$(status GET /api/memory)" 401
	same "$(status POST /api/memory "" "{}")" 401
	reader=$(token_of dee@example.com --scope read)
	same "$(status POST /api/memory "$reader" "{\"title\":\"T\",\"content\":\"c\"}")" 403
	same "$(status GET /api/memory "$reader")" 200
	narrow=$(token_of ann@example.com --scope user)
	same "$(status POST "/api/memory/admin/approve?item_id=$id" "$narrow")" 403
	same "$(status GET /api/memory/admin/duplicate-candidates "$BOB")" 403
	step approve "$id" >/dev/null
	same "$(status GET "/api/memory/$id" "$CY")" 200
	same "$(json reply.json ".evidence | length")" 0
	hasnt reply.json history
'

ok 'what is personal or for a group goes to nobody else' '
	member sales bob@example.com
	personal=$(propose Mine ",\"is_personal\":true")
	group=$(propose Ours ",\"audience\":\"group:sales\"")
	step approve "$personal" >/dev/null
	step approve "$group" >/dev/null
	for who in "$BOB" "$CY"; do
		status GET /api/memory/bundle "$who" >/dev/null
		json reply.json ".approved[].id" >>ids
	done
	hasnt ids "$personal"
	same "$(grep -c "$group" ids)" 1
	same "$(status GET "/api/memory/$personal" "$BOB")" 200
	same "$(status GET "/api/memory/$personal" "$CY")" 404
'

ok 'likely duplicates are listed and decided' '
	a=$(propose First ",\"domain\":\"ops\",\"entities\":[\"x\",\"y\"]")
	b=$(propose Second ",\"domain\":\"ops\",\"entities\":[\"X\",\"y\",\"z\"]")
	status GET /api/memory/admin/duplicate-candidates "$LARDER_TOKEN" >/dev/null
	same "$(json reply.json ".candidates | length")" 1
	path=/api/memory/admin/duplicate-candidates/$a/$b
	same "$(status POST "$path" "$LARDER_TOKEN" "{\"resolution\":\"perhaps\"}")" 400
	same "$(status POST "$path" "$LARDER_TOKEN" "{\"resolution\":\"different\"}")" 204
	same "$(status POST "$path" "$LARDER_TOKEN" "{\"resolution\":\"duplicate\"}")" 400
	status GET /api/memory/admin/duplicate-candidates "$LARDER_TOKEN" >/dev/null
	same "$(json reply.json ".candidates | length")" 0
	status GET "/api/memory/admin/duplicate-candidates?all=1" "$LARDER_TOKEN" >/dev/null
	same "$(json reply.json ".candidates[0].resolution")" different
'

ok 'every step is in the audit trail' '
	id=$(propose Audited)
	step approve "$id" >/dev/null
	step revoke "$id" >/dev/null
	status GET /api/admin/audit "$LARDER_TOKEN" >/dev/null
	for action in propose approve revoke; do
		jq -e --arg id "$id" --arg a "knowledge.$action" \
			"[.. | objects | select(.action == \$a and .resource == \$id)] | length == 1" reply.json
	done
'

ok 'a proposal with odd fields is refused by name' '
	same "$(status POST /api/memory "$BOB" "{\"title\":\"T\",\"content\":\"c\",\"status\":\"approved\"}")" 400
	has reply.json status
	same "$(status POST /api/memory "$BOB" "{\"title\":\"T\"}")" 400
	same "$(status POST /api/memory "$BOB" "{\"title\":\"T\",\"content\":\"c\",\"tags\":\"x\"}")" 400
	same "$(status POST /api/memory "$BOB" "{\"title\":\"a\\u001bb\",\"content\":\"c\"}")" 400
	head -c 300000 /dev/zero | tr "\\0" x | jq -Rs "{title: \"T\", content: .}" >big.json
	same "$(status POST /api/memory "$BOB" @big.json)" 413
	same "$(status GET "/api/memory?status_filter=so-so" "$BOB")" 400
	same "$(status GET "/api/memory?limit=501" "$BOB")" 400
	exits 2 larder admin rule list --status so-so
'
