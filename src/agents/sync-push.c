/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/sync-internal.h"

#include "agents/member.h"
#include "agents/mirror.h"
#include "agents/record.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/outbox.h"
#include "net/http-client.h"

#include <inttypes.h>

/* A batch takes seconds on a slow line; its lease is looked at with each. */
#define LEASE_MS ((int64_t)600 * 1000)
/* A batch, its agent id and what stands around them. */
#define BODY_MAX (SYNC_BATCH_BYTES + RECORD_BYTES_MAX + 4096)
/* Of failures, for people: the rest is in the outbox. */
#define FAILURES_MAX 20
/* In one commit: as in agents/reap-folders.c. */
#define COLLECT_BATCH 500

struct push {
	struct agents *a;
	const struct sync_peer *peer;
	struct sync_pushed *ret;
	struct http_client *http;
	char *url;
	struct progress *progress;
	bool refused;    /* the message that is under way */
	size_t messages; /* of the fleet, delivered: no records */
};

static void push_release(struct push *p)
{
	progress_end(p->progress);
	http_client_free(p->http);
	free(p->url);
}

void sync_pushed_release(struct sync_pushed *pushed)
{
	strv_release(&pushed->failures);
}

/* Of one: how it was counted is in `ret`. What is not as it should be is no reason for others not to go. */
static int capture(struct agents *a, const char *id, struct strv *staged,
		   struct sync_collected *ret, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct err why = { 0 };
	int r = dispatch_find(agents_db(a), id, &d, e);
	int64_t before = d.captured;

	if (r < 0)
		return r;
	r = mirror_is_stale(a, &d, &why);
	if (r >= 0)
		r = record_capture(a, &d, &why);
	if (r == ERR_LIMIT) {
		log_event(LOG_WARN, "problem", "what=%s: %s", d.name, why.msg);
		return 0;
	}
	if (r < 0) {
		*e = why;
		return r;
	}
	if (d.captured == before) {
		ret->left++;
		return 0;
	}
	ret->taken++;
	r = dispatch_save(agents_db(a), &d, e);
	return r < 0 ? r : mirror_put_one_of(a, &d, staged, e);
}

static int capture_some(struct agents *a, struct strv *ids, size_t from, struct sync_collected *ret,
			struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_STRV struct strv staged = STRV_INIT;
	int r = db_begin_tx(agents_db(a), &tx, e);

	for (size_t i = from; r == 0 && i < ids->n && i < from + COLLECT_BATCH; i++)
		r = capture(a, ids->v[i], &staged, ret, e);
	if (r == 0)
		r = journal_sync(agents_root(a), &staged, e);
	return r < 0 ? r : journal_commit(agents_root(a), e);
}

struct finding {
	const struct agents *a;
	struct strv *ids;
};

static int find_due(void *ctx, const struct dispatch *d, struct err *e)
{
	const struct finding *f = ctx;
	int due = record_is_due(f->a, d, e);

	if (due > 0)
		strv_add(f->ids, d->id);
	return due < 0 ? due : 0;
}

int sync_collect(struct agents *a, struct sync_collected *ret, struct err *e)
{
	const struct dispatch_filter current = { 0 };
	AUTO_STRV struct strv ids = STRV_INIT;
	struct finding f = { a, &ids };
	int r = dispatch_visit(agents_db(a), &current, find_due, &f, e);

	for (size_t i = 0; r == 0 && i < ids.n; i += COLLECT_BATCH)
		r = capture_some(a, &ids, i, ret, e);
	return r;
}

/* The key ends with the first digits of what the bytes must hash to. */
static bool is_sound(const struct outbox_item *item)
{
	char sha256[HASH_HEX_MAX];
	const char *colon = strrchr(item->key, ':');

	hash_text(HASH_SHA256, bytes_of(item->payload), sha256);
	return colon && strlen(colon + 1) == 16 && strncmp(colon + 1, sha256, 16) == 0;
}

/* How many go; those that are damaged are told so. */
static size_t add_body(const struct push *p, const struct outbox_batch *batch,
		       struct outbox_answer *answers, struct buf *out)
{
	struct json_out o = json_out(out);
	size_t n = 0;

	json_open(&o, NULL, '{');
	json_add_int(&o, "schema", RECORD_SCHEMA);
	json_add_text(&o, "agent_id", agents_self(p->a));
	json_open(&o, "dispatches", '[');
	for (size_t i = 0; i < batch->n; i++) {
		if (is_sound(&batch->items[i])) {
			json_add_raw(&o, NULL, bytes_of(batch->items[i].payload));
			n++;
			continue;
		}
		answers[i].word = OUTBOX_REJECTED;
		(void)snprintf(answers[i].why, sizeof(answers[i].why),
			       "the record was damaged on this disk");
	}
	json_close(&o);
	json_close(&o);
	return n;
}

