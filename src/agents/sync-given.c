/* SPDX-License-Identifier: Apache-2.0 */
/* Records that were made elsewhere: queued as they are, judged as a hub would. */
#include "agents/sync-internal.h"

#include "agents/inbox-internal.h"
#include "agents/record.h"
#include "engine/outbox.h"
#include "sessions/redact.h"

#include <inttypes.h>

static int put_one(struct agents *a, const struct json *json, struct sync_collected *ret,
		   struct err *e)
{
	AUTO_BUF struct buf plain = BUF_INIT(RECORD_BYTES_MAX);
	AUTO_BUF struct buf body = BUF_INIT(RECORD_BYTES_MAX);
	struct inbox_record record = { 0 };
	AUTO_FREE char *key = NULL;
	struct outbox_summary sum = { 0 };
	struct outbox_item item = { .kind = RECORD_KIND, .subject = record.id };
	int r = inbox_read_record(json, &record, e);

	if (r < 0)
		return r;
	json_print(json, &plain, false);
	(void)redact_text(buf_bytes(&plain), &body);
	if (plain.full || body.full)
		return err_set(e, ERR_LIMIT, "it exceeds %zu bytes", RECORD_BYTES_MAX);
	r = outbox_summary(agents_db(a), "", &sum, e);
	if (r == 0 && sum.bytes + (int64_t)body.n > agents_queue_max(a))
		return err_set(e, ERR_LIMIT, "%" PRId64 " bytes wait for the hub already",
			       sum.bytes);
	if (r < 0)
		return r;
	key = record_key(record.id, record.revision, buf_bytes(&body));
	item.key = key;
	item.payload = buf_str(&body);
	r = outbox_put(agents_db(a), &item, record.id, e);
	ret->taken += r > 0;
	return r < 0 ? r : 0;
}

int sync_give(struct agents *a, struct bytes text, struct sync_collected *ret, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	AUTO_TX struct db *tx = NULL;
	const struct json *records;
	int r = json_parse(text, SYNC_GIVEN_MAX, &doc, e);

	if (r < 0)
		return r;
	records = json_kind(doc) == JSON_OBJECT ? json_get(doc, "dispatches") : doc;
	if (json_kind(records) != JSON_ARRAY)
		return err_set(e, ERR_CORRUPT, "it is no array of records");
	r = db_begin_tx(agents_db(a), &tx, e);
	for (size_t i = 0; r == 0 && i < json_size(records); i++) {
		r = put_one(a, json_at(records, i), ret, e);
		if (r < 0)
			return err_in(e, "record %zu", i + 1);
	}
	return r < 0 ? r : db_commit(tx, e);
}
