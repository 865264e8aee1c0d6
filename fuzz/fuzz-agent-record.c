/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agents leave and send: a report becomes counts and a record that is JSON again; a record that
 * comes to the hub is bounded or rejected; of a context answer only an array is taken.
 */
#include "agents/inbox-internal.h"
#include "agents/record.h"
#include "agents/sync.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const struct buf *text)
{
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	/* Nesting may come to one level more than is read. */
	if (json_parse(buf_bytes(text), BUF_OWN_MAX, &doc, &e) < 0)
		assert(e.code == ERR_LIMIT || e.code == ERR_CORRUPT);
	else
		assert(json_kind(doc) == JSON_OBJECT);
}

static void as_report(struct bytes text)
{
	AUTO_JSON struct json *report = NULL;
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf stats = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf record = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	if (report_parse(text, &report, &e) < 0) {
		assert(!report && e.msg[0]);
		return;
	}
	dispatch_init(&d);
	record_stats(report, &stats);
	check_json(&stats);
	record_render(&d, report, NULL, &record);
	assert(record.n > 0);
}

static void as_record(const struct json *doc)
{
	struct inbox_record record = { 0 };
	struct err e = { 0 };

	if (inbox_read_record(doc, &record, &e) < 0) {
		assert(e.code == ERR_USAGE);
		return;
	}
	assert(*record.id && strlen(record.id) < HASH_HEX_MAX && record.revision >= 0);
	assert(*record.status && (*record.repo || *record.workspace));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	as_report(text);
	if (json_parse(text, (size_t)1 << 20, &doc, &e) < 0)
		return 0;
	as_record(doc);
	const struct json *items = sync_find_items(doc);

	assert(!items || json_kind(items) == JSON_ARRAY);
	return 0;
}
