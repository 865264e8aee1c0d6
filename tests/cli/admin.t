#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# larder admin: users, groups, members, tokens, rules, as a person uses them.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

new_hub hub || exit 1

ok 'a user is added, listed and removed' '
	larder admin user add Dora@Example.com --name "Dora D."
	larder admin user list >list
	has list dora@example.com
	has list "Dora D."
	exits 3 larder admin user add dora@example.com 2>err
	has err "exists already"
	larder admin user remove dora@example.com
	larder admin user list --json >list.json
	same "$(json list.json ".users[] | select(.email == \"dora@example.com\") | .active")" false
	exits 1 larder admin user remove dora@example.com
'

ok 'a group is added, gets and loses members, and is removed' '
	larder admin group add sales
	larder admin user add ed@example.com
	larder admin member add sales ed@example.com
	exits 3 larder admin member add sales ed@example.com
	larder admin group list --json >list.json
	same "$(json list.json ".groups[] | select(.name == \"sales\") | .members[0]")" ed@example.com
	larder admin member remove sales ed@example.com
	exits 1 larder admin member remove sales ed@example.com
	larder admin group remove sales
	exits 1 larder admin group remove sales
	exits 2 larder admin group add "a b"
'

ok 'the last admin can neither leave nor be removed' '
	exits 3 larder admin member remove admin ann@example.com 2>err
	has err "no admin"
	exits 3 larder admin user remove ann@example.com
	exits 3 larder admin group remove admin
	larder admin user list
'

ok 'a token is created for another user, listed and revoked' '
	larder admin user add fay@example.com
	token=$(larder admin token create --user fay@example.com --name "her laptop" --expires 30d)
	LARDER_TOKEN=$token larder admin token list --json >own.json
	same "$(jq length own.json)" 1
	id=$(json own.json ".[0].id")
	larder admin token list --all >all
	has all "her laptop"
	larder admin token revoke "$id"
	LARDER_TOKEN=$token exits 4 larder admin token list 2>err
	has err "Token revoked"
	exits 1 larder admin token revoke nosuch
'

ok 'a token needs a name, a known scope and a time in whole days' '
	exits 2 larder admin token create 2>err
	has err "--name"
	exits 2 larder admin token create --name t --scope root
	exits 2 larder admin token create --name t --expires 5h
	exits 1 larder admin token create --name t --user nobody@example.com
	larder admin token create --name t --expires never
'

ok 'a rule is added, shown, replaced, listed and removed' '
	printf "Net of VAT.\r\nAlways.\n" >revenue.md
	larder admin rule add revenue --title Revenue --file revenue.md --mandatory --category finance --tag a --tag b
	larder admin rule show revenue >shown
	has shown "# Revenue"
	has shown "Always."
	exits 3 larder admin rule add revenue --title Revenue --text x
	echo "From stdin." | larder admin rule add revenue --title Revenue --file - --replace --confidence 0.7
	larder admin rule show revenue --json >rule.json
	same "$(json rule.json .content)" "From stdin."
	same "$(json rule.json .confidence)" 0.7
	larder admin rule list >list
	has list revenue
	larder admin rule remove revenue
	exits 1 larder admin rule show revenue
'

ok 'a rule of 50 MB is refused by the name of the limit, here and at the hub' '
	head -c 50000000 /dev/zero | tr "\0" a >big.md
	exits 1 larder admin rule add big --title Big --file big.md 2>err
	has err 262144
	same "$(status POST /api/admin/rules "$LARDER_TOKEN" @big.md)" 413
	printf "{\"title\":\"t\",\"content\":\"%s\"}" "$(head -c 262145 big.md)" >over.json
	same "$(status POST /api/admin/rules "$LARDER_TOKEN" @over.json)" 413
	has reply.json "the limit is 262144"
'

ok 'a rule id with a slash, or two contents, is a usage error' '
	exits 2 larder admin rule add a/b --title T --text x
	exits 2 larder admin rule add ../x --title T --text x
	exits 2 larder admin rule add ok --title T --text x --file y
	exits 2 larder admin rule add ok --text x
	exits 2 larder admin rule add ok --title T --text x --audience everyone
	exits 2 larder admin rule add ok --title T --text x --confidence 2
	exits 1 larder admin rule add ok --title T --file nosuch.md
'

