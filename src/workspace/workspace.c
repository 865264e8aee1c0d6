/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/workspace.h"

#include "base/file.h"
#include "base/yaml.h"
#include "tables/local.h"

#include <fcntl.h>

/* Long enough for any query a person waits for. */
#define OLD_VERSIONS_KEEP_S 3600

static const char schema_1[] =
	"CREATE TABLE pull_run (id INTEGER PRIMARY KEY, started_ms INTEGER NOT NULL,"
	" duration_ms INTEGER NOT NULL, result TEXT NOT NULL);";

static const char *const migrations[] = { schema_1, NULL };
static const struct db_schema workspace_schema = { "workspace", migrations };
static const struct db_schema *const schemas[] = { &local_schema, &workspace_schema };

struct workspace {
	struct root *root;
	char *server;  /* NULL when the configuration names none */
	char *account; /* likewise */
	const char *given_server, *given_token;
	int64_t jobs;
	int64_t old_versions_s;
	char *patches_word;
	enum patches patches;
	struct strv private_sessions;
	struct strv excluded_folders;
};

int workspace_find(const char *given, char **ret_path, struct err *e)
{
	static const struct folder_kind kind = {
		.what = "workspace",
		.mark = WORKSPACE_CONFIG,
		.variable = "LARDER_WORKSPACE",
		.hint = "make one with 'larder init DIR --server URL --token T', or name one "
			"with --workspace",
	};

	return folder_find(&kind, given, ret_path, e);
}

static int read_patches(struct workspace *ws, struct err *e)
{
	static const char *const words[] = {
		[PATCHES_AUTO] = "auto", [PATCHES_ALWAYS] = "always", [PATCHES_NEVER] = "never"
	};

	for (size_t i = 0; ws->patches_word && i < ARRAY_LEN(words); i++) {
		ws->patches = (enum patches)i;
		if (str_eq(ws->patches_word, words[i]))
			return 0;
	}
	return !ws->patches_word
		       ? 0
		       : err_set(e, ERR_USAGE,
				 "setting 'patches' is '%s': auto, always and never are known",
				 ws->patches_word);
}

static int read_settings(struct workspace *ws, const char *path, struct err *e)
{
	AUTO_FREE char *file = xasprintf("%s/%s", path, WORKSPACE_CONFIG);
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);
	const struct yaml_field fields[] = {
		{ "server", YAML_TEXT, &ws->server, 0, 0, NULL, "the hub's URL" },
		{ "account", YAML_TEXT, &ws->account, 0, 0, NULL, "whose token is used there" },
		{ "jobs", YAML_INT, &ws->jobs, 1, WORKSPACE_JOBS_MAX, "LARDER_JOBS",
		  "transfers at once" },
		{ "old_versions_keep", YAML_DURATION, &ws->old_versions_s, 0, 0,
		  "LARDER_OLD_VERSIONS_KEEP", "how long a replaced version stays on disk" },
		{ "patches", YAML_TEXT, &ws->patches_word, 0, 0, "LARDER_PATCHES",
		  "auto, always or never: parts made from patches" },
		{ "push.private", YAML_LIST, &ws->private_sessions, 0, 0, NULL,
		  "sessions that are never sent" },
		{ "push.exclude", YAML_LIST, &ws->excluded_folders, 0, 0, NULL,
		  "folders whose sessions are never sent" },
		{ NULL },
	};
	int r = file_read(AT_FDCWD, file, YAML_BYTES_MAX, &text, e);

	ws->jobs = WORKSPACE_JOBS_DEFAULT;
	ws->old_versions_s = OLD_VERSIONS_KEEP_S;
	if (r == 0)
		r = yaml_read(buf_bytes(&text), file, fields, e);
	if (r == 0)
		r = yaml_environment(fields, e);
	return r < 0 ? r : read_patches(ws, e);
}

