/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/usage-internal.h"

#include "base/hash.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "tables/objects.h"
#include "tables/publish.h"
#include "tables/registry.h"
#include <fcntl.h>

#define TABLES   ((size_t)3)
#define BUILD_MS ((int64_t)30 * 60 * 1000)
#define SPACE    "usage"
#define KEY      "published"
#define CHUNK    ((size_t)256 << 10)

static const struct {
	const char *name;
	const char *sql;
	const char *description;
} tables[TABLES] = {
	{ "usage_events", usage_sql_events,
	  "What agents did in sessions: a row for each tool, sub-agent, MCP call and slash command." },
	{ "usage_sessions", usage_sql_sessions,
	  "Sessions of agents: when, how long, messages, tools, errors and tokens of each." },
	{ "usage_tools_daily", usage_sql_tools,
	  "Tools that agents used: calls, errors, users and sessions of each day." },
};

struct building {
	struct root *root;
	struct db *db;
	struct strv paths;    /* of the extracts, relative */
	struct strv absolute; /* the same */
	struct strv gone;     /* sessions */
	int64_t newest;       /* the highest number */
	int version;
	char *staged[TABLES + 1]; /* the tables, and what merges the extracts */
	bool merges;
	char sha256[TABLES][HASH_HEX_MAX];
	struct object_upload *uploads[TABLES];
	struct publish *publishes[TABLES];
};

static void building_release(struct building *b)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(b->staged); i++) {
		if (b->staged[i]) /* litter at worst */
			(void)journal_stage_remove(b->root, b->staged[i], &ignored);
		free(b->staged[i]);
	}
	for (size_t i = 0; i < TABLES; i++) {
		object_upload_free(b->uploads[i]);
		publish_free(b->publishes[i]);
	}
	strv_release(&b->paths);
	strv_release(&b->absolute);
	strv_release(&b->gone);
}

static const char *fingerprint_of(const struct building *b, char out[64])
{
	(void)snprintf(out, 64, "%d:%lld", b->version, (long long)b->newest);
	return out;
}

static int list_extracts(struct building *b, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(b->db, &q, e,
			 "SELECT number, path FROM usage_extract WHERE version = ?1"
			 " ORDER BY number",
			 "i", (int64_t)b->version);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		b->newest = stmt_int(q, 0);
		strv_add(&b->paths, stmt_text(q, 1));
		strv_addf(&b->absolute, "%s/%s", root_path(b->root), stmt_text(q, 1));
		r = 0;
	}
	return r;
}

