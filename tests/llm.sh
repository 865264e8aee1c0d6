# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# For scripts about language models; sourced after lib.sh. The model is tests/tools/model-server.c.
#
#	start_model NAME [LINE...]	runs it with the plan NAME.plan; points LARDER_LLM_URL and
#					LARDER_LLM_MODEL at it; what it was asked is in NAME.log
#	model_plan NAME LINE...		what it answers from now on
#	model_calls NAME [JQ]		how many requests so far fit the jq condition

start_model() {
	model_name=$1
	shift
	model_plan "$model_name" "$@"
	: >"$model_name.log"
	start "$model_name" "$TEST_BIN/../tests/tools/model-server" --plan "$PWD/$model_name.plan" \
		--log "$PWD/$model_name.log"
	wait_for "[ -s '$model_name.out' ]"
	LARDER_LLM_URL=http://127.0.0.1:$(cat "$model_name.out")/v1
	LARDER_LLM_MODEL=stand-in
	export LARDER_LLM_URL LARDER_LLM_MODEL
}

model_plan() {
	plan_name=$1
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >"$plan_name.plan.new"
	[ $# != 0 ] || : >"$plan_name.plan.new"
	mv "$plan_name.plan.new" "$plan_name.plan"
}

model_calls() {
	jq -c "select(${2:-true})" "$1.log" | wc -l
}
