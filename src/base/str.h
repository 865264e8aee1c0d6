/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small text work: comparison, strict numbers, lists of strings, hex, names that may become file
 * names, quoting for SQL. Nothing here allocates unless it returns a `char *` or fills a `struct
 * strv`.
 */
#ifndef LARDER_BASE_STR_H
#define LARDER_BASE_STR_H

#include "base/buf.h"
#include "base/err.h"
#include <stdarg.h>

bool str_eq(const char *a, const char *b); /* both NULL counts as equal */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* The whole text must be the number; no sign games, no white space. */
int parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret_value, struct err *e);
/* "10", "64K", "5M", "2G" (powers of 1024). */
int parse_size(const char *s, uint64_t max, uint64_t *ret_bytes, struct err *e);
/* "90s", "15m", "24h", "7d" or plain seconds. */
int parse_duration(const char *s, int64_t *ret_seconds, struct err *e);

/* "1.4 MB", "312 B": decimal units, for people. Written into `out`, which is returned. */
#define FORMAT_SIZE_MAX 32
const char *format_size(int64_t bytes, char out[FORMAT_SIZE_MAX]);

void hex_encode(const void *p, size_t n, char *out); /* out holds 2n + 1 */
int hex_decode(const char *hex, size_t n,
	       void *out);                 /* n bytes from exactly 2n digits; -1 otherwise */
bool is_hex(const char *s, size_t digits); /* exactly that many lower-case digits, then the end */

/*
 * May this text be a table id or name, a rule id, a part's path segment? Letters, digits, '_', '.',
 * '-', '=' as told by the kind; starts with a letter, digit or '_'; at most NAME_MAX_LEN. Such a
 * name is safe as a file name by construction. Source of the alphabets: the wire contract
 * (docs/http-api.md, "Names").
 */
#define NAME_MAX_LEN 128
/* A part lies a few folders deep (year=2026/month=11/...); longer paths would not fit every file
 * system. */
#define PART_PATH_MAX 512
bool name_is_table(const char *s);   /* ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ */
bool name_is_rule(const char *s);    /* ^[A-Za-z0-9_-]{1,128}$ */
bool name_is_part(const char *path); /* segments ^[A-Za-z0-9_][A-Za-z0-9_.=-]*$ joined by '/'; no
					'.', '..', total <= 512 */

void sql_quote_name(struct buf *out, const char *s); /* "a""b" */
void sql_quote_text(struct buf *out, const char *s); /* 'a''b' */

/* Valid UTF-8 without NUL and control characters other than tab and newline? */
bool text_is_clean(struct bytes text);
/* For a terminal or a log line: control characters and invalid UTF-8 become '?'. */
void text_add_clean(struct buf *out, struct bytes text);
/* Whatever else is in it. The other writes U+FFFD for each byte that is none. */
bool text_is_utf8(struct bytes text);
void text_add_utf8(struct buf *out, struct bytes text);

/* The columns of a terminal that the text takes: East Asian wide letters and pictures two,
 * combining marks none (Unicode TR 11, by blocks). */
size_t text_width(const char *s);
size_t text_fit(const char *s, size_t columns); /* how many bytes of it fit, cut between letters */

struct strv {
	char **v; /* NULL-terminated once anything was added */
	size_t n;
	size_t capacity;
};

#define STRV_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}
void strv_release(struct strv *v);
#define AUTO_STRV AUTO(strv_release)
void strv_add(struct strv *v, const char *s);
void strv_addf(struct strv *v, const char *fmt, ...) PRINTF(2, 3);
void strv_adopt(struct strv *v, char *s);
bool strv_has(const struct strv *v, const char *s);
void strv_split(struct strv *v, const char *s,
		char separator); /* empty pieces are kept; "" gives none */
void strv_sort(struct strv *v);
const char *strv_at(const struct strv *v, size_t i); /* NULL past the end */

#endif
