/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/llm-internal.h"

void llm_usage_add(struct llm_usage *sum, const struct llm_usage *u)
{
	sum->calls += u->calls;
	sum->replayed += u->replayed;
	sum->input_tokens += u->input_tokens;
	sum->cache_read_tokens += u->cache_read_tokens;
	sum->cache_write_tokens += u->cache_write_tokens;
	sum->output_tokens += u->output_tokens;
	sum->cost += u->cost;
	sum->cost_unknown = sum->cost_unknown || u->cost_unknown;
}

static int check(const struct llm_budget *b, int64_t tokens, struct err *e)
{
	int64_t used = b->used.input_tokens + b->used.output_tokens + b->reserved;

	if (b->calls && b->used.calls >= b->calls)
		return err_set(e, ERR_LIMIT, "the budget of %lld calls to the model is used up",
			       (long long)b->calls);
	if (b->tokens && used + tokens > b->tokens)
		return err_set(e, ERR_LIMIT,
			       "the budget of %lld tokens is used up: %lld are used or set aside, "
			       "and this call may take %lld",
			       (long long)b->tokens, (long long)used, (long long)tokens);
	/* Money that cannot be counted cannot be limited: said before any is spent. */
	if (b->cost > 0 && b->used.cost_unknown)
		return err_set(
			e, ERR_LIMIT,
			"a budget of %.2f dollars is set, but the cost of a call is unknown; "
			"set LARDER_LLM_PRICE",
			b->cost);
	if (b->cost > 0 && b->used.cost >= b->cost)
		return err_set(e, ERR_LIMIT,
			       "the budget of %.2f dollars for the model is used up (%.4f)",
			       b->cost, b->used.cost);
	return 0;
}

int llm_budget_take(struct llm_budget *b, int64_t tokens, struct err *e)
{
	int r;

	pthread_mutex_lock(&b->lock);
	r = check(b, tokens, e);
	if (r == 0) {
		b->reserved += tokens;
		b->used.calls++;
	}
	pthread_mutex_unlock(&b->lock);
	return r < 0 ? err_hint(e, "raise LARDER_LLM_BUDGET_..., or go on in another run") : 0;
}

/* The call itself was counted when it was allowed. */
void llm_budget_settle(struct llm_budget *b, int64_t tokens, const struct llm_usage *used)
{
	struct llm_usage without_calls = *used;

	without_calls.calls = 0;
	pthread_mutex_lock(&b->lock);
	b->reserved -= tokens;
	llm_usage_add(&b->used, &without_calls);
	pthread_mutex_unlock(&b->lock);
}
