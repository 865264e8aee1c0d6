/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/extract.h"

#include "base/hash.h"
#include "engine/journal.h"
#include "remote/values.h"

/* Gathered before it is written. */
#define WRITE_SIZE ((size_t)1 << 20)

/* What the child has against rows is not the fault of a statement that its source ran. */
static int blame(struct err *e)
{
	if (e->code == ERR_USAGE || e->code == ERR_CORRUPT || e->code == ERR_CONFLICT)
		e->code = ERR_FAILED;
	return err_in(e, "write the extract");
}

static int write_waiting(struct extract *x, struct err *e)
{
	int r = duck_stream_write(x->stream, buf_bytes(&x->waiting), e);

	buf_clear(&x->waiting);
	return r < 0 ? blame(e) : 0;
}

static int take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct extract *x = ctx;
	AUTO_FREE char *to = journal_stage_path(hub_staging(x->hub), x->file);
	const struct duck_convert request = {
		.format = DUCK_CSV,
		.columns = columns,
		.column_count = n,
		.output = to,
		.memory_bytes = hub_settings(x->hub)->convert_memory,
		.deadline_ms = x->seconds * 1000,
	};

	for (size_t i = 0; i < n; i++) {
		buf_adds(&x->waiting, i ? "," : "");
		sql_quote_name(&x->waiting, columns[i].name);
	}
	buf_addc(&x->waiting, '\n');
	return duck_stream_begin(&request, &x->stream, e) < 0 ? blame(e) : 0;
}

static int take_row(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct extract *x = ctx;

	far_add_csv(&x->waiting, values, n);
	if (x->waiting.full)
		return err_set(e, ERR_LIMIT, "a row of the extract is too long");
	return x->waiting.n >= WRITE_SIZE ? write_waiting(x, e) : 0;
}

void extract_init(struct extract *x, struct hub *hub, int64_t seconds)
{
	char random[RANDOM_TEXT_MAX];

	random_text(16, random);
	*x = (struct extract){ .hub = hub,
			       .seconds = seconds,
			       .waiting = BUF_INIT(8 * FAR_ROW_MAX) };
	x->run = (struct far_run){ .row_limit = EXTRACT_ROWS_MAX,
				   .byte_limit = EXTRACT_BYTES_MAX,
				   .ctx = x,
				   .on_columns = take_columns,
				   .on_row = take_row };
	(void)snprintf(x->file, sizeof(x->file), "scan-%s.parquet", random);
}

void extract_release(struct extract *x)
{
	struct err ignored = { 0 }; /* what stays is reaped at the next start */

	duck_stream_free(x->stream);
	x->stream = NULL;
	buf_release(&x->waiting);
	if (x->file[0])
		(void)journal_stage_remove(hub_staging(x->hub), x->file, &ignored);
	x->file[0] = '\0';
}

int extract_end(struct extract *x, bool truncated, struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };

	if (truncated) {
		(void)err_set(e, ERR_LIMIT, "the extract has more than %d rows or %lld bytes",
			      EXTRACT_ROWS_MAX, (long long)EXTRACT_BYTES_MAX);
		return err_hint(e, "narrow it: fewer columns, a condition");
	}
	if (!x->stream)
		return err_set(e, ERR_REMOTE, "the source gave no columns");
	if (write_waiting(x, e) < 0)
		return e->code;
	return duck_stream_end(x->stream, &info, e) < 0 ? blame(e) : 0;
}
