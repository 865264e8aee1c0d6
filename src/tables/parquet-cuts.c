/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/parquet-cuts.h"

#include "tables/parquet-frame.h"

/* Length and magic after the footer. */
#define TAIL_SIZE 8
/* Parquet's own structures nest to six; what goes deeper is made to. */
#define NESTING_MAX 16
/* A Thrift integer has at most ten groups of seven bits. */
#define VARINT_MAX 10

/* Types of the compact protocol. */
enum {
	T_STOP,
	T_TRUE,
	T_FALSE,
	T_BYTE,
	T_I16,
	T_I32,
	T_I64,
	T_DOUBLE,
	T_BINARY,
	T_LIST,
	T_SET,
	T_MAP,
	T_STRUCT
};

/* Fields of parquet.thrift. */
enum { FILE_ROW_GROUPS = 4, GROUP_COLUMNS = 1 };
enum {
	COLUMN_META = 3,
	COLUMN_OFFSET_INDEX = 4,
	COLUMN_OFFSET_LENGTH = 5,
	COLUMN_INDEX = 6,
	COLUMN_INDEX_LENGTH = 7
};
enum {
	META_SIZE = 7,
	META_DATA = 9,
	META_DICTIONARY = 11,
	META_BLOOM = 14,
	META_BLOOM_LENGTH = 15
};
/* The highest of them that is kept. */
#define FIELDS_MAX 16

struct reader {
	const unsigned char *p, *end;
	int64_t size; /* of the file */
	struct parquet_cuts *cuts;
	size_t groups; /* read so far */
	bool bad;
};

struct field {
	int id;
	int type;
};

void parquet_cuts_release(struct parquet_cuts *cuts)
{
	free(cuts->v);
	*cuts = (struct parquet_cuts){ 0 };
}

static size_t left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

static int next_byte(struct reader *r)
{
	if (r->bad || r->p == r->end) {
		r->bad = true;
		return 0;
	}
	return *r->p++;
}

static uint64_t next_varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_MAX; i++) {
		int byte = next_byte(r);

		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return value;
	}
	r->bad = true;
	return 0;
}

static int64_t next_integer(struct reader *r)
{
	uint64_t zigzag = next_varint(r);

	return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
}

static void skip_bytes(struct reader *r, uint64_t n)
{
	if (r->bad || n > left(r))
		r->bad = true;
	else
		r->p += n;
}

/* false at the end of the structure. `f` holds the field before it, {0} at first. */
static bool next_field(struct reader *r, struct field *f)
{
	int head = next_byte(r);
	int step = head >> 4;

	f->type = head & 0x0f;
	if (r->bad || f->type == T_STOP)
		return false;
	f->id = step ? f->id + step : (int)(next_integer(r) & 0x7fff);
	if (f->id > 0x7fff)
		r->bad = true;
	return !r->bad;
}

/* How many elements, each of which takes a byte at least, and of which type. */
static size_t next_list(struct reader *r, int *ret_type)
{
	int head = next_byte(r);
	uint64_t n = (unsigned)head >> 4;

	*ret_type = head & 0x0f;
	if (n == 15)
		n = next_varint(r);
	if (n > left(r))
		r->bad = true;
	return r->bad ? 0 : (size_t)n;
}

static void skip(struct reader *r, int type, int depth);

static void skip_struct(struct reader *r, int depth)
{
	struct field f = { 0 };

	while (next_field(r, &f))
		skip(r, f.type, depth);
}

static void skip_list(struct reader *r, int depth)
{
	int type;
	size_t n = next_list(r, &type);

	/* In a list a boolean is a byte; as a field it is in the head. */
	for (size_t i = 0; i < n && !r->bad; i++) {
		if (type == T_TRUE || type == T_FALSE)
			skip_bytes(r, 1);
		else
			skip(r, type, depth);
	}
}

static void skip_map(struct reader *r, int depth)
{
	uint64_t n = next_varint(r);
	int types = n > 0 ? next_byte(r) : 0;

	if (n > left(r))
		r->bad = true;
	for (uint64_t i = 0; i < n && !r->bad; i++) {
		skip(r, types >> 4, depth);
		skip(r, types & 0x0f, depth);
	}
}

static void skip(struct reader *r, int type, int depth)
{
	if (depth > NESTING_MAX) {
		r->bad = true;
		return;
	}
	if (type == T_BYTE)
		skip_bytes(r, 1);
	else if (type == T_I16 || type == T_I32 || type == T_I64)
		(void)next_varint(r);
	else if (type == T_DOUBLE)
		skip_bytes(r, 8);
	else if (type == T_BINARY)
		skip_bytes(r, next_varint(r));
	else if (type == T_LIST || type == T_SET)
		skip_list(r, depth + 1);
	else if (type == T_MAP)
		skip_map(r, depth + 1);
	else if (type == T_STRUCT)
		skip_struct(r, depth + 1);
	else if (type != T_TRUE && type != T_FALSE)
		r->bad = true;
}

static void add_cut(struct reader *r, int64_t at)
{
	struct parquet_cuts *cuts = r->cuts;

	if (at <= 0 || at >= r->size || cuts->n >= PARQUET_CUTS_MAX)
		return;
	cuts->v = xgrow(cuts->v, &cuts->capacity, cuts->n + 1, sizeof(*cuts->v));
	cuts->v[cuts->n++] = at;
}