static int list_gone(struct building *b, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(b->db, &q, e, "SELECT session FROM usage_gone", "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(&b->gone, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

static int transform(struct building *b, struct err *e)
{
	AUTO_STRV struct strv setup = STRV_INIT;
	struct duck_output outputs[TABLES + 1];
	struct duck_file_info infos[TABLES + 1] = { 0 };
	const struct duck_transform t = { .setup = &setup,
					  .readable = &b->absolute,
					  .outputs = outputs,
					  .output_count = TABLES + b->merges,
					  .memory_bytes = USAGE_MEMORY,
					  .deadline_ms = BUILD_MS };
	int r;

	usage_add_views(&setup, &b->absolute, &b->gone);
	for (size_t i = 0; i < TABLES + b->merges; i++) {
		b->staged[i] = usage_staged_name(i < TABLES ? "table" : "extract");
		outputs[i].sql = i < TABLES ? tables[i].sql : usage_sql_merged;
		outputs[i].path = journal_stage_path(b->root, b->staged[i]);
	}
	r = duck_transform(&t, infos, e);
	for (size_t i = 0; i < TABLES + b->merges; i++) {
		free((void *)(uintptr_t)outputs[i].path); /* ours, lent to the outputs */
		duck_file_info_release(&infos[i]);
	}
	return r;
}

static int copy_all(int fd, struct object_upload *u, struct err *e)
{
	AUTO_FREE char *chunk = xmalloc(CHUNK);
	ssize_t n;

	while ((n = read(fd, chunk, CHUNK)) > 0)
		if (object_upload_add(u, (struct bytes){ chunk, (size_t)n }, e) < 0)
			return e->code;
	return n < 0 ? err_sys(e, "read a table") : object_upload_finish(u, e);
}

/* A staged table becomes an upload like any other, unless the hub has these bytes already. */
static int make_object(struct building *b, size_t i, struct err *e)
{
	AUTO_FD int fd = -1;
	struct object_wish wish = { .sha256 = b->sha256[i], .max = INT64_MAX };
	int r = journal_stage_open(b->root, b->staged[i], O_RDONLY, &fd, e);

	if (r == 0)
		r = sha256_fd(fd, b->sha256[i], NULL, e);
	if (r == 0)
		r = object_is_known(b->root, b->db, b->sha256[i], e);
	if (r != 0)
		return r < 0 ? r : 0;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read a table");
	r = object_upload_begin(b->root, &wish, &b->uploads[i], e);
	return r < 0 ? r : copy_all(fd, b->uploads[i], e);
}

static int record_objects(struct building *b, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	bool is_new = false;
	int r = db_begin_tx(b->db, &tx, e);

	for (size_t i = 0; r == 0 && i < TABLES; i++)
		if (b->uploads[i])
			r = object_upload_record(b->uploads[i], b->root, &is_new, e);
	if (r == 0)
		r = journal_commit(b->root, e);
	for (size_t i = 0; r == 0 && i < TABLES; i++)
		if (b->uploads[i])
			object_upload_keep(b->uploads[i]);
	return r;
}

static int prepare_table(struct building *b, size_t i, struct err *e)
{
	const struct publish_source source = { b->root, b->db };
	const struct publish_part part = { .path = "", .sha256 = b->sha256[i] };
	AUTO_STRV struct strv sort = STRV_INIT;
	AUTO_TABLE struct table t = { 0 };
	struct publish_request request = { .table = tables[i].name,
					   .parts = &part,
					   .part_count = 1,
					   .sort = &sort,
					   .create = true };
	int r = registry_find(b->db, NULL, tables[i].name, &t, e);

	if (r == ERR_NOT_FOUND) /* later a person may have said it better */
		request.description = tables[i].description;
	else if (r < 0)
		return r;
	return publish_prepare(&source, &request, &b->publishes[i], e);
}

/* The merged extract takes the place of all it is made of. */
static int take_over(struct building *b, struct err *e)
{
	int r = db_exec(b->db, e, "DELETE FROM usage_extract WHERE number <= ?1", "i", b->newest);

	if (r == 0)
		r = db_exec(b->db, e, "DELETE FROM usage_gone", "");

	for (size_t i = 0; r == 0 && i < b->paths.n; i++)
		r = journal_remove(b->root, b->paths.v[i], e);
	if (r == 0)
		r = usage_add_extract(b->root, b->staged[TABLES], b->version, e);
	b->newest = db_last_id(b->db);
	return r;
}

/* Extracts of an earlier version of the processor, whose sessions are all read again. */
static int forget_older(struct building *b, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(b->db, &q, e, "SELECT path FROM usage_extract WHERE version <> ?1", "i",
			 (int64_t)b->version);

	while (r == 0 && (r = stmt_next(q, e)) > 0)
		r = journal_remove(b->root, stmt_text(q, 0), e);
	return r < 0 ? r
		     : db_exec(b->db, e, "DELETE FROM usage_extract WHERE version <> ?1", "i",
			       (int64_t)b->version);
}

/* What the tables are made of, once this is committed. */
static int note_published(struct building *b, struct err *e)
{
	char fingerprint[64];

	return ledger_put(b->db, SPACE, KEY, fingerprint_of(b, fingerprint), e);
}

static int commit(struct building *b, struct err *e)
{
	struct publish_result result;
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(b->db, &tx, e);

	for (size_t i = 0; r == 0 && i < TABLES; i++)
		r = publish_apply(b->publishes[i], b->root, NULL, &result, e);
	if (r == 0)
		r = forget_older(b, e);
	if (r == 0 && b->merges)
		r = take_over(b, e);
	if (r == 0)
		r = note_published(b, e);
	return r < 0 ? r : journal_commit(b->root, e);
}

static int publish(struct building *b, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < TABLES; i++)
		r = make_object(b, i, e);
	if (r == 0)
		r = record_objects(b, e);
	for (size_t i = 0; r == 0 && i < TABLES; i++)
		r = prepare_table(b, i, e);
	if (r == 0)
		r = commit(b, e);
	for (size_t i = 0; i < TABLES; i++)
		if (b->publishes[i] && r == 0)
			publish_settled(b->publishes[i]);
		else if (b->publishes[i])
			publish_failed(b->publishes[i], b->db);
	return r;
}

static int sync_merged(struct building *b, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;

	strv_add(&names, b->staged[TABLES]);
	return journal_sync(b->root, &names, e);
}

int usage_build(struct root *root, int version, struct err *e)
{
	AUTO(building_release)
	struct building b = { .root = root, .db = root_db(root), .version = version };
	char fingerprint[64];
	int r = list_extracts(&b, e);

	if (r == 0)
		r = list_gone(&b, e);
	if (r < 0 || b.paths.n == 0)
		return r;
	r = ledger_seen(b.db, SPACE, KEY, fingerprint_of(&b, fingerprint), e);
	if (r < 0 || (r > 0 && b.gone.n == 0))
		return r < 0 ? r : 0;
	b.merges = b.paths.n > USAGE_EXTRACTS_MAX || b.gone.n > 0;
	r = transform(&b, e);
	if (r == 0 && b.merges)
		r = sync_merged(&b, e);
	if (r == 0)
		r = publish(&b, e);
	return r < 0 ? err_in(e, "the usage tables") : 0;
}
