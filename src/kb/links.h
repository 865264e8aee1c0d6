/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiki links, as Obsidian writes them: [[concepts/wal]], [[sources/policy#Section|words]],
 * ![[image.png]]. What stands in code (fenced or between backticks) is no link.
 *
 *	struct link_scan scan = link_scan(text);
 *	while (link_next(&scan, &link))
 *		use(link.target);                      lent from the text
 *
 *	link_rewrite(text, resolve, ctx, &out)         true when anything was changed
 *
 * A link stands on one line and has at most LINK_BYTES_MAX bytes. Threads: no state.
 */
#ifndef LARDER_KB_LINKS_H
#define LARDER_KB_LINKS_H

#include "base/str.h"

/* A path, a heading and some words; more is text that happens to have brackets. */
#define LINK_BYTES_MAX 1200

struct wiki_link {
	size_t at, n;                       /* with the brackets, and the '!' of an embed */
	struct bytes target, anchor, alias; /* without '#' and '|'; n == 0 when absent */
	bool embed;
};

struct link_scan {
	struct bytes text;
	size_t at;
	bool line_start;
	char fence; /* the letter of the open fence, or 0 */
	size_t fence_length;
};

struct link_scan link_scan(struct bytes text);
bool link_next(struct link_scan *scan, struct wiki_link *ret);

/* The link's page as "concepts/wal", without ".md"; the caller's. */
char *link_target(const struct wiki_link *link);

enum link_fate { LINK_KEEP, LINK_REPLACE, LINK_DROP };
/* For LINK_REPLACE sets *ret_target (given to the rewriter). */
typedef enum link_fate (*link_resolve_fn)(void *ctx, const char *target, char **ret_target);
/* A dropped link leaves its words: the alias, or the last part of the target as words. */
bool link_rewrite(struct bytes text, link_resolve_fn resolve, void *ctx, struct buf *out);

/* A quoted text in which no link may arise: "[[" is parted. */
void link_add_plain(struct buf *out, struct bytes text);
/*
 * Text that a model wrote: whoever opens the page fetches nothing. A picture becomes a link to it ("![x](y)"
 * is "[x](y)", "![[x]]" is "[[x]]"), and HTML is shown, not obeyed. What stands in code stays.
 */
void link_add_tame(struct buf *out, struct bytes text);

#endif
