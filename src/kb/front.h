/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Front matter: the YAML between two lines "---" at the start of a page. Ours holds one line a key,
 * each value written as JSON (which is YAML); that of other programs and of people may be any YAML.
 * Keys are read and replaced line by line, so what we do not know stays as it was written.
 *
 *	struct front f = front_split(page);            page.p + f.body is the text below it
 *	char *type = front_text(page, "type");         NULL when absent or no scalar
 *	front_list(page, "sources", &sources);         [a, "b"], or "- a" lines, or one scalar
 *	front_put(page, "description", "\"x\"", &out); the page with that key's value replaced
 *
 * Pages are foreign bytes: nothing is assumed of them. Threads: no state.
 */
#ifndef LARDER_KB_FRONT_H
#define LARDER_KB_FRONT_H

#include "base/str.h"

/* A page with more of it is not ours: it is text that begins with a line. */
#define FRONT_BYTES_MAX ((size_t)1 << 20)
/* Of a list: as many documents as feed one page. */
#define FRONT_LIST_MAX 100000

struct front {
	bool there;
	size_t at, n; /* the YAML, without the fences */
	size_t body;  /* where the text begins; 0 when there is no front matter */
};

struct front front_split(struct bytes page);
char *front_text(struct bytes page, const char *key);
void front_list(struct bytes page, const char *key, struct strv *out);
/* `value` as it shall stand behind "key: "; NULL takes the key away. A page without front matter
 * gets one. */
void front_put(struct bytes page, const char *key, const char *value, struct buf *out);
/* Is what stands there YAML, and a mapping? ERR_CORRUPT with the line; 0 when there is none. */
int front_check(struct bytes page, struct err *e);

/* For writing a page: the text, or the list, as JSON on one line. */
char *front_quoted(const char *text);
char *front_quoted_list(const struct strv *texts);

#endif
