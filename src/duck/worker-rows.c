/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-rows.h"

#include "base/json-cells.h"
#include "duck/worker-engine.h"
#include "duck/worker-value.h"

struct sending {
	struct reply *r;
	const struct rows_limits *limits;
	struct rows_sent sent;
};

static int send_columns(struct reply *r, duckdb_result *result, struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_open(o, "columns", '[');
	for (idx_t i = 0, n = duckdb_column_count(result); i < n; i++) {
		duckdb_logical_type type = duckdb_column_logical_type(result, i);
		AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);
		int bad = type_check(type, duckdb_column_name(result, i), e);

		type_add_name(&name, type);
		duckdb_destroy_logical_type(&type);
		if (bad < 0)
			return bad;
		json_open(o, NULL, '{');
		json_add_text(o, "name", duckdb_column_name(result, i));
		json_add_text(o, "type", buf_str(&name));
		json_close(o);
	}
	json_close(o);
	json_close(o);
	return reply_end_line(r, e);
}

static void take_back(struct buf *text, size_t length)
{
	if (text->full)
		buf_clear(text); /* all sent before it is lost too, and the answer is an error */
	else
		text->p[text->n = length] = '\0';
}

static int row_too_long(const struct sending *s, struct err *e)
{
	return err_set(e, ERR_LIMIT, "row %lld of the result is longer than %d bytes",
		       (long long)s->sent.rows + 1, ROW_BYTES_MAX);
}

/* The row that begins there, with values of at most the limit. */
static void cut_cells(struct sending *s, size_t from)
{
	AUTO_BUF struct buf cut = BUF_INIT(BUF_OWN_MAX);
	struct buf *text = &s->r->text;

	if (s->limits->cell <= 0 || text->full || text->n - from <= (size_t)s->limits->cell)
		return;
	s->sent.cells_cut += json_cut_cells((struct bytes){ text->p + from, text->n - from },
					    (size_t)s->limits->cell, &cut);
	take_back(text, from);
	buf_add(text, cut.p, cut.n);
}

/* 1 when the row was sent, 0 when a limit stops here. */
static int send_row(struct sending *s, const struct value_column *columns, idx_t count, idx_t row,
		    struct err *e)
{
	size_t before = s->r->text.n;
	struct json_out *o;
	int64_t bytes;

	if (s->limits->rows > 0 && s->sent.rows >= s->limits->rows)
		return 0;
	o = reply_line(s->r);
	json_open(o, NULL, '[');
	for (idx_t i = 0; i < count; i++)
		value_add(o, NULL, &columns[i], row);
	json_close(o);
	cut_cells(s, before);
	bytes = (int64_t)(s->r->text.n - before);
	if (s->r->text.full || bytes > ROW_BYTES_MAX ||
	    (s->limits->bytes > 0 && s->sent.bytes + bytes > s->limits->bytes)) {
		take_back(&s->r->text, before);
		return s->limits->bytes > 0 ? 0 : row_too_long(s, e);
	}
	s->sent.rows++;
	s->sent.bytes += bytes;
	return reply_end_line(s->r, e) < 0 ? e->code : 1;
}

static int send_chunk(struct sending *s, duckdb_data_chunk chunk, struct err *e)
{
	idx_t count = duckdb_data_chunk_get_column_count(chunk);
	AUTO_FREE struct value_column *columns = xcalloc(count ? count : 1, sizeof(*columns));
	int r = 1;

	for (idx_t i = 0; i < count; i++)
		value_column_init(&columns[i], duckdb_data_chunk_get_vector(chunk, i));
	for (idx_t row = 0, n = duckdb_data_chunk_get_size(chunk); row < n && r > 0; row++)
		r = send_row(s, columns, count, row, e);
	for (idx_t i = 0; i < count; i++)
		value_column_release(&columns[i]);
	s->sent.truncated = r == 0;
	return r < 0 ? r : 0;
}

static int send_chunks(struct sending *s, duckdb_result *result, struct err *e)
{
	while (!s->sent.truncated) {
		AUTO(duckdb_destroy_data_chunk)
		duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);

		if (!chunk)
			break;
		if (send_chunk(s, chunk, e) < 0 || reply_flush(s->r, e) < 0)
			return e->code;
	}
	if (!s->sent.truncated && duckdb_result_error(result))
		return engine_error(e, duckdb_result_error_type(result),
				    duckdb_result_error(result));
	return 0;
}

int rows_send(struct reply *r, duckdb_prepared_statement prepared, const struct rows_limits *limits,
	      struct rows_sent *ret_sent, struct err *e)
{
	struct sending s = { .r = r, .limits = limits };
	AUTO_RESULT duckdb_result result = { 0 };

	if (duckdb_execute_prepared_streaming(prepared, &result) != DuckDBSuccess)
		return engine_error(e, duckdb_result_error_type(&result),
				    duckdb_result_error(&result));
	if (send_columns(r, &result, e) < 0 || send_chunks(&s, &result, e) < 0)
		return e->code;
	*ret_sent = s.sent;
	return 0;
}
