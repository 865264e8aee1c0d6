/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/scripts-internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/sandbox.h"
#include "base/time.h"
#include "engine/lease.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

/* After the deadline: what is needed to write the end down. */
#define LEASE_EXTRA_MS ((int64_t)60 * 1000)

void script_result_release(struct script_result *result)
{
	buf_release(&result->output);
}

struct running {
	const struct root *root;
	const char *whose; /* of the lease */
	const struct script *script;
	const atomic_bool *cancel;
	struct script_result *result;
	char *folder; /* its own */
	char *file;   /* the script in it */
	struct strv argv, environment;
};

static void running_release(struct running *r)
{
	struct err ignored = { 0 };

	if (r->folder) /* else the next run of any script takes it away */
		(void)tree_remove(AT_FDCWD, r->folder, &ignored);
	free(r->folder);
	free(r->file);
	strv_release(&r->argv);
	strv_release(&r->environment);
}

/* As the kernel reads a first line: an interpreter and at most one argument. */
static void read_interpreter(struct running *r)
{
	const char *source = r->script->source;
	AUTO_FREE char *line = NULL;
	char *word, *rest;

	if (!str_starts(source, "#!")) {
		strv_add(&r->argv, "/bin/sh");
		return;
	}
	line = xstrndup(source + 2, strcspn(source + 2, "\r\n"));
	word = line + strspn(line, " \t");
	rest = word + strcspn(word, " \t");
	if (*rest)
		*rest++ = '\0';
	rest += strspn(rest, " \t");
	for (char *end = rest + strlen(rest); end > rest && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	strv_add(&r->argv, *word ? word : "/bin/sh");
	if (*rest)
		strv_add(&r->argv, rest);
}

static int make_folder(struct running *r, struct err *e)
{
	int result = script_folder_make(r->root, r->whose, &r->folder, e);

	if (result < 0)
		return result;
	r->file = xasprintf("%s/script", r->folder);
	return file_replace(AT_FDCWD, r->file, bytes_of(r->script->source), 0700, e);
}

/* A few variables, and those of ours that it asks for. One that we have not is left out. */
static void set_environment(struct running *r)
{
	const struct script *s = r->script;

	strv_add(&r->environment, "PATH=/usr/local/bin:/usr/bin:/bin");
	strv_add(&r->environment, "LC_ALL=C.UTF-8");
	strv_addf(&r->environment, "HOME=%s", r->folder);
	strv_addf(&r->environment, "TMPDIR=%s", r->folder);
	strv_addf(&r->environment, "LARDER_SCRIPT=%s", s->name ? s->name : "");
	for (size_t i = 0; i < s->environment.n; i++) {
		const char *value = s->environment.v[i][0] ? getenv(s->environment.v[i]) : NULL;

		if (value)
			strv_addf(&r->environment, "%s=%s", s->environment.v[i], value);
	}
}

/* Cut, not refused: the beginning tells most. */
static void keep(struct script_result *result, struct bytes text)
{
	size_t room = SCRIPT_OUTPUT_MAX - result->output.n;

	if (text.n > room) {
		text.n = room;
		result->truncated = true;
	}
	buf_add(&result->output, text.p, text.n);
}

static int read_output(struct running *r, struct proc *p, int *ret_status, struct err *e)
{
	struct bytes line;
	int n;

	while ((n = proc_read_line(p, &line, e)) > 0) {
		keep(r->result, line);
		keep(r->result, BYTES_LITERAL("\n"));
	}
	return n < 0 ? n : proc_wait(p, ret_status, e);
}

static int start(struct running *r, const struct sandbox *sandbox, struct proc **ret_proc,
		 struct err *e)
{
	const struct proc_options o = {
		.argv = (const char *const *)r->argv.v,
		.deadline_ms = r->script->timeout_s * 1000,
		.output_max = SCRIPT_OUTPUT_HARD_MAX,
		.folder = r->folder,
		.environment = (const char *const *)r->environment.v,
		.environment_only = true,
		.sandbox = sandbox,
		.cancel = r->cancel,
	};

	proc_adopt_strays();
	return proc_start(&o, ret_proc, e);
}

static void judge(struct script_result *result, int r, int status, const struct err *why)
{
	result->exit_code = r < 0 || status > 128 ? -1 : status;
	if (r == ERR_BUSY)
		result->status = "timeout";
	else if (r < 0 || status > 128)
		result->status = "killed";
	else
		result->status = status == 0 ? "success" : "failure";
	if (r < 0) {
		keep(result, bytes_of(why->msg));
		keep(result, BYTES_LITERAL("\n"));
	}
}

static int execute(const struct running *given, struct err *e)
{
	AUTO(running_release) struct running r = *given;
	const struct script *script = r.script;
	struct script_result *result = r.result;
	AUTO_STRV struct strv folders = STRV_INIT;
	AUTO_PROC struct proc *p = NULL;
	struct sandbox sandbox = { .memory_bytes = SCRIPT_MEMORY,
				   .cpu_seconds = script->timeout_s,
				   .file_bytes = SCRIPT_FILE_BYTES,
				   .confine = true,
				   .system = true,
				   .network = script->network,
				   .writable = &folders,
				   .runnable = &folders };
	int64_t started = time_monotonic();
	struct err why = { 0 };
	int status = 0;
	int ended;

	result->output.max = SCRIPT_OUTPUT_MAX + 1;
	if (make_folder(&r, e) < 0)
		return e->code;
	strv_add(&folders, r.folder);
	read_interpreter(&r);
	strv_add(&r.argv, r.file);
	set_environment(&r);
	if (start(&r, &sandbox, &p, e) < 0)
		return e->code;
	ended = read_output(&r, p, &status, &why);
	keep(result, bytes_of(proc_errors(p)));
	proc_free(TAKE(p)); /* with its group */
	proc_kill_strays();
	judge(result, ended, status, &why);
	result->ms = time_monotonic() - started;
	return 0;
}

static int record_start(struct db *db, const struct script *s, int64_t *ret_run, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int64_t now = time_now();
	int r = db_begin_tx(db, &tx, e);

	if (r == 0)
		r = db_exec(db, e,
			    "INSERT INTO script_run(script_id, started_ms, status)"
			    " VALUES(?1, ?2, 'running')",
			    "ti", s->id, now);
	*ret_run = r == 0 ? db_last_id(db) : 0;
	if (r == 0)
		r = db_exec(db, e, "UPDATE script SET last_run_ms=?2 WHERE id=?1", "ti", s->id,
			    now);
	return r < 0 ? r : db_commit(db, e);
}

static int forget_old_runs(struct db *db, const char *id, struct err *e)
{
	return db_exec(db, e,
		       "DELETE FROM script_run WHERE script_id=?1 AND id <= (SELECT id FROM"
		       " script_run WHERE script_id=?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
		       "ti", id, (int64_t)SCRIPT_RUNS_KEPT);
}

static int record_end(struct db *db, struct lease *lease, const struct script *s, int64_t run,
		      const struct script_result *result, struct err *e)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(db, &tx, e);

	text_add_clean(&clean, buf_bytes(&result->output));
	if (r == 0)
		r = lease_check(lease, e);
	if (r == 0)
		r = db_exec(db, e,
			    "UPDATE script_run SET finished_ms=?2, status=?3, exit_code=?4,"
			    " truncated=?5, output=?6 WHERE id=?1",
			    "iitiis", run, time_now(), result->status, (int64_t)result->exit_code,
			    (int64_t)result->truncated, buf_bytes(&clean));
	if (r == 0)
		r = db_exec(db, e, "UPDATE script SET last_status=?2 WHERE id=?1", "tt", s->id,
			    result->status);
	if (r == 0)
		r = forget_old_runs(db, s->id, e);
	return r < 0 ? r : db_commit(db, e);
}

