/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/outbox.h"

#include "base/str.h"
#include "base/time.h"
#include "scratch.h"

static const struct db_schema *const schemas[] = { &lease_schema, &outbox_schema };

/* A peer that answers as told, by subject, and writes down what came. */
struct peer {
	struct db *db;
	struct buf log;
	long status;     /* for every row but `bad` */
	const char *bad; /* a subject ... */
	long bad_status; /* ... and its own answer */
	int retry_after;
	bool other_shape;
	size_t calls;
	struct outbox_drain_report report;
};

static struct db *open_db(const char *folder)
{
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = true };
	struct db *db = NULL;
	struct err e = { 0 };

	CHECK_OK(db_open(&o, &db, &e));
	CHECK_OK(db_migrate(db, schemas, ARRAY_LEN(schemas), &e));
	(void)unsetenv("LARDER_NOW");
	return db;
}

static int put(struct db *db, const char *subject, const char *key)
{
	const struct outbox_item item = {
		.kind = "k", .subject = subject, .key = key, .payload = "p"
	};
	struct err e = { 0 };
	int r;

	CHECK_OK(db_begin(db, &e));
	r = outbox_put(db, &item, NULL, &e);
	CHECK_OK(r);
	CHECK_OK(db_commit(db, &e));
	return r;
}

static int deliver(void *ctx, const struct outbox_item *item, struct outbox_attempt *ret,
		   struct err *why)
{
	struct peer *p = ctx;
	bool bad = p->bad && str_eq(item->subject, p->bad);

	p->calls++;
	buf_addf(&p->log, "%s ", item->key);
	ret->status = bad ? p->bad_status : p->status;
	ret->as_expected = !p->other_shape;
	ret->retry_after = p->retry_after;
	(void)err_set(why, ERR_REMOTE, "status %ld", ret->status);
	return 0;
}

static void drain(struct peer *p)
{
	const struct outbox_drain_options o = {
		.db = p->db, .credential = "ann", .ctx = p, .deliver = deliver
	};
	struct err e = { 0 };

	p->report = (struct outbox_drain_report){ 0 };
	buf_clear(&p->log);
	p->calls = 0;
	CHECK_OK(outbox_drain(&o, &p->report, &e));
}

static struct peer peer_of(struct db *db, long status)
{
	return (struct peer){ .db = db, .status = status, .log = BUF_INIT(10000) };
}

TEST(each_answer_has_one_consequence)
{
	static const struct {
		long status;
		enum outbox_state state;
		const char *word;
		bool holds_all;
	} cases[] = {
		{ 0, OUTBOX_WAITING, "offline", true },
		{ 200, OUTBOX_DELIVERED, "delivered", false },
		{ 201, OUTBOX_DELIVERED, "delivered", false },
		{ 302, OUTBOX_WAITING, "redirect", false },
		{ 400, OUTBOX_DEAD, "rejected", false },
		{ 401, OUTBOX_PAUSED, "refused", false },
		{ 403, OUTBOX_PAUSED, "refused", false },
		{ 404, OUTBOX_DEAD, "rejected", false },
		{ 408, OUTBOX_WAITING, "busy", false },
		{ 413, OUTBOX_DEAD, "rejected", false },
		{ 422, OUTBOX_DEAD, "rejected", false },
		{ 429, OUTBOX_WAITING, "busy", true },
		{ 500, OUTBOX_WAITING, "server", false },
		{ 503, OUTBOX_WAITING, "busy", true },
		{ 507, OUTBOX_WAITING, "server", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outbox_attempt a = { .status = cases[i].status, .as_expected = true };
		struct outbox_verdict v = outbox_judge(&a, 0, 7);

		CHECK_INT(v.state, cases[i].state);
		CHECK_STR(v.word, cases[i].word);
		CHECK_INT(v.holds_all, cases[i].holds_all);
	}
}

TEST(a_success_of_another_shape_is_none)
{
	struct outbox_attempt a = { .status = 200 };

	CHECK_STR(outbox_judge(&a, 0, 0).word, "unexpected");
	CHECK_INT(outbox_judge(&a, 0, 0).state, OUTBOX_WAITING);
}

TEST(waits_grow_to_five_minutes_and_differ_by_a_quarter)
{
	static const int64_t steps[] = { 1000, 5000, 15000, 60000, 300000, 300000 };
	struct outbox_attempt a = { .status = 500 };

	for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
		int64_t least = INT64_MAX;
		int64_t most = 0;

		for (uint32_t random = 0; random < 400000; random += 13) {
			int64_t wait = outbox_judge(&a, i, random).wait_ms;

			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		CHECK(least >= steps[i] - steps[i] / 4 && least < steps[i]);
		CHECK(most <= steps[i] + steps[i] / 4 && most > steps[i]);
	}
	CHECK(outbox_judge(&a, UINT32_MAX, UINT32_MAX).wait_ms <= 375000);
}

TEST(retry_after_counts_when_it_is_later_up_to_an_hour)
{
	struct outbox_attempt a = { .status = 503, .retry_after = 120 };

	CHECK_INT(outbox_judge(&a, 0, 0).wait_ms, 120000);
	CHECK(outbox_judge(&a, 4, 0).wait_ms > 200000);
	a.retry_after = 1000000;
	CHECK_INT(outbox_judge(&a, 0, 0).wait_ms, OUTBOX_WAIT_MAX_MS);
	a.retry_after = -5;
	CHECK(outbox_judge(&a, 0, 0).wait_ms < 2000);
}

TEST(the_same_thing_twice_is_one_row)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 200);

	CHECK_INT(put(db, "s", "a"), 1);
	CHECK_INT(put(db, "s", "a"), 0);
	drain(&p);
	CHECK_INT(p.report.delivered, 1);
	drain(&p);
	CHECK_INT(p.calls, 0);
	buf_release(&p.log);
}

