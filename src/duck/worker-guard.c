/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-guard.h"

#include "duck/worker-guard-lists.h"
#include <ctype.h>
#include <strings.h>

/* A name that a WITH defines, as far as it reaches. */
struct scope {
	const struct scope *outer;
	const char *name;
};

struct walk {
	struct guard *guard;
	struct err *e;
	bool filter; /* what a condition may not have is refused too */
};

void guard_release(struct guard *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free(g->tables[i].catalog);
		free(g->tables[i].schema);
		free(g->tables[i].name);
	}
	free(g->tables);
	strv_release(&g->functions);
	columns_release(&g->columns);
	*g = (struct guard){ 0 };
}

void guard_add_tables(const struct guard *g, struct json_out *out)
{
	json_open(out, "tables", '[');
	for (size_t i = 0; i < g->count; i++) {
		json_open(out, NULL, '{');
		json_add_text(out, "catalog", g->tables[i].catalog);
		json_add_text(out, "schema", g->tables[i].schema);
		json_add_text(out, "name", g->tables[i].name);
		json_close(out);
	}
	json_close(out);
	json_add_texts(out, "functions", &g->functions);
	if (g->columns.all)
		json_add_null(out, "columns");
	else
		json_add_texts(out, "columns", &g->columns.names);
}

static int walk_value(struct walk *w, const struct scope *scope, const struct json *v);

static const char *text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "";
}

static int refuse_unknown(struct walk *w, const char *what)
{
	(void)err_set(w->e, ERR_USAGE, "this kind of statement is not run here (%.60s)", what);
	return err_hint(w->e, "use SELECT, or WITH ... SELECT");
}

static bool is_in_scope(const struct scope *scope, const char *name)
{
	for (; scope; scope = scope->outer) {
		if (strcasecmp(scope->name, name) == 0)
			return true;
	}
	return false;
}

static bool is_known_table(const struct guard *g, const char *catalog, const char *schema,
			   const char *name)
{
	for (size_t i = 0; i < g->count; i++) {
		if (strcasecmp(g->tables[i].name, name) == 0 &&
		    strcasecmp(g->tables[i].schema, schema) == 0 &&
		    strcasecmp(g->tables[i].catalog, catalog) == 0)
			return true;
	}
	return false;
}

static int add_table(struct walk *w, const struct json *ref)
{
	const char *catalog = text_of(ref, "catalog_name"), *schema = text_of(ref, "schema_name");
	const char *name = text_of(ref, "table_name");
	struct guard *g = w->guard;

	if (is_known_table(g, catalog, schema, name))
		return 0;
	if (g->count >= GUARD_TABLES_MAX)
		return err_set(w->e, ERR_LIMIT, "the statement names more than %d tables",
			       GUARD_TABLES_MAX);
	g->tables = xgrow(g->tables, &g->capacity, g->count + 1, sizeof(*g->tables));
	g->tables[g->count++] =
		(struct guard_table){ xstrdup(catalog), xstrdup(schema), xstrdup(name) };
	return 0;
}

static int take_base_table(struct walk *w, const struct scope *scope, const struct json *ref)
{
	const char *catalog = text_of(ref, "catalog_name"), *schema = text_of(ref, "schema_name");
	const char *name = json_text(json_get(ref, "table_name"));

	if (!name || !*name || w->filter)
		return refuse_unknown(w, "a table without a name");
	if (!*catalog && !*schema && is_in_scope(scope, name))
		return 0;
	if (guard_is_system(catalog, schema, name)) {
		(void)err_set(w->e, ERR_USAGE, "'%.100s' is a catalog of the system", name);
		return err_hint(w->e, "larder catalog lists the tables you may ask");
	}
	return add_table(w, ref);
}

static int note_function(struct walk *w, const char *name)
{
	AUTO_FREE char *small = xstrdup(name);

	for (char *p = small; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strv_has(&w->guard->functions, small))
		return 0;
	if (w->guard->functions.n >= GUARD_FUNCTIONS_MAX)
		return err_set(w->e, ERR_LIMIT, "the statement calls more than %d functions",
			       GUARD_FUNCTIONS_MAX);
	strv_adopt(&w->guard->functions, TAKE(small));
	return 0;
}

static int refuse_function(struct walk *w, const char *what, const char *name)
{
	(void)err_set(w->e, ERR_USAGE, "%s %.100s() may not be used here", what, name);
	return err_hint(w->e, w->filter
				      ? "use functions that say the same of the same row each time"
				      : "files, settings and the system are out of reach: ask the "
					"tables of the catalog by their names");
}

