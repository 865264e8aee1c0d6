/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/str.h"
#include "base/time.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>

struct json_out json_out(struct buf *out)
{
	return (struct json_out){ .out = out };
}

/* One letter after a backslash for the common ones, \u00XX for the rest of the controls. */
static void add_escape(struct buf *out, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letter[] = "\"\\bfnrt";
	const char *at = memchr(plain, c, sizeof(plain) - 1);

	if (at)
		buf_addf(out, "\\%c", letter[at - plain]);
	else
		buf_addf(out, "\\u%04x", c);
}

static size_t sequence_length(const unsigned char *p, size_t n)
{
	size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (n >= 2 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
		return 2; /* the controls U+0080 to U+009F: not clean, but valid */
	if (length > n || !text_is_clean((struct bytes){ (const char *)p, length }))
		return 0;
	return length;
}

/* Runs that need no escape are added at once: almost every text is one such run. */
static void add_string(struct buf *out, struct bytes text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t start = 0, i = 0;

	buf_addc(out, '"');
	while (i < text.n) {
		size_t length = 1;

		if (p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f) {
			i++;
			continue;
		}
		if (p[i] >= 0x80 && (length = sequence_length(p + i, text.n - i)) > 0) {
			i += length;
			continue;
		}
		buf_add(out, p + start, i - start);
		if (p[i] < 0x80)
			add_escape(out, p[i]);
		else
			buf_adds(out, "\xef\xbf\xbd");
		start = ++i;
	}
	buf_add(out, p + start, i - start);
	buf_addc(out, '"');
}

static void begin_value(struct json_out *o, const char *key)
{
	if (o->depth > 0) {
		if (o->comma[o->depth - 1])
			buf_addc(o->out, ',');
		o->comma[o->depth - 1] = true;
	}
	if (key) {
		add_string(o->out, bytes_of(key));
		buf_addc(o->out, ':');
	}
}

void json_open(struct json_out *o, const char *key, char bracket)
{
	assert(o->depth < JSON_DEPTH_MAX && (bracket == '{' || bracket == '['));
	begin_value(o, key);
	buf_addc(o->out, bracket);
	o->comma[o->depth] = false;
	o->close[o->depth++] = bracket == '{' ? '}' : ']';
}

void json_close(struct json_out *o)
{
	assert(o->depth > 0);
	buf_addc(o->out, o->close[--o->depth]);
}

void json_add_bytes(struct json_out *o, const char *key, struct bytes value)
{
	begin_value(o, key);
	add_string(o->out, value);
}

void json_add_text(struct json_out *o, const char *key, const char *value)
{
	if (value)
		json_add_bytes(o, key, bytes_of(value));
	else
		json_add_null(o, key);
}

void json_add_int(struct json_out *o, const char *key, int64_t value)
{
	begin_value(o, key);
	buf_addf(o->out, "%" PRId64, value);
}

/* The shortest text that reads back as the same number. */
static void add_double(struct buf *out, double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) >= value && strtod(text, NULL) <= value)
			break;
	}
	buf_adds(out, text);
}

void json_add_double(struct json_out *o, const char *key, double value)
{
	begin_value(o, key);
	if (isfinite(value))
		add_double(o->out, value);
	else
		buf_adds(o->out, "null");
}

void json_add_bool(struct json_out *o, const char *key, bool value)
{
	begin_value(o, key);
	buf_adds(o->out, value ? "true" : "false");
}

void json_add_null(struct json_out *o, const char *key)
{
	begin_value(o, key);
	buf_adds(o->out, "null");
}

void json_add_texts(struct json_out *o, const char *key, const struct strv *texts)
{
	json_open(o, key, '[');
	for (size_t i = 0; texts && i < texts->n; i++)
		json_add_text(o, NULL, texts->v[i]);
	json_close(o);
}

void json_add_time(struct json_out *o, const char *key, int64_t ms)
{
	char iso[TIME_TEXT_MAX];

	json_add_text(o, key, ms ? time_format_iso(ms, iso) : NULL);
}

void json_add_raw(struct json_out *o, const char *key, struct bytes json)
{
	begin_value(o, key);
	buf_add(o->out, json.p, json.n);
}