TEST(one_bad_record_holds_up_nobody_else)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 200);

	p.bad = "b";
	p.bad_status = 500;
	put(db, "b", "b1");
	put(db, "b", "b2");
	put(db, "c", "c1");
	drain(&p);
	CHECK_STR(buf_str(&p.log), "b1 c1 "); /* b2 comes after b1, whenever that is */
	CHECK_INT(p.report.waiting, 2);
	CHECK(p.report.next_ms > 0 && p.report.next_ms <= 1250);
	buf_release(&p.log);
}

TEST(what_is_rejected_is_kept_and_lets_its_successors_pass)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 413);
	size_t rows = 0;
	struct err e = { 0 };

	put(db, "s", "a");
	drain(&p);
	CHECK_INT(p.report.dead, 1);
	CHECK_INT(put(db, "s", "a"), 0);
	put(db, "s", "b");
	p.status = 200;
	drain(&p);
	CHECK_STR(buf_str(&p.log), "b ");
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(outbox_redrive(db, time_now(), &rows, &e));
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(rows, 1);
	drain(&p);
	CHECK_STR(buf_str(&p.log), "a ");
	CHECK_INT(p.report.dead, 0);
	buf_release(&p.log);
}

TEST(a_peer_that_does_not_answer_is_asked_once_for_all_rows)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 0);
	struct err e = { 0 };

	put(db, "a", "a");
	put(db, "b", "b");
	put(db, "c", "c");
	drain(&p);
	CHECK_INT(p.calls, 1);
	CHECK_INT(p.report.waiting, 3);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(outbox_hurry(db, time_now(), &e));
	CHECK_OK(db_commit(db, &e));
	p.status = 200;
	drain(&p);
	CHECK_STR(buf_str(&p.log), "b c a ");
	buf_release(&p.log);
}

TEST(a_refused_credential_stops_all_until_it_is_another)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 401);
	struct err e = { 0 };

	put(db, "a", "a");
	put(db, "b", "b");
	drain(&p);
	CHECK_INT(p.calls, 1);
	CHECK_INT(p.report.paused, 2);
	CHECK(p.report.refused);
	p.status = 200;
	drain(&p);
	CHECK_INT(p.calls, 0);
	CHECK(p.report.refused);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(outbox_settle(db, time_now(), "another", &e));
	CHECK_OK(db_commit(db, &e));
	drain(&p);
	CHECK_STR(buf_str(&p.log), "b a ");
	buf_release(&p.log);
}

