/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/rules-files.h"

/* Who, when, which hub, and what becomes of edits. */
static void add_provenance(const struct bundle_item *item, const char *server, struct buf *out)
{
	buf_adds(out, "A rule shared by ");
	buf_adds(out, *item->author ? item->author : "an unnamed author");
	if (*item->updated)
		buf_addf(out, " (%s)", item->updated);
	buf_addf(out, " through the hub %s. ", server);
	buf_adds(out, "Kept by `larder pull`: edits here are overwritten.\n\n");
}

static void add_content(const struct bundle_item *item, struct buf *out)
{
	buf_adds(out, item->content);
	if (!str_ends(item->content, "\n"))
		buf_addc(out, '\n');
}

/* Each line behind a '>': whatever it says, it stays its author's word. A heading in it starts no
 * rule of another's, and a line about who shared it is no provenance. */
static void add_quoted(const struct bundle_item *item, struct buf *out)
{
	AUTO_STRV struct strv lines = STRV_INIT;
	size_t n;

	strv_split(&lines, item->content, '\n');
	for (n = lines.n; n > 1 && !*lines.v[n - 1]; n--)
		; /* ends of lines at its end are no lines */
	for (size_t i = 0; i < n; i++)
		buf_addf(out, ">%s%s\n", *lines.v[i] ? " " : "", lines.v[i]);
}

void rules_render(const struct bundle_item *item, const char *server, struct buf *out)
{
	buf_addf(out, "# %s\n\n> ", item->title);
	add_provenance(item, server, out);
	if (*item->domain)
		buf_addf(out, "*Domain: %s*\n", item->domain);
	if (*item->category)
		buf_addf(out, "*Category: %s*\n", item->category);
	if (*item->domain || *item->category)
		buf_addc(out, '\n');
	add_content(item, out);
}

void rules_render_approved(const struct bundle *bundle, const char *server, struct buf *out)
{
	buf_adds(out,
		 "# Approved knowledge\n\nEach rule is quoted: lines that begin with `>` are its "
		 "author's, all others Larder's.\n");
	for (size_t i = 0; i < bundle->count; i++) {
		const struct bundle_item *item = &bundle->items[i];

		if (item->mandatory || item->refused)
			continue;
		buf_addf(out, "\n## %s\n\n", item->title);
		add_provenance(item, server, out);
		add_quoted(item, out);
	}
}
