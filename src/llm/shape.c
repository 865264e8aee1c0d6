/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/shape.h"

#include "base/str.h"
#include "llm/llm.h"

#define PLACE_MAX 300

struct place {
	char text[PLACE_MAX];
	size_t n;
};

static bool is_type(const struct json *v, const char *type)
{
	static const struct {
		const char *word;
		enum json_kind kind;
	} types[] = {
		{ "object", JSON_OBJECT }, { "array", JSON_ARRAY }, { "string", JSON_TEXT },
		{ "boolean", JSON_BOOL },  { "integer", JSON_INT }, { "null", JSON_NULL },
		{ "number", JSON_DOUBLE },
	};
	enum json_kind kind = json_kind(v);

	if (kind == JSON_INT && str_eq(type, "number"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_eq(types[i].word, type))
			return types[i].kind == kind;
	}
	return true;
}

static bool is_in_enum(const struct json *v, const struct json *words)
{
	if (json_kind(words) != JSON_ARRAY)
		return true;
	for (size_t i = 0; i < json_size(words); i++) {
		if (str_eq(json_text(v), json_text(json_at(words, i))))
			return true;
	}
	return false;
}

static int wrong(const struct place *at, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s %s", at->n ? at->text : "the answer", what);
}

static int check_one(const struct json *v, const struct json *schema, const struct place *at,
		     struct err *e)
{
	const char *type = json_text(json_get(schema, "type"));
	int64_t longest = json_int(json_get(schema, "maxLength"), INT64_MAX);
	int64_t most = json_int(json_get(schema, "maxItems"), INT64_MAX);
	AUTO_BUF struct buf what = BUF_INIT(BUF_OWN_MAX);

	if (type && !is_type(v, type)) {
		buf_addf(&what, "must be of type %s", type);
		return wrong(at, buf_str(&what), e);
	}
	if (!is_in_enum(v, json_get(schema, "enum"))) {
		buf_adds(&what, "must be one of ");
		json_print(json_get(schema, "enum"), &what, false);
		return wrong(at, buf_str(&what), e);
	}
	if ((int64_t)json_bytes(v).n > longest) {
		buf_addf(&what, "must have at most %lld characters", (long long)longest);
		return wrong(at, buf_str(&what), e);
	}
	if (json_kind(v) == JSON_ARRAY && (int64_t)json_size(v) > most) {
		buf_addf(&what, "must have at most %lld elements", (long long)most);
		return wrong(at, buf_str(&what), e);
	}
	return 0;
}

static void go_to(struct place *at, const char *name, size_t index)
{
	int n = name ? snprintf(at->text + at->n, PLACE_MAX - at->n, "%s%s", at->n ? "." : "", name)
		     : snprintf(at->text + at->n, PLACE_MAX - at->n, "[%zu]", index);

	at->n += n > 0 ? (size_t)n : 0;
	if (at->n >= PLACE_MAX)
		at->n = PLACE_MAX - 1;
}

static int check_at(const struct json *v, const struct json *schema, const struct place *at,
		    struct err *e);

static int check_required(const struct json *v, const struct json *schema, const struct place *at,
			  struct err *e)
{
	const struct json *required = json_get(schema, "required");

	for (size_t i = 0; json_kind(v) == JSON_OBJECT && i < json_size(required); i++) {
		const char *key = json_text(json_at(required, i));
		struct place inner = *at;

		if (!key || json_kind(json_get(v, key)) != JSON_NONE)
			continue;
		go_to(&inner, key, 0);
		return wrong(&inner, "is missing", e);
	}
	return 0;
}

static int check_members(const struct json *v, const struct json *schema, const struct place *at,
			 struct err *e)
{
	struct json_iter it = json_iter(json_get(schema, "properties"));
	int r = check_required(v, schema, at, e);

	while (r == 0 && json_kind(v) == JSON_OBJECT && json_next(&it)) {
		const struct json *member = json_get(v, it.key);
		struct place inner = *at;

		if (json_kind(member) == JSON_NONE)
			continue;
		go_to(&inner, it.key, 0);
		r = check_at(member, it.value, &inner, e);
	}
	return r;
}

static int check_at(const struct json *v, const struct json *schema, const struct place *at,
		    struct err *e)
{
	const struct json *items = json_get(schema, "items");
	int r = check_one(v, schema, at, e);

	if (r == 0)
		r = check_members(v, schema, at, e);
	for (size_t i = 0; r == 0 && items && json_kind(v) == JSON_ARRAY && i < json_size(v); i++) {
		struct place inner = *at;

		go_to(&inner, NULL, i);
		r = check_at(json_at(v, i), items, &inner, e);
	}
	return r;
}

int shape_check(const struct json *value, const struct json *schema, struct err *e)
{
	struct place at = { .n = 0 };

	return check_at(value, schema, &at, e);
}

/* The last closing bracket of that kind, as an answer may end in prose. */
static struct bytes between_brackets(const char *answer)
{
	const char *first = strpbrk(answer, "{[");
	const char *last = first ? strrchr(first, *first == '{' ? '}' : ']') : NULL;

	return last ? (struct bytes){ first, (size_t)(last - first) + 1 } : (struct bytes){ 0 };
}

int shape_find_json(const char *answer, struct json **ret_json, struct err *e)
{
	struct err ignored = { 0 };
	struct bytes inner = between_brackets(answer);

	if (json_parse(bytes_of(answer), LLM_ANSWER_MAX, ret_json, &ignored) == 0)
		return 0;
	if (inner.n == 0)
		return err_set(e, ERR_CORRUPT, "the answer holds no JSON");
	if (json_parse(inner, LLM_ANSWER_MAX, ret_json, e) < 0)
		return err_set(e, ERR_CORRUPT, "the answer is no JSON: %.300s", e->msg);
	return 0;
}