static void fail_once(struct peer *p, struct db *db)
{
	put(db, "s", "a");
	p->status = 500;
	drain(p);
	p->status = 200;
}

TEST(a_clock_that_goes_back_keeps_no_row_longer_than_its_wait)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 500);

	fail_once(&p, db);
	(void)setenv("LARDER_NOW", "-864000s", 1);
	drain(&p);
	CHECK_INT(p.calls, 0);
	CHECK(p.report.next_ms <= 1250);
	(void)setenv("LARDER_NOW", "-863998s", 1);
	drain(&p);
	CHECK_INT(p.report.delivered, 1);
	(void)unsetenv("LARDER_NOW");
	buf_release(&p.log);
}

TEST(a_clock_that_goes_forward_makes_rows_due)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 500);

	fail_once(&p, db);
	drain(&p);
	CHECK_INT(p.calls, 0);
	(void)setenv("LARDER_NOW", "+864000s", 1);
	drain(&p);
	CHECK_INT(p.report.delivered, 1);
	(void)unsetenv("LARDER_NOW");
	buf_release(&p.log);
}

TEST(newer_content_takes_the_place_of_what_waits)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 200);
	const struct outbox_item newer = {
		.kind = "k", .subject = "s", .key = "b", .payload = "p"
	};
	struct err e = { 0 };

	put(db, "s", "a");
	CHECK_OK(db_begin(db, &e));
	CHECK_INT(outbox_put(db, &newer, "s", &e), 1);
	CHECK_OK(db_commit(db, &e));
	drain(&p);
	CHECK_STR(buf_str(&p.log), "b ");
	buf_release(&p.log);
}

/* Nobody gives up: who was away for a year has everything when the peer is back. */
TEST(a_row_that_failed_a_thousand_times_is_there_and_goes)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 502);
	int64_t attempts = 0;
	struct err e = { 0 };

	put(db, "a", "a");
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(db_exec(db, &e, "UPDATE outbox SET attempts = 1000, word = 'server'", ""));
	CHECK_OK(db_commit(db, &e));
	drain(&p);
	CHECK_INT(p.report.waiting, 1);
	CHECK(p.report.next_ms > 200000 && p.report.next_ms <= 375000);
	CHECK_OK(db_get_int(db, &attempts, 0, &e, "SELECT attempts FROM outbox", ""));
	CHECK_INT(attempts, 1001);
	drain(&p); /* within its wait nobody is asked, and nothing is counted */
	CHECK_INT(p.calls, 0);
	CHECK_OK(db_get_int(db, &attempts, 0, &e, "SELECT attempts FROM outbox", ""));
	CHECK_INT(attempts, 1001);
	(void)setenv("LARDER_NOW", "+7m", 1);
	p.status = 200;
	drain(&p);
	(void)unsetenv("LARDER_NOW");
	CHECK_INT(p.report.delivered, 1);
	buf_release(&p.log);
}

TEST(a_run_that_is_cancelled_ends_and_keeps_its_rows)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct peer p = peer_of(db, 200);
	const atomic_bool cancel = true;
	const struct outbox_drain_options o = {
		.db = db, .credential = "ann", .ctx = &p, .deliver = deliver, .cancel = &cancel
	};
	struct outbox_summary sum = { 0 };
	struct err e = { 0 };

	put(db, "a", "a");
	CHECK_ERR(outbox_drain(&o, &p.report, &e), ERR_CANCELLED);
	CHECK_INT(p.calls, 0);
	CHECK_OK(outbox_summary(db, "ann", &sum, &e));
	CHECK_INT(sum.waiting, 1);
	buf_release(&p.log);
}

/* A peer that takes batches: `bad` spoils a whole batch, `reject` only itself. */
struct batch_peer {
	struct buf log; /* "a,b,c " for each request */
	long status;    /* of all requests */
	const char *bad, *reject, *twice;
	char keys[8][HASH_HEX_MAX];
	size_t calls, rows, bytes;
	const char *kind; /* of batches; NULL: any */
	struct outbox_drain_report report;
};

static int deliver_many(void *ctx, const struct outbox_batch *batch, struct outbox_attempt *ret,
			struct outbox_answer *answers, struct err *why)
{
	struct batch_peer *p = ctx;

