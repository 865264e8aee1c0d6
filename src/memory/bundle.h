/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundle: the rules and approved knowledge a hub gives this caller, as GET /api/memory/bundle
 * answers it.
 *
 * The sender is not trusted. A bad item is passed over with one warning, the others go on; an item
 * with a good id that cannot be taken (too long, a title that is no text) is listed `refused`, so
 * that the file already here is kept, not taken for withdrawn. Unknown fields are ignored.
 *
 * Pure; fuzzed. Format: docs/http-api.md, "The bundle". Ownership: texts belong to the bundle.
 */
#ifndef LARDER_MEMORY_BUNDLE_H
#define LARDER_MEMORY_BUNDLE_H

#include "base/str.h"

/* Lets one rule of 50 MB come, to be refused by its name, without losing the others. */
#define BUNDLE_BYTES_MAX ((size_t)96 << 20)
/* Far more than a model reads: the contract's budget for approved items is 24,000 characters. */
#define BUNDLE_ITEMS_MAX 10000
/* A rule is read by a model at every start; a page is 4 KB. */
#define BUNDLE_RULE_MAX ((size_t)1 << 20)
/* One line of a heading. */
#define BUNDLE_TITLE_MAX    1000
#define BUNDLE_WARNINGS_MAX 50

struct bundle_item {
	char *id;
	char *title;
	char *content;
	char *category; /* "" when not given, as all below */
	char *domain;
	char *author; /* source_user, else the first of contributors */
	char *updated;
	bool mandatory;
	bool refused;
};

struct bundle {
	struct bundle_item *items; /* mandatory first, each kind in the server's order */
	size_t count;
	struct strv warnings;
};

int bundle_parse(struct bytes text, struct bundle **ret_bundle, struct err *e);
void bundle_free(struct bundle *b);
static inline void bundle_auto_(struct bundle **p)
{
	bundle_free(*p);
}
#define AUTO_BUNDLE AUTO(bundle_auto_)

#endif
