/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/child.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/time.h"

/* This very program, also when its file was replaced since: an upgrade is complete when the hub was
 * started again. */
#define SELF "/proc/self/exe"
/* Texts of a run in the record: who wants all of it has the log. */
#define AUDIT_TEXT_MAX ((size_t)8 << 10)
#define EXIT_USAGE     2
#define EXIT_PERSON    3
#define EXIT_DENIED    4
#define EXIT_LATER     75

/* All that outlives the request's handler. */
struct running {
	struct hub *hub;
	struct caller by;
	struct strv argv;
	char *action, *resource;
	struct buf input;
	int64_t deadline_ms;
	bool as_details;

	int64_t ms;
	int status;
	struct buf output;
	struct json *object; /* of the output; NULL when it is none */
	char *said;          /* the sentence of its stderr, or what went wrong with it */
};

static void running_free(void *state)
{
	struct running *run = state;

	if (!run)
		return;
	caller_release(&run->by);
	strv_release(&run->argv);
	buf_release(&run->input);
	buf_release(&run->output);
	json_free(run->object);
	free(run->action);
	free(run->resource);
	free(run->said);
	free(run);
}
DEFINE_AUTO(struct running, running_auto, running_free);

static struct running *running_new(const struct request *q, const struct child_job *job)
{
	struct running *run = xcalloc(1, sizeof(*run));

	run->hub = q->hub;
	run->by = caller_copy(q->caller);
	strv_add(&run->argv, SELF);
	for (const char *const *arg = job->argv; *arg; arg++)
		strv_add(&run->argv, *arg);
	strv_add(&run->argv, "--data");
	strv_add(&run->argv, hub_path(q->hub));
	strv_add(&run->argv, "--json");
	run->action = xstrdup(job->action);
	run->resource = xstrdup(job->resource);
	run->input.max = BUF_OWN_MAX;
	buf_add(&run->input, job->input.p, job->input.n);
	run->deadline_ms = job->deadline_ms;
	run->as_details = job->as_details;
	run->output.max = CHILD_OUTPUT_MAX;
	return run;
}

/* "larder: process: no such thing" without the program's and the command's name. */
static char *sentence(const char *errors)
{
	const char *last = errors;
	const char *at = errors;
	const char *colon;

	/* Warnings come first; the error is the last line that is no hint. */
	for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (str_starts(at, "larder: ") && !str_starts(at, "larder: next: "))
			last = at;
	if (!str_starts(last, "larder: "))
		return xstrndup(last, strcspn(last, "\n"));
	last += strlen("larder: ");
	colon = strstr(last, ": ");
	if (colon && colon < last + strcspn(last, "\n"))
		last = colon + 2;
	return xstrndup(last, strcspn(last, "\n"));
}

static int read_output(struct running *run, struct proc *p, struct err *e)
{
	struct bytes line;
	int r;

	while ((r = proc_read_line(p, &line, e)) > 0) {
		buf_add(&run->output, line.p, line.n);
		buf_addc(&run->output, '\n');
		if (run->output.full)
			return err_set(e, ERR_LIMIT, "its output exceeds %zu bytes",
				       CHILD_OUTPUT_MAX);
	}
	return r < 0 ? r : proc_wait(p, &run->status, e);
}

static int run_child(struct running *run, const atomic_bool *cancel, struct err *e)
{
	const struct proc_options o = {
		.argv = (const char *const *)run->argv.v,
		.input = buf_bytes(&run->input),
		.deadline_ms = run->deadline_ms,
		.cancel = cancel,
	};
	AUTO_PROC struct proc *p = NULL;
	int r = proc_start(&o, &p, e);

	if (r == 0)
		r = read_output(run, p, e);
	if (r < 0)
		return err_in(e, "the job '%s'", run->argv.v[1]);
	run->said = sentence(proc_errors(p));
	return 0;
}

/* Only an object answers; anything else is as good as nothing. */
static void read_object(struct running *run)
{
	struct err ignored = { 0 };

	if (json_parse(buf_bytes(&run->output), CHILD_OUTPUT_MAX, &run->object, &ignored) == 0 &&
	    json_kind(run->object) != JSON_OBJECT)
		json_free(TAKE(run->object));
}

static bool refused(const struct running *run)
{
	return !run->object && (run->status == EXIT_USAGE || run->status == EXIT_PERSON ||
				run->status == EXIT_DENIED || run->status == EXIT_LATER);
}

static void add_scalar(struct json_out *o, const char *key, const struct json *value)
{
	AUTO_BUF struct buf text = BUF_INIT(AUDIT_TEXT_MAX);

	if (json_kind(value) == JSON_ARRAY || json_kind(value) == JSON_OBJECT)
		return;
	json_print(value, &text, false);
	if (!text.full)
		json_add_raw(o, key, buf_bytes(&text));
}

