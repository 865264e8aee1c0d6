#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Agents with a kill or a failing disk at each durable step of run, push, pull, reap and clean; and the
# supervisor, the agent and the hub killed in every order.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

export LARDER_AGENTS=home AGENT_NAME=charon
folder=home/workspace/local/api

(
	larder hub init "$SHARED/old" --admin ann@example.com >token
	# Homes to start from: one with work that ended, one whose supervisor was killed.
	larder agent run -q --home made --repo api --issue 1 -- true
	larder agent run -q --home made --repo api --issue 2 -- sh -c 'exit 3' || :
	larder agent run -q --home empty --repo api --issue 9 -- true
	rm -rf empty/workspace/local/api/task-9
) >setup 2>&1 || {
	sed 's/^/# /' setup
	exit 1
}

hub() {
	rm -rf hub
	cp -r "$SHARED/old" hub
	start_hub hub || return 1
	LARDER_SERVER=$HUB_URL LARDER_TOKEN=$(cat "$SHARED/token")
	export LARDER_SERVER LARDER_TOKEN
}

known() {
	curl --silent --header "Authorization: Bearer $LARDER_TOKEN" \
		"$HUB_URL/v1/agent/context?agent_id=reader&cursor=&limit=500" | jq ".data | length"
}

# Each mirror says what its row says, and nothing is left in staging.
whole() {
	larder agent reap --json >reaped || return 1
	same "$(json reaped .mended)" 0 || return 1
	[ -z "$(ls -A home/.larder/staging)" ] || LARDER_NOW=+2h larder agent reap -q || return 1 # litter by then
	same "$(ls -A home/.larder/staging)" ""
}

sweep() { # VARIABLE LEAST COMMAND CHECK
	begin=${begin:-1}
	# Every second step, and every seventh for a disk that fails from there on: the steps come in pairs (write
	# and sync, commit and apply), and each sweep begins at another.
	begin=$(((begin + 1) % 2))
	case $1 in LARDER_FAIL_AT) stride=7 ;; *) stride=2 ;; esac
	for at in $(seq $((1 + begin)) $stride 150); do
		rm -rf home
		cp -r "$SHARED/$from" home
		code=0
		env "$1=$at" sh -c "$3" >said 2>said.err || code=$?
		[ $code != 1 ] || [ -s said.err ] || { echo "$1=$at: no message"; return 1; }
		eval "$4" || { echo "$1=$at, exit $code"; cat said.err; return 1; }
		[ $code != 0 ] || [ $at -lt "$2" ] || return 0
	done
	return 1
}

# What was asked for happens once, however it was cut: the command leaves a line each time it runs.
ran_once() {
	larder agent reap -q || return 1
	# A run that never came to its row is asked for again; one that waits is started.
	case $(larder agent show local/api/task-5 --json 2>/dev/null | jq -r .status) in
	queued) larder agent start -q local/api/task-5 || return 1 ;;
	running) wait_for "larder agent reap -q; larder agent show local/api/task-5 --json | jq -e \".status != \\\"running\\\"\" >/dev/null" || return 1 ;;
	"") return 0 ;;
	esac
	wait_for "larder agent reap -q; larder agent show local/api/task-5 --json | jq -e \".status == \\\"completed\\\" or .status == \\\"failed\\\"\" >/dev/null" || return 1
	[ "$(cat $folder/task-5/repo/ran 2>/dev/null | wc -l)" -le 1 ] || return 1
	case $(larder agent show local/api/task-5 --json | jq -r .status) in
	completed) [ "$(wc -l <$folder/task-5/repo/ran)" = 1 ] || return 1 ;;
	esac
	whole
}

