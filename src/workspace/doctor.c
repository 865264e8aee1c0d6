/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/doctor-internal.h"

#include "base/file.h"
#include "duck/duck.h"
#include "engine/journal.h"
#include "engine/outbox.h"
#include "net/http-client.h"
#include "workspace/hooks.h"
#include "workspace/status.h"
#include <fcntl.h>

/* Below this a pull of a usual table may fail half-way. */
#define DISK_LOW ((int64_t)1 << 30)

static const char state_lost[] =
	"copy the workspace, remove .larder/state.db*, run `larder init`: it is made again";

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

void doctor_add(struct doctor *d, enum finding_kind kind, const char *check, char *text,
		const char *next)
{
	d->findings = xgrow(d->findings, &d->capacity, d->n + 1, sizeof(*d->findings));
	d->findings[d->n++] = (struct finding){ kind, check, text, next ? xstrdup(next) : NULL };
	d->bad += kind == FINDING_BAD;
}

void doctor_add_error(struct doctor *d, const char *check, const struct err *e, const char *next)
{
	doctor_add(d, FINDING_BAD, check, xstrdup(e->msg), e->hint[0] ? e->hint : next);
}

static void check_database(struct workspace *ws, struct doctor *d)
{
	struct err e = { 0 };
	size_t due = 0, future = 0;

	if (db_check(workspace_db(ws), &e) < 0 ||
	    journal_pending(workspace_root(ws), &due, &future, &e) < 0) {
		doctor_add_error(d, "database", &e, state_lost);
		return;
	}
	if (due > 0)
		doctor_add(d, FINDING_BAD, "database",
			   xasprintf("%zu file operations wait to be finished", due),
			   "run `larder pull`, which finishes them or says why it cannot");
	else
		doctor_add(d, FINDING_OK, "database",
			   xasprintf("sound, %zu removals of old versions planned", future), NULL);
}

static void check_files(struct workspace *ws, struct doctor *d)
{
	AUTO_STATUS struct status s = { 0 };
	struct err e = { 0 };

	if (workspace_status(ws, &s, &e) < 0) {
		doctor_add_error(d, "files", &e, NULL);
		return;
	}
	if (s.damaged)
		doctor_add(
			d, FINDING_BAD, "files",
			xasprintf("%zu of %zu files are missing", s.damaged, s.local->file_count),
			"run `larder verify --repair`");
	else if (s.touched)
		doctor_add(d, FINDING_NOTE, "files",
			   xasprintf("%zu of %zu files were copied or changed since the pull",
				     s.touched, s.local->file_count),
			   "run `larder verify --repair`, which reads them");
	else
		doctor_add(d, FINDING_OK, "files",
			   xasprintf("%zu tables, %zu files as pulled", s.local->count,
				     s.local->file_count),
			   NULL);
	if (s.views_waiting)
		doctor_add(d, FINDING_BAD, "views",
			   xasprintf("%zu views are not yet written", s.views_waiting),
			   "close the program that holds " WORKSPACE_DATABASE
			   ", then run `larder pull`");
	else if (!s.database_exists)
		doctor_add(d, FINDING_NOTE, "views", xstrdup(WORKSPACE_DATABASE " is not there"),
			   "run `larder pull`, which makes it");
	else
		doctor_add(d, FINDING_OK, "views", xstrdup("up to date"), NULL);
}

static void check_worker(struct doctor *d)
{
	AUTO_FREE char *version = NULL;
	struct err e = { 0 };

	if (duck_version(&version, &e) < 0)
		doctor_add_error(d, "larder-duck", &e,
				 "install Larder again: its second program is missing");
	else
		doctor_add(d, FINDING_OK, "larder-duck", TAKE(version), NULL);
}

static void check_libcurl(struct doctor *d)
{
	struct http_library library = { 0 };
	struct err e = { 0 };

	if (http_library(&library, &e) < 0)
		doctor_add_error(d, "libcurl", &e, NULL);
	else if (library.missed)
		doctor_add(d, FINDING_NOTE, "libcurl",
			   xasprintf("%s is used, since libcurl-http.so cannot be loaded",
				     library.file),
			   "install Larder again: commands that ask a hub start some milliseconds "
			   "later than they need");
	else if (library.outdated)
		doctor_add(d, FINDING_NOTE, "libcurl",
			   xasprintf("%s is older than the system's libcurl", library.file),
			   "build and install Larder again, or set LARDER_LIBCURL=libcurl.so.4: an "
			   "update may have mended a fault");
	else
		doctor_add(d, FINDING_OK, "libcurl", xstrdup(library.file), NULL);
}