ok 'the bundle holds what its reader may see, and a withdrawn rule leaves it' '
	member analysts gus@example.com
	gus=$(larder admin token create --user gus@example.com --name t --scope read)
	larder admin rule add for-all --title All --text x --mandatory
	larder admin rule add for-us --title Us --text x --audience group:analysts
	larder admin rule add for-them --title Them --text x --audience group:others
	larder admin rule add old --title Old --text x --until 2020-01-01T00:00:00Z
	same "$(status GET /api/memory/bundle "$gus")" 200
	same "$(jq -r "[.mandatory[].id, .approved[].id] | join(\" \")" reply.json)" "for-all for-us"
	same "$(json reply.json .token_budget)" 6000
	larder admin rule remove for-us
	same "$(status GET /api/memory/bundle "$gus")" 200
	same "$(jq -r "[.mandatory[].id, .approved[].id] | join(\" \")" reply.json)" for-all
	larder admin rule remove for-all
	larder admin rule remove for-them
'

ok 'an unchanged bundle is 304, and a change or another group is not' '
	bundle() { curl -s -o reply.json -w "%{http_code}" -H "Authorization: Bearer $1" -H "If-None-Match: $2" "$HUB_URL/api/memory/bundle"; }
	same "$(status GET /api/memory/bundle "$LARDER_TOKEN")" 200
	etag=$(sed -n "s/^[Ee][Tt]ag: *\(.*\)\r$/\1/p" reply.head)
	same "$(bundle "$LARDER_TOKEN" "$etag")" 304
	larder admin rule add new --title New --text x --audience group:none
	same "$(bundle "$LARDER_TOKEN" "$etag")" 200
	hal=$(token_of hal@example.com)
	same "$(status GET /api/memory/bundle "$hal")" 200
	hasnt reply.json "\"new\""
	larder admin rule remove new
	same "$(bundle "$LARDER_TOKEN" "$etag")" 304
'

table() { # ID NAME
	curl -sf -o /dev/null -H "Authorization: Bearer $LARDER_TOKEN" --data-binary "{\"id\":\"$1\",\"name\":\"$2\"${3:+,$3}}" \
		"$HUB_URL/api/admin/registry"
}

ok 'a grant is given by id or name, follows the id, and is withdrawn by either' '
	table t1 orders
	larder admin group add buyers
	larder admin grant add buyers orders
	exits 3 larder admin grant add buyers t1
	exits 1 larder admin grant add buyers nosuch
	exits 1 larder admin grant add nobody orders
	larder admin grant list --json >list.json
	same "$(json list.json ".grants[0] | .group + \" \" + .resource_id + \" \" + .resource_name")" "buyers t1 orders"
	larder admin grant remove buyers orders
	exits 1 larder admin grant remove buyers orders
	larder admin grant add buyers t1
	larder admin grant remove "$(larder admin grant list --json | json ".grants[0].id")"
	larder admin grant add buyers finance --domain
	larder admin grant remove buyers finance --domain
	same "$(larder admin grant list --json | jq ".grants | length")" 0
'

ok 'the welcome lists what its reader may see, and how to ask' '
	table w1 flights "\"description\":\"Flights | of 2001\\nmore\""
	member pilots ida@example.com
	ida=$(larder admin token create --user ida@example.com --name t)
	same "$(status GET "/api/welcome?server_url=http://hub.example/" "$ida")" 200
	json reply.json .content >before
	hasnt before flights
	has before "nothing has been granted"
	has before "http://hub.example"
	has before "larder query"
	has before "ida@example.com"
	larder admin grant add pilots flights
	same "$(status GET "/api/welcome?server_url=http://hub.example" "$ida")" 200
	json reply.json .content >after
	has after "| \`flights\` |  | Flights \\| of 2001 |"
	same "$(status GET "/api/welcome?server_url=javascript:x" "$ida")" 400
'

ok 'a pull that is confirmed shows in the list of users' '
	jo=$(token_of jo@example.com --scope read)
	same "$(status POST /api/sync/pull-confirm "$jo" "{\"duration_ms\":5}")" 200
	same "$(cat reply.json)" "{\"recorded\":true}"
	larder admin user list --json | jq -r ".users[] | select(.email == \"jo@example.com\") | .last_pull_at" | grep -q "^20"
'

ok 'a hub that is away is exit 75, a wrong token exit 4, a missing one says what to do' '
	LARDER_SERVER=http://127.0.0.1:1 exits 75 larder admin user list
	LARDER_TOKEN=nonsense exits 4 larder admin user list
	( unset LARDER_TOKEN; exits 4 larder admin user list 2>err; has err "next:" )
	( unset LARDER_SERVER LARDER_TOKEN; exits 1 larder admin user list 2>err; has err "next:" )
	larder admin user list --server "$HUB_URL/" --token "$LARDER_TOKEN"
'

ok 'every administrative command has help, and an unknown one names the nearest' '
	for command in admin "admin user" "admin user add" "admin group add" "admin member add" "admin token create" \
		"admin grant add" "admin rule add" hub "hub init" serve config "config check"; do
		larder $command --help >help
		has help "larder $command"
	done
	exits 2 larder admin usr 2>err
	has err user
'
