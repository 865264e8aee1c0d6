/* SPDX-License-Identifier: Apache-2.0 */
/* The workspace's side: the entries that came, and for all others the rows that are here. */
#include "tables/manifest-since.h"

/* A name, an id, two hashes and a time: one allocation for nearly every table. */
#define LINE_USUAL 400

static void add_text(struct buf *line, const char *text)
{
	if (text)
		buf_adds(line, text);
	buf_addc(line, '\t');
}

/* By hand: twice for each table, at each difference. */
static void add_number(struct buf *line, int64_t value)
{
	char digits[24];
	size_t at = sizeof(digits);

	for (uint64_t rest = value > 0 ? (uint64_t)value : 0; rest > 0; rest /= 10)
		digits[--at] = (char)('0' + rest % 10);
	if (value == 0)
		digits[--at] = '0';
	buf_add(line, digits + at, sizeof(digits) - at);
	buf_addc(line, '\t');
}

void since_digest_add(struct hash *digest, const struct since_table *table)
{
	AUTO_BUF struct buf line = BUF_INIT(BUF_OWN_MAX);

	(void)buf_reserve(&line, LINE_USUAL);
	add_text(&line, table->name);
	add_text(&line, table->id);
	add_text(&line, table->version);
	add_text(&line, table->hash);
	add_text(&line, table->updated);
	add_number(&line, table->rows);
	add_number(&line, table->size_bytes);
	buf_addc(&line, '\n');
	hash_add(digest, line.p, line.n);
}

struct merge {
	struct manifest *m; /* with what changed; then with all */
	struct manifest_table *all;
	size_t count;
	struct hash *digest;
};

static void take_changed(struct merge *g, struct manifest_table *table)
{
	since_digest_add(g->digest, &(struct since_table){ .name = table->name,
							   .id = table->id,
							   .version = table->version,
							   .hash = table->hash,
							   .updated = table->updated,
							   .rows = table->rows,
							   .size_bytes = table->size_bytes });
	g->all[g->count++] = *table;
}

static void take_row(struct merge *g, const struct local_table *row)
{
	since_digest_add(g->digest, &(struct since_table){ .name = row->name,
							   .id = row->id,
							   .version = row->version,
							   .hash = row->hash,
							   .updated = row->updated,
							   .rows = row->rows,
							   .size_bytes = row->size_bytes });
	g->all[g->count++] =
		(struct manifest_table){ .name = xstrdup(row->name), .as_before = true };
}

/* Three lists in the order of names: what came, what is here, what went of it. */
static void merge(struct merge *g, const struct local *local)
{
	const struct strv *gone = &g->m->gone;
	size_t i = 0;
	size_t k = 0;

	for (size_t j = 0; j < local->count; j++) {
		const struct local_table *row = &local->tables[j];

		if (row->snapshot) /* of no manifest */
			continue;
		while (i < g->m->count && strcmp(g->m->tables[i].name, row->name) < 0)
			take_changed(g, &g->m->tables[i++]);
		while (k < gone->n && strcmp(gone->v[k], row->name) < 0)
			k++;
		if (i < g->m->count && str_eq(g->m->tables[i].name, row->name))
			take_changed(g, &g->m->tables[i++]);
		else if (k == gone->n || strcmp(gone->v[k], row->name) != 0)
			take_row(g, row);
	}
	while (i < g->m->count)
		take_changed(g, &g->m->tables[i++]);
	free(g->m->tables);
	g->m->tables = g->all;
	g->m->count = g->count;
}

static int check_warnings(const struct manifest *m, struct err *e)
{
	return m->warnings.n ? err_set(e, ERR_CORRUPT, "%.400s", m->warnings.v[0]) : 0;
}

int since_apply(struct bytes text, const struct local *local, struct manifest **ret_manifest,
		struct err *e)
{
	AUTO_MANIFEST struct manifest *m = NULL;
	AUTO_HASH struct hash *digest = hash_new(HASH_SHA256);
	char hex[HASH_HEX_MAX];
	int r = manifest_parse_since(text, &m, e);

	if (r == 0)
		r = check_warnings(m, e);
	if (r < 0)
		return r;
	merge(&(struct merge){ .m = m,
			       .all = xcalloc(m->count + local->count + 1, sizeof(*m->tables)),
			       .digest = digest },
	      local);
	if (m->count > MANIFEST_TABLES_MAX)
		return err_set(e, ERR_LIMIT, "a manifest of %zu tables, the limit is %d", m->count,
			       MANIFEST_TABLES_MAX);
	hash_hex(digest, hex);
	if (strcmp(hex, m->digest) != 0)
		return err_set(
			e, ERR_CORRUPT,
			"what changed does not lead from the tables here to those of the hub");
	manifest_refuse_twins(m);
	r = check_warnings(m, e);
	if (r == 0)
		*ret_manifest = TAKE(m);
	return r;
}
