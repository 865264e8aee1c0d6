/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A difference of manifests: whatever comes, what is taken is a list in the order of names, of which
 * those as before are here, and a plan over it names each table once. And the hub's own cutting of
 * texts (two of them, with a newline between) stays within them.
 */
#include "tables/manifest-since.h"
#include "tables/plan.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SHA "8b58c112fae742f2c9f3dd9ccea37f2b30aa64717d5ca3fbad75b8620fb9bc7b"

/* What the digests of the corpus are made for. */
static struct local_table rows[] = {
	{ .name = (char[]){ "a" }, .rows = 1, .size_bytes = 10 },
	{ .name = (char[]){ "b" }, .rows = -1, .size_bytes = 10 },
	{ .name = (char[]){ "far" }, .rows = 1, .size_bytes = 10, .snapshot = true },
	{ .name = (char[]){ "z" }, .rows = 1, .size_bytes = -1 },
};
static struct local_file files[ARRAY_LEN(rows)];

static struct local here(void)
{
	static char path[] = "", updated[] = "u", sha[] = SHA;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rows[i].id = rows[i].name;
		rows[i].version = sha;
		rows[i].hash = path;
		rows[i].updated = updated;
		rows[i].files = &files[i];
		rows[i].file_count = 1;
		files[i] = (struct local_file){ .path = path, .sha256 = SHA };
	}
	return (struct local){ .tables = rows,
			       .count = ARRAY_LEN(rows),
			       .file_count = ARRAY_LEN(rows) };
}

static void apply(struct bytes text)
{
	const struct local local = here();
	AUTO_MANIFEST struct manifest *m = NULL;
	AUTO_PLAN struct plan *plan = NULL;
	struct err e = { 0 };

	if (since_apply(text, &local, &m, &e) < 0) {
		assert(!m && e.msg[0]);
		return;
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct local_table *row = local_find(&local, m->tables[i].name);

		assert(name_is_table(m->tables[i].name) && !m->tables[i].unusable);
		assert(!m->tables[i].as_before || (row && !row->snapshot));
		assert(i == 0 || strcmp(m->tables[i - 1].name, m->tables[i].name) < 0);
	}
	plan = plan_make(&local, m);
	for (size_t i = 1; i < plan->count; i++)
		assert(strcmp(plan_table_name(&plan->tables[i - 1]),
			      plan_table_name(&plan->tables[i])) < 0);
}

static void cut(struct bytes text)
{
	const char *newline = text.n ? memchr(text.p, '\n', text.n) : NULL;
	size_t n = newline ? (size_t)(newline - text.p) : 0;
	/* of their exact sizes, so that a step too far is found */
	AUTO_FREE char *older = xmalloc(n + 1);
	AUTO_FREE char *newer = xmalloc(text.n - n + 1);
	AUTO_BUF struct buf lines = BUF_INIT(1 << 20);
	AUTO_BUF struct buf out = BUF_INIT(1 << 20);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_STRV struct strv marked = STRV_INIT;
	struct bytes a = { older, n }, b = { newer, newline ? text.n - n - 1 : text.n };

	if (text.n == 0)
		return;
	memcpy(older, text.p, a.n);
	memcpy(newer, text.p + text.n - b.n, b.n);
	if (!since_changes(a, b, &lines))
		return;
	strv_split(&marked, buf_str(&lines), '\n');
	for (size_t i = 0; i < marked.n; i++)
		strv_add(&names, marked.v[i] + (*marked.v[i] != '\0'));
	strv_sort(&names);
	(void)since_write(b, &names, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };

	apply(text);
	cut(text);
	return 0;
}
