#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Scripts that a hub keeps: deployed, run, stopped, held in.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
export FOR_SCRIPTS=let-through NOT_FOR_SCRIPTS=kept-back
new_hub hub || exit 1
HUB=$SHARED/hub
export HUB

deploy() { # NAME SOURCE [OPTIONS]
	printf '%s\n' "$2" >"$1.sh"
	script=$1
	shift 2
	larder admin script deploy "$script" "$script.sh" "$@"
}
run() { # NAME: the report is in ./run.json
	larder script run --data "$HUB" --json "$1" >run.json
}

ok 'a script is deployed, listed, run, shown and removed' '
	deploy hello "echo hello; echo oops >&2"
	larder admin script list >list
	has list hello
	run hello
	same "$(json run.json .status)" success
	same "$(json run.json .output)" "hello
oops"
	larder admin script run hello >said
	same "$(cat said)" "hello
oops
hello: success"
	larder admin audit --action script.run --json >rows
	same "$(jq -r ".audit[0].detail" rows | grep -o "\"ms\":" | wc -l)" 1
	deploy hello "exit 3"
	exits 1 larder admin script run hello
	larder admin script show hello --json >show.json
	same "$(json show.json "[.runs[].status] | join(\" \")")" "failure success success"
	same "$(json show.json ".runs[0].exit_code")" 3
	larder admin script remove hello
	exits 1 larder admin script show hello
	exits 1 larder script run --data "$HUB" hello
'

ok 'its first line names the interpreter, and it works in a folder that goes with it' '
	deploy awk "#!/usr/bin/awk -f
