/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/manifest-build.h"

#include "base/json.h"
#include "base/time.h"
#include "tables/manifest-since.h"
#include "tables/registry-internal.h"

/*
 * A row a part, in the order of names and paths; a table of one file, or without a version, has one
 * row with nulls for the part: its version says all there is.
 */
static const char sql_rows[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL("?1", "?2", "t.id") " AS rights FROM tbl t WHERE ?1=1 OR t.id IN " GRANTED_TABLES(
	"?2") ")"
	      " SELECT t.id, t.name, t.query_mode, t.source_type, t.description, v.id, " SEEN("sha256") ", " SEEN("md5") ", " SEEN(
		      "rows") ", " SEEN("size_bytes") ", v.created_ms, p.path, p.sha256, p.md5, p.rows,"
						      " p.size_bytes, o.chunks_sha256, o.chunks_bytes,"
						      " o.patch_from, o.patch_sha256, o.patch_bytes, r.rights"
						      " FROM r JOIN tbl t ON t.id=r.table_id LEFT JOIN version v ON v.id=t.current_version" JOIN_EXCERPT
						      " LEFT JOIN part p ON r.rights='' AND p.version_id=v.id AND p.path>''"
						      " LEFT JOIN object o ON o.sha256=coalesce(p.sha256, " SEEN(
							      "sha256") ")"
									" WHERE t.query_mode='remote' OR " SEEN(
										"sha256") " IS NOT NULL ORDER BY t.name, p.path";

enum column {
	T_ID,
	T_NAME,
	T_MODE,
	T_SOURCE,
	T_DESCRIPTION,
	V_ID,
	V_SHA256,
	V_MD5,
	V_ROWS,
	V_SIZE,
	V_CREATED,
	P_PATH,
	P_SHA256,
	P_MD5,
	P_ROWS,
	P_SIZE,
	O_CHUNKS,
	O_CHUNKS_BYTES,
	O_PATCH_FROM,
	O_PATCH,
	O_PATCH_BYTES,
	R_RIGHTS,
};

struct building {
	struct json_out o;
	struct buf last;  /* id of the table that is open; empty: none */
	size_t described; /* bytes of descriptions */
	bool in_parts, mirror;
	struct hash *digest; /* of what the tables are, for who gets differences */
};

static void add_int_or_null(struct json_out *o, const char *key, const struct stmt *q, int column)
{
	if (stmt_is_null(q, column) || stmt_int(q, column) < 0)
		json_add_null(o, key);
	else
		json_add_int(o, key, stmt_int(q, column));
}

/* For people who are offline: the beginning of it, and of the first ones where there are very many. */
static void add_description(struct building *b, const struct stmt *q)
{
	const char *text = stmt_text(q, T_DESCRIPTION);
	size_t n = text ? strlen(text) : 0;

	if (n > MANIFEST_DESCRIPTION_MAX)
		n = MANIFEST_DESCRIPTION_MAX;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) /* not within a letter */
		n--;
	if (n == 0 || b->described + n > MANIFEST_DESCRIPTIONS_MAX)
		return;
	b->described += n;
	json_add_bytes(&b->o, "description", (struct bytes){ text, n });
}

/* The chunk index of the file; small ones have none. */
static void add_chunks(struct json_out *o, const struct stmt *q)
{
	if (stmt_is_null(q, O_CHUNKS))
		return;
	json_open(o, "chunks", '{');
	json_add_text(o, "sha256", stmt_text(q, O_CHUNKS));
	json_add_int(o, "size_bytes", stmt_int(q, O_CHUNKS_BYTES));
	json_close(o);
}

/* The rows in which a part differs from the one before it; few parts have any. */
static void add_patch(struct json_out *o, const struct stmt *q)
{
	if (stmt_is_null(q, O_PATCH))
		return;
	json_open(o, "patch", '{');
	json_add_text(o, "from", stmt_text(q, O_PATCH_FROM));
	json_add_text(o, "sha256", stmt_text(q, O_PATCH));
	json_add_int(o, "size_bytes", stmt_int(q, O_PATCH_BYTES));
	json_close(o);
}

static int64_t known_int(const struct stmt *q, int column)
{
	return stmt_is_null(q, column) ? -1 : stmt_int(q, column);
}

/* Those that stay at their source are nobody's to have. */
static void add_to_digest(struct building *b, const struct stmt *q, const char *updated)
{
	if (str_eq(stmt_text(q, T_MODE), "remote"))
		return;
	since_digest_add(b->digest, &(struct since_table){ .name = stmt_text(q, T_NAME),
							   .id = stmt_text(q, T_ID),
							   .version = stmt_text(q, V_SHA256),
							   .hash = stmt_text(q, V_MD5),
							   .updated = updated,
							   .rows = known_int(q, V_ROWS),
							   .size_bytes = known_int(q, V_SIZE) });
}

