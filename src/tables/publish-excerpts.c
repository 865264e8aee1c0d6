/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever sees an excerpt of the table gets that of the new version in the same transaction. */
#include "tables/publish-internal.h"

#include "tables/excerpt.h"

static int make_all(struct publish *p, const struct excerpt_source *source,
		    const struct excerpt_needs *needs, struct err *e)
{
	AUTO(excerpt_parts_release) struct excerpt_parts parts = { 0 };
	int r = publish_add_files(p, source->db, &parts.files, e);

	for (size_t i = 0; i < p->n; i++)
		strv_add(&parts.names, p->parts[i].path);
	p->excerpts = xcalloc(needs->n, sizeof(struct excerpt *));
	for (; r == 0 && p->excerpt_count < needs->n; p->excerpt_count++)
		r = excerpt_make_of(source, &needs->v[p->excerpt_count], &parts,
				    &p->excerpts[p->excerpt_count], e);
	return r;
}

int publish_make_excerpts(struct publish *p, struct db *db, struct err *e)
{
	const struct excerpt_source source = { p->root, db, p->convert_memory };
	AUTO(excerpt_needs_release) struct excerpt_needs needs = { 0 };
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(db, NULL, p->table, &t, e);

	if (r == ERR_NOT_FOUND || (r == 0 && str_eq(t.sha256, p->sha256)))
		return 0; /* it is new, or the same as before */
	if (r == 0)
		r = excerpt_needs_of_table(db, t.id, &needs, e);
	return r < 0 || needs.n == 0 ? r : make_all(p, &source, &needs, e);
}

int publish_apply_excerpts(struct publish *p, struct root *root, int64_t version, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->excerpt_count; i++)
		r = excerpt_apply_to(p->excerpts[i], root, version, e);
	return r;
}

void publish_free_excerpts(struct publish *p)
{
	for (size_t i = 0; i < p->excerpt_count; i++)
		excerpt_free(p->excerpts[i]);
	free(p->excerpts);
}
