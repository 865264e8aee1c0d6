/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/bigquery-value.h"

#include "base/hash.h"
#include "base/time.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>

/* BIGNUMERIC: 38 digits before the point, 38 behind, and one that is not whole. */
#define NUMBER_TEXT_MAX 100
#define MICROS          ((int64_t)1000000)

/* "-12.5", as it stands: more digits than a double has must not be lost. */
static bool is_decimal(const char *text)
{
	size_t sign = *text == '-', whole = strspn(text + sign, "0123456789"), n = sign + whole;

	if (strlen(text) > NUMBER_TEXT_MAX || whole == 0 || (text[sign] == '0' && whole > 1))
		return false;
	if (text[n] == '.') {
		size_t behind = strspn(text + n + 1, "0123456789");

		n += behind ? 1 + behind : 0;
	}
	return !text[n];
}

static bool is_integer(const char *text)
{
	struct err ignored = { 0 };
	int64_t value = 0;

	return parse_int64(text, INT64_MIN, INT64_MAX, &value, &ignored) == 0;
}

static bool read_double(const char *text, double *ret)
{
	char *end = NULL;

	/* strtod also takes blanks and hexadecimal, which no server sends. */
	if (!*text || strlen(text) > NUMBER_TEXT_MAX || text[strspn(text, "+-.0123456789eE")])
		return false;
	*ret = strtod(text, &end);
	return end && !*end && isfinite(*ret);
}

/* The three that are no numbers in DuckDB's words; numbers so that they read back as the same. */
static bool add_float(const char *text, struct buf *out, bool *ret_raw)
{
	static const char *const words[][2] = { { "NaN", "nan" },        { "Infinity", "inf" },
						{ "-Infinity", "-inf" }, { "Inf", "inf" },
						{ "inf", "inf" },        { "-Inf", "-inf" },
						{ "-inf", "-inf" } };
	char number[40];
	double value = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(text, words[i][0])) {
			*ret_raw = false;
			buf_adds(out, words[i][1]);
			return true;
		}
	if (!read_double(text, &value))
		return false;
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(number, sizeof(number), "%.*g", digits, value);
		if (strtod(number, NULL) == value)
			break;
	}
	buf_addf(out, "%s%s", number, strpbrk(number, ".e") ? "" : ".0");
	return true;
}

/* Each 'd' of the pattern is a digit. A fraction of up to six digits may follow. */
static bool fits(const char *text, const char *pattern, bool fraction)
{
	for (; *pattern; pattern++, text++)
		if (*pattern == 'd' ? !isdigit((unsigned char)*text) : *text != *pattern)
			return false;
	if (fraction && *text == '.') {
		size_t n = strspn(text + 1, "0123456789");

		text += n >= 1 && n <= 6 ? n + 1 : 0;
	}
	return !*text;
}

static bool add_datetime(const char *text, struct buf *out)
{
	if (!fits(text, "dddd-dd-ddTdd:dd:dd", true))
		return false;
	buf_addf(out, "%.10s %s", text, text + 11);
	return true;
}

/* "1767225600000000" as we ask for, or seconds as "1.7672256E9", as those give it who do not know
 * that wish. BigQuery's years are 1 to 9999. */
static bool read_micros(const char *text, int64_t *ret)
{
	const int64_t first = -62135596800 * MICROS, last = 253402300800 * MICROS - 1;
	struct err ignored = { 0 };
	double seconds = 0;

	if (!strpbrk(text, ".eE"))
		return parse_int64(text, first, last, ret, &ignored) == 0;
	if (!read_double(text, &seconds) || seconds * 1e6 < (double)first ||
	    seconds * 1e6 > (double)last)
		return false;
	*ret = (int64_t)llround(seconds * 1e6);
	return true;
}

