/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"
#include "duck/client.h"
#include "duck/room.h"
#include <sys/socket.h>

struct duck_room {
	struct proc *proc;
	struct proc_watch watch;
};

void duck_names_release(struct duck_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->v[i].catalog);
		free(names->v[i].schema);
		free(names->v[i].name);
		free(names->v[i].id);
	}
	free(names->v);
	strv_release(&names->functions);
	strv_release(&names->columns);
	*names = (struct duck_names){ 0 };
}

void duck_room_free(struct duck_room *room)
{
	if (!room)
		return;
	proc_free(room->proc);
	free(room);
}

static struct json_out begin(struct buf *text)
{
	struct json_out o = json_out(text);

	json_open(&o, NULL, '{');
	return o;
}

/* Readable: at its end, or with bytes of a next request, which are not ours. */
static bool has_left(void *ctx)
{
	struct proc_watch *watch = ctx;
	char byte;
	bool left = recv(watch->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;

	watch->fd = -1;
	return left;
}

void duck_room_watch(struct duck_room *room, int fd)
{
	if (room)
		room->watch.fd = fd;
}

/* The hub's environment may hold secrets, which are none of a worker's. */
static int start_child(struct duck_room *room, struct err *e)
{
	const char *libraries = getenv("LD_LIBRARY_PATH");
	AUTO_FREE char *variable = xasprintf("LD_LIBRARY_PATH=%s", libraries ? libraries : "");
	const char *const environment[] = { "TZ=UTC", libraries ? variable : NULL, NULL };
	const struct proc_options o = { .talk = true,
					.environment = environment,
					.environment_only = true,
					.watch = &room->watch };

	room->watch = (struct proc_watch){ -1, &room->watch, has_left };
	return client_start("--room", &o, &room->proc, e);
}

int duck_room_start(const struct duck_room_options *options, struct duck_room **ret_room,
		    struct err *e)
{
	AUTO_DUCK_ROOM struct duck_room *room = xcalloc(1, sizeof(*room));
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = begin(&text);

	if (start_child(room, e) < 0)
		return e->code;
	json_add_text(&o, "room", options->folder);
	if (options->sample)
		json_add_text(&o, "sample", options->sample);
	json_add_int(&o, "memory_bytes", options->memory_bytes);
	json_add_int(&o, "cpu_seconds", options->cpu_seconds);
	if (client_say(room->proc, &o, e) < 0)
		return e->code;
	*ret_room = TAKE(room);
	return 0;
}

/* 1 and a line, or the error that it tells or that its end is. */
static int hear(struct duck_room *room, struct bytes *ret_line, struct err *e)
{
	int r = proc_read_line(room->proc, ret_line, e);

	return r == 0 ? client_died(room->proc, e) : r;
}

/* A line that is no row; one that tells an error is that error. */
static int hear_json(struct bytes line, struct json **ret_json, struct err *e)
{
	AUTO_JSON struct json *json = NULL;

	if (json_parse(line, PROC_LINE_MAX, &json, e) < 0)
		return err_in(e, "larder-duck answered");
	if (client_take_error(json, e) < 0)
		return e->code;
	*ret_json = TAKE(json);
	return 0;
}

static char *text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return xstrdup(text ? text : "");
}

static void read_texts(const struct json *array, struct strv *out)
{
	for (size_t i = 0; i < json_size(array); i++)
		strv_add(out, json_text(json_at(array, i)));
}

void client_read_names(const struct json *line, struct duck_names *names)
{
	const struct json *array = json_get(line, "tables");

	names->n = json_size(array);
	names->v = xcalloc(names->n + 1, sizeof(*names->v));
	for (size_t i = 0; i < names->n; i++) {
		const struct json *name = json_at(array, i);

		names->v[i] = (struct duck_name){ .catalog = text_of(name, "catalog"),
						  .schema = text_of(name, "schema"),
						  .name = text_of(name, "name") };
	}
	read_texts(json_get(line, "functions"), &names->functions);
	read_texts(json_get(line, "columns"), &names->columns);
	names->all_columns = json_kind(json_get(line, "columns")) != JSON_ARRAY;
}

int duck_room_ask(struct duck_room *room, const struct duck_question *question,
		  struct duck_names *ret_names, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *answer = NULL;
	struct json_out o = begin(&text);
	struct err broken = { 0 };
	struct bytes line;

	proc_set_deadline(room->proc, question->deadline_ms);
	json_add_text(&o, "sql", question->sql);
	json_add_int(&o, "row_limit", question->row_limit);
	json_add_int(&o, "byte_limit", question->byte_limit);
	json_add_int(&o, "cell_limit", question->cell_limit);
	/* One that has ended says why on its way out. */
	if (client_say(room->proc, &o, &broken) < 0 && broken.code != ERR_IO) {
		*e = broken;
		return e->code;
	}
	if (hear(room, &line, e) < 0 || hear_json(line, &answer, e) < 0)
		return e->code;
	client_read_names(answer, ret_names);
	return 0;
}

static int say_tables(struct duck_room *room, const struct duck_run *run, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = begin(&text);

	client_add_tables(&o, run->tables, run->table_count);
	return client_say(room->proc, &o, e);
}

static int take_columns(const struct duck_run *run, const struct json *array, struct err *e)
{
	size_t n = 0;
	struct duck_column *columns = client_read_columns(array, &n);
	int r = run->on_columns(run->ctx, columns, n, e);

	client_free_columns(columns, n);
	return r;
}

/* 1 when it was the last. */
static int take_line(const struct duck_run *run, struct bytes line, struct duck_run_result *result,
		     struct err *e)
{
	AUTO_JSON struct json *json = NULL;

	if (line.n > 0 && line.p[0] == '[')
		return run->on_row(run->ctx, line, e);
	if (hear_json(line, &json, e) < 0)
		return e->code;
	if (json_get(json, "columns"))
		return take_columns(run, json_get(json, "columns"), e);
	result->rows = json_int(json_get(json, "rows"), 0);
	result->bytes = json_int(json_get(json, "bytes"), 0);
	result->truncated = json_flag(json_get(json, "truncated"), false);
	result->cells_cut = json_int(json_get(json, "cells_cut"), 0);
	return json_get(json, "done") != NULL;
}

int duck_room_run(struct duck_room *room, const struct duck_run *run,
		  struct duck_run_result *ret_result, struct err *e)
{
	struct duck_run_result result = { 0 };
	struct bytes line;
	int r = say_tables(room, run, e);

	while (r == 0) {
		r = hear(room, &line, e);
		if (r > 0)
			r = take_line(run, line, &result, e);
	}
	if (r < 0)
		return r;
	*ret_result = result;
	return 0;
}
