/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/work.h"

#include "refresh/refresh.h"
#include "scripts/scripts.h"

typedef int (*purge_fn)(struct root *root, int64_t before_ms, struct strv *ret_ids, struct err *e);
static const purge_fn purges[] = { refresh_purge };

typedef int (*reap_fn)(struct db *db, int64_t grace_ms, int64_t *ret_reaped, struct err *e);
static const reap_fn reaps[] = { scripts_reap };

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
