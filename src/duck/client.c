/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"

#include "base/proc.h"
#include <signal.h>

#define VERSION_DEADLINE_MS 20000 /* a cold disk reads 70 MB of library first */

struct json_out client_request(struct buf *out, const char *operation)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "op", operation);
	return o;
}

void client_read_texts(const struct json *array, struct strv *out)
{
	for (size_t i = 0, n = json_size(array); i < n; i++) {
		const char *text = json_text(json_at(array, i));

		strv_add(out, text ? text : "");
	}
}

struct duck_column *client_read_columns(const struct json *array, size_t *ret_count)
{
	size_t n = json_size(array);
	struct duck_column *columns = xcalloc(n ? n : 1, sizeof(*columns));

	for (size_t i = 0; i < n; i++) {
		struct bytes name = json_bytes(json_get(json_at(array, i), "name"));
		const char *type = json_text(json_get(json_at(array, i), "type"));

		columns[i].name = xstrndup(name.p ? name.p : "", name.n);
		columns[i].type = xstrdup(type ? type : "");
	}
	*ret_count = n;
	return columns;
}

void client_free_columns(struct duck_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(columns[i].name);
		free(columns[i].type);
	}
	free(columns);
}

int client_start(const char *mode, const struct proc_options *how, struct proc **ret_child,
		 struct err *e)
{
	AUTO_FREE char *path = proc_companion("LARDER_DUCK", "larder-duck");
	const char *const argv[] = { path, mode, NULL };
	struct proc_options options = *how;

	options.argv = argv;
	if (proc_start(&options, ret_child, e) == 0)
		return 0;
	(void)err_in(e, "start '%s'", path);
	return err_hint(e, "set LARDER_DUCK to where larder-duck is installed");
}

static enum err_code code_of(const char *word)
{
	for (int code = ERR_FAILED; code >= ERR_CANCELLED; code--) {
		if (str_eq(err_word(code), word))
			return (enum err_code)code;
	}
	return ERR_FAILED;
}

int client_take_error(const struct json *line, struct err *e)
{
	const char *error = json_text(json_get(line, "error"));
	const char *hint = json_text(json_get(line, "hint"));

	if (!error || json_get(line, "index"))
		return 0;
	(void)err_set(e, code_of(json_text(json_get(line, "code"))), "%s", error);
	return hint ? err_hint(e, "%s", hint) : e->code;
}

/* The last line of an answer is an error, or says done (or the version). */
static int take_line(const struct client_call *call, struct bytes text, bool *done, struct err *e)
{
	AUTO_JSON struct json *line = NULL;

	if (json_parse(text, PROC_LINE_MAX, &line, e) < 0)
		return err_in(e, "larder-duck answered");
	if (client_take_error(line, e) < 0)
		return e->code;
	*done = json_get(line, "done") || json_get(line, "version");
	return call->on_line(call->ctx, line, e);
}

int client_died(struct proc *p, struct err *e)
{
	const char *words = proc_errors(p);
	int status = 0;

	if (proc_wait(p, &status, e) < 0)
		return e->code;
	words = proc_errors(p);
	if (status == 128 + SIGXCPU)
		return err_set(e, ERR_LIMIT, "stopped: it used all of its processor time");
	if (status > 128)
		(void)err_set(e, ERR_FAILED, "larder-duck was ended by signal %d%s%.300s",
			      status - 128, words[0] ? ": " : "", words);
	else
		(void)err_set(e, ERR_FAILED,
			      "larder-duck ended without an answer (exit %d)%s%.300s", status,
			      words[0] ? ": " : "", words);
	return e->code;
}

static int read_answer(const struct client_call *call, struct proc *p, struct err *e)
{
	struct bytes line;
	bool done = false;
	int r;

	while ((r = proc_read_line(p, &line, e)) > 0) {
		if (take_line(call, line, &done, e) < 0)
			return e->code;
	}
	if (r < 0)
		return e->code;
	return done ? 0 : client_died(p, e);
}

static int check_size(const struct json_out *request, struct err *e)
{
	if (!request->out->full)
		return 0;
	return err_set(e, ERR_LIMIT, "request to larder-duck is larger than %zu bytes",
		       request->out->max);
}

int client_say(struct proc *child, struct json_out *request, struct err *e)
{
	json_close(request);
	buf_addc(request->out, '\n'); /* with the rest: in one piece the child hears of it once */
	return check_size(request, e) < 0 ? e->code : proc_write(child, buf_bytes(request->out), e);
}

int client_tell(const struct client_call *call, struct proc *child, struct err *e)
{
	struct err why = { 0 };
	int r;

	json_close(call->request);
	if (check_size(call->request, e) < 0)
		return e->code;
	r = proc_write(child, buf_bytes(call->request->out), &why);
	proc_end_input(child);
	/* Who reads no more says why. */
	if (r == 0 || r == ERR_IO)
		return read_answer(call, child, e);
	*e = why;
	return r;
}

int client_call(const struct client_call *call, struct err *e)
{
	AUTO_PROC struct proc *p = NULL;
	struct proc_options options = { .deadline_ms = call->deadline_ms, .watch = call->watch };

	json_close(call->request);
	if (check_size(call->request, e) < 0)
		return e->code;
	options.input = buf_bytes(call->request->out);
	if (client_start(NULL, &options, &p, e) < 0)
		return e->code;
	return read_answer(call, p, e);
}

static int take_version(void *ctx, const struct json *line, struct err *e)
{
	char **text = ctx;
	const char *version = json_text(json_get(line, "version"));

	if (!version)
		return err_set(e, ERR_FAILED, "larder-duck does not tell its version");
	free(*text);
	*text = xstrdup(version);
	return 0;
}

int duck_version(char **ret_text, struct err *e)
{
	AUTO_BUF struct buf request = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&request, "version");
	AUTO_FREE char *text = NULL;

	if (client_call(&(struct client_call){ .request = &o,
					       .deadline_ms = VERSION_DEADLINE_MS,
					       .ctx = &text,
					       .on_line = take_version },
			e) < 0)
		return e->code;
	*ret_text = TAKE(text);
	return 0;
}
