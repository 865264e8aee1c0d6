#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder init: what it asks, what it writes and where, what it leaves alone.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

(
	new_hub hub
	printf 'k,v\n1,a\n2,b\n' >t.csv
	larder publish t t.csv -q
	member analysts bo@example.com
	larder admin grant add analysts t
	larder admin rule add units --mandatory --title Units --text 'In metres.'
	token_of bo@example.com >bo.token
	token_of cy@example.com >cy.token
	printf '%s\n' "$LARDER_TOKEN" >ann.token
	stop_hub
	cp -r hub copy # at rest: the lease of a running one would be copied too
	start_hub hub
	printf '%s\n' "$HUB_URL" >url
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}
BO=$(cat bo.token) CY=$(cat cy.token) ANN=$(cat ann.token) URL=$(cat url)
export BO CY ANN URL

credentials=.config/larder/credentials.yaml
export credentials

# Nothing of a workspace, nothing remembered.
nothing_saved() { # DIR
	[ ! -e "$1" ] && [ ! -e .config ]
}

ok 'a workspace has its files, its tables and its rules' '
	larder init ws --server $URL --token $BO >said
	for f in CLAUDE.md LARDER_WORKSPACE.md .claude/settings.json .claude/CLAUDE.local.md \
		.larder/config.yaml .larder/state.db server/parquet/t.parquet .claude/rules/km_units.md; do
		[ -s "ws/$f" ] || { echo "no $f"; exit 1; }
	done
	has said "$PWD/ws"
	has said "1 table, 1 rule,"
	has ws/LARDER_WORKSPACE.md "$PWD/ws"
	has ws/LARDER_WORKSPACE.md $URL
	has ws/CLAUDE.md "larder query"
	same "$(cd ws && larder query --format csv "SELECT count(*) n FROM t" | tr -d "\r")" "$(printf "n\n2")"
	larder verify -w ws -q
'

ok 'the folder may be the current one, and the address may end in slashes' '
	mkdir here
	cd here
	larder init --server $URL/// --token $BO -q >said
	same "$(cat said)" ""
	same "$(larder status --json | json .server)" $URL
'

ok 'the answer is one JSON object when asked for' '
	larder init ws --server $URL --token $BO --json >said 2>err
	same "$(json said .workspace)" "$PWD/ws"
	same "$(json said .server)" $URL
	same "$(json said ".written | length")" 4
	same "$(json said ".kept | length")" 0
	same "$(json said .pull.tables_updated)" 1
	same "$(json said ".pull.errors | length")" 0
	larder init ws2 --server $URL --token $BO --json --no-pull >said
	same "$(jq .pull said)" null
	[ ! -e ws2/server ]
'

ok 'both hooks are installed once, with tools that read' '
	larder init ws --server $URL --token $BO -q
	larder init ws -q
	json ws/.claude/settings.json ".hooks.SessionStart | length == 1" >/dev/null
	same "$(json ws/.claude/settings.json ".hooks.SessionStart[].hooks[].command" | cut -d" " -f1,2)" "larder pull"
	same "$(json ws/.claude/settings.json ".hooks.SessionEnd[].hooks[].command" | cut -d" " -f1,2)" "larder push"
	same "$(json ws/.claude/settings.json ".permissions.allow | join(\",\")")" Read,Bash,Grep,Glob
'

ok 'the hook brings the workspace up to date from any folder, and never fails a session' '
	larder init ws --server $URL --token $BO -q
	rm ws/server/parquet/t.parquet
	hook=$(json ws/.claude/settings.json ".hooks.SessionStart[0].hooks[0].command")
	cd /
	CLAUDE_PROJECT_DIR=$HOME/ws sh -c "$hook" >$HOME/out 2>&1
	same "$(cat $HOME/out)" ""
	[ -e "$HOME/ws/server/parquet/t.parquet" ]
	CLAUDE_PROJECT_DIR=/nowhere sh -c "$hook"
'

ok 'the token is in no file of the workspace, and only its owner may read it at home' '
	umask 000
	larder init ws --server $URL --token $BO -q
	larder pull -w ws -q
	! grep -rF "${BO#lrd_*_}" ws
	grep -qF "$BO" $credentials
	same "$(stat -c %a $credentials)" 600
	same "$(stat -c %a .config/larder)" 700
	same "$(stat -c %a ws/.larder)" 700
	hasnt .config/larder/config.yaml "$BO"
