/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"
#include "duck/statistics.h"

#define STATISTICS_DEADLINE_MS 600000

void statistics_release(struct statistics *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->columns[i].name);
		free(s->columns[i].type);
		free(s->columns[i].min);
		free(s->columns[i].max);
		free(s->columns[i].values);
	}
	free(s->columns);
	*s = (struct statistics){ 0 };
}

struct column_statistics *statistics_add(struct statistics *s)
{
	/* Grown by doubling: a count that is a power of two is a full array. */
	if ((s->count & (s->count - 1)) == 0)
		s->columns =
			xrealloc(s->columns, (s->count ? 2 * s->count : 1) * sizeof(*s->columns));
	s->columns[s->count] = (struct column_statistics){ .nulls = -1, .distinct = -1 };
	return &s->columns[s->count++];
}

static char *text_of(const struct json *line, const char *key)
{
	struct bytes text = json_bytes(json_get(line, key));

	return text.p ? xstrndup(text.p, text.n) : NULL;
}

static void take_column(const struct json *line, struct column_statistics *c)
{
	AUTO_BUF struct buf values = BUF_INIT(BUF_OWN_MAX);

	c->name = text_of(line, "name");
	c->type = text_of(line, "type");
	c->nulls = json_int(json_get(line, "nulls"), -1);
	c->distinct = json_int(json_get(line, "distinct"), -1);
	c->min = text_of(line, "min");
	c->max = text_of(line, "max");
	json_print(json_get(line, "values"), &values, false);
	c->values = buf_take(&values);
}

static int take_line(void *ctx, const struct json *line, struct err *e)
{
	struct statistics *s = ctx;

	if (json_get(line, "done")) {
		s->rows = json_int(json_get(line, "rows"), -1);
		return 0;
	}
	if (s->count >= STATISTICS_COLUMNS_MAX)
		return err_set(e, ERR_FAILED, "larder-duck answered for too many columns");
	take_column(line, statistics_add(s));
	return 0;
}

int duck_statistics(const struct duck_statistics *request, struct statistics *ret_statistics,
		    struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(statistics_release) struct statistics s = { 0 };
	struct json_out o = client_request(&text, "statistics");
	struct client_call call = { .request = &o, .ctx = &s, .on_line = take_line };

	call.deadline_ms = request->deadline_ms ? request->deadline_ms : STATISTICS_DEADLINE_MS;
	json_add_texts(&o, "files", request->files);
	if (request->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", request->memory_bytes);
	if (client_call(&call, e) < 0)
		return e->code;
	*ret_statistics = s;
	s = (struct statistics){ 0 };
	return 0;
}