static int check_function(struct walk *w, const char *name)
{
	if (guard_is_denied_function(name) || (w->filter && guard_is_unsteady(name)))
		return refuse_function(w, "the function", name);
	return note_function(w, name);
}

static int check_table_function(struct walk *w, const struct json *ref)
{
	const char *name = text_of(json_get(ref, "function"), "function_name");

	if (guard_is_table_function(name))
		return note_function(w, name);
	return refuse_function(w, "the table function", name);
}

/* DESCRIBE and SUMMARIZE have a query inside; SHOW TABLES and the like look at the system. */
static int check_show(struct walk *w, const struct json *ref)
{
	if (json_kind(json_get(ref, "query")) == JSON_OBJECT)
		return 0;
	(void)err_set(w->e, ERR_USAGE, "SHOW is not run here");
	return err_hint(w->e, "larder catalog lists the tables you may ask");
}

static int check_expression(struct walk *w, const struct json *v, const char *class)
{
	const struct json *names = json_get(v, "column_names");
	const char *column = json_text(json_at(names, 0));

	if (str_eq(class, "PARAMETER")) {
		(void)err_set(w->e, ERR_USAGE, "the statement has a parameter without a value");
		return err_hint(w->e, "write the value where the parameter stands");
	}
	if (str_eq(class, "FUNCTION") || (str_eq(class, "WINDOW") && !w->filter))
		return check_function(w, text_of(v, "function_name"));
	if (!w->filter)
		return 0;
	if (str_eq(class, "SUBQUERY") || str_eq(class, "WINDOW") || str_eq(class, "STAR"))
		return err_set(w->e, ERR_USAGE,
			       "a condition looks at the columns of its row, at nothing else");
	if (str_eq(class, "COLUMN_REF") && json_size(names) == 1 && column &&
	    guard_is_unsteady(column))
		return err_set(w->e, ERR_USAGE, "%.60s is not the same each time", column);
	return 0;
}

/* Members of objects that are no expressions and say what they are in "type". */
static int check_node(struct walk *w, const struct scope *scope, const struct json *v,
		      const char *type)
{
	if (str_eq(type, "BASE_TABLE"))
		return take_base_table(w, scope, v);
	if (str_eq(type, "TABLE_FUNCTION"))
		return check_table_function(w, v);
	if (str_eq(type, "SHOW_REF"))
		return check_show(w, v);
	return guard_is_known_node(type) ? 0 : refuse_unknown(w, type);
}

static int check_object(struct walk *w, const struct scope *scope, const struct json *v)
{
	const char *class = json_text(json_get(v, "class"));
	const char *type = json_text(json_get(v, "type"));

	if (class)
		return check_expression(w, v, class);
	return type ? check_node(w, scope, v, type) : 0;
}

static int walk_members(struct walk *w, const struct scope *scope, const struct json *object)
{
	struct json_iter it = json_iter(object);

	while (json_next(&it)) {
		if (!str_eq(it.key, "cte_map") && walk_value(w, scope, it.value) < 0)
			return w->e->code;
	}
	return 0;
}

/* Each of a WITH sees those before it; the rest of the query sees all. So a query that is named as a
 * table and reads that table does read the table. */
static int walk_with(struct walk *w, const struct scope *scope, const struct json *object,
		     const struct json *map, size_t i)
{
	const struct json *entry = json_at(map, i);
	const char *name = json_text(json_get(entry, "key"));
	struct scope inner = { scope, name };

	if (i == json_size(map))
		return walk_members(w, scope, object);
	if (!name)
		return refuse_unknown(w, "WITH");
	if (walk_value(w, scope, json_get(entry, "value")) < 0)
		return w->e->code;
	return walk_with(w, &inner, object, map, i + 1);
}

static int walk_object(struct walk *w, const struct scope *scope, const struct json *v)
{
	const struct json *map = json_get(json_get(v, "cte_map"), "map");
	const char *self = json_text(json_get(v, "cte_name"));
	struct scope inner = { scope, self };

	if (check_object(w, scope, v) < 0)
		return w->e->code;
	columns_note(&w->guard->columns, v);
	if (json_size(map) > GUARD_TABLES_MAX)
		return err_set(w->e, ERR_LIMIT, "WITH defines more than %d names",
			       GUARD_TABLES_MAX);
	return walk_with(w, self ? &inner : scope, v, map, 0);
}

