/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, read strictly and written in one pass. json-c is behind it and seen only by json.c.
 *
 * Reading: json_parse() gives the root; children are lent and live as long as the root. Every
 * getter accepts NULL and a value of another type, and then gives the stated default, so that a
 * chain of gets needs one check at its end.
 *
 *	AUTO_JSON struct json *doc = NULL;
 *	if (json_parse(body, MANIFEST_BYTES_MAX, &doc, e) < 0)
 *		return -1;
 *	const char *hash = json_text(json_get(table, "hash"));	NULL when absent or no string
 *
 * Limits: the text's size is the caller's, nesting is JSON_DEPTH_MAX; text after the value, NaN and
 * comments are refused; control characters and invalid UTF-8 in a string are kept. A string with an
 * embedded NUL is given as absent by json_text() (file names and ids must not be cut short
 * silently); json_bytes() shows it whole. Errors: ERR_CORRUPT, ERR_LIMIT.
 *
 * Writing: a `struct json_out` puts commas and escapes, into a buf. Invalid UTF-8 is replaced by
 * U+FFFD.
 *
 *	struct json_out o = json_out(&buf);
 *	json_open(&o, NULL, '{');
 *	json_add_text(&o, "id", id);	NULL text writes null
 *	json_open(&o, "parts", '[');	inside an array the key is NULL
 *	json_close(&o);
 *	json_close(&o);
 *
 * Threads: an object belongs to one thread at a time.
 */
#ifndef LARDER_BASE_JSON_H
#define LARDER_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

/* Deep enough for any document of ours (5) and for settings files of others; shallow enough for a
 * recursive reader. */
#define JSON_DEPTH_MAX 64

struct json;

enum json_kind {
	JSON_NONE,
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_DOUBLE,
	JSON_TEXT,
	JSON_ARRAY,
	JSON_OBJECT
};

int json_parse(struct bytes text, size_t max, struct json **ret_root, struct err *e);
/* The same for texts of our own children that nest deeper; the reader must be up to it. */
int json_parse_deep(struct bytes text, size_t max, int depth, struct json **ret_root,
		    struct err *e);
void json_free(struct json *root);
static inline void json_auto_(struct json **p)
{
	json_free(*p);
}
#define AUTO_JSON AUTO(json_auto_)

enum json_kind json_kind(const struct json *v);
const struct json *json_get(const struct json *object, const char *key);
const char *json_text(const struct json *v);               /* NULL unless text without NUL */
struct bytes json_bytes(const struct json *v);             /* the text with its true length */
int64_t json_int(const struct json *v, int64_t otherwise); /* doubles with an integer value count */
double json_double(const struct json *v, double otherwise);
bool json_flag(const struct json *v, bool otherwise);
size_t json_size(const struct json *v); /* elements of an array, members of an object, else 0 */
const struct json *json_at(const struct json *array, size_t i);

/* Members of an object in the order of the text: `struct json_iter it = json_iter(obj); while
 * (json_next(&it)) ...` */
struct json_iter {
	const char *key; /* lent; the key may be any text, "" included */
	const struct json *value;
	void *next_;
};
struct json_iter json_iter(const struct json *object);
bool json_next(struct json_iter *it);

/* Editing, for documents of others that are merged and written back with every unknown key kept. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_text(const char *s);
struct json *json_new_int(int64_t value);
struct json *json_get_mutable(struct json *object, const char *key);
struct json *json_at_mutable(struct json *array, size_t i);
void json_put(struct json *object, const char *key, struct json *value); /* value is adopted */
void json_append(struct json *array, struct json *value);                /* value is adopted */
void json_remove_at(struct json *array, size_t i);
void json_remove(struct json *object, const char *key);
void json_print(const struct json *v, struct buf *out,
		bool pretty); /* two blanks an indent, final newline if pretty */

struct strv;

struct json_out {
	struct buf *out;
	unsigned depth;
	bool comma[JSON_DEPTH_MAX];
	char close[JSON_DEPTH_MAX];
};

struct json_out json_out(struct buf *out);
void json_open(struct json_out *o, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json_out *o);
void json_add_text(struct json_out *o, const char *key, const char *value);
void json_add_bytes(struct json_out *o, const char *key, struct bytes value);
void json_add_int(struct json_out *o, const char *key, int64_t value);
void json_add_double(struct json_out *o, const char *key, double value); /* not finite: null */
void json_add_bool(struct json_out *o, const char *key, bool value);
void json_add_null(struct json_out *o, const char *key);
/* A list; NULL writes an empty one. */
void json_add_texts(struct json_out *o, const char *key, const struct strv *texts);
/* ISO 8601 in UTC; 0 (it has not happened) writes null. */
void json_add_time(struct json_out *o, const char *key, int64_t ms);
void json_add_raw(struct json_out *o, const char *key, struct bytes json); /* already JSON */

#endif
