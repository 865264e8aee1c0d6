/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/work.h"

#include "refresh/refresh.h"
#include "scripts/scripts.h"
#include "tables/registry.h"

typedef int (*purge_fn)(struct root *root, int64_t before_ms, struct strv *ret_ids, struct err *e);
static const purge_fn purges[] = { refresh_purge };

typedef int (*reap_fn)(struct db *db, int64_t grace_ms, int64_t *ret_reaped, struct err *e);
static const reap_fn reaps[] = { scripts_reap };

/* By the table's source type. `refresh` writes what it learnt; 0: nothing was to be learnt. */
struct metadata_provider {
	const char *source_type;
	int (*refresh)(struct db *db, const struct table *t, struct err *e);
};
static const struct metadata_provider providers[] = { { NULL, NULL } };

int work_purge(struct root *root, int64_t before_ms, struct strv *ret_ids, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(purges); i++)
		r = purges[i](root, before_ms, ret_ids, e);
	return r;
}

int work_reap(struct root *root, int64_t grace_ms, int64_t *ret_reaped, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(reaps); i++) {
		int64_t n = 0;

		r = reaps[i](root_db(root), grace_ms, &n, e);
		*ret_reaped += n;
	}
	return r;
}

struct refreshing {
	struct db *db;
	struct work_metadata *done;
};

/* One table's failure stops no other. */
static int refresh_one(void *ctx, const struct table *t, struct err *e)
{
	struct refreshing *f = ctx;
	struct err why = { 0 };
	int r = 0;

	(void)e;
	if (!str_eq(t->query_mode, "remote"))
		return 0;
	f->done->total++;
	for (const struct metadata_provider *p = providers; p->source_type; p++)
		if (str_eq(p->source_type, t->source_type))
			r = p->refresh(f->db, t, &why);
	f->done->succeeded += r > 0;
	f->done->no_data += r == 0;
	f->done->failed += r < 0;
	return 0;
}

int work_refresh_metadata(struct db *db, struct work_metadata *done, struct err *e)
{
	struct refreshing f = { db, done };

	return registry_list(db, NULL, refresh_one, &f, e);
}
