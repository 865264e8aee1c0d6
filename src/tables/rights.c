/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/rights.h"

#include "duck/excerpt.h"
#include <strings.h>

static int by_name(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static int check_columns(const struct strv *columns, struct err *e)
{
	if (columns->n > RIGHTS_COLUMNS_MAX)
		return err_set(e, ERR_LIMIT, "%zu columns, the limit is %d", columns->n,
			       RIGHTS_COLUMNS_MAX);
	for (size_t i = 0; i < columns->n; i++) {
		if (!columns->v[i][0] || !text_is_clean(bytes_of(columns->v[i])))
			return err_set(e, ERR_USAGE, "'%.60s' cannot be the name of a column",
				       columns->v[i]);
	}
	return 0;
}

/* Sorted, each once: DuckDB knows no capitals in names. */
static void add_columns(struct json_out *o, const struct strv *columns)
{
	AUTO_STRV struct strv sorted = STRV_INIT;

	for (size_t i = 0; i < columns->n; i++)
		strv_add(&sorted, columns->v[i]);
	qsort(sorted.v, sorted.n, sizeof(*sorted.v), by_name);
	json_open(o, "columns", '[');
	for (size_t i = 0; i < sorted.n; i++) {
		if (i == 0 || strcasecmp(sorted.v[i], sorted.v[i - 1]) != 0)
			json_add_text(o, NULL, sorted.v[i]);
	}
	json_close(o);
}

int rights_make(const struct rights_wish *wish, char **ret_rights, struct err *e)
{
	bool some_columns = wish->columns && wish->columns->n > 0;
	AUTO_BUF struct buf text = BUF_INIT(RIGHTS_TEXT_MAX);
	AUTO_FREE char *where = NULL;
	struct json_out o = json_out(&text);

	*ret_rights = NULL;
	if (!wish->where && !some_columns)
		return 0;
	if (wish->where && strlen(wish->where) > RIGHTS_WHERE_MAX)
		return err_set(e, ERR_LIMIT, "the condition is longer than %d bytes",
			       RIGHTS_WHERE_MAX);
	if (some_columns && check_columns(wish->columns, e) < 0)
		return e->code;
	if (wish->where && duck_filter(wish->where, &where, e) < 0)
		return err_in(e, "the condition");
	json_open(&o, NULL, '{');
	if (some_columns)
		add_columns(&o, wish->columns);
	if (where)
		json_add_text(&o, "where", where);
	json_close(&o);
	if (text.full)
		return err_set(e, ERR_LIMIT, "the columns and the condition are over %zu bytes",
			       RIGHTS_TEXT_MAX);
	*ret_rights = buf_take(&text);
	return 0;
}

void rights_add(const char *rights, struct json_out *out)
{
	AUTO_JSON struct json *json = NULL;
	AUTO_BUF struct buf columns = BUF_INIT(RIGHTS_TEXT_MAX);
	struct err ignored = { 0 };

	if (rights) /* our own text */
		(void)json_parse(bytes_of(rights), RIGHTS_TEXT_MAX, &json, &ignored);
	json_add_text(out, "where", json_text(json_get(json, "where")));
	if (!json_get(json, "columns")) {
		json_add_null(out, "columns");
		return;
	}
	json_print(json_get(json, "columns"), &columns, false);
	json_add_raw(out, "columns", buf_bytes(&columns));
}