for variable in LARDER_CRASH_AT LARDER_FAIL_AT; do
	ok "a run cut at each step ($variable) runs once or not at all" '
		from=empty
		sweep '$variable' 25 "larder agent run -q --repo api --issue 5 -- sh -c \"echo x >>ran\"" ran_once
	'

	ok "a push cut at each step ($variable) is made good by the next, once" '
		from=made
		hub
		pushed_all() {
			larder agent push --json >pushed || return 1
			same "$(json pushed .waiting)/$(json pushed .dead)" 0/0 || return 1
			same "$(known)" 2 && whole
		}
		sweep '$variable' 3 "larder agent push -q" pushed_all
	'

	ok "a pull cut at each step ($variable) keeps the old or has the new" '
		from=made
		hub
		curl --silent --header "Authorization: Bearer $LARDER_TOKEN" --data "{\"agent_id\":\"o\",\"dispatches\":[{\"repo\":\"a\",\"status\":\"failed\"},{\"repo\":\"b\",\"status\":\"failed\"}]}" "$HUB_URL/v1/agent/sync" >/dev/null
		pulled_all() {
			case $(larder agent sync-status --json | json .context_count) in 0 | 2) ;; *) return 1 ;; esac
			larder agent pull -q || return 1
			same "$(larder agent sync-status --json | json .context_count)" 2 || return 1
			same "$(jq length home/sync/context.json)" 2 && whole
		}
		sweep '$variable' 5 "larder agent pull -q" pulled_all
	'

	ok "a reap cut at each step ($variable) is made good by the next" '
		rm -rf "$SHARED/left"
		cp -r "$SHARED/made" "$SHARED/left"
		mkdir -p "$SHARED/left/workspace/core/x/one" "$SHARED/left/workspace/core/x/two"
		echo "{\"status\":\"running\",\"pid\":99999999,\"theirs\":1}" >"$SHARED/left/workspace/core/x/one/status.json"
		echo "{\"status\":\"completed\"}" >"$SHARED/left/workspace/core/x/two/status.json"
		echo torn >"$SHARED/left/workspace/local/api/task-1/status.json"
		from=left
		reaped_all() {
			larder agent reap -q || return 1
			same "$(larder agent list --json | jq -r ".agents[].status" | tr "\n" " ")" "failed completed completed failed " || return 1
			same "$(json home/workspace/core/x/one/status.json .theirs)" 1 || return 1
			same "$(cat home/workspace/local/api/task-1/status.json.corrupt-*)" torn || return 1
			whole
		}
		sweep '$variable' 12 "larder agent reap -q" reaped_all
	'

	ok "a clean cut at each step ($variable) loses no record" '
		from=made
		cleaned_all() {
			larder agent clean -q || return 1
			[ ! -e $folder/task-1 ] && [ ! -e $folder/task-2 ] || return 1
			same "$(larder agent stats --json | json .totals.dispatches)" 2 || return 1
			same "$(larder agent sync-status --json | json .queued)" 2 && whole
		}
		sweep '$variable' 8 "larder agent clean -q" cleaned_all
	'
done

# One work, one record at the hub, whoever dies in which order.
ok 'supervisor, agent and hub killed in every order: one end, one record' '
	for order in "s a h" "s h a" "a s h" "a h s" "h s a" "h a s"; do
		rm -rf home said
		hub
		start work larder agent run --repo api --issue 1 -- sh -c "echo begun; until [ -e go ]; do sleep 0.02; done"
		s=$STARTED_PID
		wait_for "grep -q begun $folder/task-1/.meta/agent-local.log 2>/dev/null"
		a=$(json $folder/task-1/status.json .pid)
		h=$HUB_PID
		for victim in $order; do
			case $victim in
			s) kill -KILL $s 2>/dev/null || :; wait_for "gone $s" ;;
			a) kill -KILL "-$a" 2>/dev/null || :; wait_for "! kill -0 -$a 2>/dev/null || gone $a" ;;
			h) larder agent push -q 2>/dev/null || :; kill -KILL $h; wait_for "gone $h" ;;
			esac
		done
		larder agent reap -q
		same "$(larder agent show local/api/task-1 --json | json .status)" failed
		larder agent push -q 2>/dev/null || : # what went before the hub was killed need not wait
		start_hub hub
		LARDER_SERVER=$HUB_URL
		larder agent push -q
		larder agent push -q
		same "$order: $(known)" "$order: 1"
		stop_hub
	done
'
