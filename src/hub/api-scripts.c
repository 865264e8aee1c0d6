/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts, for administrators: kept, listed, run, taken away. */
#include "hub/api.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/time.h"
#include "hub/child.h"
#include "scripts/scripts.h"

/* A hundred scripts with twenty runs of 64 KB each are far below. */
#define SCRIPTS_MAX ((size_t)256 << 20)
/* What the run itself needs on top of its script's time. */
#define RUN_EXTRA_MS ((int64_t)30 * 1000)

static int read_env(const struct json *json, struct strv *out, struct err *e)
{
	const struct json *list = json_get(json, "env");

	if (list && json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_CORRUPT, "'env' must be a list of names");
	for (size_t i = 0; i < json_size(list); i++) {
		const char *name = json_text(json_at(list, i));

		strv_add(out, name ? name : "");
	}
	return 0;
}

/* The texts are lent from the JSON. */
static int read_wish(const struct json *json, struct script_wish *wish, struct strv *env,
		     struct err *e)
{
	static const char *const known[] = { "name",    "source",  "schedule",
					     "timeout", "network", "env" };
	struct json_iter it = json_iter(json);

	while (json_next(&it)) {
		bool ok = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			ok = ok || str_eq(it.key, known[i]);
		if (!ok)
			return err_set(e, ERR_USAGE, "a script has no '%.60s'", it.key);
	}
	wish->name = json_text(json_get(json, "name"));
	wish->source = json_text(json_get(json, "source"));
	wish->schedule = json_text(json_get(json, "schedule"));
	wish->timeout_s = json_int(json_get(json, "timeout"), 0);
	wish->network = json_flag(json_get(json, "network"), false);
	wish->environment = env;
	return read_env(json, env, e);
}

int api_scripts_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SCRIPTS_MAX);
	struct json_out o = json_out(&text);
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, "scripts", '[');
	r = script_list(q->db, &o, e);
	if (r < 0)
		return r;
	json_close(&o);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

int api_scripts_get(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SCRIPTS_MAX);
	struct json_out o = json_out(&text);
	int r;

	json_open(&o, NULL, '{');
	r = script_show(q->db, q->params[0], &o, e);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}

int api_scripts_deploy(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(ROUTE_BODY_MAX);
	AUTO_STRV struct strv env = STRV_INIT;
	struct json_out o = json_out(&text);
	struct script_wish wish = { 0 };
	char id[32] = "";
	bool created = false;
	int r = read_wish(q->json, &wish, &env, e);

	if (r == 0)
		r = request_write(q, &w, e);
	if (r == 0)
		r = script_deploy(w.db, q->caller, &wish, id, &created, e);
	/* The contract's: what cannot be a schedule is 422. */
	if (r == ERR_USAGE && wish.schedule && strstr(e->msg, "schedule"))
		r = e->code = ERR_CORRUPT;
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "id", id);
	json_add_text(&o, "name", wish.name);
	json_add_text(&o, "schedule", wish.schedule);
	json_add_bool(&o, "created", created);
	json_close(&o);
	return reply_json(q, created ? 201 : 200, &text, e);
}

int api_scripts_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = script_remove(w.db, q->caller, q->params[0], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

int api_scripts_run(struct request *q, struct err *e)
{
	char id[32];
	AUTO_FREE char *resource = NULL;
	struct child_job job = { .action = "script.run",
				 .deadline_ms =
					 (int64_t)SCRIPT_TIMEOUT_MAX_S * 1000 + RUN_EXTRA_MS };
	const char *argv[] = { "script", "run", id, NULL };

	if (script_find_id(q->db, q->params[0], id, e) < 0)
		return e->code;
	resource = xasprintf("script:%s", id);
	job.argv = argv;
	job.resource = resource;
	return child_run(q, &job, e);
}

/* Tried out, kept nowhere: 400 without a source. */
int api_scripts_run_source(struct request *q, struct err *e)
{
	static const char *const argv[] = { "script", "run", "-", NULL };
	AUTO_BUF struct buf input = BUF_INIT(2 * SCRIPT_BODY_MAX);
	AUTO_STRV struct strv env = STRV_INIT;
	struct script_wish wish = { 0 };
	struct child_job job = { .argv = argv,
				 .action = "script.run",
				 .resource = "script:-",
				 .deadline_ms =
					 (int64_t)SCRIPT_TIMEOUT_MAX_S * 1000 + RUN_EXTRA_MS };

	if (read_wish(q->json, &wish, &env, e) < 0)
		return e->code;
	if (!wish.source)
		return err_set(e, ERR_USAGE, "there is no 'source' to run");
	json_print(q->json, &input, false);
	job.input = buf_bytes(&input);
	return child_run(q, &job, e);
}

/* Each in a process of its own that nobody waits for: a long one holds up no other. Killed before it
 * has begun, a script that was claimed has missed that slot. */
static void start_all(const struct request *q, const struct strv *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		const char *const argv[] = { "larder", "script",         "run",    ids->v[i],
					     "--data", hub_path(q->hub), "--json", NULL };
		struct err e = { 0 };

		if (proc_detach(argv, NULL, &e) < 0)
			log_event(LOG_ERROR, "script", "id=%s error=%s", ids->v[i], e.msg);
	}
}

int api_scripts_run_due(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(ROUTE_BODY_MAX);
	AUTO_BUF struct buf names = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv ids = STRV_INIT;
	struct json_out o = json_out(&text);
	int64_t lost = 0;
	int r = request_write(q, &w, e);

	if (r == 0)
		r = scripts_reap(w.db, 0, &lost, e);
	if (r == 0)
		r = scripts_claim_due(w.db, time_now(), SCRIPT_CLAIMS_MAX, &ids, e);
	for (size_t i = 0; i < ids.n; i++)
		buf_addf(&names, "%s%s", i ? " " : "", ids.v[i]);
	if (r == 0 && ids.n > 0)
		r = audit_add(w.db, q->caller, "script.run_due", "job:script-runner",
			      buf_str(&names), e);
	if (r == 0 && (ids.n > 0 || lost > 0))
		r = hub_write_commit(&w, e);
	hub_write_abort(&w); /* nothing to commit, or committed */
	if (r < 0)
		return r;
	start_all(q, &ids);
	json_open(&o, NULL, '{');
	json_add_texts(&o, "claimed", &ids);
	json_add_int(&o, "count", (int64_t)ids.n);
	json_add_int(&o, "lost", lost);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}