static enum outbox_word word_of(const char *result)
{
	if (result && str_eq(result, "accepted"))
		return OUTBOX_ACCEPTED;
	if (result && str_eq(result, "duplicate"))
		return OUTBOX_DUPLICATE;
	return result && str_eq(result, "rejected") ? OUTBOX_REJECTED : OUTBOX_UNANSWERED;
}

/* Each answer names its record, in the order they were sent. */
static bool take_results(const struct outbox_batch *batch, const struct json *results,
			 struct outbox_answer *answers)
{
	size_t k = 0;

	for (size_t i = 0; i < batch->n; i++) {
		const struct json *result;
		const char *id, *why;

		if (answers[i].word == OUTBOX_REJECTED)
			continue; /* it did not go */
		result = json_at(results, k++);
		id = json_text(json_get(result, "id"));
		why = json_text(json_get(result, "reason"));
		if (!id || !str_eq(id, batch->items[i].subject))
			return false;
		answers[i].word = word_of(json_text(json_get(result, "result")));
		if (answers[i].word == OUTBOX_REJECTED)
			(void)snprintf(answers[i].why, sizeof(answers[i].why), "%.400s",
				       why ? why : "rejected without a reason");
	}
	return k == json_size(results);
}

/* An older hub only counts. */
static bool take_answer(const struct outbox_batch *batch, size_t sent, struct bytes body,
			struct outbox_answer *answers)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };
	const struct json *data, *results;

	if (json_parse(body, SYNC_REPLY_MAX, &doc, &ignored) < 0)
		return false;
	data = json_get(doc, "data");
	results = json_get(data, "results");
	if (json_kind(results) == JSON_ARRAY)
		return take_results(batch, results, answers);
	if (json_int(json_get(data, "synced"), -1) != (int64_t)sent)
		return false;
	for (size_t i = 0; i < batch->n; i++)
		if (answers[i].word == OUTBOX_UNANSWERED)
			answers[i].word = OUTBOX_ACCEPTED;
	return true;
}

static int request(struct push *p, const struct outbox_batch *batch, const struct buf *body,
		   struct http_reply *reply, struct err *e)
{
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = { .method = "POST",
				  .url = p->url,
				  .token = p->peer->token,
				  .content_type = "application/json",
				  .body = buf_bytes(body),
				  .max_body = SYNC_REPLY_MAX,
				  .accept_gzip = true };

	strv_addf(&headers, "Idempotency-Key: %s", batch->key);
	q.headers = &headers;
	p->ret->requests++;
	p->ret->bytes += (int64_t)body->n;
	return http_request(p->http, &q, reply, e);
}

/* A hub without these routes may get them with its next version: nothing is lost by that. */
static long status_of(const struct http_reply *reply)
{
	return reply->status == 404 || reply->status == 405 || reply->status == 410 ? 501
										    : reply->status;
}

/* These go alone: agents/member.h. */
static int deliver_message(struct push *p, const struct outbox_batch *batch,
			   struct outbox_attempt *ret, struct outbox_answer *answers,
			   struct err *why)
{
	const struct outbox_item *item = batch->items;

	if (!is_sound(item)) {
		ret->unsendable = true;
		(void)err_set(why, ERR_CORRUPT, "the message was damaged on this disk");
		return 0;
	}
	answers[0].word = OUTBOX_ACCEPTED;
	return member_deliver(p->http, p->peer, item, ret, &p->refused, why);
}

static int deliver(void *ctx, const struct outbox_batch *batch, struct outbox_attempt *ret,
		   struct outbox_answer *answers, struct err *why)
{
	struct push *p = ctx;
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	size_t n;

	if (member_is_message(batch->items))
		return deliver_message(p, batch, ret, answers, why);
	n = add_body(p, batch, answers, &body);
	if (n == 0) {
		*ret = (struct outbox_attempt){ .status = 200, .as_expected = true };
		return 0;
	}
	if (body.full) {
		*ret = (struct outbox_attempt){ .status = 413 };
		(void)err_set(why, ERR_LIMIT, "the records exceed %zu bytes", BODY_MAX);
		return 0;
	}
	if (request(p, batch, &body, &reply, why) < 0)
		return why->code == ERR_CANCELLED || why->code == ERR_USAGE ? why->code : 0;
	ret->status = status_of(&reply);
	ret->retry_after = reply.retry_after;
	ret->as_expected = reply.status >= 200 && reply.status < 300 &&
			   take_answer(batch, n, buf_bytes(&reply.body), answers);
	if (!ret->as_expected && http_expect(&reply, 201, why) == 0)
		(void)err_set(why, ERR_REMOTE, "the answer is not that of a hub");
	return 0;
}

