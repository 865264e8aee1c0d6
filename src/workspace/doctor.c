/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/doctor.h"

#include "base/file.h"
#include "base/time.h"
#include "duck/duck.h"
#include "engine/journal.h"
#include "engine/outbox.h"
#include "net/http-client.h"
#include "workspace/hooks.h"
#include "workspace/status.h"
#include <fcntl.h>

/* Below this a pull of a usual table may fail half-way. */
#define DISK_LOW ((int64_t)1 << 30)

/* Larger, and "how fresh is it" becomes a guess. */
#define CLOCK_SKEW_MAX_S 120

static const char state_lost[] =
	"copy the workspace, remove .larder/state.db*, run `larder init`: it is made again";

#define HEALTH_BYTES_MAX ((size_t)64 << 10)

void doctor_release(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->n; i++) {
		free(doctor->findings[i].text);
		free(doctor->findings[i].next);
	}
	free(doctor->findings);
	free(doctor->workspace);
	*doctor = (struct doctor){ 0 };
}

/* `text` is adopted, `next` copied. */
static void add(struct doctor *d, enum finding_kind kind, const char *check, char *text,
		const char *next)
{
	d->findings = xgrow(d->findings, &d->capacity, d->n + 1, sizeof(*d->findings));
	d->findings[d->n++] = (struct finding){ kind, check, text, next ? xstrdup(next) : NULL };
	d->bad += kind == FINDING_BAD;
}

static void add_error(struct doctor *d, const char *check, const struct err *e, const char *next)
{
	add(d, FINDING_BAD, check, xstrdup(e->msg), e->hint[0] ? e->hint : next);
}

static void check_database(struct workspace *ws, struct doctor *d)
{
	struct err e = { 0 };
	size_t due = 0, future = 0;

	if (db_check(workspace_db(ws), &e) < 0 ||
	    journal_pending(workspace_root(ws), &due, &future, &e) < 0) {
		add_error(d, "database", &e, state_lost);
		return;
	}
	if (due > 0)
		add(d, FINDING_BAD, "database",
		    xasprintf("%zu file operations wait to be finished", due),
		    "run `larder pull`, which finishes them or says why it cannot");
	else
		add(d, FINDING_OK, "database",
		    xasprintf("sound, %zu removals of old versions planned", future), NULL);
}

static void check_files(struct workspace *ws, struct doctor *d)
{
	AUTO_STATUS struct status s = { 0 };
	struct err e = { 0 };

	if (workspace_status(ws, &s, &e) < 0) {
		add_error(d, "files", &e, NULL);
		return;
	}
	if (s.damaged)
		add(d, FINDING_BAD, "files",
		    xasprintf("%zu of %zu files are missing", s.damaged, s.local->file_count),
		    "run `larder verify --repair`");
	else if (s.touched)
		add(d, FINDING_NOTE, "files",
		    xasprintf("%zu of %zu files were copied or changed since the pull", s.touched,
			      s.local->file_count),
		    "run `larder verify --repair`, which reads them");
	else
		add(d, FINDING_OK, "files",
		    xasprintf("%zu tables, %zu files as pulled", s.local->count,
			      s.local->file_count),
		    NULL);
	if (s.views_waiting)
		add(d, FINDING_BAD, "views",
		    xasprintf("%zu views are not yet written", s.views_waiting),
		    "close the program that holds " WORKSPACE_DATABASE ", then run `larder pull`");
	else if (!s.database_exists)
		add(d, FINDING_NOTE, "views", xstrdup(WORKSPACE_DATABASE " is not there"),
		    "run `larder pull`, which makes it");
	else
		add(d, FINDING_OK, "views", xstrdup("up to date"), NULL);
}

static void check_worker(struct doctor *d)
{
	AUTO_FREE char *version = NULL;
	struct err e = { 0 };

	if (duck_version(&version, &e) < 0)
		add_error(d, "larder-duck", &e,
			  "install Larder again: its second program is missing");
	else
		add(d, FINDING_OK, "larder-duck", TAKE(version), NULL);
}

static void check_hooks(struct workspace *ws, struct doctor *d)
{
	AUTO_BUF struct buf text = BUF_INIT(HOOKS_SETTINGS_MAX);
	struct err e = { 0 };

	if (file_read(root_dirfd(workspace_root(ws)), ".claude/settings.json", HOOKS_SETTINGS_MAX,
		      &text, &e) == 0 &&
	    hooks_present(buf_bytes(&text)))
		add(d, FINDING_OK, "hooks",
		    xstrdup("sessions pull at their start and push at their end"), NULL);
	else
		add(d, FINDING_NOTE, "hooks",
		    xstrdup(".claude/settings.json does not have both hooks"),
		    "run `larder init` again to merge them in");
}

static void check_disk(struct workspace *ws, struct doctor *d)
{
	struct err e = { 0 };
	int64_t free_bytes;
	char size[FORMAT_SIZE_MAX];

	if (disk_free(workspace_path(ws), &free_bytes, &e) < 0)
		add_error(d, "disk", &e, NULL);
	else
		add(d, free_bytes < DISK_LOW ? FINDING_BAD : FINDING_OK, "disk",
		    xasprintf("%s free", format_size(free_bytes, size)),
		    free_bytes < DISK_LOW ? "make room: a pull may not fit" : NULL);
}

