/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh/source-internal.h"

#include "base/near.h"
#include "db/postgres.h"
#include "engine/schedule.h"
#include "net/url.h"
#include "tables/publish.h"

/* Also of a materialized table without a schedule, as in the system before this one. */
#define SQL_SCHEDULE "every 1h"

enum { OF_FILES = 1, OF_HTTP = 2, OF_POSTGRES = 4, OF_SQL = 8, OF_ALL = 15 };

static const char *const kinds[] = {
	[SOURCE_FILES] = "files",
	[SOURCE_HTTP] = "http",
	[SOURCE_POSTGRES] = "postgres",
	[SOURCE_SQL] = "sql",
};

static const struct {
	const char *key;
	unsigned of;
	enum json_kind kind;
} members[] = {
	{ "kind", OF_ALL, JSON_TEXT },
	{ "schedule", OF_ALL, JSON_TEXT },
	{ "max_bytes", OF_ALL, JSON_INT },
	{ "allow_empty", OF_ALL, JSON_BOOL },
	{ "allow_column_loss", OF_ALL, JSON_BOOL },
	{ "files", OF_FILES, JSON_ARRAY },
	{ "format", OF_FILES | OF_HTTP, JSON_TEXT },
	{ "url", OF_HTTP, JSON_TEXT },
	{ "token_env", OF_HTTP, JSON_TEXT },
	{ "token_file", OF_HTTP, JSON_TEXT },
	{ "connection", OF_POSTGRES, JSON_TEXT },
	{ "connection_env", OF_POSTGRES, JSON_TEXT },
	{ "connection_file", OF_POSTGRES, JSON_TEXT },
	{ "table", OF_POSTGRES, JSON_TEXT },
	{ "query", OF_POSTGRES, JSON_TEXT },
	{ "increment", OF_POSTGRES, JSON_TEXT },
	{ "sql", OF_SQL, JSON_TEXT },
};

const char *source_kind_word(enum source_kind kind)
{
	return kinds[kind];
}

static int read_kind(const struct json *spec, enum source_kind *ret_kind, struct err *e)
{
	const char *word = json_text(json_get(spec, "kind"));

	for (size_t i = 0; word && i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i], word)) {
			*ret_kind = (enum source_kind)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "'kind' must be files, http, postgres or sql");
}

static int check_member(const struct json_iter *it, enum source_kind kind, struct err *e)
{
	struct near near = near_to(it->key);

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!(members[i].of & 1U << kind))
			continue;
		near_try(&near, members[i].key);
		if (!str_eq(members[i].key, it->key))
			continue;
		if (json_kind(it->value) == members[i].kind &&
		    (members[i].kind != JSON_TEXT || json_text(it->value)))
			return 0;
		return err_set(e, ERR_USAGE, "'%s' of a source is of another type", it->key);
	}
	(void)err_set(e, ERR_USAGE, "a source of kind %s has no '%.60s'", kinds[kind], it->key);
	return near.best ? err_hint(e, "did you mean '%s'?", near.best) : e->code;
}

/* How many of the keys are there? */
static int count(const struct json *spec, const char *a, const char *b, const char *c)
{
	return (json_get(spec, a) != NULL) + (b && json_get(spec, b)) + (c && json_get(spec, c));
}

static int check_text(const struct json *spec, const char *key, size_t max, struct err *e)
{
	struct bytes text = json_bytes(json_get(spec, key));

	if (!json_get(spec, key) || (text.n > 0 && text.n <= max && text_is_clean(text)))
		return 0;
	return err_set(e, ERR_USAGE, "'%s' must be clean text of 1 to %zu bytes", key, max);
}

static int check_files(const struct json *spec, struct err *e)
{
	const struct json *files = json_get(spec, "files");
	size_t n = json_size(files);

	if (n == 0 || n > SOURCE_FILES_MAX)
		return err_set(e, ERR_USAGE, "'files' must name 1 to %d files or patterns",
			       SOURCE_FILES_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *path = json_text(json_at(files, i));

		if (!path || path[0] != '/' || !text_is_clean(bytes_of(path)))
			return err_set(e, ERR_USAGE,
				       "'files' must hold absolute paths or patterns of the hub's "
				       "machine");
	}
	return 0;
}