static void on_failed(void *ctx, const struct outbox_item *item, const struct outbox_verdict *v,
		      const struct err *why)
{
	struct push *p = ctx;

	if (p->ret->failures.n < FAILURES_MAX)
		strv_addf(&p->ret->failures, "%s: %s: %s", v->word, item->subject, why->msg);
}

static int on_delivered(void *ctx, const struct outbox_item *item, struct err *e)
{
	struct push *p = ctx;

	progress_step(p->progress, item->subject, true);
	if (!member_is_message(item))
		return 0;
	p->messages++;
	return member_note_sent(p->a, item, p->refused, e);
}

void sync_credential(const struct sync_peer *peer, char out[65])
{
	AUTO_FREE char *who = xasprintf("%s %s", peer->server, peer->token ? peer->token : "");

	hash_text(HASH_SHA256, bytes_of(who), out);
}

static int prepare(struct agents *a, const struct sync_push_options *options,
		   struct sync_pushed *ret, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = options->collect ? sync_collect(a, &ret->collected, e) : 0;

	if (r < 0 || (!options->redrive && !options->hurry))
		return r;
	r = db_begin_tx(agents_db(a), &tx, e);
	if (r == 0 && options->hurry)
		r = outbox_hurry(tx, time_now(), e);
	if (r == 0 && options->redrive)
		r = outbox_redrive(tx, time_now(), &ret->redriven, e);
	return r < 0 ? r : db_commit(tx, e);
}

static int drain(struct push *p, const struct sync_push_options *options, struct err *e)
{
	const struct lease_wait_options wait = { .name = "push",
						 .holder = "larder agent push",
						 .ttl_ms = LEASE_MS,
						 .wait_ms = options->wait_ms };
	AUTO_LEASE struct lease *lease = NULL;
	struct outbox_drain_report done = { 0 };
	char credential[65];
	struct outbox_drain_options o = {
		.db = agents_db(p->a),
		.credential = credential,
		.patience_ms = options->patience_ms,
		.cancel = options->cancel,
		.ctx = p,
		.deliver_many = deliver,
		.batch_kind = RECORD_KIND,
		.batch_rows = SYNC_BATCH_ROWS,
		.batch_bytes = SYNC_BATCH_BYTES,
		.delivered = on_delivered,
		.failed = on_failed,
	};
	int r = lease_wait(agents_db(p->a), &wait, &lease, e);

	if (r < 0)
		return r;
	o.lease = lease;
	sync_credential(p->peer, credential);
	r = outbox_drain(&o, &done, e);
	p->ret->sent = done.delivered - p->messages;
	p->ret->duplicates = done.duplicates;
	p->ret->waiting = done.waiting;
	p->ret->paused = done.paused;
	p->ret->dead = done.dead;
	p->ret->next_ms = done.next_ms;
	p->ret->refused = done.refused;
	return r;
}

static int count_only(struct agents *a, struct sync_pushed *ret, struct err *e)
{
	struct outbox_summary sum = { 0 };
	int r = outbox_summary(agents_db(a), "", &sum, e);

	ret->waiting = (size_t)sum.waiting;
	ret->dead = (size_t)sum.dead;
	ret->next_ms = -1;
	return r;
}

static int note(struct push *p, struct err *e)
{
	struct err why = { 0 };
	struct sync_event event = { "push", (int64_t)p->ret->sent, p->ret->bytes,
				    (int64_t)p->ret->requests, NULL };

	if (p->ret->requests == 0)
		return 0;
	if (p->ret->failures.n > 0) {
		(void)err_set(&why, ERR_REMOTE, "%.400s", p->ret->failures.v[0]);
		event.error = &why;
	}
	return sync_note(p->a, &event, e);
}

int sync_push(struct agents *a, const struct sync_peer *peer,
	      const struct sync_push_options *options, struct sync_pushed *ret, struct err *e)
{
	AUTO(push_release) struct push p = { .a = a, .peer = peer, .ret = ret };
	int r = prepare(a, options, ret, e);

	if (r < 0)
		return r;
	ret->no_token = !peer->server || !peer->token;
	if (ret->no_token)
		return count_only(a, ret, e);
	r = sync_check_server(peer->server, e);
	if (r == 0)
		r = outbox_has_work(agents_db(a), e);
	if (r <= 0)
		return r < 0 ? r : count_only(a, ret, e);
	p.url = xasprintf("%s/v1/agent/sync", peer->server);
	p.http = http_client_new(&(struct http_client_options){ .cancel = options->cancel });
	r = count_only(a, ret, e);
	p.progress = progress_begin("agent push", 0, ret->waiting, !options->progress);
	if (r == 0)
		r = drain(&p, options, e);
	return r < 0 ? r : note(&p, e);
}
