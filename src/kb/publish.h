/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that go to a hub as proposals of knowledge (docs/knowledge.md): who approves them there
 * makes them part of what workspaces pull.
 *
 *	publish_visit(kb, server, &choice, visit, ctx, e)      pages the hub has not in this version
 *	publish_note(kb, server, page, e)                      it has: not offered again
 *
 * What was proposed is noted in the ledger by server and page, with the hash of its text.
 */
#ifndef LARDER_KB_PUBLISH_H
#define LARDER_KB_PUBLISH_H

#include "base/hash.h"
#include "kb/kb.h"

/* What the hub takes for one item. */
#define PUBLISH_CONTENT_MAX ((size_t)256 << 10)

struct publish_choice {
	const struct strv *pages; /* "concepts/wal", folders "concepts"; none: concepts, entities,
				     explorations */
	bool again;               /* also what was proposed before */
};

struct publish_page {
	const char *path, *link, *title, *kind;
	struct bytes body; /* below the front matter */
	char hash[HASH_HEX_MAX];
};
/* A negative return stops. */
typedef int (*publish_fn)(void *ctx, const struct publish_page *page, struct err *e);
/* ERR_NOT_FOUND for a page that was named and is not there. */
int publish_visit(struct kb *kb, const char *server, const struct publish_choice *choice,
		  publish_fn visit, void *ctx, struct err *e);
int publish_note(struct kb *kb, const char *server, const struct publish_page *page, struct err *e);

#endif