/* As DuckDB writes it in UTC: "2026-01-01 00:00:00.5+00". */
static bool add_timestamp(const char *text, struct buf *out)
{
	char iso[TIME_TEXT_MAX], fraction[10] = "";
	int64_t micros = 0, below;

	if (!read_micros(text, &micros))
		return false;
	below = (micros % MICROS + MICROS) % MICROS;
	(void)time_format_iso((micros - below) / 1000, iso);
	if (below)
		(void)snprintf(fraction, sizeof(fraction), ".%06d", (int)below);
	for (size_t n = strlen(fraction); n > 0 && fraction[n - 1] == '0'; n--)
		fraction[n - 1] = '\0';
	buf_addf(out, "%.10s %.8s%s+00", iso, iso + 11, fraction);
	return true;
}

/* Hex digits; inside of JSON as DuckDB's text for bytes. */
static bool add_blob(struct bytes base64, struct buf *out, bool nested)
{
	AUTO_BUF struct buf raw = BUF_INIT(FAR_ROW_MAX);
	char *room;

	if (base64.n > 0 && base64_decode(base64, &raw) < 0)
		return false;
	if (!nested && (room = buf_reserve(out, 2 * raw.n)) != NULL) {
		hex_encode(raw.p ? raw.p : "", raw.n, room);
		out->n += 2 * raw.n;
	}
	for (size_t i = 0; nested && i < raw.n; i++) {
		unsigned char c = (unsigned char)raw.p[i];

		if (c >= ' ' && c <= '~' && c != '\\' && c != '\'' && c != '"')
			buf_addc(out, (char)c);
		else
			buf_addf(out, "\\x%02X", c);
	}
	return true;
}

/* True, and the text as it stands, when it is one. */
static bool add_if(bool is_one, const char *text, struct buf *out)
{
	if (is_one)
		buf_adds(out, text);
	return is_one;
}

/* *ret_raw: may it stand in JSON without quotes? */
static bool add_scalar(enum bigquery_kind kind, const char *text, struct buf *out, bool *ret_raw)
{
	*ret_raw = kind == BIGQUERY_INT || kind == BIGQUERY_FLOAT || kind == BIGQUERY_NUMERIC ||
		   kind == BIGQUERY_BOOL;
	switch (kind) {
	case BIGQUERY_INT:
		return add_if(is_integer(text), text, out);
	case BIGQUERY_FLOAT:
		return add_float(text, out, ret_raw);
	case BIGQUERY_NUMERIC:
		return add_if(is_decimal(text), text, out);
	case BIGQUERY_BOOL:
		return add_if(str_eq(text, "true") || str_eq(text, "false"), text, out);
	case BIGQUERY_TIMESTAMP:
		return add_timestamp(text, out);
	case BIGQUERY_DATETIME:
		return add_datetime(text, out);
	case BIGQUERY_DATE:
		return add_if(fits(text, "dddd-dd-dd", false), text, out);
	case BIGQUERY_TIME:
		return add_if(fits(text, "dd:dd:dd", true), text, out);
	case BIGQUERY_TEXT:
	case BIGQUERY_BYTES:
	case BIGQUERY_RECORD:
		break;
	}
	return false;
}

static int add_plain(const struct bigquery_field *f, const struct json *v, struct buf *out,
		     bool nested, bool *ret_raw, struct err *e)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	struct bytes text = json_bytes(v);
	bool ok = json_kind(v) == JSON_TEXT;

	*ret_raw = false;
	if (ok && f->kind == BIGQUERY_TEXT)
		buf_add(out, text.p, text.n);
	else if (ok && f->kind == BIGQUERY_BYTES)
		ok = add_blob(text, out, nested);
	else if (ok)
		ok = json_text(v) && add_scalar(f->kind, json_text(v), out, ret_raw);
	if (ok)
		return 0;
	text_add_clean(&clean, bytes_of(f->name));
	return err_set(e, ERR_REMOTE, "a value of the column '%.100s' is no %s", buf_str(&clean),
		       bigquery_plain_type(f->kind));
}

/* The members of a record, or of a row: as many as its fields. */
static int check_row(const struct bigquery_fields *fields, const struct json *row, struct err *e)
{
	const struct json *values = json_get(row, "f");
	size_t n = json_kind(values) == JSON_ARRAY ? json_size(values) : 0;

	if (n == fields->n && n > 0)
		return 0;
	return err_set(e, ERR_REMOTE, "a row has %zu values, its schema %zu", n, fields->n);
}