	ret->status = p->status;
	ret->as_expected = true;
	(void)snprintf(p->keys[p->calls++ % 8], HASH_HEX_MAX, "%s", batch->key);
	for (size_t i = 0; i < batch->n; i++) {
		const char *key = batch->items[i].key;

		buf_addf(&p->log, "%s%s", i ? "," : "", key);
		answers[i].word =
			p->twice && str_eq(key, p->twice) ? OUTBOX_DUPLICATE : OUTBOX_ACCEPTED;
		if (p->bad && str_eq(key, p->bad))
			ret->status = 413;
		if (!p->reject || !str_eq(key, p->reject))
			continue;
		answers[i].word = OUTBOX_REJECTED;
		(void)snprintf(answers[i].why, sizeof(answers[i].why), "no such thing");
	}
	buf_addc(&p->log, ' ');
	(void)err_set(why, ERR_REMOTE, "status %ld", ret->status);
	return 0;
}

static void drain_batches(struct batch_peer *p, struct db *db)
{
	const struct outbox_drain_options o = { .db = db,
						.credential = "ann",
						.ctx = p,
						.deliver_many = deliver_many,
						.batch_kind = p->kind,
						.batch_rows = p->rows ? p->rows : 100,
						.batch_bytes = p->bytes ? p->bytes : 1000 };
	struct err e = { 0 };

	p->report = (struct outbox_drain_report){ 0 };
	buf_clear(&p->log);
	p->calls = 0;
	CHECK_OK(outbox_drain(&o, &p->report, &e));
}

static void put_letters(struct db *db, const char *letters)
{
	for (; *letters; letters++) {
		const char text[] = { *letters, '\0' };

		put(db, text, text);
	}
}

TEST(a_batch_is_capped_in_rows_and_bytes)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000), .rows = 3 };

	put_letters(db, "abcdefg");
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a,b,c d,e,f g ");
	CHECK_INT(p.report.delivered, 7);
	CHECK_INT(p.report.attempts, 3);
	put_letters(db, "abcde");
	p.bytes = 2; /* each payload is one byte */
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a,b c,d e ");
	CHECK_INT(p.report.waiting, 0);
	buf_release(&p.log);
}

TEST(a_row_larger_than_a_batch_goes_alone)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000), .bytes = 1 };
	const struct outbox_item large = {
		.kind = "k", .subject = "b", .key = "b", .payload = "a long one"
	};
	struct err e = { 0 };

	put(db, "a", "a");
	CHECK_OK(db_begin(db, &e));
	CHECK_INT(outbox_put(db, &large, NULL, &e), 1);
	CHECK_OK(db_commit(db, &e));
	put(db, "c", "c");
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a b c ");
	buf_release(&p.log);
}

TEST(rows_of_another_kind_go_alone_in_their_order)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000), .kind = "k" };
	static const char *const keys[] = { "a", "b", "X", "Y", "c", "d" };
	struct err e = { 0 };

	CHECK_OK(db_begin(db, &e));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const bool message = keys[i][0] < 'a';
		const struct outbox_item item = { .kind = message ? "message" : "k",
						  .subject = keys[i],
						  .key = keys[i],
						  .payload = "p" };

		CHECK_INT(outbox_put(db, &item, NULL, &e), 1);
	}
	/* As if they had been put in one moment: by age. */
	CHECK_OK(db_exec(db, &e, "UPDATE outbox SET due_ms = 1, set_ms = 1", ""));
	CHECK_OK(db_commit(db, &e));
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a,b X Y c,d ");
	CHECK_INT(p.report.delivered, 6);
	buf_release(&p.log);
}

TEST(a_batch_has_the_key_of_its_rows)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 0, .log = BUF_INIT(1000) };
	char first[HASH_HEX_MAX];
	struct err e = { 0 };

	put_letters(db, "abc");
	drain_batches(&p, db);
	memcpy(first, p.keys[0], sizeof(first));
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(outbox_hurry(db, time_now(), &e));
	CHECK_OK(db_commit(db, &e));
	p.status = 200;
	drain_batches(&p, db);
	CHECK_STR(p.keys[0], first);
	put_letters(db, "ab");
	drain_batches(&p, db);
	CHECK(strcmp(p.keys[0], first) != 0);
	buf_release(&p.log);
}