/* What was to go to the hub and has not. */
static void check_outbox(struct workspace *ws, struct doctor *d)
{
	struct outbox_summary s = { 0 };
	struct err e = { 0 };

	if (outbox_summary(workspace_db(ws), "", &s, &e) < 0)
		add_error(d, "push", &e, NULL);
	else if (s.dead > 0)
		add(d, FINDING_NOTE, "push",
		    xasprintf("%lld things the hub would not take, %lld wait", (long long)s.dead,
			      (long long)s.waiting),
		    "`larder push --dead` says why; `larder push --redrive` sends them again");
	else if (s.waiting > 0)
		add(d, FINDING_NOTE, "push",
		    xasprintf("%lld things wait for the hub", (long long)s.waiting),
		    "run `larder push`, which sends them");
	else
		add(d, FINDING_OK, "push", xstrdup("nothing waits for the hub"), NULL);
}

/* Our clock against the Date of a reply (RFC 9110 section 6.6.1). */
static void check_clock(const struct http_reply *reply, struct doctor *d)
{
	const char *date = http_reply_header(reply, "date");
	struct tm tm = { 0 };
	int64_t skew;

	if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return;
	skew = time_now() / 1000 - (int64_t)timegm(&tm);
	if (skew > CLOCK_SKEW_MAX_S || skew < -CLOCK_SKEW_MAX_S)
		add(d, FINDING_BAD, "clock", xasprintf("%lld s off the hub's", (long long)skew),
		    "set this machine's clock; what is fresh is judged by it");
	else
		add(d, FINDING_OK, "clock", xstrdup("agrees with the hub's"), NULL);
}

/* What overrides the workspace's own hub and account in this shell. */
static void check_environment(struct workspace *ws, struct doctor *d)
{
	const char *server = getenv("LARDER_SERVER");
	const char *token = getenv("LARDER_TOKEN");

	if (server && *server && !str_eq(server, workspace_server(ws)))
		add(d, FINDING_NOTE, "environment",
		    xasprintf("LARDER_SERVER is %s, this workspace is of %s", server,
			      workspace_server(ws) ? workspace_server(ws) : "no hub"),
		    "unset it, or the next pull asks that hub");
	if (token && *token)
		add(d, FINDING_NOTE, "environment",
		    xasprintf("LARDER_TOKEN is set, and used instead of the token of %s",
			      workspace_account(ws) ? workspace_account(ws) : "this workspace"),
		    "unset it if it is not meant for this workspace");
}

static void check_credentials(struct doctor *d)
{
	AUTO_FREE char *path = NULL;
	struct err e = { 0 };
	int r = credentials_exposed(&path, &e);

	if (r < 0)
		add_error(d, "credentials", &e, NULL);
	else if (r > 0)
		add(d, FINDING_BAD, "credentials", xasprintf("'%s' can be read by others", path),
		    "chmod 600 that file");
	else
		add(d, FINDING_OK, "credentials", xstrdup("only you can read them"), NULL);
}

static int ask(struct http_client *client, const char *url, const char *token,
	       struct http_reply *reply, struct err *e)
{
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.token = token,
		.max_body = HEALTH_BYTES_MAX,
	};

	return http_request(client, &request, reply, e) < 0 ? e->code : http_expect(reply, 200, e);
}

static void check_hub(struct workspace *ws, struct doctor *d)
{
	AUTO_CREDENTIALS struct credentials who = { 0 };
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply health = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply tables = HTTP_REPLY_INIT;
	struct err e = { 0 };

	if (workspace_credentials(ws, &who, &e) < 0) {
		add_error(d, "hub", &e, NULL);
		return;
	}
	AUTO_FREE char *health_url = xasprintf("%s/api/health", who.server);
	AUTO_FREE char *tables_url = xasprintf("%s/api/catalog/tables", who.server);

	if (ask(client, health_url, NULL, &health, &e) < 0) {
		add_error(d, "hub", &e,
			  "is `larder serve` running there? Queries go on working offline");
		return;
	}
	add(d, FINDING_OK, "hub", xasprintf("%s answers", who.server), NULL);
	check_clock(&health, d);
	if (ask(client, tables_url, who.token, &tables, &e) < 0 && e.code != ERR_LIMIT)
		add_error(d, "token", &e, "get a new one, then: larder init --token T");
	else
		add(d, FINDING_OK, "token", xstrdup("accepted"), NULL);
}

static void check_workspace(struct workspace *ws, struct doctor *d)
{
	check_database(ws, d);
	check_files(ws, d);
	check_hooks(ws, d);
	check_disk(ws, d);
	check_outbox(ws, d);
	check_environment(ws, d);
	check_hub(ws, d);
}

int workspace_doctor(const char *path, struct doctor *ret_doctor, struct err *e)
{
	AUTO_WORKSPACE struct workspace *ws = NULL;
	struct err why = { 0 };

	if (workspace_find(path, &ret_doctor->workspace, e) < 0)
		return e->code;
	const struct workspace_options open = { .path = ret_doctor->workspace };

	check_worker(ret_doctor);
	check_credentials(ret_doctor);
	if (workspace_open(&open, &ws, &why) == 0)
		check_workspace(ws, ret_doctor);
	else
		add_error(ret_doctor, "database", &why, state_lost);
	return 0;
}
