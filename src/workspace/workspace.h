/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workspace: a folder of a person or an agent, with tables, rules and state of its own.
 *
 *	const struct workspace_options o = { .path = args.workspace };
 *	AUTO_WORKSPACE struct workspace *ws = NULL;
 *	if (workspace_open(&o, &ws, e) < 0) ...
 *	workspace_db(ws), workspace_path(ws) ...
 *	workspace_credentials(ws, &credentials, e);	whom to ask, and as whom
 *
 * Which folder: the path given (a flag), else LARDER_WORKSPACE, else the nearest folder upwards
 * from the current one that holds .larder/config.yaml. There is no other default, so a command
 * never works on a folder nobody meant.
 *
 * Settings come from, strongest first: a flag (the caller's), the environment (LARDER_JOBS,
 * LARDER_OLD_VERSIONS_KEEP), <workspace>/.larder/config.yaml, the default; server and token as
 * workspace/credentials.h says. They are read once, when the workspace is opened.
 *
 * Opening finishes what a crash left (engine/root.h). Ownership: texts are lent by the workspace.
 * Threads: a workspace belongs to one thread. Errors: ERR_NOT_FOUND when there is no workspace,
 * with the command that makes one as the hint; ERR_USAGE for a setting that cannot be understood.
 */
#ifndef LARDER_WORKSPACE_WORKSPACE_H
#define LARDER_WORKSPACE_WORKSPACE_H

#include "engine/root.h"
#include "tables/fetch.h"
#include "tables/views.h"
#include "workspace/credentials.h"

#define WORKSPACE_CONFIG   ".larder/config.yaml"
#define WORKSPACE_DATABASE VIEWS_DATABASE

/* More transfers at once than this only queue at the server's door. */
#define WORKSPACE_JOBS_MAX     64
#define WORKSPACE_JOBS_DEFAULT 8

struct workspace;

struct workspace_options {
	const char *path;   /* NULL: found as told above */
	const char *server; /* flags, NULL when not given; lent until it is closed */
	const char *token;
	bool read_only;
};

/* The folder a command is about; absolute, the caller's to free. */
int workspace_find(const char *given, char **ret_path, struct err *e);

int workspace_open(const struct workspace_options *options, struct workspace **ret_ws,
		   struct err *e);
void workspace_close(struct workspace *ws);
static inline void workspace_auto_(struct workspace **p)
{
	workspace_close(*p);
}
#define AUTO_WORKSPACE AUTO(workspace_auto_)

/*
 * Makes the folder (when it lacks), its .larder and its state, and writes config.yaml last: a
 * folder with that file is a workspace, so a kill on the way leaves none. Repeating it is fine;
 * `server` is in the form url_normalise_server() gives, `account` whose token is used there.
 */
int workspace_create(const char *path, const char *server, const char *account, struct err *e);

/* Of which hub and of whom is this folder? Also when its state is lost; NULL and NULL when it is no
 * workspace. The caller owns both, also after an error. */
int workspace_peek(const char *path, char **ret_server, char **ret_account, struct err *e);

struct root *workspace_root(const struct workspace *ws);
struct db *workspace_db(const struct workspace *ws);
const char *workspace_path(const struct workspace *ws); /* absolute */
/* The server its configuration names, NULL when it names none. */
const char *workspace_server(const struct workspace *ws);
/* Whose token it uses there (workspace/credentials.h), NULL when that was not recorded. */
const char *workspace_account(const struct workspace *ws);
/* The server and the token in force for this workspace. */
int workspace_credentials(const struct workspace *ws, struct credentials *ret_credentials,
			  struct err *e);
unsigned workspace_jobs(const struct workspace *ws);
enum patches workspace_patches(const struct workspace *ws);
/* push.private and push.exclude of its configuration: sessions/privacy.h. */
const struct strv *workspace_private_sessions(const struct workspace *ws);
const struct strv *workspace_excluded_folders(const struct workspace *ws);
/* For how long a replaced version stays on disk, for queries that still read it. */
int64_t workspace_old_versions_ms(const struct workspace *ws);

#endif