static int walk_value(struct walk *w, const struct scope *scope, const struct json *v)
{
	if (json_kind(v) == JSON_OBJECT)
		return walk_object(w, scope, v);
	if (json_kind(v) != JSON_ARRAY)
		return 0;
	for (size_t i = 0, n = json_size(v); i < n; i++) {
		if (walk_value(w, scope, json_at(v, i)) < 0)
			return w->e->code;
	}
	return 0;
}

/* DuckDB's own word on why it is none of the statements that can be judged. */
static int explain_error(const struct json *tree, struct err *e)
{
	if (str_eq(text_of(tree, "error_type"), "not implemented")) {
		(void)err_set(e, ERR_USAGE, "only statements that read are run here");
		return err_hint(e, "use SELECT, or WITH ... SELECT; for PIVOT name the values: "
				   "PIVOT t ON c IN ('a', 'b') ...");
	}
	return err_set(e, ERR_USAGE, "%s", text_of(tree, "error_message"));
}

static int say_many(size_t n, struct err *e)
{
	(void)err_set(e, ERR_USAGE, "one statement at a time: here are %zu", n);
	return err_hint(e, "send each by itself; a ; in a text must stand in quotes");
}

/* The one statement of a parse, or NULL and the reason. */
static const struct json *find_statement(const struct json *tree, struct err *e)
{
	const struct json *statements = json_get(tree, "statements");
	size_t n = json_size(statements);

	if (json_flag(json_get(tree, "error"), true))
		(void)explain_error(tree, e);
	else if (n == 0)
		(void)err_set(e, ERR_USAGE, "there is no statement to run");
	else if (n > 1)
		(void)say_many(n, e);
	else if (json_kind(json_get(json_at(statements, 0), "node")) != JSON_OBJECT)
		(void)err_set(e, ERR_USAGE, "this is no statement that can be run");
	else
		return json_at(statements, 0);
	return NULL;
}

static int parse_tree(struct bytes text, struct json **ret_tree, struct err *e)
{
	if (json_parse_deep(text, GUARD_TREE_MAX, GUARD_DEPTH_MAX, ret_tree, e) == 0)
		return 0;
	if (e->code == ERR_LIMIT) {
		(void)err_set(e, ERR_LIMIT, "the statement is too large or nests too deeply");
		return err_hint(e, "name its parts with WITH, or ask in several statements");
	}
	return err_in(e, "parse of the statement");
}

int guard_judge(struct bytes text, struct guard *ret_guard, struct err *e)
{
	AUTO_JSON struct json *tree = NULL;
	AUTO(guard_release) struct guard g = { 0 };
	struct walk w = { .guard = &g, .e = e };
	const struct json *statement;

	if (parse_tree(text, &tree, e) < 0)
		return e->code;
	statement = find_statement(tree, e);
	if (!statement || walk_value(&w, NULL, statement) < 0)
		return e->code;
	columns_end(&g.columns);
	*ret_guard = g;
	g = (struct guard){ 0 };
	return 0;
}

static bool is_empty(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);

	return !v || json_kind(v) == JSON_NULL || (json_kind(v) == JSON_ARRAY && json_size(v) == 0);
}

/* Nothing but a WHERE was added to SELECT * FROM t. */
static bool is_only_filtered(const struct json *node)
{
	const struct json *from = json_get(node, "from_table");
	const struct json *list = json_get(node, "select_list");

	return str_eq(text_of(node, "type"), "SELECT_NODE") && is_empty(node, "modifiers") &&
	       json_size(json_get(json_get(node, "cte_map"), "map")) == 0 &&
	       is_empty(node, "group_expressions") && is_empty(node, "group_sets") &&
	       is_empty(node, "having") && is_empty(node, "qualify") && is_empty(node, "sample") &&
	       json_size(list) == 1 && str_eq(text_of(json_at(list, 0), "class"), "STAR") &&
	       str_eq(text_of(from, "type"), "BASE_TABLE") &&
	       str_eq(text_of(from, "table_name"), "t") && is_empty(from, "sample") &&
	       json_kind(json_get(node, "where_clause")) == JSON_OBJECT;
}

int guard_judge_filter(struct bytes text, struct err *e)
{
	AUTO_JSON struct json *tree = NULL;
	AUTO(guard_release) struct guard none = { 0 };
	struct walk w = { .guard = &none, .e = e, .filter = true };
	const struct json *statement, *node;

	if (parse_tree(text, &tree, e) < 0)
		return e->code;
	statement = find_statement(tree, e);
	if (!statement)
		return e->code;
	node = json_get(statement, "node");
	if (!is_only_filtered(node))
		return err_set(e, ERR_USAGE, "the condition is not one expression");
	return walk_value(&w, NULL, json_get(node, "where_clause"));
}
