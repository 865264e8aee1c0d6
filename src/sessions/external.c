/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/external.h"

#include "base/proc.h"
#include "base/sandbox.h"
#include "memory/knowledge.h"

#define MIB             ((int64_t)1 << 20)
#define GIB             ((int64_t)1 << 30)
#define DEADLINE_S      300
#define DEADLINE_MAX_S  3600
#define EXIT_LATER      75
#define KIND_KNOWLEDGE  "knowledge"
#define VERSION_MAX     1000000
#define COMMAND_MAX     100
#define ERROR_WORDS_MAX 300

static const char *const migrations[] = {
	"CREATE TABLE session_item(processor TEXT NOT NULL, session TEXT NOT NULL,"
	" number INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,"
	" PRIMARY KEY (processor, session, number)) WITHOUT ROWID",
	NULL,
};

const struct db_schema external_schema = { "session_items", migrations };

static void list_fields(void *item, struct yaml_field *ret_fields)
{
	struct external *x = item;
	const struct yaml_field fields[] = {
		{ "name", YAML_TEXT, &x->name, 0, 0, NULL, NULL },
		{ "command", YAML_LIST, &x->command, 0, 0, NULL, NULL },
		{ "version", YAML_INT, &x->version, 1, VERSION_MAX, NULL, NULL },
		{ "deadline", YAML_DURATION, &x->deadline_s, 1, DEADLINE_MAX_S, NULL, NULL },
		{ "memory", YAML_SIZE, &x->memory_bytes, 16 * MIB, 1024 * GIB, NULL, NULL },
		{ "network", YAML_BOOL, &x->network, 0, 0, NULL, NULL },
		{ 0 },
	};

	memcpy(ret_fields, fields, sizeof(fields));
}

static int check(const void *item, struct err *e)
{
	const struct external *x = item;

	if (!x->name || !name_is_rule(x->name) || strlen(x->name) > PROCESSOR_NAME_MAX)
		return err_set(e, ERR_USAGE,
			       "a processor's name is letters, digits, '-' and '_', at most %d",
			       PROCESSOR_NAME_MAX);
	if (processor_is_built_in(x->name))
		return err_set(e, ERR_USAGE, "the processor '%s' is built in", x->name);
	if (x->command.n == 0 || x->command.v[0][0] != '/')
		return err_set(e, ERR_USAGE, "the command of '%s' must begin with an absolute path",
			       x->name);
	if (x->command.n > COMMAND_MAX)
		return err_set(e, ERR_LIMIT, "the command of '%s' has over %d words", x->name,
			       COMMAND_MAX);
	return 0;
}

static void release(void *item)
{
	struct external *x = item;

	free(x->name);
	strv_release(&x->command);
}

const struct yaml_map external_map = { sizeof(struct external), "name", list_fields, check,
				       release };

/* What one session gave, between prepare and commit. */
struct given {
	struct strv items;
	size_t bytes;
};

static int open_run(struct processing *p, struct err *e)
{
	const struct external *x = p->processor->settings;

	if (access(x->command.v[0], X_OK) < 0)
		return err_sys(e, "run '%s' of the processor '%s'", x->command.v[0], x->name);
	p->state = xcalloc(1, sizeof(struct given));
	return 0;
}

static void close_run(struct processing *p)
{
	struct given *g = p->state;

	strv_release(&g->items);
	free(g);
}

static void describe(const struct processing *p, const struct session_source *file, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "processor", p->processor->name);
	json_add_int(&o, "processor_version", p->processor->version);
	json_add_text(&o, "session", file->session);
	json_add_text(&o, "path", file->path);
	json_add_text(&o, "user", file->email);
	json_add_text(&o, "name", file->name);
	json_add_text(&o, "sha256", file->sha256);
	json_add_int(&o, "size", file->size);
	json_close(&o);
	buf_addc(out, '\n');
}

static bool is_blank(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!strchr(" \t\r", line.p[i]))
			return false;
	return true;
}

