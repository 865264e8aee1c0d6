/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"
#include "duck/judge.h"

#define JUDGE_DEADLINE_MS 300000 /* some hundred thousand statements */

struct judging {
	struct duck_judged *results;
	size_t wanted, got;
};

void duck_judged_release(struct duck_judged *judged)
{
	duck_names_release(&judged->names);
	free(judged->refusal);
	*judged = (struct duck_judged){ 0 };
}

static int take(void *ctx, const struct json *line, struct err *e)
{
	struct judging *j = ctx;
	const char *refusal = json_text(json_get(line, "refusal"));
	struct duck_judged *result;

	if (json_get(line, "done"))
		return 0;
	if (j->got >= j->wanted)
		return err_set(e, ERR_FAILED, "larder-duck answered for too many statements");
	result = &j->results[j->got++];
	result->refusal = refusal ? xstrdup(refusal) : NULL;
	client_read_names(line, &result->names);
	return 0;
}

int duck_judge(const struct strv *statements, struct duck_judged *ret_results, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&text, "judge");
	struct judging j = { .results = ret_results, .wanted = statements->n };
	const struct client_call call = {
		.request = &o, .deadline_ms = JUDGE_DEADLINE_MS, .ctx = &j, .on_line = take
	};

	for (size_t i = 0; i < statements->n; i++)
		ret_results[i] = (struct duck_judged){ 0 };
	json_add_texts(&o, "statements", statements);
	if (client_call(&call, e) == 0 && j.got < j.wanted)
		(void)err_set(e, ERR_FAILED, "larder-duck answered for %zu of %zu statements",
			      j.got, j.wanted);
	else if (j.got == j.wanted)
		return 0;
	for (size_t i = 0; i < j.got; i++)
		duck_judged_release(&ret_results[i]);
	return e->code;
}
