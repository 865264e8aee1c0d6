/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agents-fill HOME N [BATCHES]: queues N records of work that ended, as the transaction that ends the
 * work does, without running any; prints the milliseconds it took. With BATCHES it also writes the
 * same records there as request bodies of 500, for a client without a queue.
 */
#include "agents/home.h"
#include "agents/record.h"
#include "agents/sync.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/outbox.h"

#include <fcntl.h>
#include <inttypes.h>

#define COMMIT 500

static void make(int64_t i, struct dispatch *d, struct buf *body)
{
	char id[UUID_TEXT_MAX];

	dispatch_init(d);
	uuid_v7(id);
	dispatch_set(&d->id, id);
	free(d->name);
	d->name = xasprintf("core/repo-%" PRId64 "/task-%" PRId64, i % 50, i);
	free(d->repo);
	d->repo = xasprintf("repo-%" PRId64, i % 50);
	dispatch_set(&d->org, "core");
	dispatch_set(&d->task, "Read the issue, find the cause, mend it and prove it with a test.");
	dispatch_set(&d->agent, "codex:gpt-5.4");
	dispatch_set(&d->branch, "agent/mend");
	dispatch_set(&d->reason, "finished");
	d->status = AGENT_COMPLETED;
	d->runs = 1;
	d->revision = 3;
	d->started_ms = time_now() - 60000;
	d->updated_ms = d->ended_ms = time_now();
	record_render(d, NULL, NULL, body);
}

static int put(struct db *db, int64_t i, struct buf *batch, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(RECORD_BYTES_MAX);
	AUTO_FREE char *key = NULL;
	char sha256[HASH_HEX_MAX];
	struct outbox_item item = { .kind = RECORD_KIND };
	int r;

	make(i, &d, &body);
	hash_text(HASH_SHA256, buf_bytes(&body), sha256);
	key = xasprintf("%s:3:%.16s", d.id, sha256);
	item.subject = d.id;
	item.key = key;
	item.payload = buf_str(&body);
	buf_addf(batch, "%s%s", batch->n ? "," : "", buf_str(&body));
	r = outbox_put(db, &item, d.id, e);
	return r < 0 ? r : 0;
}

static int write_batch(const char *folder, int64_t number, const struct buf *batch, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/%06" PRId64 ".json", folder, number);
	AUTO_FREE char *text = xasprintf("{\"schema\":1,\"agent_id\":\"peer\",\"dispatches\":[%s]}",
					 buf_str(batch));

	return file_replace(AT_FDCWD, path, bytes_of(text), 0644, e);
}

static int fill(struct db *db, int64_t n, const char *folder, struct err *e)
{
	int r = 0;

	for (int64_t i = 0; r == 0 && i < n;) {
		AUTO_TX struct db *tx = NULL;
		AUTO_BUF struct buf batch = BUF_INIT(BUF_OWN_MAX);
		int64_t first = i;

		r = db_begin_tx(db, &tx, e);
		for (; r == 0 && i < n && i < first + COMMIT; i++)
			r = put(db, i, &batch, e);
		if (r == 0)
			r = db_commit(db, e);
		if (r == 0 && folder)
			r = write_batch(folder, first / COMMIT, &batch, e);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct agents_options o = { .create = true, .self = "bench" };
	AUTO_AGENTS struct agents *a = NULL;
	struct err e = { 0 };
	int64_t n = 0, began;
	int r;

	if (argc < 3 || parse_int64(argv[2], 1, 100000000, &n, &e) < 0)
		return 2;
	o.path = argv[1];
	r = agents_open(&o, &a, &e);
	began = time_monotonic();
	if (r == 0)
		r = fill(agents_db(a), n, argc > 3 ? argv[3] : NULL, &e);
	if (r < 0) {
		(void)fprintf(stderr, "agents-fill: %s\n", e.msg);
		return 1;
	}
	(void)printf("%" PRId64 "\n", time_monotonic() - began);
	return 0;
}