static int check_kind(const struct json *item, struct err *e)
{
	const char *kind = json_text(json_get(item, "kind"));

	if (json_get(item, "kind") && (!kind || !*kind || strlen(kind) > EXTERNAL_KIND_MAX))
		return err_set(e, ERR_CORRUPT, "the kind of an item is a word of at most %d bytes",
			       EXTERNAL_KIND_MAX);
	if (!str_eq(kind, KIND_KNOWLEDGE))
		return 0;
	if (!json_text(json_get(item, "title")) || !json_text(json_get(item, "content")))
		return err_set(e, ERR_CORRUPT, "an item of knowledge needs 'title' and 'content'");
	return 0;
}

static int take_item(struct given *g, struct bytes line, struct err *e)
{
	AUTO_JSON struct json *item = NULL;
	AUTO_BUF struct buf text = BUF_INIT(2 * EXTERNAL_ITEM_MAX);
	int r;

	if (g->items.n >= EXTERNAL_ITEMS_MAX)
		return err_set(e, ERR_LIMIT, "more than %zu items", EXTERNAL_ITEMS_MAX);
	r = json_parse(line, EXTERNAL_ITEM_MAX, &item, e);
	if (r == 0 && json_kind(item) != JSON_OBJECT)
		r = err_set(e, ERR_CORRUPT, "an item must be a JSON object");
	if (r == 0)
		r = check_kind(item, e);
	if (r < 0)
		return err_in(e, "item %zu", g->items.n + 1);
	json_print(item, &text, false); /* valid UTF-8 and one line, whatever came */
	strv_adopt(&g->items, buf_take(&text));
	return 0;
}

static int failed(const struct external *x, int status, const char *errors, struct err *e)
{
	size_t n = strcspn(errors, "\n");

	if (n > ERROR_WORDS_MAX)
		n = ERROR_WORDS_MAX;
	if (status == EXIT_LATER)
		return err_set(e, ERR_BUSY, "'%s' asks to be tried later%s%.*s", x->name,
			       n ? ": " : "", (int)n, errors);
	return err_set(e, ERR_FAILED, "'%s' ended with %d%s%.*s", x->name, status, n ? ": " : "",
		       (int)n, errors);
}

static int read_items(struct given *g, const struct external *x, struct proc *p, struct err *e)
{
	struct bytes line;
	int status = 0;
	int r;

	while ((r = proc_read_line(p, &line, e)) > 0)
		if (!is_blank(line) && take_item(g, line, e) < 0)
			return e->code;
	if (r == 0)
		r = proc_wait(p, &status, e);
	if (r == ERR_BUSY) /* at its deadline, where it would be again: this counts */
		r = e->code = ERR_FAILED;
	if (r == 0 && status != 0)
		r = failed(x, status, proc_errors(p), e);
	return r;
}

static int run_program(struct processing *p, const struct session_source *file, struct err *e)
{
	static const char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin",
						   "HOME=/nonexistent", "LANG=C.UTF-8", NULL };
	const struct external *x = p->processor->settings;
	AUTO_BUF struct buf input = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv readable = STRV_INIT, runnable = STRV_INIT;
	AUTO_PROC struct proc *child = NULL;
	const struct sandbox box = {
		.memory_bytes = x->memory_bytes ? x->memory_bytes : GIB,
		.cpu_seconds = x->deadline_s ? x->deadline_s : DEADLINE_S,
		.file_bytes = SANDBOX_NO_WRITING,
		.confine = true,
		.system = true,
		.network = x->network,
		.readable = &readable,
		.runnable = &runnable,
	};
	struct proc_options o = {
		.argv = (const char *const *)x->command.v,
		.deadline_ms = (x->deadline_s ? x->deadline_s : DEADLINE_S) * 1000,
		.output_max = EXTERNAL_OUTPUT_MAX,
		.folder = "/",
		.environment = environment,
		.environment_only = true,
		.sandbox = &box,
	};

	int r;

	describe(p, file, &input);
	o.input = buf_bytes(&input);
	strv_add(&readable, file->path);
	strv_add(&runnable, x->command.v[0]);
	proc_adopt_strays();
	if (proc_start(&o, &child, e) < 0)
		return e->code;
	r = read_items(p->state, x, child, e);
	proc_free(TAKE(child)); /* with its group */
	proc_kill_strays();
	return r;
}

