/* SPDX-License-Identifier: Apache-2.0 */
/* One run over what is due. */
#include "engine/outbox.h"

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include <errno.h>
#include <time.h>

/* How soon a run that waits notices that it is to end. */
#define CANCEL_LOOK_MS 200

struct drain {
	const struct outbox_drain_options *o;
	struct outbox_drain_report *report;
	int64_t clock;       /* wall clock less monotonic, as the run began */
	int64_t held_until;  /* nothing is tried before */
	unsigned unanswered; /* attempts in a row that concern the peer as a whole */
};

/* Owned texts of the row at work. */
struct taken {
	struct outbox_item item;
	char *kind, *subject, *key, *payload;
};

static void taken_release(struct taken *t)
{
	free(t->kind);
	free(t->subject);
	free(t->key);
	free(t->payload);
	*t = (struct taken){ 0 };
}

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

/* The first in line of each subject counts; ties go to who failed less, then by age. 1 and the row
 * (NULL: only its time is wanted), 0 when none is left. */
static int next_row(struct drain *d, struct taken *ret, int64_t *ret_due, struct err *e)
{
	static const char sql[] =
		"SELECT id, kind, subject, key, payload, attempts, due_ms FROM outbox o"
		" WHERE state=0 AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.subject=o.subject"
		" AND p.id<o.id AND p.state<2) ORDER BY due_ms, attempts, id LIMIT 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(d->o->db, &q, e, sql, "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	*ret_due = stmt_int(q, 6) > d->held_until ? stmt_int(q, 6) : d->held_until;
	if (!ret)
		return 1;
	*ret = (struct taken){
		.kind = xstrdup(stmt_text(q, 1)),
		.subject = xstrdup(stmt_text(q, 2)),
		.key = xstrdup(stmt_text(q, 3)),
		.payload = xstrdup(stmt_text(q, 4)),
	};
	ret->item = (struct outbox_item){
		.id = stmt_int(q, 0),
		.kind = ret->kind,
		.subject = ret->subject,
		.key = ret->key,
		.payload = ret->payload,
		.attempts = (unsigned)stmt_int(q, 5),
	};
	return 1;
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
		   const struct err *why, struct err *e)
{
	static const char sql_row[] =
		"UPDATE outbox SET state=?2, attempts=attempts+1, set_ms=?3, due_ms=?4, word=?5,"
		" error=?6 WHERE id=?1";
	static const char sql_pause[] = "UPDATE outbox SET state=1, credential=?1 WHERE state=0"
					" OR (state=1 AND credential IS NULL)";
	int64_t at = now(d);
	int r = db_exec(d->o->db, e, sql_row, "iiiitt", item->id, (int64_t)v->state, at,
			at + v->wait_ms, v->word, why->msg);

	if (r == 0 && v->state == OUTBOX_PAUSED)
		r = db_exec(d->o->db, e, sql_pause, "t", d->o->credential);
	return r;
}

static int take_off(struct drain *d, const struct outbox_item *item, struct err *e)
{
	static const char sql[] = "DELETE FROM outbox WHERE id=?1";
	int r = db_exec(d->o->db, e, sql, "i", item->id);

	if (r == 0 && d->o->delivered)
		r = d->o->delivered(d->o->ctx, item, e);
	return r;
}

/* Not synced: what a power cut undoes is sent again, and the peer knows it. */
static int record(struct drain *d, const struct outbox_item *item, const struct outbox_verdict *v,
		  const struct err *why, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(d->o->db, e);

	if (r < 0)
		return r;
	tx = d->o->db;
	r = d->o->lease ? lease_check(d->o->lease, e) : 0;
	if (r == 0)
		r = v->state == OUTBOX_DELIVERED ? take_off(d, item, e)
						 : put_off(d, item, v, why, e);
	return r < 0 ? r : db_commit(tx, e);
}

/* The wait of the peer as a whole grows with its own failures, not with those of one row. */
static void hold(struct drain *d, const struct outbox_attempt *a, const struct outbox_verdict *v,
		 uint32_t random)
{
	if (!v->holds_all) {
		d->unanswered = 0;
		return;
	}
	d->held_until = now(d) + outbox_judge(a, d->unanswered, random).wait_ms;
	d->unanswered++;
}

static int attempt(struct drain *d, const struct outbox_item *item, struct err *e)
{
	struct outbox_attempt a = { 0 };
	struct outbox_verdict v;
	struct err why = { 0 };
	uint32_t random = 0;
	int r = d->o->deliver(d->o->ctx, item, &a, &why);

	if (r < 0) {
		*e = why;
		return r;
	}
	random_bytes(&random, sizeof(random));
	v = outbox_judge(&a, item->attempts, random);
	r = record(d, item, &v, &why, e);
	if (r < 0)
		return r;
	hold(d, &a, &v, random);
	d->report->delivered += v.state == OUTBOX_DELIVERED;
	d->report->refused = v.state == OUTBOX_PAUSED;
	if (v.state != OUTBOX_DELIVERED && d->o->failed)
		d->o->failed(d->o->ctx, item, &v, &why);
	return 0;
}

/* 1 when it went on, 0 when the run is over. */
static int step(struct drain *d, int64_t end, struct err *e)
{
	AUTO(taken_release) struct taken row = { 0 };
	int64_t due = 0;
	int r = next_row(d, &row, &due, e);

	if (r <= 0)
		return r;
	if (due > now(d) && due > end)
		return 0;
	wait_until(d, due);
	if (cancelled(d))
		return err_set(e, ERR_CANCELLED, "stopped");
	r = attempt(d, &row.item, e);
	return r < 0 ? r : !d->report->refused;
}

static int count(struct drain *d, struct err *e)
{
	static const char sql[] = "SELECT count(*) FILTER (WHERE state=0),"
				  " count(*) FILTER (WHERE state=1),"
				  " count(*) FILTER (WHERE state=2) FROM outbox";
	struct outbox_drain_report *report = d->report;
	AUTO_STMT struct stmt *q = NULL;
	int64_t due = 0;
	int r = db_query(d->o->db, &q, e, sql, "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	report->waiting = (size_t)stmt_int(q, 0);
	report->paused = (size_t)stmt_int(q, 1);
	report->dead = (size_t)stmt_int(q, 2);
	report->next_ms = -1;
	r = next_row(d, NULL, &due, e);
	if (r > 0)
		report->next_ms = due > now(d) ? due - now(d) : 0;
	return r < 0 ? r : 0;
}

int outbox_drain(const struct outbox_drain_options *options, struct outbox_drain_report *report,
		 struct err *e)
{
	static const char sql_refused[] = "SELECT 1 FROM outbox WHERE state=1 LIMIT 1";
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
