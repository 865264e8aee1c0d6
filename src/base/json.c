/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>
#include <json-c/json.h>
#include <math.h>

/*
 * `struct json` is never defined: a handle is json-c's object under another name, so that its type
 * stays in this file. json-c gives NULL for a JSON null; a member that is present and null must
 * differ from an absent one, hence a handle of its own.
 */
static const char null_value;

static bool is_null(const struct json *v)
{
	return (const void *)v == (const void *)&null_value;
}

static const struct json *lent(struct json_object *o)
{
	return o ? (const struct json *)o : (const struct json *)(const void *)&null_value;
}

static struct json_object *object_of(const struct json *v)
{
	return is_null(v) ? NULL : (struct json_object *)(uintptr_t)v;
}

static struct json *handle_of(struct json_object *o)
{
	return (struct json *)o;
}

static bool only_blanks(struct bytes text, size_t from)
{
	for (size_t i = from; i < text.n; i++) {
		if (!strchr(" \t\r\n", text.p[i]) || !text.p[i])
			return false;
	}
	return true;
}

/*
 * json-c takes 'x' for a key, NaN and Infinity even when strict. The first character of each stands
 * nowhere outside the strings of true JSON.
 */
static bool has_extension(struct bytes text)
{
	bool in_string = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '"')
			in_string = !in_string;
		else if (in_string && c == '\\')
			i++;
		else if (!in_string && (c == '\'' || c == 'N' || c == 'I'))
			return true;
	}
	return false;
}

static void free_tokener(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

static int refuse(enum json_tokener_error status, int depth, size_t at, struct err *e)
{
	if (status == json_tokener_error_depth)
		return err_set(e, ERR_LIMIT, "JSON nests deeper than %d", depth);
	return err_set(e, ERR_CORRUPT, "not JSON: %s at byte %zu",
		       status == json_tokener_continue ? "it ends too early"
						       : json_tokener_error_desc(status),
		       at);
}

int json_parse(struct bytes text, size_t max, struct json **ret_root, struct err *e)
{
	return json_parse_deep(text, max, JSON_DEPTH_MAX, ret_root, e);
}

int json_parse_deep(struct bytes text, size_t max, int depth, struct json **ret_root, struct err *e)
{
	AUTO(free_tokener) struct json_tokener *tokener = NULL;
	struct json_object *root;
	enum json_tokener_error status;
	size_t end;

	if (text.n > max || text.n > INT32_MAX)
		return err_set(e, ERR_LIMIT, "JSON of %zu bytes exceeds %zu", text.n, max);
	tokener = json_tokener_new_ex(depth);
	if (!tokener)
		abort();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	root = json_tokener_parse_ex(tokener, text.p ? text.p : "", (int)text.n);
	status = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (status == json_tokener_continue && text.n) {
		/* A bare number at the very end is complete only once something follows it. */
		root = json_tokener_parse_ex(tokener, " ", 1);
		status = json_tokener_get_error(tokener);
		end = text.n;
	}
	if (status != json_tokener_success)
		return refuse(status, depth, end, e);
	if (!only_blanks(text, end) || has_extension(text)) {
		(void)json_object_put(root);
		return err_set(e, ERR_CORRUPT, "not JSON: %s",
			       only_blanks(text, end) ? "single quotes, NaN or Infinity"
						      : "more text after the value");
	}
	*ret_root = (struct json *)(uintptr_t)lent(root);
	return 0;
}

void json_free(struct json *root)
{
	if (root && !is_null(root))
		(void)json_object_put(object_of(root));
}

enum json_kind json_kind(const struct json *v)
{
	if (!v)
		return JSON_NONE;
	switch (json_object_get_type(object_of(v))) {
	case json_type_boolean:
		return JSON_BOOL;
	case json_type_double:
		return JSON_DOUBLE;
	case json_type_int:
		return JSON_INT;
	case json_type_object:
		return JSON_OBJECT;
	case json_type_array:
		return JSON_ARRAY;
	case json_type_string:
		return JSON_TEXT;
	case json_type_null:
		break;
	}
	return JSON_NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	struct json_object *value;

	if (json_kind(object) != JSON_OBJECT ||
	    !json_object_object_get_ex(object_of(object), key, &value))
		return NULL;
	return lent(value);
}

struct bytes json_bytes(const struct json *v)
{
	if (json_kind(v) != JSON_TEXT)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ json_object_get_string(object_of(v)),
			       (size_t)json_object_get_string_len(object_of(v)) };
}