int workspace_peek(const char *path, char **ret_server, char **ret_account, struct err *e)
{
	struct workspace ws = { 0 };
	int r = read_settings(&ws, path, e);

	*ret_server = TAKE(ws.server);
	*ret_account = TAKE(ws.account);
	free(ws.patches_word);
	strv_release(&ws.private_sessions);
	strv_release(&ws.excluded_folders);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int open_root(const char *path, bool create, bool read_only, struct root **ret_root,
		     struct err *e)
{
	const struct root_options options = {
		.path = path,
		.schemas = schemas,
		.schema_count = ARRAY_LEN(schemas),
		.create = create,
		.read_only = read_only,
	};
	int r = root_open(&options, ret_root, e);

	/* All but what still waits to be sent can be had again; that is why it is not done here. */
	if (r == ERR_CORRUPT && !*e->hint)
		(void)err_hint(e, "move " ROOT_DB " away, with its -wal and -shm, and run "
				  "`larder pull`: it fetches only what is missing");
	return r;
}

int workspace_open(const struct workspace_options *options, struct workspace **ret_ws,
		   struct err *e)
{
	AUTO_WORKSPACE struct workspace *ws = xcalloc(1, sizeof(*ws));
	AUTO_FREE char *path = NULL;
	int r = workspace_find(options->path, &path, e);

	ws->given_server = options->server;
	ws->given_token = options->token;
	if (r == 0)
		r = read_settings(ws, path, e);
	if (r == 0)
		r = open_root(path, !options->read_only, options->read_only, &ws->root, e);
	if (r < 0)
		return r;
	*ret_ws = TAKE(ws);
	return 0;
}

void workspace_close(struct workspace *ws)
{
	if (!ws)
		return;
	root_close(ws->root);
	free(ws->server);
	free(ws->account);
	free(ws->patches_word);
	strv_release(&ws->private_sessions);
	strv_release(&ws->excluded_folders);
	free(ws);
}

/* A file that a person has added settings to keeps them, and its comments. */
static int add_other_lines(struct root *root, struct buf *text, struct buf *old, struct err *e)
{
	static const char heading[] = "# A workspace of larder; no secrets here.\n";
	AUTO_STRV struct strv lines = STRV_INIT;

	if (file_read(root_dirfd(root), WORKSPACE_CONFIG, YAML_BYTES_MAX, old, e) < 0) {
		if (e->code != ERR_NOT_FOUND)
			return e->code;
		buf_adds(text, heading);
		return 0;
	}
	strv_split(&lines, buf_str(old), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		if (*lines.v[i] && !str_starts(lines.v[i], "server:") &&
		    !str_starts(lines.v[i], "account:"))
			buf_addf(text, "%s\n", lines.v[i]);
	}
	return 0;
}

int workspace_create(const char *path, const char *server, const char *account, struct err *e)
{
	AUTO_ROOT struct root *root = NULL;
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);
	AUTO_BUF struct buf old = BUF_INIT(YAML_BYTES_MAX);
	int r = open_root(path, true, false, &root, e);

	if (r == 0)
		r = add_other_lines(root, &text, &old, e);
	if (r < 0)
		return r;
	yaml_add_text(&text, "server", server);
	yaml_add_text(&text, "account", account);
	if (bytes_equal(buf_bytes(&text), buf_bytes(&old)))
		return 0;
	return file_replace(root_dirfd(root), WORKSPACE_CONFIG, buf_bytes(&text), 0644, e);
}

struct root *workspace_root(const struct workspace *ws)
{
	return ws->root;
}

struct db *workspace_db(const struct workspace *ws)
{
	return root_db(ws->root);
}

const char *workspace_path(const struct workspace *ws)
{
	return root_path(ws->root);
}

const char *workspace_server(const struct workspace *ws)
{
	return ws->server;
}

const char *workspace_account(const struct workspace *ws)
{
	return ws->account;
}

int workspace_credentials(const struct workspace *ws, struct credentials *ret_credentials,
			  struct err *e)
{
	const struct credentials_hints hints = {
		.server = ws->given_server,
		.token = ws->given_token,
		.workspace_server = ws->server,
		.account = ws->account,
	};

	return credentials_find(&hints, ret_credentials, e);
}

unsigned workspace_jobs(const struct workspace *ws)
{
	return (unsigned)ws->jobs;
}

const struct strv *workspace_private_sessions(const struct workspace *ws)
{
	return &ws->private_sessions;
}

const struct strv *workspace_excluded_folders(const struct workspace *ws)
{
	return &ws->excluded_folders;
}

enum patches workspace_patches(const struct workspace *ws)
{
	return ws->patches;
}

int64_t workspace_old_versions_ms(const struct workspace *ws)
{
	return ws->old_versions_s * 1000;
}