static int check_http(const struct json *spec, struct err *e)
{
	const char *url = json_text(json_get(spec, "url"));
	const char *host = url ? strstr(url, "://") : NULL;

	if (!host || !(str_starts(url, "http://") || str_starts(url, "https://")) ||
	    strlen(url) > URL_MAX)
		return err_set(e, ERR_USAGE, "'url' must be an http or https address");
	if (memchr(host + 3, '@', strcspn(host + 3, "/?#")))
		return err_set(e, ERR_USAGE,
			       "'url' must hold no user or password: use token_env or token_file");
	if (count(spec, "token_env", "token_file", NULL) > 1)
		return err_set(e, ERR_USAGE, "'token_env' and 'token_file' exclude each other");
	return 0;
}

static int check_postgres(const struct json *spec, struct err *e)
{
	if (count(spec, "connection", "connection_env", "connection_file") != 1)
		return err_set(e, ERR_USAGE,
			       "a source of kind postgres needs one of 'connection', "
			       "'connection_env', 'connection_file'");
	if (count(spec, "table", "query", NULL) != 1)
		return err_set(e, ERR_USAGE,
			       "a source of kind postgres needs one of 'table' and 'query'");
	return 0;
}

static int check_kind(const struct json *spec, enum source_kind kind, struct err *e)
{
	switch (kind) {
	case SOURCE_FILES:
		return check_files(spec, e);
	case SOURCE_HTTP:
		return check_http(spec, e);
	case SOURCE_POSTGRES:
		return check_postgres(spec, e);
	case SOURCE_SQL:
		break;
	}
	if (!json_get(spec, "sql"))
		return err_set(e, ERR_USAGE, "a source of kind sql needs 'sql'");
	return 0;
}

static int check_members(const struct json *spec, enum source_kind kind, struct err *e)
{
	static const char *const names[] = { "token_env",      "token_file",      "connection",
					     "connection_env", "connection_file", "table",
					     "increment",      "schedule" };
	const char *format = json_text(json_get(spec, "format"));
	struct json_iter it = json_iter(spec);
	enum duck_format ignored;
	int r = 0;

	while (r == 0 && json_next(&it))
		r = check_member(&it, kind, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		r = check_text(spec, names[i], 1000, e);
	if (r == 0)
		r = check_text(spec, "query", SOURCE_SQL_MAX, e);
	if (r == 0)
		r = check_text(spec, "sql", SOURCE_SQL_MAX, e);
	if (r == 0 && format)
		r = publish_format_parse(format, &ignored, e);
	return r < 0 ? r : check_kind(spec, kind, e);
}

int source_check_connection(const struct source *s, struct err *e)
{
	const char *connection = source_text(s, "connection");

	return connection ? postgres_check_connection(connection, e) : 0;
}

/* In UTC: what is due is asked at each run, which the scheduler plans in the zone it likes. */
static int parse_schedule(const char *text, struct schedule *ret_schedule, struct err *e)
{
	return schedule_parse(text, NULL, ret_schedule, e);
}

int source_read_spec(const struct json *spec, struct source *s, struct err *e)
{
	const char *schedule = json_text(json_get(spec, "schedule"));
	struct schedule ignored;
	int r = json_kind(spec) == JSON_OBJECT ? read_kind(spec, &s->kind, e)
					       : err_set(e, ERR_USAGE, "a source is an object");

	if (r == 0)
		r = check_members(spec, s->kind, e);
	if (r == 0 && !schedule && s->kind == SOURCE_SQL)
		schedule = SQL_SCHEDULE;
	if (r == 0 && schedule)
		r = parse_schedule(schedule, &ignored, e);
	if (r < 0)
		return r;
	s->schedule = schedule ? xstrdup(schedule) : NULL;
	s->max_bytes = json_int(json_get(spec, "max_bytes"), SOURCE_BYTES_DEFAULT);
	s->allow_empty = json_flag(json_get(spec, "allow_empty"), false);
	s->allow_column_loss = json_flag(json_get(spec, "allow_column_loss"), false);
	if (s->max_bytes < 1)
		return err_set(e, ERR_USAGE, "'max_bytes' must be at least 1");
	return 0;
}

/* A last success in the future (the clock was set back) is none: it would stall the table. */
bool source_is_due(const struct source *s, int64_t now_ms)
{
	struct err ignored = { 0 };
	struct schedule schedule;

	if (!s->schedule || s->last_sync_ms == 0 || s->last_sync_ms > now_ms)
		return true;
	if (parse_schedule(s->schedule, &schedule, &ignored) < 0)
		return true; /* of a newer program: rather too often than never */
	return schedule_next(&schedule, s->last_sync_ms, s->last_sync_ms) <= now_ms;
}