TEST(a_rejected_batch_is_split_until_the_poison_is_alone)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000), .bad = "f" };

	put_letters(db, "abcdefgh");
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a,b,c,d,e,f,g,h a,b,c,d e,f,g,h e,f e f g,h ");
	CHECK_INT(p.report.delivered, 7);
	CHECK_INT(p.report.dead, 1);
	CHECK_INT(p.report.waiting, 0);
	buf_release(&p.log);
}

struct seen {
	size_t n;
	char key[20], error[100];
};

static int see(void *ctx, const struct outbox_row *row, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	s->n++;
	(void)snprintf(s->key, sizeof(s->key), "%s", row->item.key);
	(void)snprintf(s->error, sizeof(s->error), "%s", row->error);
	return 0;
}

TEST(of_an_accepted_batch_only_the_rejected_row_is_dead_with_its_reason)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 201, .log = BUF_INIT(1000), .reject = "b", .twice = "c" };
	struct seen s = { 0 };
	struct err e = { 0 };

	put_letters(db, "abcd");
	drain_batches(&p, db);
	CHECK_INT(p.calls, 1);
	CHECK_INT(p.report.delivered, 3);
	CHECK_INT(p.report.duplicates, 1);
	CHECK_OK(outbox_visit(db, OUTBOX_DEAD, see, &s, &e));
	CHECK_INT(s.n, 1);
	CHECK_STR(s.key, "b");
	CHECK_STR(s.error, "no such thing");
	buf_release(&p.log);
}

TEST(a_row_a_server_fails_at_again_and_again_goes_alone)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 500, .log = BUF_INIT(1000) };
	struct err e = { 0 };

	put_letters(db, "abc");
	for (int i = 0; i < OUTBOX_ALONE_AFTER; i++) {
		drain_batches(&p, db);
		CHECK_STR(buf_str(&p.log), "a,b,c ");
		CHECK_OK(db_begin(db, &e));
		CHECK_OK(db_exec(db, &e, "UPDATE outbox SET due_ms = 0", ""));
		CHECK_OK(db_commit(db, &e));
	}
	p.status = 200;
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a b c ");
	buf_release(&p.log);
}

TEST(rows_of_one_subject_are_never_in_one_batch_and_keep_their_order)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000) };

	put(db, "s", "s1");
	put(db, "s", "s2");
	put(db, "s", "s3");
	put(db, "t", "t1");
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "s1,t1 s2 s3 ");
	buf_release(&p.log);
}

TEST(redriven_rows_go_in_their_order_again)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000), .reject = "s1" };
	size_t rows = 0;
	struct err e = { 0 };

	put(db, "s", "s1");
	drain_batches(&p, db);
	put(db, "s", "s2");
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(outbox_redrive(db, time_now(), &rows, &e));
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(rows, 1);
	p.reject = NULL;
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "s1 s2 ");
	buf_release(&p.log);
}

TEST(counts_are_those_of_the_rows)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000), .reject = "c" };
	const struct outbox_item newer = {
		.kind = "k", .subject = "c", .key = "c2", .payload = "longer\xc3\xa9"
	};
	struct outbox_summary sum;
	struct err e = { 0 };

	put_letters(db, "abc");
	put(db, "a", "a2");
	CHECK_OK(outbox_summary(db, "ann", &sum, &e));
	CHECK(sum.waiting == 4 && sum.dead == 0 && !sum.paused && sum.due_ms > 0);
	CHECK_INT(sum.bytes, 4);
	drain_batches(&p, db);
	CHECK_OK(outbox_summary(db, "ann", &sum, &e));
	CHECK(sum.waiting == 0 && sum.dead == 1 && sum.due_ms == -1 && sum.bytes == 1);
	CHECK_INT(outbox_holds(db, "c", &e), 1);
	CHECK_INT(outbox_holds(db, "a", &e), 0);
	CHECK_OK(db_begin(db, &e));
	CHECK_INT(outbox_put(db, &newer, "c", &e), 1);
	CHECK_OK(db_commit(db, &e));
	CHECK_OK(outbox_summary(db, "ann", &sum, &e));
	CHECK(sum.waiting == 1 && sum.dead == 0 && sum.bytes == 8);
	p.status = 401;
	drain_batches(&p, db);
	CHECK_INT(p.report.paused, 1);
	CHECK_OK(outbox_summary(db, "ann", &sum, &e));
	CHECK(sum.paused);
	CHECK_OK(outbox_summary(db, "bob", &sum, &e));
	CHECK(!sum.paused);
	buf_release(&p.log);
}

