/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in one request. */
#include "engine/outbox-internal.h"

#include "base/str.h"

static void item_release(struct outbox_item *item)
{
	/* Ours: they were copied in take_row(). */
	free((char *)(uintptr_t)item->kind);
	free((char *)(uintptr_t)item->subject);
	free((char *)(uintptr_t)item->key);
	free((char *)(uintptr_t)item->payload);
}

void outbox_taken_free(struct outbox_taken *t)
{
	for (size_t i = 0; t && i < t->n; i++)
		item_release(&t->items[i]);
	free(t);
}

static void take_row(const struct stmt *q, struct outbox_taken *t)
{
	t->items[t->n++] = (struct outbox_item){
		.id = stmt_int(q, 0),
		.kind = xstrdup(stmt_text(q, 1)),
		.subject = xstrdup(stmt_text(q, 2)),
		.key = xstrdup(stmt_text(q, 3)),
		.payload = xstrdup(stmt_text(q, 4)),
		.attempts = (unsigned)stmt_int(q, 5),
	};
	t->bytes += stmt_bytes(q, 4).n;
}

/* What a server has failed at again and again. */
static bool goes_alone(const struct stmt *q)
{
	return stmt_int(q, 5) >= OUTBOX_ALONE_AFTER && str_eq(stmt_text(q, 7), "server");
}

static bool may_join(const struct outbox_drain_options *o, const struct stmt *q)
{
	return !o->batch_kind || str_eq(stmt_text(q, 1), o->batch_kind);
}

static bool has_room(const struct outbox_drain_options *o, const struct outbox_taken *t,
		     const struct stmt *q)
{
	size_t rows = o->batch_rows < OUTBOX_BATCH_MAX ? o->batch_rows : OUTBOX_BATCH_MAX;

	return t->n < rows && t->bytes + stmt_bytes(q, 4).n <= o->batch_bytes;
}

/* Ties of the same time go to who failed less, then by age. */
int outbox_take(const struct outbox_drain_options *o, int64_t now, struct outbox_taken *ret,
		struct err *e)
{
	static const char sql[] =
		"SELECT id, kind, subject, key, payload, attempts, due_ms, word FROM outbox"
		" WHERE state = 0 ORDER BY due_ms, attempts, id";
	AUTO_STMT struct stmt *q = NULL;
	bool alone = !o->deliver_many;
	int r = db_query(o->db, &q, e, sql, "");

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		bool due = stmt_int(q, 6) <= now;

		if (ret->n > 0 &&
		    (!due || goes_alone(q) || !may_join(o, q) || !has_room(o, ret, q)))
			break;
		if (ret->n == 0) {
			ret->due_ms = stmt_int(q, 6);
			alone = alone || !due || goes_alone(q) || !may_join(o, q);
		}
		take_row(q, ret);
		if (alone)
			break;
	}
	return r < 0 ? r : ret->n > 0;
}

void outbox_batch_key(const struct outbox_item *items, size_t n, char out[HASH_HEX_MAX])
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);

	for (size_t i = 0; i < n; i++)
		hash_add(h, items[i].key, strlen(items[i].key) + 1);
	hash_hex(h, out);
}
