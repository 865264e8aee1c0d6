/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

void strv_release(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i]);
	free(v->v);
	*v = (struct strv)STRV_INIT;
}

void strv_adopt(struct strv *v, char *s)
{
	v->v = xgrow(v->v, &v->capacity, v->n + 2, sizeof(*v->v));
	v->v[v->n++] = s;
	v->v[v->n] = NULL;
}

void strv_add(struct strv *v, const char *s)
{
	strv_adopt(v, xstrdup(s));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
	struct buf text = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	strv_adopt(v, buf_take(&text));
}

bool strv_has(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->v[i], s) == 0)
			return true;
	}
	return false;
}

void strv_split(struct strv *v, const char *s, char separator)
{
	const char *end;

	if (!*s)
		return;
	while ((end = strchr(s, separator)) != NULL) {
		strv_adopt(v, xstrndup(s, (size_t)(end - s)));
		s = end + 1;
	}
	strv_add(v, s);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->n > 1)
		qsort(v->v, v->n, sizeof(*v->v), compare);
}

const char *strv_at(const struct strv *v, size_t i)
{
	return i < v->n ? v->v[i] : NULL;
}
