/* SPDX-License-Identifier: Apache-2.0 */
/* One run over what is due. */
#include "engine/outbox-internal.h"

#include "base/str.h"
#include "base/time.h"
#include <errno.h>
#include <time.h>

/* How soon a run that waits notices that it is to end. */
#define CANCEL_LOOK_MS 200

struct drain {
	const struct outbox_drain_options *o;
	struct outbox_drain_report *report;
	int64_t clock;             /* wall clock less monotonic, as the run began */
	int64_t held_until;        /* nothing is tried before */
	unsigned unanswered;       /* attempts in a row that concern the peer as a whole */
	struct outbox_counts gone; /* with this record */
};

static int64_t now(const struct drain *d)
{
	return time_monotonic() + d->clock;
}

static int settle(struct drain *d, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(d->o->db, e);

	if (r < 0)
		return r;
	tx = d->o->db;
	r = outbox_settle(tx, now(d), d->o->credential, e);
	return r < 0 ? r : db_commit(d->o->db, e);
}

static bool cancelled(const struct drain *d)
{
	return d->o->cancel && atomic_load(d->o->cancel);
}

static void wait_until(const struct drain *d, int64_t until)
{
	for (int64_t left; (left = until - now(d)) > 0 && !cancelled(d);) {
		int64_t ms = left < CANCEL_LOOK_MS ? left : CANCEL_LOOK_MS;
		struct timespec t = { .tv_sec = 0, .tv_nsec = ms * 1000000 };

		(void)nanosleep(&t, NULL); /* cut short by a signal we only look sooner */
	}
}

static int put_off(struct drain *d, const struct outbox_item *item, const struct outbox_verdict *v,
		   const char *why, struct err *e)
{
	static const char sql_row[] =
		"UPDATE outbox SET state=?2, attempts=attempts+1, set_ms=?3, due_ms=?4, word=?5,"
		" error=?6 WHERE id=?1";
	static const char sql_hold[] = "UPDATE outbox_state SET hold=?1";
	int64_t at = now(d);
	bool dead = v->state == OUTBOX_DEAD;
	int r = db_exec(d->o->db, e, sql_row, "iiiitt", item->id, (int64_t)(dead ? OUTBOX_DEAD : 0),
			at, at + v->wait_ms, v->word, why);

	if (r < 0 || db_changes(d->o->db) == 0)
		return r; /* what took its place is newer */
	if (dead)
		r = outbox_promote(d->o->db, item->subject, e);
	if (r == 0)
		r = outbox_count(d->o->db, &(struct outbox_counts){ -(int64_t)dead, dead, 0, at },
				 e);
	if (r == 0 && v->state == OUTBOX_PAUSED)
		r = db_exec(d->o->db, e, sql_hold, "t", d->o->credential);
	return r;
}

static int take_off(struct drain *d, const struct outbox_item *item, struct err *e)
{
	static const char sql[] = "DELETE FROM outbox WHERE id=?1";
	int r = db_exec(d->o->db, e, sql, "i", item->id);

	if (r == 0 && db_changes(d->o->db) > 0) {
		r = outbox_promote(d->o->db, item->subject, e);
		d->gone.waiting--;
		d->gone.bytes -= (int64_t)strlen(item->payload);
	}
	if (r == 0 && d->o->delivered)
		r = d->o->delivered(d->o->ctx, item, e);
	return r;
}

/* What a row's own answer makes of the verdict on its batch. */
static struct outbox_verdict verdict_of(const struct outbox_verdict *of_all, enum outbox_word word)
{
	if (of_all->state != OUTBOX_DELIVERED || word == OUTBOX_ACCEPTED ||
	    word == OUTBOX_DUPLICATE)
		return *of_all;
	if (word == OUTBOX_REJECTED)
		return (struct outbox_verdict){ .state = OUTBOX_DEAD, .word = "rejected" };
	const struct outbox_attempt odd = { .status = 200 };

	return outbox_judge(&odd, 0, 0);
}

/* One request: what was sent, what came of it. */
struct trip {
	struct outbox_batch batch;
	struct outbox_attempt attempt;
	struct outbox_verdict verdict;
	struct outbox_answer *answers;
	struct err why;
};

static const char *sentence(const struct trip *t, size_t i)
{
	return *t->answers[i].why ? t->answers[i].why : t->why.msg;
}

static int record_rows(struct drain *d, const struct trip *t, struct err *e)
{
	int r = 0;

	d->gone = (struct outbox_counts){ 0 };
	for (size_t i = 0; r == 0 && i < t->batch.n; i++) {
		struct outbox_verdict v = verdict_of(&t->verdict, t->answers[i].word);

		r = v.state == OUTBOX_DELIVERED
			    ? take_off(d, &t->batch.items[i], e)
			    : put_off(d, &t->batch.items[i], &v, sentence(t, i), e);
	}
	return r < 0 || d->gone.waiting == 0 ? r : outbox_count(d->o->db, &d->gone, e);
}

/* Not synced: what a power cut undoes is sent again, and the peer knows it. */
static int record(struct drain *d, const struct trip *t, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(d->o->db, e);

	if (r < 0)
		return r;
	tx = d->o->db;
	r = d->o->lease ? lease_check(d->o->lease, e) : 0;
	if (r == 0)
		r = record_rows(d, t, e);
	return r < 0 ? r : db_commit(tx, e);
}

