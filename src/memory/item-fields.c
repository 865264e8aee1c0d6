/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/items-internal.h"

#include "base/time.h"

/* A word or a line for people: a category, a source. */
#define LINE_MAX_BYTES ((size_t)200)
/* Tags, contributors, entities: more than a handful help nobody find anything. */
#define LIST_MAX 64

enum kind { LINE, TEXT, LIST, NUMBER, TIME, FLAG };

static const struct field {
	const char *name;
	enum kind kind;
	size_t max;
} fields[ITEM_FIELDS] = {
	[ITEM_ID] = { "id", LINE, NAME_MAX_LEN },
	[ITEM_TITLE] = { "title", LINE, RULE_TITLE_MAX },
	[ITEM_CONTENT] = { "content", TEXT, RULE_CONTENT_MAX },
	[ITEM_CATEGORY] = { "category", LINE, LINE_MAX_BYTES },
	[ITEM_TAGS] = { "tags", LIST, LINE_MAX_BYTES },
	[ITEM_STATUS] = { "status", LINE, LINE_MAX_BYTES },
	[ITEM_CONTRIBUTORS] = { "contributors", LIST, LINE_MAX_BYTES },
	[ITEM_SOURCE_USER] = { "source_user", LINE, ACCESS_EMAIL_MAX },
	[ITEM_AUDIENCE] = { "audience", LINE, LINE_MAX_BYTES },
	[ITEM_CONFIDENCE] = { "confidence", NUMBER, 0 },
	[ITEM_DOMAIN] = { "domain", LINE, NAME_MAX_LEN },
	[ITEM_ENTITIES] = { "entities", LIST, LINE_MAX_BYTES },
	[ITEM_SOURCE_TYPE] = { "source_type", LINE, LINE_MAX_BYTES },
	[ITEM_SOURCE_REF] = { "source_ref", LINE, 1000 }, /* a URL */
	[ITEM_VALID_FROM] = { "valid_from", TIME, 0 },
	[ITEM_VALID_UNTIL] = { "valid_until", TIME, 0 },
	[ITEM_SUPERSEDES] = { "supersedes", LINE, NAME_MAX_LEN },
	[ITEM_SENSITIVITY] = { "sensitivity", LINE, LINE_MAX_BYTES },
	[ITEM_IS_PERSONAL] = { "is_personal", FLAG, 0 },
	[ITEM_MANDATORY] = { "mandatory", FLAG, 0 },
};

void item_values_release(struct item_values *v)
{
	for (size_t i = 0; i < ITEM_FIELDS; i++)
		free(v->text[i]);
	*v = (struct item_values){ 0 };
}

static int read_text(const struct field *f, const struct json *v, char **ret_text, struct err *e)
{
	struct bytes text = json_bytes(v);

	if (json_kind(v) != JSON_TEXT)
		return err_set(e, ERR_USAGE, "rule field '%s' must be text", f->name);
	if (text.n > f->max)
		return err_set(e, ERR_LIMIT, "rule field '%s' has %zu bytes, the limit is %zu",
			       f->name, text.n, f->max);
	if (!text_is_clean(text))
		return err_set(e, ERR_USAGE,
			       "rule field '%s' holds control characters or invalid UTF-8",
			       f->name);
	if (f->kind != TEXT && (memchr(text.p, '\n', text.n) || memchr(text.p, '\t', text.n)))
		return err_set(e, ERR_USAGE, "rule field '%s' must be one line", f->name);
	*ret_text = xstrndup(text.p, text.n);
	return 0;
}

static int read_list(const struct field *f, const struct json *v, char **ret_text, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (json_kind(v) != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "rule field '%s' must be a list of texts", f->name);
	if (json_size(v) > LIST_MAX)
		return err_set(e, ERR_LIMIT, "rule field '%s' has %zu entries, the limit is %d",
			       f->name, json_size(v), LIST_MAX);
	for (size_t i = 0; i < json_size(v); i++) {
		AUTO_FREE char *entry = NULL;
		int r = read_text(f, json_at(v, i), &entry, e);

		if (r < 0)
			return r;
	}
	json_print(v, &out, false);
	*ret_text = buf_take(&out);
	return 0;
}

static int read_number(const struct field *f, const struct json *v, char **ret_text, struct err *e)
{
	double number = json_double(v, -1);

	if ((json_kind(v) != JSON_DOUBLE && json_kind(v) != JSON_INT) ||
	    !(number >= 0 && number <= 1))
		return err_set(e, ERR_USAGE, "rule field '%s' must be a number from 0 to 1",
			       f->name);
	*ret_text = xasprintf("%.17g", number);
	return 0;
}

static int read_flag(const struct field *f, const struct json *v, int64_t *ret_flag, struct err *e)
{
	if (json_kind(v) != JSON_BOOL)
		return err_set(e, ERR_USAGE, "rule field '%s' must be true or false", f->name);
	*ret_flag = json_flag(v, false);
	return 0;
}