BEGIN { print \"from awk\" }"
	run awk
	same "$(json run.json .output)" "from awk"
	deploy folder "pwd; echo x >file; ls; [ \"\$HOME\" = \"\$(pwd)\" ]"
	run folder
	[ ! -e "$(json run.json .output | head -n 1)" ]
	deploy bad "#!/no/such/program"
	exits 1 run bad
	json run.json .output | grep -q "no such program"
'

ok 'it sees the variables it asks for, and no others' '
	deploy vars "env" --env FOR_SCRIPTS --env NO_SUCH_VARIABLE
	run vars
	json run.json .output | grep -qx FOR_SCRIPTS=let-through
	! json run.json .output | grep -q kept-back
	! json run.json .output | grep -q LARDER_TOKEN
	exits 2 larder admin script deploy vars vars.sh --env "A=B"
'

ok 'it cannot read the hub, write elsewhere, or open a socket' '
	[ -e /sys/kernel/security/landlock ] || larder-duck --help >/dev/null 2>&1 || :
	echo secret >secret.txt
	chmod 644 secret.txt
	deploy nosy "cat \"$PWD/secret.txt\" && echo READ-SECRET
cat \"$HUB/.larder/state.db\" >/dev/null && echo READ-STATE
echo x >\"$PWD/written\" && echo WRITTEN
cat /etc/shadow >/dev/null && echo READ-SHADOW
exit 0"
	exits 0 run nosy
	cp run.json nosy.json
	for word in READ-SECRET READ-STATE WRITTEN READ-SHADOW; do
		! json nosy.json .output | grep -q "^$word" || { cat nosy.json; exit 1; }
	done
	[ ! -e written ]
	if [ -x /usr/bin/curl ]; then
		deploy net "/usr/bin/curl -s -o /dev/null $HUB_URL/api/health && echo REACHED; exit 0"
		run net
		! json run.json .output | grep -q REACHED
		deploy net "/usr/bin/curl -s -o /dev/null $HUB_URL/api/health && echo REACHED; exit 0" --network
		run net
		json run.json .output | grep -q REACHED
	fi
'

ok 'past its time it is killed, with all it started, also what ignores SIGTERM or has left its group' '
	deploy stubborn "trap \"\" TERM INT HUP
setsid sh -c \"trap '"''"' TERM; exec sleep 1000.25\" &
sleep 1000.75 &
echo begun
while :; do sleep 1000.5; done" --timeout 1
	exits 1 run stubborn
	same "$(json run.json .status)" timeout
	same "$(json run.json .exit_code)" -1
	json run.json .output | grep -q begun
	! pgrep -f "sleep 1000\.[257]"
'

ok 'of much output the first 64 KB are kept, and it is said' '
	deploy loud "i=0; while [ \$i -lt 20000 ]; do echo 0123456789; i=\$((i + 1)); done"
	run loud
	same "$(json run.json .truncated)" true
	same "$(json run.json ".output | length")" 65536
'

ok 'one run at a time; one that was killed leaves nothing running' '
	deploy long "exec sleep 600"
	start runner larder script run --data "$HUB" long --json
	runner=$STARTED_PID
	wait_for "larder admin script list --json | jq -e \".scripts[] | select(.name == \\\"long\\\") | .last_status == \\\"running\\\"\" >/dev/null"
	exits 75 run long
	same "$(status POST /api/scripts/long/run "$LARDER_TOKEN")" 409
	pkill -KILL -P $runner
	wait_for "gone $runner"
	same "$(ls "$HUB/.larder/scripts" | wc -l)" 1 # what it left
	larder admin script list --json | jq -e ".scripts[] | select(.name == \"long\") | .last_status != \"running\""
	same "$(status POST /api/scripts/run-due "$LARDER_TOKEN")" 200
	same "$(json reply.json .lost)" 1
	larder admin script show long --json | jq -e ".runs[0].status == \"lost\""
	deploy long "echo again"
	run long
	same "$(json run.json .status)" success
	same "$(ls "$HUB/.larder/scripts")" ""
'

ok 'a run whose end nobody wrote is found lost after its grace, once' '
	new_hub own
	deploy long "exec sleep 600.625"
	for at in +0s +3000s; do
		LARDER_NOW=$at start runner larder script run --data own long --json
		wait_for "pgrep -f \"sleep 600.62[5]\" >/dev/null"
		pkill -KILL -P $STARTED_PID
		wait_for "gone $STARTED_PID"
	done
	reap() {
		same "$(status POST /api/admin/run-reap-stuck-reviews "$LARDER_TOKEN")" 200
		jq -c "[.skipped, .reaped, .grace_seconds]" reply.json
	}
	same "$(larder admin script show long --json | jq -c "[.runs[] | .status, .finished]")" "[\"lost\",null,\"lost\",null]"
	stop_hub
	LARDER_HUB_REAP_AFTER=0s LARDER_NOW=+4000s start_hub own
	same "$(reap)" "[true,0,0]"
	stop_hub
	LARDER_NOW=+4000s start_hub own
	same "$(reap)" "[false,1,1800]"
	same "$(reap)" "[false,0,1800]"
	LARDER_SERVER=$HUB_URL
	same "$(larder admin script show long --json | jq -c "[.runs[].status]")" "[\"lost\",\"lost\"]"
	same "$(larder admin audit --action run_reap_stuck_reviews --json | jq ".audit | length")" 3
'

ok 'when who waits for it is killed, a script ends with all it started, and that is written down' '
	deploy left "setsid sleep 1000.375 & sleep 1000.375; echo no"
	start runner larder script run --data "$HUB" left --json
	wait_for "pgrep -f \"sleep 1000.375\" >/dev/null"
	kill -KILL $STARTED_PID
	wait_for "! pgrep -f \"sleep 1000.375\" >/dev/null"
	wait_for "larder admin script show left --json | jq -e \".runs[0].status == \\\"killed\\\"\" >/dev/null"
'

ok 'what is due is claimed once, and its end is written down' '
	deploy due "echo ran" --schedule "every 1h"
	deploy idle "echo never"
	same "$(status POST /api/scripts/run-due "$LARDER_TOKEN")" 200
	due=$(larder admin script list --json | json ".scripts[] | select(.name == \"due\") | .id")
	same "$(jq -c "[.claimed, .count]" reply.json)" "[[\"$due\"],1]"
	same "$(status POST /api/scripts/run-due "$LARDER_TOKEN")" 200
	same "$(json reply.json .count)" 0
	wait_for "larder admin script show due --json | jq -e \".runs[0].status == \\\"success\\\"\" >/dev/null"
	larder admin script show idle --json | jq -e ".runs == []"
	exits 1 larder admin script deploy due due.sh --schedule "every other day" 2>err
	has err "every other day"
'

ok 'the API says what is wrong, and is for administrators' '
	for body in "{\"source\":\"x\"}" "{\"name\":\"a/b\",\"source\":\"x\"}" "{\"name\":\"x\"}" "{\"name\":\"x\",\"source\":\"y\",\"tiemout\":3}" \
		"{\"name\":\"x\",\"source\":\"y\",\"timeout\":-1}"; do
		same "$(status POST /api/scripts/deploy "$LARDER_TOKEN" "$body")" 400
	done
	same "$(status POST /api/scripts/deploy "$LARDER_TOKEN" "{\"name\":\"x\",\"source\":\"y\",\"schedule\":\"never\"}")" 422
	same "$(status POST /api/scripts/run "$LARDER_TOKEN" "{}")" 400
	same "$(status POST /api/scripts/run "$LARDER_TOKEN" "{\"source\":\"echo tried\"}")" 200
	same "$(json reply.json .output)" "tried"
	same "$(status DELETE /api/scripts/nosuch "$LARDER_TOKEN")" 404
	same "$(status POST /api/scripts/nosuch/run "$LARDER_TOKEN")" 404
	bo=$(token_of bo@example.com)
	same "$(status GET /api/scripts "$bo")" 403
	same "$(status POST /api/scripts/run "$bo" "{\"source\":\"id\"}")" 403
	same "$(status POST /api/scripts/run "" "{\"source\":\"id\"}")" 401
'

ok 'a hub that is killed while a script runs takes it along, and can run it again' '
	new_hub own
	deploy held "echo \$\$; sleep 1000.125"
	start asking larder admin script run held
	wait_for "pgrep -f \"sleep 1000.125\" >/dev/null"
	stop_hub KILL
	wait_for "! pgrep -f \"sleep 1000.125\" >/dev/null"
	start_hub own
	same "$(ls own/.larder/scripts)" ""
	export LARDER_SERVER=$HUB_URL
	deploy held "echo fine"
	larder admin script run held
	stop_hub
'
