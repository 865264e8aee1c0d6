/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-engine.h"
#include "duck/worker-room.h"
#include "duck/worker.h"

#include "base/file.h"
#include "base/proc.h"
#include <signal.h>
#include <sys/prctl.h>

#if defined(__SANITIZE_THREAD__)
const char *__tsan_default_options(void);

/* libduckdb is not built for the thread sanitizer, which then sees half of what its threads do and
 * reports what is no race. The tests' own process is watched. */
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}
#endif

static const struct {
	const char *name;
	operation_fn run;
	bool gives_way; /* to who answers people: it is of minutes */
} operations[] = {
#ifdef LARDER_FAULTS
	{ "hold", operation_hold },
#endif
	{ "convert", operation_convert, true },
	{ "describe", operation_describe },
	{ "excerpt", operation_excerpt, true },
	{ "filter", operation_filter },
	{ "judge", operation_judge },
	{ "materialize", operation_materialize, true },
	{ "parts", operation_parts, true },
	{ "query", operation_query },
	{ "read", operation_read },
	{ "rebuild", operation_rebuild },
	{ "statistics", operation_statistics, true },
	{ "transform", operation_transform, true },
	{ "version", operation_version },
	{ "views", operation_views },
};

char *worker_absolute_path(const char *path)
{
	AUTO_FREE char *folder = NULL;

	if (path[0] == '/')
		return xstrdup(path);
	folder = getcwd(NULL, 0);
	return xasprintf("%s/%s", folder ? folder : "", path);
}

int operation_version(struct reply *r, const struct json *request, struct err *e)
{
	AUTO_FREE char *text =
		xasprintf("larder-duck %s, DuckDB %s", LARDER_VERSION, duckdb_library_version());
	struct json_out *o = reply_line(r);

	(void)request;
	json_open(o, NULL, '{');
	json_add_text(o, "version", text);
	json_close(o);
	return reply_end_line(r, e);
}

int worker_read_rest(struct json **ret_request, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(WORKER_REQUEST_MAX);
	ssize_t n = 0;

	do {
		char *room = buf_reserve(&text, (size_t)1 << 16);

		if (!room)
			return err_set(e, ERR_LIMIT, "request is larger than %zu bytes",
				       WORKER_REQUEST_MAX);
		n = read(STDIN_FILENO, room, (size_t)1 << 16);
		if (n < 0)
			return err_sys(e, "read the request");
		text.n += (size_t)n;
	} while (n > 0);
	if (json_parse(buf_bytes(&text), WORKER_REQUEST_MAX, ret_request, e) < 0)
		return err_in(e, "request");
	return 0;
}

int worker_read_line(struct json **ret_request, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(WORKER_REQUEST_MAX);
	char c = 0;

	while (c != '\n') {
		if (read(STDIN_FILENO, &c, 1) != 1)
			return text.n == 0 ? 0 : err_set(e, ERR_USAGE, "request: it does not end");
		buf_addc(&text, c);
	}
	if (json_parse(buf_bytes(&text), WORKER_REQUEST_MAX, ret_request, e) < 0)
		return err_in(e, "request");
	return 1;
}

static int read_first_line(struct json **ret_request, struct err *e)
{
	int r = worker_read_line(ret_request, e);

	return r == 0 ? err_set(e, ERR_USAGE, "request: there is none") : r;
}

static int run(struct reply *r, bool streamed, struct err *e)
{
	AUTO_JSON struct json *request = NULL;
	const char *name;

	if ((streamed ? read_first_line : worker_read_rest)(&request, e) < 0)
		return e->code;
	name = json_text(json_get(request, "op"));
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		if (!str_eq(name, operations[i].name))
			continue;
		if (operations[i].gives_way)
			proc_give_way();
		return operations[i].run(r, request, e);
	}
	return err_set(e, ERR_USAGE, "request: no operation '%s'", name ? name : "");
}

/* 0: answered, also with an error; 1: the answer could not be given. */
int main(int argc, char **argv)
{
	AUTO(reply_close) struct reply r = { .fd = -1 };
	struct err e = { 0 }, lost = { 0 };
	bool streamed = argc == 2 && str_eq(argv[1], "--stream");
	bool room = argc == 2 && str_eq(argv[1], "--room");

	(void)signal(SIGPIPE, SIG_IGN); /* a client that left shows as EPIPE */
	(void)signal(SIGXFSZ, SIG_IGN); /* limits.no_writing shows as EFBIG */
	if (!room)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would read the answer */
	if (reply_open(&r, &e) < 0) {
		(void)fprintf(stderr, "larder-duck: %s\n", e.msg);
		return 1;
	}
	if ((room ? room_run(&r, &e) : run(&r, streamed, &e)) < 0 && reply_error(&r, &e, &lost) < 0)
		return 1;
	return reply_flush(&r, &lost) < 0 ? 1 : 0;
}
