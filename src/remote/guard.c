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

int64_t far_scanned(const struct far_answer *answer)
{
	return answer->result.scanned_bytes >= 0 ? answer->result.scanned_bytes
						 : answer->estimate.scan_bytes;
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

static void add_paths(const struct asking *a, const struct far_statement *s, struct strv *out)
{
	for (size_t i = 0; i < s->count; i++)
		strv_adopt(out, a->q->engine->path(s->tables[i].spec));
}

static int check_size(const struct asking *a, struct err *e)
{
	AUTO_STRV struct strv tables = STRV_INIT;
	const struct far_too_large too_large = { a->answer->estimate.scan_bytes,
						 a->q->limits.scan_bytes, &tables,
						 a->q->view_targets };

	if (!a->q->limits.scan_bytes || too_large.scan_bytes <= too_large.limit_bytes)
		return 0;
	for (size_t i = 0; i < a->q->count; i++)
		add_paths(a, a->q->parts[i].statement, &tables);
	return far_refuse_size(&a->answer->refusal, &too_large, e);
}

/* One whose rows are not known makes the sum unknown. */
static void add_estimate(struct far_estimate *sum, const struct far_estimate *one)
{
	sum->scan_bytes += one->scan_bytes;
	sum->rows = one->rows < 0 || sum->rows < 0 ? -1 : sum->rows + one->rows;
}

static int fail(const struct asking *a, const char *reason, struct err *e)
{
	const struct far_failure failure = { reason, a->q->engine->kind_prefix };

	return far_refuse_failure(&a->answer->refusal, &failure, e);
}

static int price(struct asking *a, struct err *e)
{
	const struct far_question *q = a->q;
	const struct far_open open = { q->parts[0].statement->tables[0].spec, &a->guard };
	int r = q->engine->open(&open, &a->session, e);

	for (size_t i = 0; r == 0 && i < q->count; i++) {
		struct far_estimate one = { 0 };

		r = q->engine->estimate(a->session, q->parts[i].statement, &one, e);
		if (r == 0)
			add_estimate(&a->answer->estimate, &one);
	}
	return r < 0 ? fail(a, "remote_estimate_failed", e) : 0;
}

static void add_result(struct far_result *sum, const struct far_result *one)
{
	sum->rows += one->rows;
	sum->bytes += one->bytes;
	sum->scanned_bytes = one->scanned_bytes < 0 || sum->scanned_bytes < 0
				     ? -1
				     : sum->scanned_bytes + one->scanned_bytes;
	sum->truncated = sum->truncated || one->truncated;
}

static int run_part(struct asking *a, const struct far_part *part, struct err *e)
{
	struct far_run run = *part->run;
	struct far_result result = { 0 };
	int r;

	run.scan_max = a->q->limits.scan_bytes; /* an estimate may be wrong */
	r = a->q->engine->run(a->session, part->statement, &run, &result, e);
	if (r == 0)
		add_result(&a->answer->result, &result);
	return r;
}

static int run(struct asking *a, struct err *e)
{
	const struct far_question *q = a->q;
	size_t done = 0;
	int r = 0;

	a->began = true;
	while (r == 0 && done < q->count) {
		r = run_part(a, &q->parts[done], e);
		done += r == 0;
	}
	/* What the source refused, it did not read. */
	a->began = done > 0 || e->code == ERR_CANCELLED || e->code == ERR_LIMIT;
	return r < 0 ? fail(a, "remote_query_failed", e) : 0;
}

static int ask(struct asking *a, struct err *e)
{
	int r = price(a, e);

	if (r < 0 || !a->q->parts[0].run)
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