/* The wait of the peer as a whole grows with its own failures, not with those of one row. */
static void hold(struct drain *d, const struct trip *t, uint32_t random)
{
	if (!t->verdict.holds_all) {
		d->unanswered = 0;
		return;
	}
	d->held_until = now(d) + outbox_judge(&t->attempt, d->unanswered, random).wait_ms;
	d->unanswered++;
}

static void report(struct drain *d, const struct trip *t)
{
	d->report->refused = t->verdict.state == OUTBOX_PAUSED;
	for (size_t i = 0; i < t->batch.n; i++) {
		struct outbox_verdict v = verdict_of(&t->verdict, t->answers[i].word);
		struct err why = t->why;

		if (v.state == OUTBOX_DELIVERED) {
			d->report->delivered++;
			d->report->duplicates += t->answers[i].word == OUTBOX_DUPLICATE;
			continue;
		}
		if (*t->answers[i].why)
			(void)err_set(&why, ERR_REMOTE, "%s", t->answers[i].why);
		if (d->o->failed)
			d->o->failed(d->o->ctx, &t->batch.items[i], &v, &why);
	}
}

static int send(struct drain *d, struct trip *t)
{
	d->report->attempts++;
	if (!d->o->deliver_many) {
		t->answers[0].word = OUTBOX_ACCEPTED;
		return d->o->deliver(d->o->ctx, t->batch.items, &t->attempt, &t->why);
	}
	outbox_batch_key(t->batch.items, t->batch.n, t->batch.key);
	return d->o->deliver_many(d->o->ctx, &t->batch, &t->attempt, t->answers, &t->why);
}

static int attempt(struct drain *d, const struct outbox_item *items, size_t n, struct err *e);

/* Refused as a whole: whichever row it is for, the others are not to suffer. */
static int split(struct drain *d, const struct outbox_item *items, size_t n, struct err *e)
{
	int r = attempt(d, items, n / 2, e);

	return r < 0 || d->report->refused ? r : attempt(d, items + n / 2, n - n / 2, e);
}

static int attempt(struct drain *d, const struct outbox_item *items, size_t n, struct err *e)
{
	AUTO_FREE struct outbox_answer *answers = xcalloc(n, sizeof(*answers));
	struct trip t = { .batch = { .items = items, .n = n }, .answers = answers };
	uint32_t random = 0;
	int r = cancelled(d) ? err_set(&t.why, ERR_CANCELLED, "stopped") : send(d, &t);

	if (r < 0) {
		*e = t.why;
		return r;
	}
	random_bytes(&random, sizeof(random));
	t.verdict = outbox_judge(&t.attempt, items[0].attempts, random);
	if (t.verdict.state == OUTBOX_DEAD && n > 1)
		return split(d, items, n, e);
	r = record(d, &t, e);
	if (r < 0)
		return r;
	hold(d, &t, random);
	report(d, &t);
	return 0;
}

/* 1 when it went on, 0 when the run is over. */
static int step(struct drain *d, int64_t end, struct err *e)
{
	AUTO_TAKEN struct outbox_taken *rows = xcalloc(1, sizeof(*rows));
	int r = outbox_take(d->o, now(d), rows, e);
	int64_t due = rows->due_ms > d->held_until ? rows->due_ms : d->held_until;

	if (r <= 0)
		return r;
	if (due > now(d) && due > end)
		return 0;
	wait_until(d, due);
	if (cancelled(d))
		return err_set(e, ERR_CANCELLED, "stopped");
	r = attempt(d, rows->items, rows->n, e);
	return r < 0 ? r : !d->report->refused;
}

static int count(struct drain *d, struct err *e)
{
	struct outbox_drain_report *ret = d->report;
	struct outbox_summary sum = { 0 };
	int64_t due;
	int r = outbox_summary(d->o->db, d->o->credential, &sum, e);

	if (r < 0)
		return r;
	due = sum.due_ms > d->held_until ? sum.due_ms : d->held_until;
	ret->waiting = sum.paused ? 0 : (size_t)sum.waiting;
	ret->paused = sum.paused ? (size_t)sum.waiting : 0;
	ret->dead = (size_t)sum.dead;
	ret->next_ms = sum.due_ms < 0 || sum.paused ? -1 : due > now(d) ? due - now(d) : 0;
	return 0;
}

int outbox_drain(const struct outbox_drain_options *options, struct outbox_drain_report *report,
		 struct err *e)
{
	static const char sql_refused[] = "SELECT hold IS NOT NULL FROM outbox_state";
	struct drain d = { .o = options, .report = report };
	int64_t end;
	int64_t paused = 0;
	int r;

	d.clock = time_now() - time_monotonic();
	end = now(&d) + options->patience_ms;
	r = settle(&d, e);
	if (r == 0)
		r = db_get_int(options->db, &paused, 0, e, sql_refused, "");
	if (r == 0 && paused) {
		report->refused = true;
		return count(&d, e);
	}
	while (r == 0 && (r = step(&d, end, e)) > 0)
		r = 0;
	return r < 0 ? r : count(&d, e);
}
