/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/engine.h"

#include "base/file.h"
#include "base/near.h"
#include "base/time.h"

#include <fcntl.h>

/* A key of a service account has 2.4 KB. */
#define SECRET_MAX ((size_t)64 << 10)
#define MEMBER_MAX 1000

static const struct far_engine *const engines[] = { &far_bigquery, &far_postgres, NULL };

const struct far_engine *far_engine_find(const char *name)
{
	for (size_t i = 0; engines[i]; i++) {
		if (str_eq(engines[i]->name, name))
			return engines[i];
	}
	return NULL;
}

void far_engine_names(struct buf *out)
{
	for (size_t i = 0; engines[i]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", engines[i]->name);
}

int far_guard_check(const struct far_guard *guard, struct err *e)
{
	if (guard->is_cancelled && guard->is_cancelled(guard->ctx))
		return err_set(e, ERR_CANCELLED, "whoever asked has left");
	if (guard->until_ms && time_monotonic() >= guard->until_ms)
		return err_set(e, ERR_LIMIT, "the query was stopped: its time is over");
	return 0;
}

void far_found_release(struct far_found *found)
{
	for (size_t i = 0; i < found->column_count; i++) {
		free(found->columns[i].name);
		free(found->columns[i].type);
	}
	free(found->columns);
	free(found->partition_by);
	strv_release(&found->clustered_by);
	*found = (struct far_found){ 0 };
}

static int secret_of_environment(const char *name, char **ret_text, struct err *e)
{
	const char *value = getenv(name);

	if (!value || !*value) {
		(void)err_set(e, ERR_CONFLICT, "the environment has no '%s'", name);
		return err_hint(e, "set it where the hub is started");
	}
	*ret_text = xstrdup(value);
	return 0;
}

static int secret_of_file(const char *path, char **ret_text, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SECRET_MAX + 1);

	if (file_read(AT_FDCWD, path, SECRET_MAX, &text, e) < 0) {
		(void)err_in(e, "the hub cannot read the secret '%.200s'", path);
		return e->code = ERR_CONFLICT;
	}
	while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]))
		text.n--;
	if (text.n == 0 || memchr(text.p, '\0', text.n))
		return err_set(e, ERR_CONFLICT, "'%s' is no secret: empty, or not text", path);
	*ret_text = xstrndup(text.p, text.n);
	return 0;
}

int far_secret(const struct json *spec, const char *key, char **ret_text, struct err *e)
{
	AUTO_FREE char *env_key = xasprintf("%s_env", key);
	AUTO_FREE char *file_key = xasprintf("%s_file", key);
	const char *name = json_text(json_get(spec, env_key));
	const char *path = json_text(json_get(spec, file_key));

	*ret_text = NULL;
	if (name)
		return secret_of_environment(name, ret_text, e);
	return path ? secret_of_file(path, ret_text, e) : 0;
}

static int check_member(const struct json_iter *it, const struct far_member *members, struct err *e)
{
	struct near near = near_to(it->key);

	for (const struct far_member *m = members; m->key; m++) {
		struct bytes text = json_bytes(it->value);

		near_try(&near, m->key);
		if (!str_eq(m->key, it->key))
			continue;
		if (json_kind(it->value) != m->kind)
			return err_set(e, ERR_USAGE, "'%s' is of another type", m->key);
		if (m->kind == JSON_TEXT &&
		    (text.n == 0 || text.n > MEMBER_MAX || !text_is_clean(text)))
			return err_set(e, ERR_USAGE, "'%s' must be clean text of 1 to %d bytes",
				       m->key, MEMBER_MAX);
		return 0;
	}
	(void)err_set(e, ERR_USAGE, "there is no '%.60s' for this engine", it->key);
	return near.best ? err_hint(e, "did you mean '%s'?", near.best) : e->code;
}

int far_check_members(const struct json *spec, const struct far_member *members, struct err *e)
{
	struct json_iter it = json_iter(spec);

	if (json_kind(spec) != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "what is said of a remote table is an object");
	while (json_next(&it)) {
		if (check_member(&it, members, e) < 0)
			return e->code;
	}
	for (const struct far_member *m = members; m->key; m++) {
		if (m->required && !json_get(spec, m->key))
			return err_set(e, ERR_USAGE, "'%s' is missing", m->key);
	}
	return 0;
}