'

ok 'reading credentials makes no folder' '
	exits 1 larder admin user list 2>err
	exits 1 larder pull 2>err
	[ ! -e .config ]
'

ok 'a token that is refused saves nothing: exit 4' '
	exits 4 larder init ws --server $URL --token lrd_000000000000_no 2>err
	has err auth_failed
	has err "next: ask"
	nothing_saved ws
'

ok 'a hub that cannot be reached saves nothing: exit 75' '
	exits 75 larder init ws --server http://127.0.0.1:1 --token $BO 2>err
	has err "http://127.0.0.1:1"
	has err "next: check the address"
	nothing_saved ws
'

ok 'a server that is no hub, or says something strange, saves nothing' '
	mkdir -p served/api/catalog
	: >served.plan
	start_faulty served
	exits 1 larder init ws --server $FAULTY_URL --token $BO 2>err
	has err 404
	has err "next: check the address"
	nothing_saved ws
'

ok 'the token does not follow a redirect' '
	printf "%s\n" "/api/catalog/tables redirect:$URL/api/catalog/tables" >served.plan
	mkdir served
	start_faulty served
	exits 1 larder init ws --server $FAULTY_URL --token $BO 2>err
	has err $URL
	nothing_saved ws
'

ok 'an address or a call that cannot be meant is a usage error' '
	exits 2 larder init ws --server ftp://x --token $BO 2>err
	exits 2 larder init ws --server hub.example.com --token $BO 2>err
	has err "http://"
	exits 2 larder init ws --server http://user:pass@127.0.0.1 --token $BO 2>err
	exits 2 larder init a b --server $URL --token $BO 2>err
	exits 2 larder init ws --sever $URL 2>err
	has err "--server"
	exits 4 larder init ws --server $URL 2>err
	has err "--token"
	exits 1 larder init ws --token $BO 2>err
	has err "--server"
	nothing_saved ws
'

ok 'a token given beats the environment, which beats the file' '
	larder init ws --server $URL --token $BO -q
	LARDER_TOKEN=$CY larder pull -w ws --json >pull
	same "$(json pull .parquets_total)" 0
	larder pull -w ws --json >pull
	same "$(json pull .parquets_total)" 1
	LARDER_TOKEN=lrd_000000000000_no larder init ws --token $BO -q
	LARDER_TOKEN=$BO larder init from-env --server $URL -q
	[ -e from-env/server/parquet/t.parquet ]
'

ok 'the workspaces of two users on one machine do not use each others tokens' '
	larder init bo --server $URL --token $BO -q
	larder init cy --server $URL --token $CY -q
	larder pull -w bo --json >pull
	same "$(json pull .tables_removed)" 0
	same "$(json pull .parquets_total)" 1
	same "$(larder pull -w cy --json | json .parquets_total)" 0
	has bo/.larder/config.yaml bo@example.com
	exits 4 larder admin user list 2>err
	has err "2 tokens are known"
'

ok 'a new token of the same user serves all workspaces of that user' '
	larder init one --server $URL --token $BO -q
	new=$(LARDER_SERVER=$URL LARDER_TOKEN=$ANN token_of bo@example.com)
	larder init two --server $URL --token $new -q
	same "$(grep -c lrd_ $credentials)" 1
	has $credentials $new
	larder pull -w one -q
'

ok 'a workspace is not handed to another user or hub by accident: exit 3' '
	larder init ws --server $URL --token $BO -q
	snapshot ws | grep -v state.db >before
	exits 3 larder init ws --token $CY 2>err
	has err bo@example.com
	has err cy@example.com
	exits 3 larder init ws --server http://127.0.0.1:1 --token $CY 2>err
	has err partial_state
	has err $URL
	snapshot ws | grep -v state.db >after
	cmp before after
	hasnt $credentials $CY
	larder init ws --token $CY --force -q
	[ ! -e ws/server/parquet/t.parquet ]
'

ok 'a hub that has moved is followed with --force, and nothing is fetched again' '
	cp -r "$SHARED/copy" hub
	larder init ws --server $URL --token $BO -q
	start_hub hub
	exits 3 larder init ws --server $HUB_URL 2>err
	exits 4 larder init ws --server $HUB_URL --force 2>err
	has err credentials.yaml
	larder init ws --server $HUB_URL --force --token $BO --json >said
	same "$(json said .pull.tables_updated)" 0
	same "$(json said .pull.bytes_fetched)" 0
	has ws/LARDER_WORKSPACE.md $HUB_URL
	same "$(larder status -w ws --json | json .server)" $HUB_URL
