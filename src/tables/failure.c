/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/failure.h"

void failures_release(struct failures *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].table);
	free(f->v);
	*f = (struct failures){ 0 };
}

void failures_add(struct failures *f, const char *stage, const char *table, const struct err *why)
{
	f->v = xgrow(f->v, &f->capacity, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct failure){
		.stage = stage,
		.table = table ? xstrdup(table) : NULL,
		.error = *why,
	};
}

static int kind_of(int code)
{
	switch (code) {
	case ERR_AUTH:
	case ERR_DENIED:
		return ERR_AUTH;
	case ERR_OFFLINE:
	case ERR_BUSY:
		return ERR_OFFLINE;
	default:
		return ERR_FAILED;
	}
}

int failures_code(const struct failures *f)
{
	if (f->n == 0)
		return 0;
	for (size_t i = 1; i < f->n; i++) {
		if (kind_of(f->v[i].error.code) != kind_of(f->v[0].error.code))
			return ERR_FAILED;
	}
	return kind_of(f->v[0].error.code) == ERR_FAILED ? ERR_FAILED : f->v[0].error.code;
}