int script_run(struct root *root, const char *id_or_name, const atomic_bool *cancel,
	       struct script_result *result, struct err *e)
{
	struct db *db = root_db(root);
	AUTO_SCRIPT struct script s = { 0 };
	AUTO_FREE char *name = NULL;
	AUTO_LEASE struct lease *lease = NULL;
	int64_t run = 0;
	struct err ignored = { 0 };
	int r = script_find(db, id_or_name, &s, e);

	if (r < 0)
		return r;
	(void)scripts_sweep(root, &ignored); /* what cannot go now is tried again by the next one */
	name = xasprintf(SCRIPT_LEASE_PREFIX "%s", s.id);
	r = lease_take(db, name, s.timeout_s * 1000 + LEASE_EXTRA_MS, "larder script run", &lease,
		       e);
	if (r == 0)
		r = record_start(db, &s, &run, e);
	if (r < 0)
		return r;
	if (execute(&(struct running){ .root = root,
				       .whose = s.id,
				       .script = &s,
				       .cancel = cancel,
				       .result = result },
		    e) < 0) {
		/* It could not be started, which is how this run ended. */
		judge(result, e->code, 0, e);
		result->status = "failure";
	}
	return record_end(db, lease, &s, run, result, e);
}

int script_run_source(struct root *root, const struct script_wish *wish, const atomic_bool *cancel,
		      struct script_result *result, struct err *e)
{
	struct script s = { .timeout_s = wish->timeout_s ? wish->timeout_s : SCRIPT_TIMEOUT_S,
			    .network = wish->network };
	AUTO_FREE char *whose = NULL;
	AUTO_FREE char *name = NULL;
	AUTO_LEASE struct lease *lease = NULL;
	char unique[RANDOM_TEXT_MAX];
	int r = script_check_wish(wish, e);

	if (r < 0)
		return r;
	s.source = xstrdup(wish->source);
	for (size_t i = 0; wish->environment && i < wish->environment->n; i++)
		strv_add(&s.environment, wish->environment->v[i]);
	random_text(12, unique);
	whose = xasprintf("tried-%s", unique);
	name = xasprintf(SCRIPT_LEASE_PREFIX "%s", whose);
	r = lease_take(root_db(root), name, s.timeout_s * 1000 + LEASE_EXTRA_MS,
		       "larder script run", &lease, e);
	if (r == 0)
		r = execute(&(struct running){ .root = root,
					       .whose = whose,
					       .script = &s,
					       .cancel = cancel,
					       .result = result },
			    e);
	script_release(&s);
	return r;
}