'

ok 'several hubs and users at once lose no token' '
	for n in 1 2 3 4 5 6; do
		LARDER_SERVER=$URL LARDER_TOKEN=$ANN token_of user$n@example.com >$n.token
	done
	for n in 1 2 3 4 5 6; do
		start init$n larder init ws$n --server $URL --token $(cat $n.token) -q
		eval pid$n=$STARTED_PID
	done
	for n in 1 2 3 4 5 6; do
		eval wait \$pid$n
		has $credentials "user$n@example.com"
	done
'

ok 'a foreign settings file keeps every key, event and hook' '
	mkdir -p ws/.claude
	cat >ws/.claude/settings.json <<-END
	{"model":"opus","env":{"A":"1"},"hooks":{"Stop":[{"hooks":[{"type":"command","command":"beep"}]}],
	"SessionStart":[{"matcher":"startup","hooks":[{"type":"command","command":"git fetch"}]},
	{"hooks":[{"type":"command","command":"agnes pull --quiet 2>/dev/null || true"}]}]}}
	END
	larder init ws --server $URL --token $BO -q
	settings=ws/.claude/settings.json
	same "$(json $settings .model)" opus
	same "$(json $settings .env.A)" 1
	same "$(json $settings ".hooks.Stop[0].hooks[0].command")" beep
	same "$(json $settings ".hooks.SessionStart[0].hooks[0].command")" "git fetch"
	same "$(json $settings ".hooks.SessionStart | length")" 2
	hasnt $settings agnes
	same "$(ls ws/.claude)" "$(printf "CLAUDE.local.md\nrules\nsettings.json")"
'

ok 'a settings file that cannot be read is kept aside and begun anew' '
	mkdir -p ws/.claude
	printf "{ half a" >ws/.claude/settings.json
	larder init ws --server $URL --token $BO -q 2>err
	has err .claude/settings.json
	same "$(cat ws/.claude/settings.json.corrupt-*)" "{ half a"
	same "$(json ws/.claude/settings.json ".hooks | length")" 2
'

ok 'a settings file that is a link stays one' '
	mkdir -p ws/.claude
	echo "{\"mine\":1}" >settings-elsewhere
	ln -s ../../settings-elsewhere ws/.claude/settings.json
	larder init ws --server $URL --token $BO -q 2>err
	has err "it is a link"
	[ -L ws/.claude/settings.json ]
	same "$(cat settings-elsewhere)" "{\"mine\":1}"
'

ok 'a CLAUDE.md of a person stays; --force keeps it beside' '
	mkdir ws
	echo mine >ws/CLAUDE.md
	larder init ws --server $URL --token $BO -q 2>err
	has err "CLAUDE.md: it is yours"
	same "$(cat ws/CLAUDE.md)" mine
	larder init ws -q 2>err
	same "$(cat ws/CLAUDE.md)" mine
	larder init ws --force -q 2>err
	has ws/CLAUDE.md "larder query"
	same "$(cat ws/CLAUDE.md.orig-*)" mine
'

ok 'notes of a person are never touched' '
	mkdir -p ws/.claude
	echo notes >ws/.claude/CLAUDE.local.md
	larder init ws --server $URL --token $BO -q
	larder init ws --force -q
	same "$(cat ws/.claude/CLAUDE.local.md)" notes
	rm ws/.claude/CLAUDE.local.md
	ln -s /nowhere ws/.claude/CLAUDE.local.md
	larder init ws --force -q
	[ -L ws/.claude/CLAUDE.local.md ]
'

ok 'again with nothing new writes nothing' '
	larder init ws --server $URL --token $BO -q
	snapshot ws | grep -v state.db >before
	stat -c "%i %Y" ws/.larder/config.yaml ws/CLAUDE.md >files
	larder init ws --json >said
	same "$(json said ".written | length")" 0
	snapshot ws | grep -v state.db >after
	cmp before after
	same "$(stat -c "%i %Y" ws/.larder/config.yaml ws/CLAUDE.md)" "$(cat files)"
