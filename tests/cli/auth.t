#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who gets 401, 403, 404 and 405, and what a hostile request gets.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

new_hub hub || exit 1
bob=$(token_of bob@example.com)
reader=$(token_of bob@example.com --scope read)
root=$LARDER_TOKEN
export bob reader root

# Routes by what they need; each method with its path.
any='GET /api/memory/bundle
GET /api/sync/manifest
GET /api/catalog/tables
GET /api/welcome
GET /auth/tokens'
admins='GET /api/admin/users
GET /api/admin/groups
GET /api/admin/grants
GET /api/admin/rules
GET /api/admin/audit
GET /api/admin/registry
GET /api/admin/registry/x
GET /api/admin/registry/x/versions
HEAD /api/admin/objects/00
POST /api/admin/registry
POST /api/admin/registry/x/versions
PATCH /api/admin/registry/x
PUT /api/admin/objects/00
DELETE /api/admin/registry/x
POST /api/admin/users
POST /api/admin/groups
POST /api/admin/groups/admin/members
POST /api/admin/grants
POST /api/admin/rules
DELETE /api/admin/users/ann@example.com
DELETE /api/admin/groups/analysts
DELETE /api/admin/groups/admin/members/ann@example.com
DELETE /api/admin/grants/1
DELETE /api/admin/rules/x'
export any admins

each_is() { # STATUS TOKEN ROUTES
	echo "$3" | while read -r method path; do
		got=$(status "$method" "$path" "$2" "$(case $method in P*) echo "{}" ;; esac)")
		same "$got $method $path" "$1 $method $path" || exit 1
	done
}

ok 'without a token every route but health is 401, in the words of the contract' '
	each_is 401 "" "$any
$admins"
	same "$(json reply.json .detail)" "Missing or invalid Authorization header"
	same "$(json reply.json .code)" unauthorized
	has reply.head "WWW-Authenticate: Bearer"
'

ok 'a user gets 403 from every administrative route, and nothing is changed' '
	each_is 403 "$bob" "$admins"
	each_is 403 "$reader" "$admins"
	each_is 200 "$bob" "$any"
	each_is 200 "$reader" "$any"
	same "$(status GET /api/admin/users "$root")" 200
	has reply.json ann@example.com
'

ok 'texts that are no token are 401' '
	for text in x lrd_ "lrd_000000000000_$(head -c 43 /dev/zero | tr "\0" a)" "${bob}a" "${bob%?}" "$(head -c 4000 /dev/zero | tr "\0" a)"; do
		same "$(status GET /api/memory/bundle "$text")" 401
	done
	same "$(curl -s -o reply.json -w "%{http_code}" -H "Authorization: Basic $bob" "$HUB_URL/api/memory/bundle")" 401
	case $bob in *a) wrong=${bob%?}b ;; *) wrong=${bob%?}a ;; esac
	same "$(status GET /api/memory/bundle "$wrong")" 401
	same "$(json reply.json .detail)" "Token mismatch"
'

ok 'a token that is revoked while its request still comes in makes nothing' '
	late=$(token_of ann@example.com --scope admin)
	id=${late#lrd_} id=${id%%_*}
	mkfifo slow
	curl -s -o late.json -w "%{http_code}" -T - -X POST -H "Authorization: Bearer $late" \
		"$HUB_URL/auth/tokens" <slow >late.code &
	exec 7>slow
	printf "{\"name\": " >&7
	wait_for "status GET /auth/tokens?all=1 \$root >/dev/null
		json reply.json \"[.[] | select(.id == \\\"$id\\\")][0].last_used_at\" | grep -q T"
	same "$(status DELETE "/auth/tokens/$id" "$root")" 204
	printf "\"late\"}" >&7
	exec 7>&-
	wait
	same "$(cat late.code)" 401
	same "$(json late.json .detail)" "Token revoked"
'

ok 'a revoked token is refused at once, and says so' '
	token=$(token_of eve@example.com)
	same "$(status GET /auth/tokens "$token")" 200
	id=$(jq -r ".[0].id" reply.json)
	same "$(status DELETE "/auth/tokens/$id" "$token")" 204
	same "$(status GET /auth/tokens "$token")" 401
	same "$(json reply.json .detail)" "Token revoked"
'

ok 'an expired token is refused, and says so' '
	larder hub init hub2 --admin ann@example.com >token
	LARDER_NOW=+366d
	export LARDER_NOW
	start_hub hub2
	same "$(status GET /auth/tokens "$(cat token)")" 401
	same "$(json reply.json .detail)" "Token expired"
'

ok 'a removed user is told that the account is deactivated' '
	token=$(token_of carl@example.com)
	larder admin user remove carl@example.com
	same "$(status GET /auth/tokens "$token")" 401
	same "$(json reply.json .detail)" "Account deactivated"
'

ok 'a token of another user cannot be seen or revoked' '
	eve=$(token_of eve@example.com)
	same "$(status GET /auth/tokens "$eve")" 200
	hasnt reply.json bob@example.com
	id=${bob#lrd_}
	same "$(status DELETE "/auth/tokens/${id%%_*}" "$eve")" 404
	same "$(status GET "/auth/tokens?all=1" "$eve")" 403
	same "$(status GET /auth/tokens "$bob")" 200
'

ok 'a token mints only tokens of its own rights or less' '
	same "$(status POST /auth/tokens "$reader" "{\"name\":\"t\",\"scope\":\"user\"}")" 403
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"t\",\"scope\":\"admin\"}")" 403
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"t\",\"user\":\"ann@example.com\"}")" 403
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"t\",\"scope\":\"read\"}")" 201
	same "$(json reply.json .scope)" read
	same "$(status POST /auth/tokens "$root" "{\"name\":\"t\",\"scope\":\"admin\",\"user\":\"bob@example.com\"}")" 403
