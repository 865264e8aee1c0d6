/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/guard.h"

#include "base/time.h"

struct asking {
	const struct far_question *q;
	struct far_answer *answer;
	struct far_ticket ticket;
	struct far_guard guard;
	struct far_session *session;
	bool began; /* its source has been told to read */
};

void far_answer_release(struct far_answer *answer)
{
	far_refusal_release(&answer->refusal);
}

static int take(struct db *db, void *arg, struct err *e)
{
	struct asking *a = arg;

	return far_ticket_take(db, a->q->user_id, &a->q->limits, &a->ticket, &a->answer->refusal,
			       e);
}

static int reserve(struct db *db, void *arg, struct err *e)
{
	struct asking *a = arg;

	return far_ticket_reserve(db, &a->ticket, a->answer->estimate.scan_bytes, &a->q->limits,
				  &a->answer->refusal, e);
}

static int end(struct db *db, void *arg, struct err *e)
{
	struct asking *a = arg;

	return far_ticket_end(db, &a->ticket, a->began, e);
}

static int change(const struct asking *a, far_change_fn fn, struct err *e)
{
	/* The interface lacks a const that it means. */
	return a->q->in_transaction(a->q->ctx, fn, (void *)(uintptr_t)a, e);
}

static int check_size(const struct asking *a, struct err *e)
{
	const struct far_statement *s = a->q->statement;
	AUTO_STRV struct strv tables = STRV_INIT;
	const struct far_too_large too_large = { a->answer->estimate.scan_bytes,
						 a->q->limits.scan_bytes, &tables,
						 a->q->view_targets };

	if (!a->q->limits.scan_bytes || too_large.scan_bytes <= too_large.limit_bytes)
		return 0;
	for (size_t i = 0; i < s->count; i++)
		strv_adopt(&tables, a->q->engine->path(s->tables[i].spec));
	return far_refuse_size(&a->answer->refusal, &too_large, e);
}

static int price(struct asking *a, struct err *e)
{
	const struct far_question *q = a->q;
	const struct far_open open = { q->statement->tables[0].spec, &a->guard };
	int r = q->engine->open(&open, &a->session, e);

	if (r == 0)
		r = q->engine->estimate(a->session, q->statement, &a->answer->estimate, e);
	return r < 0 ? far_refuse_failure(&a->answer->refusal, "remote_estimate_failed", e) : 0;
}

static int run(struct asking *a, struct err *e)
{
	const struct far_question *q = a->q;
	struct far_run run = *q->run;
	int r;

	run.scan_max = q->limits.scan_bytes; /* an estimate may be wrong */

	a->began = true;
	r = q->engine->run(a->session, q->statement, &run, &a->answer->result, e);
	/* What the source refused, it did not read. */
	a->began = r == 0 || e->code == ERR_CANCELLED || e->code == ERR_LIMIT;
	return r < 0 ? far_refuse_failure(&a->answer->refusal, "remote_query_failed", e) : 0;
}

static int ask(struct asking *a, struct err *e)
{
	int r = price(a, e);

	if (r < 0 || !a->q->run)
		return r;
	r = check_size(a, e);
	if (r == 0)
		r = change(a, reserve, e);
	return r < 0 ? r : run(a, e);
}

int far_ask(const struct far_question *question, struct far_answer *answer, struct err *e)
{
	struct asking a = {
		.q = question,
		.answer = answer,
		.guard = { .until_ms = time_monotonic() + question->limits.seconds * 1000,
			   .ctx = question->cancel_ctx,
			   .is_cancelled = question->is_cancelled },
	};
	struct err ignored = { 0 }; /* a ticket that stays is ended when its time is over */
	int r = change(&a, take, e);

	if (r < 0)
		return r;
	r = ask(&a, e);
	question->engine->close(a.session);
	(void)change(&a, end, &ignored);
	return r;
}
