# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# For scripts about a hub; sourced after lib.sh. Ann is its admin, as LARDER_SERVER and LARDER_TOKEN.
#
#	new_hub DIR [OPTIONS]		makes a hub, starts it, points LARDER_SERVER and LARDER_TOKEN at it
#	status METHOD PATH [TOKEN [BODY]]	prints the status; the reply is in reply.json, reply.head
#	token_of EMAIL [OPTIONS]	a user (made when it lacks) with a new token, which is printed
#	member GROUP EMAIL		a group (made when it lacks) and its new member
#	steps_of_start DIR		how many durable steps the start of a copy of it takes: where the
#					sweep of what follows begins, for starts have a sweep of their own

new_hub() {
	LARDER_TOKEN=$(larder hub init "$1" --admin ann@example.com)
	start_hub "$@"
	LARDER_SERVER=$HUB_URL
	export LARDER_TOKEN LARDER_SERVER
}

status() {
	status_method=$1 status_path=$2 status_token=${3:-}
	case ${4:-} in
	'') set -- ;;
	*) set -- --data-binary "$4" ;;
	esac
	[ "$status_method" != HEAD ] || set -- "$@" --head
	curl --silent --path-as-is --request "$status_method" --dump-header reply.head --output reply.json \
		--write-out '%{http_code}\n' ${status_token:+--header "Authorization: Bearer $status_token"} "$@" \
		"$HUB_URL$status_path"
}

token_of() {
	token_email=$1
	shift
	larder admin user add "$token_email" >/dev/null 2>&1 || :
	larder admin token create --user "$token_email" --name test "$@"
}

member() {
	larder admin group add "$1" >/dev/null 2>&1 || :
	larder admin user add "$2" >/dev/null 2>&1 || :
	larder admin member add "$1" "$2"
}

steps_of_start() (
	cp -r "$1" stepping
	LARDER_STEPS=$PWD/steps
	export LARDER_STEPS
	: >steps
	start_hub stepping >&2
	wc -l <steps
	kill -KILL "$HUB_PID"
	rm -rf stepping steps
)

# Starts the hub in ./hub, a copy of $SHARED/old, with a fault at a step. Fails, with `code` 99, when it does not come to serve.
hub_at() { # VARIABLE STEP
	rm -rf hub
	cp -r "$SHARED/old" hub
	code=99
	export "$1=$2"
	hub_failed=0
	start_hub hub || hub_failed=1
	unset "$1"
	return $hub_failed
}

# hub_at, a publish of $SHARED/new.csv, and the end of both.
# Sets `code` to what the publish said, 99 when the hub did not live to answer.
publish_at() { # VARIABLE STEP
	hub_at "$1" "$2" || return 0
	LARDER_SERVER=$HUB_URL start client larder publish t "$SHARED/new.csv" -q --retries 0
	client=$STARTED_PID
	wait_for 'gone $client || gone $HUB_PID'
	if gone "$HUB_PID"; then
		kill "$client" 2>/dev/null || :
	else
		code=0
		wait "$client" || code=$?
		kill -TERM "$HUB_PID" 2>/dev/null || : # it may be ending by itself
	fi
	wait "$HUB_PID" || :
}