static void describe(const struct running *run, struct buf *out)
{
	struct json_out o = json_out(out);
	struct json_iter it = json_iter(run->object);

	json_open(&o, NULL, '{');
	json_add_bool(&o, "ok", run->object && run->status == 0);
	json_add_int(&o, "exit", run->status);
	json_add_int(&o, "ms", run->ms);
	while (run->object && json_next(&it))
		if (!str_eq(it.key, "ok") && !str_eq(it.key, "exit") && !str_eq(it.key, "ms"))
			add_scalar(&o, it.key, it.value);
	if (!run->object)
		json_add_text(&o, "unhandled_error", run->said);
	json_close(&o);
}

static int write_audit(const struct running *run, struct err *e)
{
	AUTO_BUF struct buf detail = BUF_INIT(CHILD_OUTPUT_MAX);
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(run->hub, &w, e);

	describe(run, &detail);
	if (r == 0)
		r = audit_add(w.db, &run->by, run->action, run->resource, buf_str(&detail), e);
	return r < 0 ? r : hub_write_commit(&w, e);
}

static void reply_object(struct http_in *in, const struct running *run)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * CHILD_OUTPUT_MAX);
	AUTO_BUF struct buf object = BUF_INIT(2 * CHILD_OUTPUT_MAX);
	struct json_out o = json_out(&text);

	json_print(run->object, &object, false);
	if (run->as_details) {
		json_open(&o, NULL, '{');
		json_add_bool(&o, "ok", run->status == 0);
		json_add_raw(&o, "details", buf_bytes(&object));
		json_close(&o);
	}
	http_reply_add(in, "Cache-Control", "no-store");
	http_reply_bytes(in, 200, "application/json", buf_bytes(run->as_details ? &text : &object));
}

static void reply_failed(struct http_in *in, const struct running *run)
{
	switch (run->status) {
	case EXIT_USAGE:
		http_reply_detail(in, 400, err_word(ERR_USAGE), run->said);
		break;
	case EXIT_DENIED:
		http_reply_detail(in, 403, err_word(ERR_DENIED), run->said);
		break;
	case EXIT_PERSON:
		http_reply_detail(in, 409, err_word(ERR_CONFLICT), run->said);
		break;
	case EXIT_LATER:
		http_reply_detail(in, 409, err_word(ERR_BUSY), run->said);
		break;
	default:
		log_event(LOG_ERROR, "job", "id=%s action=%s exit=%d error=%s", http_request_id(in),
			  run->action, run->status, run->said);
		http_reply_detail(in, 500, err_word(ERR_FAILED), run->said);
	}
}

static void child_aside(struct http_in *in, void *state)
{
	AUTO(running_auto) struct running *run = state;
	int64_t started = time_monotonic();
	struct err e = { 0 };

	if (run_child(run, http_stopping(in), &e) < 0) {
		run->status = err_exit_code(ERR_FAILED);
		run->said = xstrdup(e.msg);
		buf_clear(&run->output);
	}
	run->ms = time_monotonic() - started;
	read_object(run);
	if (!run->object && run->status != 0 && !*run->said) {
		free(run->said);
		run->said = xasprintf("the job '%s' ended with %d and said nothing", run->argv.v[1],
				      run->status);
	}
	if (!refused(run) && write_audit(run, &e) < 0) /* the run was made all the same */
		log_event(LOG_ERROR, "audit", "action=%s error=%s", run->action, e.msg);
	if (run->object)
		reply_object(in, run);
	else
		reply_failed(in, run);
}

/* What a client without a body for us sends all the same ("{}"): read away. */
static void body_end(void *state, struct http_in *in)
{
	struct running **p = state;
	struct err e = { 0 };

	if (http_run_aside(in, HTTP_ASIDE_JOB, child_aside, *p, &e) < 0)
		reply_error(in, &e);
	else
		(void)TAKE(*p); /* child_aside() frees it */
}

static void body_free(void *state)
{
	struct running **p = state;

	running_free(*p);
	free(p);
}

int child_run(struct request *q, const struct child_job *job, struct err *e)
{
	AUTO(running_auto) struct running *run = running_new(q, job);
	struct http_body body = { .max = (int64_t)ROUTE_BODY_MAX,
				  .on_end = body_end,
				  .on_free = body_free };
	struct running **p;

	if (q->json) { /* the body has come: we are in its end */
		int r = http_run_aside(q->in, HTTP_ASIDE_JOB, child_aside, run, e);

		if (r == 0)
			(void)TAKE(run); /* child_aside() frees it */
		return r;
	}
	p = xcalloc(1, sizeof(struct running *));
	*p = TAKE(run);
	body.state = p;
	http_take_body(q->in, &body);
	return 0;
}