const char *json_text(const struct json *v)
{
	struct bytes b = json_bytes(v);

	return b.p && strlen(b.p) == b.n ? b.p : NULL;
}

int64_t json_int(const struct json *v, int64_t otherwise)
{
	double d;

	if (json_kind(v) == JSON_INT)
		return json_object_get_int64(object_of(v));
	if (json_kind(v) != JSON_DOUBLE)
		return otherwise;
	d = json_object_get_double(object_of(v));
	return d >= -9007199254740992.0 && d <= 9007199254740992.0 && floor(d) == d ? (int64_t)d
										    : otherwise;
}

double json_double(const struct json *v, double otherwise)
{
	enum json_kind kind = json_kind(v);

	return kind == JSON_INT || kind == JSON_DOUBLE ? json_object_get_double(object_of(v))
						       : otherwise;
}

bool json_flag(const struct json *v, bool otherwise)
{
	return json_kind(v) == JSON_BOOL ? (bool)json_object_get_boolean(object_of(v)) : otherwise;
}

size_t json_size(const struct json *v)
{
	if (json_kind(v) == JSON_ARRAY)
		return json_object_array_length(object_of(v));
	if (json_kind(v) == JSON_OBJECT)
		return (size_t)json_object_object_length(object_of(v));
	return 0;
}

const struct json *json_at(const struct json *array, size_t i)
{
	if (json_kind(array) != JSON_ARRAY || i >= json_object_array_length(object_of(array)))
		return NULL;
	return lent(json_object_array_get_idx(object_of(array), i));
}

struct json_iter json_iter(const struct json *object)
{
	struct json_iter it = { 0 };

	if (json_kind(object) == JSON_OBJECT)
		it.next_ = lh_table_head(json_object_get_object(object_of(object)));
	return it;
}

bool json_next(struct json_iter *it)
{
	struct lh_entry *entry = it->next_;

	if (!entry)
		return false;
	it->key = lh_entry_k(entry);
	it->value = lent(lh_entry_v(entry));
	it->next_ = lh_entry_next(entry);
	return true;
}

struct json *json_new_object(void)
{
	return handle_of(json_object_new_object());
}

struct json *json_new_array(void)
{
	return handle_of(json_object_new_array());
}

struct json *json_new_text(const char *s)
{
	return handle_of(json_object_new_string(s));
}

struct json *json_new_int(int64_t value)
{
	return handle_of(json_object_new_int64(value));
}

static struct json *writable(const struct json *v)
{
	return v && !is_null(v) ? handle_of(object_of(v)) : NULL;
}

struct json *json_get_mutable(struct json *object, const char *key)
{
	return writable(json_get(object, key));
}

struct json *json_at_mutable(struct json *array, size_t i)
{
	return writable(json_at(array, i));
}

void json_put(struct json *object, const char *key, struct json *value)
{
	int r;

	assert(json_kind(object) == JSON_OBJECT);
	r = json_object_object_add(object_of(object), key, object_of(value));
	assert(r == 0);
	(void)r;
}

void json_append(struct json *array, struct json *value)
{
	int r;

	assert(json_kind(array) == JSON_ARRAY);
	r = json_object_array_add(object_of(array), object_of(value));
	assert(r == 0);
	(void)r;
}

void json_remove_at(struct json *array, size_t i)
{
	if (i < json_size(array) && json_kind(array) == JSON_ARRAY)
		(void)json_object_array_del_idx(object_of(array), i, 1); /* the index was checked */
}

void json_remove(struct json *object, const char *key)
{
	if (json_kind(object) == JSON_OBJECT)
		json_object_object_del(object_of(object), key);
}

void json_print(const struct json *v, struct buf *out, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	buf_adds(out, object_of(v) ? json_object_to_json_string_ext(object_of(v), flags) : "null");
	if (pretty)
		buf_addc(out, '\n');
}