'

ok 'again refreshes our texts, repairs what is missing, keeps settings of a person' '
	larder init ws --server $URL --token $BO -q
	echo "jobs: 3" >>ws/.larder/config.yaml
	rm -r ws/CLAUDE.md ws/.claude ws/server/versions
	larder init ws -q
	[ -s ws/CLAUDE.md ]
	[ -s ws/.claude/settings.json ]
	[ -s ws/.claude/CLAUDE.local.md ]
	has ws/.larder/config.yaml "jobs: 3"
	larder verify -w ws -q
	cp -r "$SHARED/copy" hub
	start_hub hub
	larder init other --server $HUB_URL --token $BO -q
	(
		LARDER_SERVER=$HUB_URL LARDER_TOKEN=$ANN
		export LARDER_SERVER LARDER_TOKEN
		larder publish fresh "$SHARED/t.csv" -q
		larder admin grant add analysts fresh
	)
	larder init other --json >said
	same "$(json said ".written[0]")" CLAUDE.md
	has other/CLAUDE.md fresh
'

ok 'a lost state is made again, of the same hub and user' '
	larder init first --server http://127.0.0.1:1 --token $BO -q 2>/dev/null || :
	larder init cy --server $URL --token $CY -q
	larder init ws --server $URL --token $BO -q
	rm ws/.larder/state.db*
	larder init ws -q
	larder verify -w ws -q
	same "$(larder status -w ws --json | json .parquet_tables)" 1
'

ok 'a user without grants gets no empty folders, and is told why' '
	larder init ws --server $URL --token $CY >said
	has said "ask its admin for a grant"
	[ ! -e ws/server ]
	find ws -type d -empty >empty
	same "$(cat empty)" ws/.larder/staging
'

ok 'a path may have spaces, quotes, and letters of any language' '
	ws="a b/it'\''s \"quoted\" Größe 数据"
	larder init "$ws" --server $URL --token $BO -q
	has "$ws/LARDER_WORKSPACE.md" "数据"
	larder verify -w "$ws" -q
	cd "$ws"
	same "$(larder query --format csv "SELECT max(v) m FROM t" | tr -d "\r")" "$(printf "m\nb")"
	larder pull --json >/dev/null
'

ok 'home and the root of the machine are refused: exit 3' '
	exits 3 larder init . --server $URL --token $BO 2>err
	has err "no place for a workspace"
	HOME=$PWD/ exits 3 larder init --server $URL --token $BO 2>err
	exits 3 larder init / --server $URL --token $BO 2>err
	[ ! -e .larder ]
	[ ! -e .config ]
	mkdir -p inside
	larder init inside --server $URL --token $BO -q
'

ok 'a file in the way, or a folder that may not be written, is told' '
	echo x >file
	exits 1 larder init file/ws --server $URL --token $BO 2>err || exits 3 larder init file/ws --server $URL --token $BO 2>err
	has err file
	[ "$(id -u)" != 0 ] || skip "root may write anywhere"
	mkdir locked
	chmod 500 locked
	exits 1 larder init locked/ws --server $URL --token $BO 2>err
	has err locked
'

ok 'a first pull that fails leaves a workspace, and says so with its exit code' '
	cp -r "$SHARED/copy" hub
	find hub/objects -name "*.parquet" -delete
	start_hub hub
	exits 1 larder init ws --server $HUB_URL --token $BO >said 2>err
	has err "'\''t'\''"
	same "$(larder status -w ws --json | json .initialized)" true
	[ -s ws/CLAUDE.md ]
'

ok 'a hub without a welcome text still makes a workspace' '
	mkdir -p served/api/catalog served/api/sync served/api/memory
	echo "{\"tables\":[],\"count\":0}" >served/api/catalog/tables
	echo "{\"tables\":{},\"assets\":{},\"server_time\":\"2026-01-01T00:00:00+00:00\"}" >served/api/sync/manifest
	echo "{\"mandatory\":[],\"approved\":[],\"token_estimate\":0,\"token_budget\":6000}" >served/api/memory/bundle
	echo "/api/welcome status:500" >served.plan
	start_faulty served
	larder init ws --server $FAULTY_URL --token some.jwt.token -q
	has ws/CLAUDE.md "larder query"
	larder pull -w ws -q
	has $credentials some.jwt.token
'