TEST(an_outbox_of_the_older_form_is_taken_over)
{
	static const char *const first[2] = {
		"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
		" subject TEXT NOT NULL, key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL,"
		" state INTEGER NOT NULL, attempts INTEGER NOT NULL, set_ms INTEGER NOT NULL,"
		" due_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, credential TEXT, word TEXT,"
		" error TEXT);"
		"CREATE INDEX outbox_due ON outbox(state, due_ms, attempts, id);"
		"CREATE INDEX outbox_subject ON outbox(subject, id);"
		"INSERT INTO outbox VALUES (1,'k','s','a','p',1,1,5,5,5,'ann','refused','x'),"
		" (2,'k','s','b','p',0,0,5,5,5,NULL,NULL,NULL),"
		" (3,'k','t','c','p',2,1,5,5,5,NULL,'rejected','x')",
	};
	static const struct db_schema older = { "outbox", first };
	static const struct db_schema *const old_schemas[] = { &lease_schema, &older };
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = true };
	struct batch_peer p = { .status = 200, .log = BUF_INIT(1000) };
	struct outbox_summary sum = { 0 };
	AUTO_DB struct db *db = NULL;
	struct err e = { 0 };

	CHECK_OK(db_open(&o, &db, &e));
	CHECK_OK(db_migrate(db, old_schemas, ARRAY_LEN(old_schemas), &e));
	CHECK_OK(db_migrate(db, schemas, ARRAY_LEN(schemas), &e));
	CHECK_OK(outbox_summary(db, "ann", &sum, &e));
	CHECK_INT(sum.bytes, 3);
	drain_batches(&p, db);
	CHECK(p.report.refused && p.report.paused == 2 && p.report.dead == 1);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(outbox_settle(db, time_now(), "another", &e));
	CHECK_OK(db_commit(db, &e));
	drain_batches(&p, db);
	CHECK_STR(buf_str(&p.log), "a b ");
	buf_release(&p.log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_answer_has_one_consequence),
		CASE(a_success_of_another_shape_is_none),
		CASE(waits_grow_to_five_minutes_and_differ_by_a_quarter),
		CASE(retry_after_counts_when_it_is_later_up_to_an_hour),
		CASE(the_same_thing_twice_is_one_row),
		CASE(one_bad_record_holds_up_nobody_else),
		CASE(what_is_rejected_is_kept_and_lets_its_successors_pass),
		CASE(a_peer_that_does_not_answer_is_asked_once_for_all_rows),
		CASE(a_refused_credential_stops_all_until_it_is_another),
		CASE(a_clock_that_goes_back_keeps_no_row_longer_than_its_wait),
		CASE(a_clock_that_goes_forward_makes_rows_due),
		CASE(newer_content_takes_the_place_of_what_waits),
		CASE(a_row_that_failed_a_thousand_times_is_there_and_goes),
		CASE(a_run_that_is_cancelled_ends_and_keeps_its_rows),
		CASE(a_batch_is_capped_in_rows_and_bytes),
		CASE(a_row_larger_than_a_batch_goes_alone),
		CASE(rows_of_another_kind_go_alone_in_their_order),
		CASE(a_batch_has_the_key_of_its_rows),
		CASE(a_rejected_batch_is_split_until_the_poison_is_alone),
		CASE(of_an_accepted_batch_only_the_rejected_row_is_dead_with_its_reason),
		CASE(a_row_a_server_fails_at_again_and_again_goes_alone),
		CASE(rows_of_one_subject_are_never_in_one_batch_and_keep_their_order),
		CASE(redriven_rows_go_in_their_order_again),
		CASE(counts_are_those_of_the_rows),
		CASE(an_outbox_of_the_older_form_is_taken_over),
	};

	return RUN(tests);
}
