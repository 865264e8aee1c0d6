/* SPDX-License-Identifier: Apache-2.0 */
/* The hub's side: texts of manifest-build.c are compared and cut, never parsed. */
#include "tables/manifest-since.h"

#define HEAD "{\"tables\":{"
/* Nothing but the writer's own quotes can begin a name: those in texts have a backslash. */
#define REMOTE "\"query_mode\":\"remote\""
#define ID     "{\"id\":\""

/* The entries of a manifest, one after the other: "name":{...},"name":{...}} and what follows. */
struct entries {
	const char *p, *end;
	struct bytes name;
	struct bytes whole; /* name and quotes included */
	struct bytes value;
};

static bool entries_begin(struct entries *s, struct bytes text)
{
	*s = (struct entries){ .p = text.p + strlen(HEAD), .end = text.p + text.n };
	return text.n > strlen(HEAD) && memcmp(text.p, HEAD, strlen(HEAD)) == 0;
}

/* At the quote that ends it: the first with an even number of backslashes before it. */
static const char *end_of_text(const char *p, const char *end)
{
	for (const char *from = p;; from++) {
		const char *backslash;

		from = memchr(from, '"', (size_t)(end - from));
		if (!from)
			return end;
		backslash = from;
		while (backslash > p && backslash[-1] == '\\')
			backslash--;
		if ((from - backslash) % 2 == 0)
			return from;
	}
}

/* One past its bracket; NULL when it has no end. */
static const char *end_of_object(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '"')
			p = end_of_text(p + 1, end);
		else if (*p == '{')
			depth++;
		else if (*p == '}' && --depth == 0)
			return p + 1;
	}
	return NULL;
}

/* 1 and an entry, 0 at the end (then `p` is past the bracket of all), or -1. */
static int entries_next(struct entries *s)
{
	const char *start = s->p + (s->p < s->end && *s->p == ',');
	const char *quote;
	const char *past;

	if (start < s->end && *start == '}') {
		s->p = start + 1;
		return 0;
	}
	if (start >= s->end || *start != '"')
		return -1;
	quote = memchr(start + 1, '"', (size_t)(s->end - start - 1));
	if (!quote || s->end - quote < 3 || quote[1] != ':' || quote[2] != '{')
		return -1;
	past = end_of_object(quote + 2, s->end);
	if (!past)
		return -1;
	s->name = (struct bytes){ start + 1, (size_t)(quote - start - 1) };
	s->value = (struct bytes){ quote + 2, (size_t)(past - quote - 2) };
	s->whole = (struct bytes){ start, (size_t)(past - start) };
	s->p = past;
	return 1;
}

static int compare_names(struct bytes a, struct bytes b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : a.n < b.n ? -1 : a.n > b.n;
}

bool since_changes(struct bytes older, struct bytes newer, struct buf *out)
{
	struct entries old, new;
	int a, b;

	if (!entries_begin(&old, older) || !entries_begin(&new, newer))
		return false;
	a = entries_next(&old);
	b = entries_next(&new);
	while (a > 0 || b > 0) {
		int order = a <= 0 ? 1 : b <= 0 ? -1 : compare_names(old.name, new.name);
		struct bytes name = order <= 0 ? old.name : new.name;

		if (a < 0 || b < 0)
			return false;
		if (order != 0 || !bytes_equal(old.value, new.value)) {
			buf_addc(out, order < 0 ? '-' : order > 0 ? '+' : '=');
			buf_add(out, name.p, name.n);
			buf_addc(out, '\n');
		}
		a = order <= 0 ? entries_next(&old) : a;
		b = order >= 0 ? entries_next(&new) : b;
	}
	return a == 0 && b == 0 && !out->full;
}

static bool is_remote(const struct entries *s)
{
	return memmem(s->value.p, s->value.n, REMOTE, strlen(REMOTE));
}

static void add_id(const struct entries *s, struct strv *out)
{
	const char *id = s->value.p + strlen(ID);

	if (s->value.n > strlen(ID) && memcmp(s->value.p, ID, strlen(ID)) == 0)
		strv_adopt(out,
			   xstrndup(id, (size_t)(end_of_text(id, s->value.p + s->value.n) - id)));
}

struct writing {
	struct buf *out;
	const struct strv *names;
	size_t next; /* of the names */
	bool any;
	struct strv gone, remote;
};

static void writing_release(struct writing *w)
{
	strv_release(&w->gone);
	strv_release(&w->remote);
}

/* Names before this entry's are of no entry; true when its own is among them. */
static bool is_changed(struct writing *w, struct bytes name)
{
	int order = -1;

	for (; order < 0 && w->next < w->names->n; w->next++) {
		order = compare_names(bytes_of(w->names->v[w->next]), name);
		if (order > 0)
			return false;
		if (order < 0)
			strv_add(&w->gone, w->names->v[w->next]);
	}
	return order == 0;
}

static void write_entry(struct writing *w, const struct entries *s)
{
	bool changed = is_changed(w, s->name);

	if (is_remote(s)) {
		add_id(s, &w->remote);
		if (changed) /* it may have been a table with a file */
			strv_adopt(&w->gone, xstrndup(s->name.p, s->name.n));
		return;
	}
	if (!changed)
		return;
	if (w->any)
		buf_addc(w->out, ',');
	w->any = true;
	buf_add(w->out, s->whole.p, s->whole.n);
}

static void write_list(struct buf *out, const char *key, const struct strv *names)
{
	buf_addf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < names->n; i++)
		buf_addf(out, "%s\"%s\"", i ? "," : "", names->v[i]);
	buf_addc(out, ']');
}

bool since_write(struct bytes newer, const struct strv *names, struct buf *out)
{
	AUTO(writing_release) struct writing w = { .out = out, .names = names };
	struct entries s;
	int r;

	if (!entries_begin(&s, newer))
		return false;
	buf_adds(out, HEAD);
	while ((r = entries_next(&s)) > 0 && !out->full)
		write_entry(&w, &s);
	if (r != 0)
		return false;
	for (; w.next < names->n; w.next++)
		strv_add(&w.gone, names->v[w.next]);
	buf_addc(out, '}');
	write_list(out, "gone", &w.gone);
	write_list(out, "remote", &w.remote);
	buf_add(out, s.p, (size_t)(s.end - s.p));
	return !out->full;
}
