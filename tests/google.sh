# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# For scripts about BigQuery; sourced after lib.sh. Google is tests/tools/bigquery-server.c.
#
#	start_google NAME		runs it with the data NAME.data and the plan NAME.plan (made empty);
#					points LARDER_BIGQUERY_URL at it; the account is NAME.account.json,
#					what it was asked is in NAME.log
#	google_plan NAME LINE...	what goes wrong from now on
#	google_asked NAME WHAT		how many requests of that kind there were
#	google_right NAME		holds when it never found a request wrong

start_google() {
	google_plan "$1"
	: >"$1.log"
	start "$1" "$TEST_BIN/../tests/tools/bigquery-server" --account "$PWD/$1.account.json" --data "$PWD/$1.data" \
		--plan "$PWD/$1.plan" --log "$PWD/$1.log" --key "$SHARED/google.key"
	wait_for "[ -s '$1.out' ]"
	LARDER_BIGQUERY_URL=http://127.0.0.1:$(cat "$1.out")
	export LARDER_BIGQUERY_URL
}

google_plan() {
	plan_name=$1
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >"$plan_name.plan.new"
	[ $# != 0 ] || : >"$plan_name.plan.new"
	mv "$plan_name.plan.new" "$plan_name.plan"
}

google_asked() {
	jq -c "select(.what == \"$2\")" "$1.log" | wc -l
}

google_right() {
	same "$(jq -c 'select(.wrong != null)' "$1.log")" ""
}