'

ok 'a token made by another ends with it at the latest' '
	token=$(larder admin token create --user bob@example.com --name short --expires 1d)
	same "$(status POST /auth/tokens "$token" "{\"name\":\"t\",\"expires_in_days\":null}")" 201
	end=$(json reply.json .expires_at)
	same "$(status GET /auth/tokens "$token")" 200
	same "$(jq -r ".[] | select(.name == \"short\") | .expires_at" reply.json)" "$end"
'

ok 'a minted token is answered in the shape of the contract' '
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"laptop\",\"expires_in_days\":7}")" 201
	for key in id name prefix token expires_at created_at; do json reply.json ".$key"; done
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"\"}")" 400
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"t\",\"expires_in_days\":0}")" 400
	same "$(status POST /auth/tokens "$bob" "{\"name\":\"t\",\"expires_in_days\":3651}")" 400
'

ok 'the database and the log hold no secret' '
	secret=${bob#lrd_*_}
	! grep -rqaF "$secret" "$SHARED/hub" "$SHARED/hub.err"
'

ok 'a cookie may read but not write' '
	cookie() { curl -s -o reply.json -w "%{http_code}" -b "access_token=$root" "$@"; }
	same "$(cookie "$HUB_URL/api/admin/users")" 200
	same "$(cookie --data-binary "{\"name\":\"evil\"}" "$HUB_URL/api/admin/groups")" 401
	larder admin group list >list
	hasnt list evil
'

ok 'an admin with a narrow token administers nothing' '
	token=$(larder admin token create --name pull --scope user)
	each_is 403 "$token" "$admins"
	LARDER_TOKEN=$token exits 4 larder admin user list
'

ok 'unknown paths are 404 and unknown methods 405 with Allow, as JSON' '
	for path in / /api /api/healthx /api/health/ /api/admin/users/ /API/HEALTH; do
		same "$path $(status GET "$path" "$root")" "$path 404"
		json reply.json .detail
	done
	same "$(status PUT /api/admin/users "$root" "{}")" 405
	same "$(grep -i "^allow:" reply.head | tr -d "\r" | tr "[:upper:]" "[:lower:]")" "allow: get, head, post"
	json reply.json .detail
'

ok 'a path that climbs is 404 in every form' '
	for path in /api/../etc/passwd /api/%2e%2e/health /api/..%2fhealth /api/%2e%2e%2f%2e%2e%2fetc /api/health/../health \
		/api//health /api/./health "/api/health%00" /api/health%5c.. /api/%c0%ae%c0%ae/health /%2e/api/health \
		/api/admin/rules/..%2f..%2fstate.db /api/admin/groups/%2e%2e/members /api/admin/users/%zz; do
		same "$path $(status GET "$path" "$root")" "$path 404"
	done
'

ok 'a body that is no JSON object is 422, one over its limit 413' '
	same "$(status POST /api/admin/groups "$root" "{")" 422
	same "$(status POST /api/admin/groups "$root" "[]")" 422
	same "$(status POST /api/admin/groups "$root" "{\"name\":7}")" 400
	head -c 70000 /dev/zero | tr "\0" " " >blanks
	same "$(status POST /api/admin/groups "$root" @blanks)" 413
	json reply.json .detail
	same "$(status GET /api/health)" 200
'

ok 'a head over its limit is 431 and the hub goes on' '
	long=$(head -c 40000 /dev/zero | tr "\0" a)
	got=$(curl -s -o /dev/null -w "%{http_code}" -H "X-Long: $long" "$HUB_URL/api/health" || :)
	case $got in 431 | 400 | 413) ;; *) same "$got" 431 ;; esac
	same "$(status GET /api/health)" 200
'

ok 'a token is used while it is listed: the last use is recorded' '
	same "$(status GET /auth/tokens "$bob")" 200
	id=${bob#lrd_}
	jq -r ".[] | select(.id == \"${id%%_*}\") | .last_used_at" reply.json | grep -q "^20"
'

ok 'what admins did is recorded with their address' '
	larder admin group add audited
	same "$(status GET /api/admin/audit "$root")" 200
	same "$(jq -r ".audit[0] | .user + \" \" + .action + \" \" + .resource" reply.json)" "ann@example.com group.add audited"
	first=$(jq ".audit[0].id" reply.json)
	same "$(status GET "/api/admin/audit?before=$first" "$root")" 200
	same "$(jq "[.audit[] | select(.id >= $first)] | length" reply.json)" 0
'
