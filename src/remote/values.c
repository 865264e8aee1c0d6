/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/values.h"

#include "base/json.h"
#include "base/str.h"

/* Bare in JSON: what reads back as itself. */
enum form { FORM_TEXT, FORM_WHOLE, FORM_DECIMAL, FORM_DOUBLE, FORM_BOOL, FORM_JSON };

static enum form form_of(const char *type)
{
	static const char *const whole[] = { "TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",
					     "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT" };

	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		if (str_eq(type, whole[i]))
			return FORM_WHOLE;
	}
	if (str_ends(type, "]") || str_starts(type, "STRUCT("))
		return FORM_JSON;
	if (str_starts(type, "DECIMAL"))
		return FORM_DECIMAL;
	if (str_eq(type, "DOUBLE") || str_eq(type, "FLOAT"))
		return FORM_DOUBLE;
	return str_eq(type, "BOOLEAN") ? FORM_BOOL : FORM_TEXT;
}

/* [-]digits[.digits][e[+-]digits], as JSON has it: what a source says is not believed. */
static bool is_number(struct bytes v)
{
	AUTO_FREE char *text = xstrndup(v.p, v.n);
	const char *p = text + (text[0] == '-');
	size_t digits = strspn(p, "0123456789");

	if (digits == 0 || (digits > 1 && *p == '0'))
		return false;
	p += digits;
	if (*p == '.') {
		digits = strspn(++p, "0123456789");
		if (digits == 0)
			return false;
		p += digits;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '+' || p[1] == '-');
		digits = strspn(p, "0123456789");
		p += digits;
		return digits > 0 && *p == '\0';
	}
	return *p == '\0' && strlen(text) == v.n;
}

static bool is_text(struct bytes v, const char *text)
{
	return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

static void add_double(struct json_out *o, struct bytes v)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_add(&text, v.p, v.n);
	if (is_number(v) && !memchr(v.p, '.', v.n) && !memchr(v.p, 'e', v.n))
		buf_adds(&text, ".0");
	if (is_number(v))
		json_add_raw(o, NULL, buf_bytes(&text));
	else if (is_text(v, "Infinity") || is_text(v, "-Infinity"))
		json_add_text(o, NULL, v.p[0] == '-' ? "-inf" : "inf");
	else
		json_add_text(o, NULL, is_text(v, "NaN") ? "nan" : buf_str(&text));
}

static void add_value(struct json_out *o, const char *type, struct bytes v)
{
	enum form form = form_of(type);

	if (!v.p)
		json_add_null(o, NULL);
	else if (form == FORM_BOOL)
		json_add_bool(o, NULL, is_text(v, "true"));
	else if (form == FORM_JSON)
		json_add_raw(o, NULL, v); /* the engine wrote it */
	else if (form == FORM_DOUBLE)
		add_double(o, v);
	else if (form != FORM_TEXT && is_number(v))
		json_add_raw(o, NULL, v);
	else
		json_add_bytes(o, NULL, v);
}

void far_add_json(struct buf *out, const struct duck_column *columns, const struct bytes *values,
		  size_t n)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '[');
	for (size_t i = 0; i < n; i++)
		add_value(&o, columns[i].type, values[i]);
	json_close(&o);
}

static void add_quoted(struct buf *out, struct bytes v)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, v.p[i]);
	}
	buf_addc(out, '"');
}

void far_add_csv(struct buf *out, const struct bytes *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i ? "," : "");
		if (values[i].p)
			add_quoted(out, values[i]);
		else
			buf_adds(out, "\\N");
	}
	buf_addc(out, '\n');
}