static void check_hooks(struct workspace *ws, struct doctor *d)
{
	AUTO_BUF struct buf text = BUF_INIT(HOOKS_SETTINGS_MAX);
	struct err e = { 0 };

	if (file_read(root_dirfd(workspace_root(ws)), ".claude/settings.json", HOOKS_SETTINGS_MAX,
		      &text, &e) == 0 &&
	    hooks_present(buf_bytes(&text)))
		doctor_add(d, FINDING_OK, "hooks",
			   xstrdup("sessions pull at their start and push at their end"), NULL);
	else
		doctor_add(d, FINDING_NOTE, "hooks",
			   xstrdup(".claude/settings.json does not have both hooks"),
			   "run `larder init` again to merge them in");
}

static void check_disk(struct workspace *ws, struct doctor *d)
{
	struct err e = { 0 };
	int64_t free_bytes;
	char size[FORMAT_SIZE_MAX];

	if (disk_free(workspace_path(ws), &free_bytes, &e) < 0)
		doctor_add_error(d, "disk", &e, NULL);
	else
		doctor_add(d, free_bytes < DISK_LOW ? FINDING_BAD : FINDING_OK, "disk",
			   xasprintf("%s free", format_size(free_bytes, size)),
			   free_bytes < DISK_LOW ? "make room: a pull may not fit" : NULL);
}

/* What was to go to the hub and has not. */
static void check_outbox(struct workspace *ws, struct doctor *d)
{
	struct outbox_summary s = { 0 };
	struct err e = { 0 };

	if (outbox_summary(workspace_db(ws), "", &s, &e) < 0)
		doctor_add_error(d, "push", &e, NULL);
	else if (s.dead > 0)
		doctor_add(
			d, FINDING_NOTE, "push",
			xasprintf("%lld things the hub would not take, %lld wait",
				  (long long)s.dead, (long long)s.waiting),
			"`larder push --dead` says why; `larder push --redrive` sends them again");
	else if (s.waiting > 0)
		doctor_add(d, FINDING_NOTE, "push",
			   xasprintf("%lld things wait for the hub", (long long)s.waiting),
			   "run `larder push`, which sends them");
	else
		doctor_add(d, FINDING_OK, "push", xstrdup("nothing waits for the hub"), NULL);
}

/* What overrides the workspace's own hub and account in this shell. */
static void check_environment(struct workspace *ws, struct doctor *d)
{
	const char *server = getenv("LARDER_SERVER");
	const char *token = getenv("LARDER_TOKEN");

	if (server && *server && !str_eq(server, workspace_server(ws)))
		doctor_add(d, FINDING_NOTE, "environment",
			   xasprintf("LARDER_SERVER is %s, this workspace is of %s", server,
				     workspace_server(ws) ? workspace_server(ws) : "no hub"),
			   "unset it, or the next pull asks that hub");
	if (token && *token)
		doctor_add(
			d, FINDING_NOTE, "environment",
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
		doctor_add_error(d, "credentials", &e, NULL);
	else if (r > 0)
		doctor_add(d, FINDING_BAD, "credentials",
			   xasprintf("'%s' can be read by others", path), "chmod 600 that file");
	else
		doctor_add(d, FINDING_OK, "credentials", xstrdup("only you can read them"), NULL);
}

static void check_workspace(struct workspace *ws, struct doctor *d)
{
	check_database(ws, d);
	check_files(ws, d);
	check_hooks(ws, d);
	check_disk(ws, d);
	check_outbox(ws, d);
	check_environment(ws, d);
	doctor_check_hub(ws, d);
}

int workspace_doctor(const char *path, struct doctor *ret_doctor, struct err *e)
{
	AUTO_WORKSPACE struct workspace *ws = NULL;
	struct err why = { 0 };

	if (workspace_find(path, &ret_doctor->workspace, e) < 0)
		return e->code;
	const struct workspace_options open = { .path = ret_doctor->workspace };

	check_worker(ret_doctor);
	check_libcurl(ret_doctor);
	check_credentials(ret_doctor);
	if (workspace_open(&open, &ws, &why) == 0)
		check_workspace(ws, ret_doctor);
	else
		doctor_add_error(ret_doctor, "database", &why, state_lost);
	return 0;
}