/* Both ends of a piece; lengths that point past everything are no ends. Where it ends, else 0. */
static int64_t add_piece(struct reader *r, int64_t at, int64_t length)
{
	if (at <= 0 || at >= r->size)
		return 0;
	add_cut(r, at);
	if (length <= 0 || length >= r->size - at)
		return 0;
	add_cut(r, at + length);
	return at + length;
}

/* The integers of a structure by field; a structure in field `inner` is read by `read`. */
static void read_fields(struct reader *r, int64_t values[FIELDS_MAX], int inner,
			void (*read)(struct reader *r))
{
	struct field f = { 0 };

	while (next_field(r, &f)) {
		if (read && f.id == inner && f.type == T_STRUCT)
			read(r);
		else if (f.id < FIELDS_MAX && (f.type == T_I32 || f.type == T_I64))
			values[f.id] = next_integer(r);
		else
			skip(r, f.type, 0);
	}
}

static void read_meta(struct reader *r)
{
	int64_t v[FIELDS_MAX] = { 0 };
	int64_t first, end;

	read_fields(r, v, 0, NULL);
	/* Some writers say 0 where there is no dictionary. */
	first = v[META_DICTIONARY] > 0 && v[META_DICTIONARY] < v[META_DATA] ? v[META_DICTIONARY]
									    : v[META_DATA];
	end = add_piece(r, first, v[META_SIZE]);
	if (end > r->cuts->data_end)
		r->cuts->data_end = end;
	if (v[META_DATA] - first >= PARQUET_DICTIONARY_LEAST)
		add_cut(r, v[META_DATA]);
	(void)add_piece(r, v[META_BLOOM], v[META_BLOOM_LENGTH]);
}

static void read_column(struct reader *r)
{
	int64_t v[FIELDS_MAX] = { 0 };

	read_fields(r, v, COLUMN_META, read_meta);
	(void)add_piece(r, v[COLUMN_OFFSET_INDEX], v[COLUMN_OFFSET_LENGTH]);
	(void)add_piece(r, v[COLUMN_INDEX], v[COLUMN_INDEX_LENGTH]);
}

/* A list of structures in field `wanted`, each read by `read`; everything else is skipped. */
static void read_lists(struct reader *r, int wanted, void (*read)(struct reader *r))
{
	struct field f = { 0 };

	while (next_field(r, &f)) {
		int type = T_STOP;
		size_t n = 0;

		if (f.id != wanted || f.type != T_LIST) {
			skip(r, f.type, 0);
			continue;
		}
		n = next_list(r, &type);
		if (type != T_STRUCT)
			r->bad = true;
		for (size_t i = 0; i < n && !r->bad; i++)
			read(r);
	}
}

/*
 * A group ends where the next one begins: at its lowest offset, whichever column that is of. Those
 * in the first bytes count, so that the end is the same one when rows are added.
 */
static void read_group(struct reader *r)
{
	struct parquet_cuts *cuts = r->cuts;
	int64_t begin = INT64_MAX;
	size_t i = cuts->n;

	read_lists(r, GROUP_COLUMNS, read_column);
	for (; i < cuts->n; i++)
		begin = cuts->v[i] < begin ? cuts->v[i] : begin;
	if (r->groups++ > 0 && begin < INT64_MAX &&
	    (cuts->groups_end < PARQUET_SAMPLE / 2 || begin <= PARQUET_SAMPLE))
		cuts->groups_end = begin;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_once(struct parquet_cuts *cuts)
{
	size_t kept = 0;

	if (cuts->n)
		qsort(cuts->v, cuts->n, sizeof(*cuts->v), compare);
	for (size_t i = 0; i < cuts->n; i++) {
		if (kept == 0 || cuts->v[i] != cuts->v[kept - 1])
			cuts->v[kept++] = cuts->v[i];
	}
	cuts->n = kept;
}

int parquet_cuts_parse(struct bytes footer, int64_t size, struct parquet_cuts *ret_cuts,
		       struct err *e)
{
	const unsigned char *p = (const unsigned char *)footer.p;
	AUTO(parquet_cuts_release) struct parquet_cuts cuts = { 0 };
	struct reader r = { .p = p, .end = p + footer.n, .size = size, .cuts = &cuts };

	read_lists(&r, FILE_ROW_GROUPS, read_group);
	if (r.bad)
		return err_set(e, ERR_CORRUPT, "its footer cannot be read");
	add_cut(&r, size - TAIL_SIZE - (int64_t)footer.n);
	sort_once(&cuts);
	*ret_cuts = cuts;
	cuts = (struct parquet_cuts){ 0 };
	return 0;
}

int parquet_cuts_read(int fd, int64_t size, struct parquet_cuts *ret_cuts, struct err *e)
{
	AUTO_FREE char *footer = NULL;
	unsigned char tail[TAIL_SIZE];
	int64_t n = 0;
	int r = parquet_frame_check(fd, size, e);

	if (r < 0)
		return r;
	if (pread(fd, tail, sizeof(tail), size - TAIL_SIZE) != (ssize_t)sizeof(tail))
		return err_sys(e, "read its end");
	for (int i = 3; i >= 0; i--)
		n = n << 8 | tail[i];
	if (n > PARQUET_FOOTER_MAX)
		return err_set(e, ERR_LIMIT, "its footer of %lld bytes is over %lld", (long long)n,
			       (long long)PARQUET_FOOTER_MAX);
	footer = xmalloc((size_t)n);
	if (pread(fd, footer, (size_t)n, size - TAIL_SIZE - n) != (ssize_t)n)
		return err_sys(e, "read its footer");
	return parquet_cuts_parse((struct bytes){ footer, (size_t)n }, size, ret_cuts, e);
}
