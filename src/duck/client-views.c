/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"

#include "base/proc.h"

/* 5,000 new views over wide tables on a slow disk, and a copy of a database of some GB. */
#define VIEWS_DEADLINE_MS 300000

struct duck_views_ahead {
	struct proc *child;
};

void duck_views_result_release(struct duck_views_result *result)
{
	strv_release(&result->blocked);
	strv_release(&result->failed);
	*result = (struct duck_views_result){ 0 };
}

static int take_views(void *ctx, const struct json *line, struct err *e)
{
	struct duck_views_result *result = ctx;

	(void)e;
	duck_views_result_release(result);
	result->changed = (size_t)json_int(json_get(line, "changed"), 0);
	result->replaced_file = json_flag(json_get(line, "replaced_file"), false);
	client_read_texts(json_get(line, "blocked"), &result->blocked);
	client_read_texts(json_get(line, "failed"), &result->failed);
	return 0;
}

static void add_view(struct json_out *o, const struct duck_view *view)
{
	json_open(o, NULL, '{');
	json_add_text(o, "name", view->name);
	json_add_texts(o, "files", view->files);
	json_add_bool(o, "hive", view->hive);
	json_close(o);
}

static void add_views(struct json_out *o, const struct duck_views *request)
{
	json_open(o, "views", '[');
	for (size_t i = 0; i < request->count; i++)
		add_view(o, &request->views[i]);
	json_close(o);
}

static struct json_out start_request(struct buf *text, const struct duck_views *request)
{
	struct json_out o = client_request(text, "views");

	json_add_text(&o, "database", request->database);
	json_add_text(&o, "staging", request->staging);
	json_add_text(&o, "ours", request->ours);
	return o;
}

int duck_views(const struct duck_views *request, struct duck_views_result *ret_result,
	       struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(duck_views_result_release) struct duck_views_result result = { 0 };
	struct json_out o = start_request(&text, request);
	struct client_call call = { .request = &o,
				    .deadline_ms = VIEWS_DEADLINE_MS,
				    .ctx = &result,
				    .on_line = take_views };

	add_views(&o, request);
	if (client_call(&call, e) < 0)
		return e->code;
	*ret_result = result;
	result = (struct duck_views_result){ 0 };
	return 0;
}

void duck_views_abandon(struct duck_views_ahead *ahead)
{
	if (!ahead)
		return;
	proc_free(ahead->child);
	free(ahead);
}

int duck_views_begin(const struct duck_views *request, struct duck_views_ahead **ret_ahead,
		     struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = start_request(&text, request);
	AUTO_DUCK_VIEWS struct duck_views_ahead *ahead = xcalloc(1, sizeof(*ahead));

	json_add_bool(&o, "ahead", true);
	if (client_start("--stream", &(struct proc_options){ .talk = true }, &ahead->child, e) <
		    0 ||
	    client_say(ahead->child, &o, e) < 0)
		return e->code;
	*ret_ahead = TAKE(ahead);
	return 0;
}

/* Files may have come for minutes: a child that the kernel has ended for memory, say, is not missed. */
int duck_views_end(struct duck_views_ahead *ahead, const struct duck_views *request,
		   struct duck_views_result *ret_result, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(duck_views_result_release) struct duck_views_result result = { 0 };
	struct json_out o = start_request(&text, request);
	const struct client_call call = { .request = &o, .ctx = &result, .on_line = take_views };

	if (proc_has_ended(ahead->child))
		return duck_views(request, ret_result, e);
	add_views(&o, request);
	proc_set_deadline(ahead->child, VIEWS_DEADLINE_MS);
	if (client_tell(&call, ahead->child, e) < 0)
		return e->code;
	*ret_result = result;
	result = (struct duck_views_result){ 0 };
	return 0;
}
