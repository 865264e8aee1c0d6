/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/known.h"

#include "agents/mirror.h"
#include "base/str.h"
#include "db/db.h"

void known_release(struct known *known)
{
	for (size_t i = 0; i < known->n; i++) {
		free(known->v[i].name);
		free(known->v[i].stamp);
	}
	free(known->v);
	*known = (struct known){ 0 };
}

static int compare_names(const void *name, const void *folder)
{
	return strcmp(name, ((const struct known_folder *)folder)->name);
}

struct known_folder *known_find(const struct known *known, const char *name)
{
	return known->n ? bsearch(name, known->v, known->n, sizeof(*known->v), compare_names)
			: NULL;
}

static int add_stamp(void *ctx, const char *name, const char *stamp, int64_t at, struct err *e)
{
	struct known_folder *f = known_find(ctx, name);

	(void)at, (void)e;
	if (f)
		f->stamp = xstrdup(stamp);
	return 0;
}

int known_load(struct agents *a, struct known *ret, struct err *e)
{
	static const char sql_names[] =
		"SELECT name FROM agent_dispatch WHERE current = 1 ORDER BY name";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(agents_db(a), &q, e, sql_names, "");

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		ret->v = xgrow(ret->v, &ret->capacity, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = (struct known_folder){ .name = xstrdup(stmt_text(q, 0)) };
	}
	return r < 0 ? r : mirror_visit_notes(a, add_stamp, ret, e);
}
