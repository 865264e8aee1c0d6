/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-guard-columns.h"

#include <strings.h>

void columns_release(struct guard_columns *c)
{
	strv_release(&c->names);
	strv_release(&c->values);
	strv_release(&c->tables);
}

static const char *text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "";
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++) {
		if (str_eq(text, *list))
			return true;
	}
	return false;
}

static void add(struct guard_columns *c, struct strv *to, const char *name)
{
	if (!name || !*name || strv_has(to, name))
		return;
	if (to->n >= GUARD_COLUMNS_MAX)
		c->all = true;
	else
		strv_add(to, name);
}

static void add_list(struct guard_columns *c, const struct json *list)
{
	for (size_t i = 0; i < json_size(list); i++)
		add(c, &c->names, json_text(json_at(list, i)));
}

static void note_expression(struct guard_columns *c, const struct json *object, const char *class)
{
	const struct json *path = json_get(object, "column_names");

	if (str_eq(class, "STAR") || str_eq(class, "POSITIONAL_REFERENCE"))
		c->all = true;
	if (!str_eq(class, "COLUMN_REF"))
		return;
	add_list(c, path);
	if (json_size(path) > 0)
		add(c, &c->values, json_text(json_at(path, json_size(path) - 1)));
}

static void note_join(struct guard_columns *c, const struct json *object)
{
	static const char *const named[] = { "REGULAR", "CROSS", "ASOF", "DEPENDENT", NULL };

	add_list(c, json_get(object, "using_columns"));
	c->all = c->all || !is_one_of(text_of(object, "ref_type"), named);
}

void columns_note(struct guard_columns *c, const struct json *object)
{
	static const char *const whole[] = { "PIVOT", "SHOW_REF", NULL };
	const char *class = text_of(object, "class"), *type = text_of(object, "type");

	if (*class) {
		note_expression(c, object, class);
		return;
	}
	if (is_one_of(type, whole) || json_size(json_get(object, "column_name_alias")) > 0)
		c->all = true;
	if (str_eq(type, "JOIN"))
		note_join(c, object);
	add(c, &c->tables, text_of(object, "alias"));
	add(c, &c->tables, text_of(object, "table_name"));
}

/* SELECT o FROM orders o: all of o's row as one value. */
void columns_end(struct guard_columns *c)
{
	for (size_t i = 0; i < c->values.n && !c->all; i++) {
		for (size_t k = 0; k < c->tables.n && !c->all; k++)
			c->all = strcasecmp(c->values.v[i], c->tables.v[k]) == 0;
	}
}
