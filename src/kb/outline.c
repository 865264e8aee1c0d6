/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/outline.h"

#include "kb/links.h"

static bool is_next_part(const struct sections *s, unsigned level, const char *anchor)
{
	return s->n > 0 && s->v[s->n - 1].level == level && str_eq(s->v[s->n - 1].anchor, anchor);
}

static void take_row(const struct stmt *q, struct sections *s)
{
	unsigned level = (unsigned)stmt_int(q, 0);
	const char *anchor = stmt_text(q, 2);
	const char *summary = stmt_text(q, 4);

	if (is_next_part(s, level, anchor)) {
		if (!s->v[s->n - 1].summary && summary)
			s->v[s->n - 1].summary = xstrdup(summary);
		return;
	}
	s->v = xgrow(s->v, &s->capacity, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct section){
		.level = level,
		.title = xstrdup(stmt_text(q, 1)),
		.anchor = xstrdup(anchor),
		.page = stmt_int(q, 3),
		.summary = summary ? xstrdup(summary) : NULL,
	};
}

int outline_read(struct db *db, const char *doc_name, struct sections *ret, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_get_int(db, &ret->pages, 0, e,
			   "SELECT coalesce(max(s.page), 0) FROM kb_section s"
			   " JOIN kb_doc d ON d.id=s.doc_id WHERE d.doc_name=?1",
			   "t", doc_name);

	if (r == 0)
		r = db_query(db, &q, e,
			     "SELECT s.level, s.title, s.anchor, coalesce(s.page, 0), s.summary"
			     " FROM kb_section s JOIN kb_doc d ON d.id=s.doc_id"
			     " WHERE d.doc_name=?1 AND s.anchor<>'' ORDER BY s.ordinal",
			     "t", doc_name);
	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		take_row(q, ret);
		r = 0;
	}
	return r;
}

size_t outline_find(const struct sections *s, const char *anchor)
{
	size_t i = 0;

	while (i < s->n && !str_eq(s->v[i].anchor, anchor))
		i++;
	return i;
}

size_t outline_next(const struct sections *s, size_t i)
{
	size_t k = i + 1;

	while (k < s->n && s->v[i].level > 0 && s->v[k].level > s->v[i].level)
		k++;
	return k < s->n ? k : s->n;
}

void outline_add(const struct sections *s, size_t i, const char *doc_name, struct buf *out)
{
	const struct section *section = &s->v[i];

	buf_addf(out, "[[sources/%s#%s]]", doc_name, section->anchor);
	section_add_pages(s, i, out);
	if (section->summary) {
		buf_adds(out, ": ");
		link_add_plain(out, bytes_of(section->summary));
	}
}

struct range {
	size_t from, end;
};

static size_t count_down_to(const struct sections *s, struct range in, unsigned level)
{
	size_t n = 0;

	for (size_t k = in.from; k < in.end; k++)
		n += s->v[k].level <= level;
	return n;
}

/* The deepest level down to which all fit; the uppermost there is when none does. */
static unsigned level_that_fits(const struct sections *s, struct range in, size_t max)
{
	unsigned level = 6;

	while (level > 0 && count_down_to(s, in, level) > max &&
	       count_down_to(s, in, level - 1) > 0)
		level--;
	return level;
}

void outline_add_below(const struct sections *s, size_t i, const char *doc_name, size_t max,
		       struct buf *out)
{
	struct range in = { i == SIZE_MAX ? 0 : i + 1, i == SIZE_MAX ? s->n : outline_next(s, i) };
	unsigned level = level_that_fits(s, in, max);
	size_t count = count_down_to(s, in, level), at = 0;
	size_t step = max > 0 && count > max ? (count + max - 1) / max : 1;

	for (size_t k = in.from; k < in.end; k++) {
		if (s->v[k].level > level || at++ % step != 0)
			continue;
		buf_addf(out, "%*s- ", s->v[k].level > 1 ? 2 * ((int)s->v[k].level - 1) : 0, "");
		outline_add(s, k, doc_name, out);
		buf_addc(out, '\n');
	}
}
