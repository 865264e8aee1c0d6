/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundle: whatever comes, ids can be file names and occur once among the mandatory, titles are
 * one line, sizes are bounded, and everything can be rendered.
 */
#include "memory/rules-files.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(const struct bundle *b, size_t i)
{
	const struct bundle_item *item = &b->items[i];
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	assert(name_is_rule(item->id));
	assert(!strchr(item->title, '\n') && !strchr(item->author, '\n'));
	assert(strlen(item->content) <= BUNDLE_RULE_MAX);
	assert(!item->mandatory || strcmp(item->id, "approved") != 0);
	for (size_t j = 0; j < i; j++)
		assert(!item->mandatory || strcmp(item->id, b->items[j].id) != 0);
	rules_render(item, "https://hub.example", &out);
	assert(!out.full && str_starts(buf_str(&out), "# "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUNDLE struct bundle *b = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	if (bundle_parse((struct bytes){ (const char *)data, size }, &b, &e) < 0) {
		assert(!b && e.msg[0]);
		return 0;
	}
	for (size_t i = 0; i < b->count; i++)
		check_item(b, i);
	rules_render_approved(b, "https://hub.example", &out);
	assert(!out.full);
	return 0;
}