static const struct json *value_at(const struct json *list, size_t i)
{
	return json_get(json_at(list, i), "v");
}

static bool is_null(const struct json *v)
{
	return !v || json_kind(v) == JSON_NULL;
}

static int add_json(const struct bigquery_field *f, const struct json *v, struct json_out *o,
		    const char *key, struct err *e);

static int add_record(const struct bigquery_field *f, const struct json *v, struct json_out *o,
		      const char *key, struct err *e)
{
	int r = check_row(&f->fields, v, e);

	json_open(o, key, '{');
	for (size_t i = 0; r == 0 && i < f->fields.n; i++)
		r = add_json(&f->fields.v[i], value_at(json_get(v, "f"), i), o, f->fields.v[i].name,
			     e);
	json_close(o);
	return r;
}

static int add_one(const struct bigquery_field *f, const struct json *v, struct json_out *o,
		   const char *key, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FAR_ROW_MAX);
	bool raw = false;
	int r;

	if (is_null(v)) {
		json_add_null(o, key);
		return 0;
	}
	if (f->kind == BIGQUERY_RECORD)
		return add_record(f, v, o, key, e);
	r = add_plain(f, v, &text, true, &raw, e);
	if (r == 0 && raw)
		json_add_raw(o, key, buf_bytes(&text));
	else if (r == 0)
		json_add_bytes(o, key, buf_bytes(&text));
	return r;
}

static int add_json(const struct bigquery_field *f, const struct json *v, struct json_out *o,
		    const char *key, struct err *e)
{
	int r = 0;

	if (!f->repeated)
		return add_one(f, v, o, key, e);
	if (!is_null(v) && json_kind(v) != JSON_ARRAY)
		return err_set(e, ERR_REMOTE, "a value of the column '%.100s' is no list", f->name);
	json_open(o, key, '[');
	for (size_t i = 0, n = json_size(v); r == 0 && i < n; i++)
		r = add_one(f, value_at(v, i), o, NULL, e);
	json_close(o);
	return r;
}

void bigquery_row_release(struct bigquery_row *row)
{
	free(row->v);
	free(row->ends);
	buf_release(&row->text);
	row->v = NULL;
	row->ends = NULL;
	row->n = 0;
}

static void row_resize(struct bigquery_row *row, size_t n)
{
	buf_clear(&row->text);
	buf_adds(&row->text, ""); /* an empty text is lent from somewhere, too */
	if (row->n == n)
		return;
	row->v = xrealloc(row->v, n * sizeof(*row->v));
	row->ends = xrealloc(row->ends, n * sizeof(*row->ends));
	row->n = n;
}

static int add_top(const struct bigquery_field *f, const struct json *v, struct buf *out,
		   struct err *e)
{
	struct json_out o = json_out(out);
	bool raw = false;

	if (f->repeated || f->kind == BIGQUERY_RECORD)
		return add_json(f, v, &o, NULL, e);
	return add_plain(f, v, out, false, &raw, e);
}

int bigquery_row_read(const struct bigquery_fields *fields, const struct json *json,
		      struct bigquery_row *row, struct err *e)
{
	const struct json *values = json_get(json, "f");
	size_t start = 0;
	int r = check_row(fields, json, e);

	if (r < 0)
		return r;
	row_resize(row, fields->n);
	for (size_t i = 0; i < fields->n; i++) {
		const struct json *v = value_at(values, i);

		if (!is_null(v) && add_top(&fields->v[i], v, &row->text, e) < 0)
			return e->code;
		row->v[i].p = is_null(v) ? NULL : "";
		row->ends[i] = row->text.n;
	}
	if (row->text.full)
		return err_set(e, ERR_LIMIT, "a row of the result has over %zu bytes",
			       row->text.max);
	for (size_t i = 0; i < fields->n; start = row->ends[i++])
		row->v[i] = (struct bytes){ row->v[i].p ? row->text.p + start : NULL,
					    row->ends[i] - start };
	return 0;
}