static void open_table(struct building *b, const struct stmt *q)
{
	struct json_out *o = &b->o;
	const char *source = stmt_text(q, T_SOURCE);
	char iso[TIME_TEXT_MAX];
	const char *updated =
		stmt_is_null(q, V_ID) ? NULL : time_format_iso(stmt_int(q, V_CREATED), iso);

	add_to_digest(b, q, updated);
	json_open(o, stmt_text(q, T_NAME), '{');
	json_add_text(o, "id", stmt_text(q, T_ID));
	json_add_text(o, "hash", stmt_text(q, V_MD5));
	json_add_text(o, "md5", stmt_text(q, V_MD5));
	json_add_text(o, "sha256", stmt_text(q, V_SHA256));
	json_add_text(o, "version", stmt_text(q, V_SHA256));
	json_add_text(o, "updated", updated);
	add_int_or_null(o, "size_bytes", q, V_SIZE);
	add_int_or_null(o, "rows", q, V_ROWS);
	json_add_text(o, "query_mode", stmt_text(q, T_MODE));
	json_add_text(o, "source_type", source ? source : "");
	add_description(b, q);
	/* An excerpt is for few, and may be small enough to be guessed: only the hub gives it out. */
	if (b->mirror && !str_eq(stmt_text(q, R_RIGHTS), ""))
		json_add_bool(o, "mirror", false);
	if (stmt_is_null(q, P_PATH))
		add_chunks(o, q);
}

static void add_part(struct json_out *o, const struct stmt *q)
{
	json_open(o, NULL, '{');
	json_add_text(o, "path", stmt_text(q, P_PATH));
	json_add_text(o, "hash", stmt_text(q, P_MD5));
	json_add_text(o, "sha256", stmt_text(q, P_SHA256));
	add_int_or_null(o, "size_bytes", q, P_SIZE);
	add_int_or_null(o, "rows", q, P_ROWS);
	add_chunks(o, q);
	add_patch(o, q);
	json_close(o);
}

static void close_table(struct building *b)
{
	if (b->in_parts)
		json_close(&b->o);
	if (b->last.n > 0)
		json_close(&b->o);
	b->in_parts = false;
	buf_clear(&b->last);
}

static void add_row(struct building *b, const struct stmt *q)
{
	const char *path = stmt_text(q, P_PATH);

	if (!str_eq(buf_str(&b->last), stmt_text(q, T_ID))) {
		close_table(b);
		open_table(b, q);
		buf_adds(&b->last, stmt_text(q, T_ID));
	}
	if (!path)
		return;
	if (!b->in_parts)
		json_open(&b->o, "parts", '[');
	b->in_parts = true;
	add_part(&b->o, q);
}

static int add_tables(struct building *b, struct db *db, const struct caller *caller, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_rows, "ii", (int64_t)caller->is_admin, caller->user_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		add_row(b, q);
		r = 0;
	}
	close_table(b);
	return r;
}

int manifest_build(struct db *db, const struct manifest_for *who, struct buf *out,
		   size_t *ret_lasting, struct err *e)
{
	AUTO_HASH struct hash *digest = hash_new(HASH_SHA256);
	struct building b = { .o = json_out(out),
			      .last = BUF_INIT(NAME_MAX_LEN + 1),
			      .mirror = who->mirror && *who->mirror,
			      .digest = digest };
	char hex[HASH_HEX_MAX];
	char iso[TIME_TEXT_MAX];
	int r;

	json_open(&b.o, NULL, '{');
	json_open(&b.o, "tables", '{');
	r = add_tables(&b, db, who->caller, e);
	json_close(&b.o);
	json_open(&b.o, "assets", '{');
	json_close(&b.o);
	if (who->bundle_etag)
		json_add_text(&b.o, "bundle_etag", who->bundle_etag);
	json_add_bool(&b.o, "batch", true);
	if (b.mirror)
		json_add_text(&b.o, "mirror", who->mirror);
	hash_hex(digest, hex);
	json_add_text(&b.o, "digest", hex);
	*ret_lasting = out->n;
	json_add_text(&b.o, "server_time", time_format_iso(who->now_ms, iso));
	json_close(&b.o);
	buf_release(&b.last);
	if (r == 0 && out->full)
		r = err_set(e, ERR_LIMIT, "the manifest is over %zu bytes", MANIFEST_BUILD_MAX);
	return r;
}