static int prepare(struct processing *p, const struct session_source *files, size_t n,
		   struct session_outcome *outcomes, struct err *e)
{
	struct given *g = p->state;
	int r;

	strv_release(&g->items);
	if (n == 0 || outcomes[0].error.code < 0)
		return 0;
	r = run_program(p, &files[0], e);

	outcomes[0].items = r < 0 ? 0 : (int64_t)g->items.n;
	return r;
}

static void add_texts(const struct json *array, struct strv *out)
{
	for (size_t i = 0; i < json_size(array); i++)
		if (json_text(json_at(array, i)))
			strv_add(out, json_text(json_at(array, i)));
}

static int propose(struct db *db, const struct session_source *file, const struct json *item,
		   struct err *e)
{
	AUTO_STRV struct strv tags = STRV_INIT, entities = STRV_INIT;
	struct knowledge_outcome outcome;
	const struct knowledge_proposal k = {
		.title = json_text(json_get(item, "title")),
		.content = json_text(json_get(item, "content")),
		.category = json_text(json_get(item, "category")),
		.domain = json_text(json_get(item, "domain")),
		.source_type = "external_processor",
		.source_ref = file->session,
		.source_user = file->email,
		.tags = &tags,
		.entities = &entities,
		.evidence = { .user = file->email,
			      .ref = file->session,
			      .detection = json_text(json_get(item, "detection_type")),
			      .quote = json_text(json_get(item, "quote")),
			      .position = json_int(json_get(item, "position"), -1) },
	};

	add_texts(json_get(item, "tags"), &tags);
	add_texts(json_get(item, "entities"), &entities);
	return knowledge_propose(db, NULL, &k, &outcome, e);
}

static int record(struct processing *p, const struct session_source *file, size_t number,
		  struct err *e)
{
	static const char sql[] = "INSERT INTO session_item(processor, session, number, kind, body)"
				  " VALUES(?1, ?2, ?3, ?4, ?5)";
	const struct given *g = p->state;
	struct db *db = root_db(p->root);
	AUTO_JSON struct json *item = NULL;
	const char *kind;
	int r = json_parse(bytes_of(g->items.v[number]), 2 * EXTERNAL_ITEM_MAX, &item, e);

	if (r < 0)
		return r;
	kind = json_text(json_get(item, "kind"));
	if (str_eq(kind, KIND_KNOWLEDGE))
		r = propose(db, file, item, e);
	if (r < 0)
		return err_in(e, "item %zu", number + 1);
	return db_exec(db, e, sql, "ttitt", p->processor->name, file->session, (int64_t)number + 1,
		       kind ? kind : "item", g->items.v[number]);
}

static int commit(struct processing *p, const struct session_source *files, size_t n,
		  const struct session_outcome *outcomes, struct err *e)
{
	const struct given *g = p->state;
	int r = 0;

	if (n == 0 || outcomes[0].error.code < 0)
		return 0;
	r = db_exec(root_db(p->root), e,
		    "DELETE FROM session_item WHERE processor=?1 AND session=?2", "tt",
		    p->processor->name, files[0].session);
	for (size_t i = 0; r == 0 && i < g->items.n; i++)
		r = record(p, &files[0], i, e);
	return r;
}

static int forget(struct processing *p, const struct strv *sessions, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sessions->n; i++)
		r = db_exec(root_db(p->root), e,
			    "DELETE FROM session_item WHERE processor=?1 AND session=?2", "tt",
			    p->processor->name, sessions->v[i]);
	return r;
}

struct processor external_processor(const struct external *x)
{
	return (struct processor){
		.name = x->name,
		.version = (int)(x->version ? x->version : 1),
		.settings = x,
		.open = open_run,
		.forget = forget,
		.prepare = prepare,
		.commit = commit,
		.close = close_run,
	};
}

int external_items(struct db *db, const char *processor, const char *session, struct json_out *out,
		   struct err *e)
{
	static const char sql[] = "SELECT body FROM session_item WHERE processor=?1 AND session=?2"
				  " ORDER BY number";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "tt", processor, session);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		json_add_raw(out, NULL, bytes_of(stmt_text(q, 0)));
		r = 0;
	}
	return r;
}
