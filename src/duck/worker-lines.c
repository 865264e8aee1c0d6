/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-lines.h"

#include "duck/worker-split.h"
#include <fcntl.h>
#include <stdatomic.h>

#define PIECE ((size_t)1 << 18)
/* Of one chunk that goes to DuckDB: a vector of huge lines would be all at once in memory. */
#define CHUNK_BYTES ((size_t)4 << 20)

/* Of one scan: which file is next. */
struct scan {
	const struct strv *paths;
	atomic_size_t next;
};

/* Of one thread: the file at hand. */
struct reader {
	int fd;
	bool at_end;
	size_t file;
	struct split split;
};

static void bind(duckdb_bind_info info)
{
	static const struct {
		const char *name;
		duckdb_type type;
	} columns[] = { { "file", DUCKDB_TYPE_BIGINT },
			{ "line", DUCKDB_TYPE_BIGINT },
			{ "text", DUCKDB_TYPE_VARCHAR } };

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		AUTO(duckdb_destroy_logical_type)
		duckdb_logical_type type = duckdb_create_logical_type(columns[i].type);

		duckdb_bind_add_result_column(info, columns[i].name, type);
	}
}

static void begin_scan(duckdb_init_info info)
{
	struct scan *scan = xcalloc(1, sizeof(*scan));

	scan->paths = duckdb_init_get_extra_info(info);
	duckdb_init_set_init_data(info, scan, free);
	duckdb_init_set_max_threads(info, scan->paths->n ? scan->paths->n : 1);
}

static void free_reader(void *data)
{
	struct reader *r = data;

	if (r->fd >= 0)
		(void)close(r->fd); /* only read from */
	split_release(&r->split);
	free(r);
}

static void begin_thread(duckdb_init_info info)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	*r = (struct reader){ .fd = -1, .split = SPLIT_INIT };
	duckdb_init_set_init_data(info, r, free_reader);
}

/* 1 when there was another file. */
static int open_next(struct reader *r, struct scan *scan, struct err *e)
{
	r->file = atomic_fetch_add(&scan->next, 1);
	if (r->file >= scan->paths->n)
		return 0;
	split_release(&r->split);
	r->split = (struct split)SPLIT_INIT;
	r->at_end = false;
	r->fd = open(scan->paths->v[r->file], O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return r->fd < 0 ? err_sys(e, "open '%s'", scan->paths->v[r->file]) : 1;
}

static int read_piece(struct reader *r, const struct scan *scan, struct err *e)
{
	ssize_t n = read(r->fd, split_room(&r->split, PIECE), PIECE);

	if (n < 0)
		return err_sys(e, "read '%s'", scan->paths->v[r->file]);
	split_added(&r->split, (size_t)n);
	r->at_end = n == 0;
	return 0;
}

/* 1 and a line, 0 when all files are through. */
static int next_line(struct reader *r, struct scan *scan, struct bytes *ret_line, struct err *e)
{
	int result = 1;

	while (result > 0) {
		if (r->fd < 0)
			result = open_next(r, scan, e);
		else if (split_next(&r->split, r->at_end, ret_line))
			return 1;
		else if (r->at_end)
			(void)close(TAKE_FD(r->fd)); /* only read from */
		else if (read_piece(r, scan, e) < 0)
			result = e->code;
	}
	return result;
}

static void give_lines(duckdb_function_info info, duckdb_data_chunk chunk)
{
	struct scan *scan = duckdb_function_get_init_data(info);
	struct reader *r = duckdb_function_get_local_init_data(info);
	int64_t *files = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
	int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
	duckdb_vector texts = duckdb_data_chunk_get_vector(chunk, 2);
	struct err e = { 0 };
	struct bytes line;
	size_t bytes = 0;
	idx_t n = 0;
	int more = 1;

	while (n < duckdb_vector_size() && bytes < CHUNK_BYTES &&
	       (more = next_line(r, scan, &line, &e)) > 0) {
		files[n] = (int64_t)r->file;
		numbers[n] = r->split.number;
		duckdb_vector_assign_string_element_len(texts, n++, line.p, line.n);
		bytes += line.n;
	}
	if (more < 0)
		duckdb_function_set_error(info, e.msg);
	duckdb_data_chunk_set_size(chunk, more < 0 ? 0 : n);
}

int lines_register(duckdb_connection con, const struct strv *paths, struct err *e)
{
	AUTO(duckdb_destroy_table_function)
	duckdb_table_function function = duckdb_create_table_function();

	duckdb_table_function_set_name(function, "raw_lines");
	/* lent, and only read */
	duckdb_table_function_set_extra_info(function, (void *)(uintptr_t)paths, NULL);
	duckdb_table_function_set_bind(function, bind);
	duckdb_table_function_set_init(function, begin_scan);
	duckdb_table_function_set_local_init(function, begin_thread);
	duckdb_table_function_set_function(function, give_lines);
	if (duckdb_register_table_function(con, function) != DuckDBSuccess)
		return err_set(e, ERR_FAILED, "DuckDB does not take the function raw_lines");
	return 0;
}