static int read_time(const struct field *f, const struct json *v, int64_t *ret_ms, struct err *e)
{
	const char *text = json_text(v);

	if (!text || time_parse_iso(text, ret_ms, e) < 0)
		return err_set(e, ERR_USAGE, "rule field '%s' must be a time: 2026-12-31T00:00:00Z",
			       f->name);
	return 0;
}

static int read_field(enum item_field i, const struct json *v, struct item_values *values,
		      struct err *e)
{
	const struct field *f = &fields[i];

	if (json_kind(v) == JSON_NULL)
		return 0;
	switch (f->kind) {
	case LINE:
	case TEXT:
		return read_text(f, v, &values->text[i], e);
	case LIST:
		return read_list(f, v, &values->text[i], e);
	case NUMBER:
		return read_number(f, v, &values->text[i], e);
	case TIME:
		return read_time(f, v, &values->number[i], e);
	case FLAG:
		return read_flag(f, v, &values->number[i], e);
	}
	return err_set(e, ERR_FAILED, "a field of no kind");
}

static bool is_status(const char *s)
{
	static const char *const words[] = { "approved", "pending", "rejected", "revoked",
					     "withdrawn" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(s, words[i]))
			return true;
	}
	return false;
}

static bool is_audience(const char *s)
{
	return !s || str_eq(s, "all") ||
	       (str_starts(s, "group:") && name_is_table(s + strlen("group:")));
}

/* A misspelt audience would show a rule to nobody, a misspelt status would hide it: both are said.
 */
static int check(const struct item_values *v, struct err *e)
{
	const char *id = v->text[ITEM_ID];

	if (id && !name_is_rule(id))
		return err_set(e, ERR_USAGE, "rule id '%s': only letters, digits, '_' and '-'", id);
	if (id && v->number[ITEM_MANDATORY] && str_eq(id, "approved"))
		return err_set(
			e, ERR_USAGE,
			"rule id 'approved': a workspace keeps all approved rules in a file of "
			"that name");
	if (!v->text[ITEM_TITLE] || !*v->text[ITEM_TITLE])
		return err_set(e, ERR_USAGE, "the rule's title is missing");
	if (!v->text[ITEM_CONTENT])
		return err_set(e, ERR_USAGE, "the rule's content is missing");
	if (!is_status(v->text[ITEM_STATUS]))
		return err_set(e, ERR_USAGE,
			       "status '%s' is not one of approved, pending, rejected, revoked, "
			       "withdrawn",
			       v->text[ITEM_STATUS]);
	if (!is_audience(v->text[ITEM_AUDIENCE]))
		return err_set(e, ERR_USAGE, "audience '%s' is neither 'all' nor 'group:NAME'",
			       v->text[ITEM_AUDIENCE]);
	return 0;
}

/* Sent back by an editor as they came with the bundle; the hub sets them itself. */
static bool is_ours(const char *name)
{
	return str_eq(name, "created_at") || str_eq(name, "updated_at") || str_eq(name, "replace");
}

int item_values_read(const struct json *json, struct item_values *ret_values, struct err *e)
{
	AUTO_ITEM_VALUES struct item_values v = { 0 };
	struct json_iter it = json_iter(json);
	int r = 0;

	while (r == 0 && json_next(&it)) {
		size_t i = 0;

		while (i < ITEM_FIELDS && !str_eq(it.key, fields[i].name))
			i++;
		if (i < ITEM_FIELDS)
			r = read_field((enum item_field)i, it.value, &v, e);
		else if (!is_ours(it.key))
			r = err_set(e, ERR_USAGE, "a rule has no field '%s'", it.key);
	}
	if (r == 0 && !v.text[ITEM_STATUS])
		v.text[ITEM_STATUS] = xstrdup("approved");
	if (r == 0)
		r = check(&v, e);
	if (r < 0)
		return r;
	*ret_values = v;
	v = (struct item_values){ 0 };
	return 0;
}

static void add_time(struct json_out *out, const char *key, const struct stmt *q, int column)
{
	char text[TIME_TEXT_MAX];

	if (stmt_is_null(q, column))
		json_add_null(out, key);
	else
		json_add_text(out, key, time_format_iso(stmt_int(q, column), text));
}

void item_add_members(const struct stmt *q, struct json_out *out)
{
	for (int i = 0; i < ITEM_FIELDS; i++) {
		const char *name = fields[i].name;

		if (fields[i].kind == TIME)
			add_time(out, name, q, i);
		else if (fields[i].kind == FLAG)
			json_add_bool(out, name, stmt_int(q, i) != 0);
		else if (stmt_is_null(q, i))
			json_add_null(out, name);
		else if (fields[i].kind == LIST)
			json_add_raw(out, name, stmt_bytes(q, i));
		else if (fields[i].kind == NUMBER)
			json_add_double(out, name, stmt_double(q, i));
		else
			json_add_bytes(out, name, stmt_bytes(q, i));
	}
	add_time(out, "created_at", q, ITEM_FIELDS);
	add_time(out, "updated_at", q, ITEM_FIELDS + 1);
}
