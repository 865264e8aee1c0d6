/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/mirror.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/journal.h"

#include <inttypes.h>

/* What is no status is kept as it is when it is set aside, up to this; a person moves larger files. */
#define ASIDE_BYTES_MAX ((size_t)16 << 20)

struct member {
	const char *key;
	size_t offset; /* of a char * */
	size_t max;
	bool always; /* also when it is empty */
};

static const struct member texts[] = {
	{ "agent", offsetof(struct dispatch, agent), DISPATCH_TEXT_MAX, true },
	{ "repo", offsetof(struct dispatch, repo), DISPATCH_TEXT_MAX, true },
	{ "task", offsetof(struct dispatch, task), DISPATCH_TASK_MAX, true },
	{ "org", offsetof(struct dispatch, org), DISPATCH_TEXT_MAX, false },
	{ "branch", offsetof(struct dispatch, branch), DISPATCH_TEXT_MAX, false },
	{ "question", offsetof(struct dispatch, question), (size_t)64 << 10, false },
	{ "pr_url", offsetof(struct dispatch, pr_url), DISPATCH_TEXT_MAX, false },
	{ "process_id", offsetof(struct dispatch, handle), DISPATCH_TEXT_MAX, false },
	{ "template", offsetof(struct dispatch, template), DISPATCH_TEXT_MAX, false },
	{ "dispatch_id", offsetof(struct dispatch, id), UUID_TEXT_LEN, false },
	{ "reason", offsetof(struct dispatch, reason), DISPATCH_TEXT_MAX, false },
};

static const struct {
	const char *key;
	size_t offset; /* of an int64_t */
	bool always;
} numbers[] = {
	{ "issue", offsetof(struct dispatch, issue), false },
	{ "pid", offsetof(struct dispatch, pid), false },
	{ "priority", offsetof(struct dispatch, priority), false },
	{ "revision", offsetof(struct dispatch, revision), false },
	{ "runs", offsetof(struct dispatch, runs), true },
};

static const struct {
	const char *key;
	size_t offset; /* of an int64_t, milliseconds */
} times[] = {
	{ "started_at", offsetof(struct dispatch, started_ms) },
	{ "updated_at", offsetof(struct dispatch, updated_ms) },
	{ "ended_at", offsetof(struct dispatch, ended_ms) },
};

static const char *text_of(const struct dispatch *d, size_t i)
{
	return *(char *const *)(const void *)((const char *)d + texts[i].offset);
}

static int64_t int_at(const struct dispatch *d, size_t offset)
{
	return *(const int64_t *)(const void *)((const char *)d + offset);
}

static struct json *object_of(struct bytes old)
{
	struct json *doc = NULL;
	struct err ignored = { 0 };

	if (json_parse(old, STATUS_BYTES_MAX, &doc, &ignored) == 0 && json_kind(doc) == JSON_OBJECT)
		return doc;
	json_free(doc);
	return json_new_object();
}

static void put_time(struct json *doc, const char *key, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	if (ms)
		json_put(doc, key, json_new_text(time_format_iso(ms, text)));
	else
		json_remove(doc, key);
}

void mirror_render(const struct dispatch *d, struct bytes old, struct buf *out)
{
	AUTO_JSON struct json *doc = object_of(old);

	json_put(doc, "status", json_new_text(agent_status_word(d->status)));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (*text_of(d, i) || texts[i].always)
			json_put(doc, texts[i].key, json_new_text(text_of(d, i)));
		else
			json_remove(doc, texts[i].key);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t value = int_at(d, numbers[i].offset);

		if (value || numbers[i].always)
			json_put(doc, numbers[i].key, json_new_int(value));
		else
			json_remove(doc, numbers[i].key);
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		put_time(doc, times[i].key, int_at(d, times[i].offset));
	json_print(doc, out, true);
}

static int take_text(const struct json *doc, size_t i, struct dispatch *ret, struct err *e)
{
	struct bytes value = json_bytes(json_get(doc, texts[i].key));
	char **text = (char **)(void *)((char *)ret + texts[i].offset);

	if (value.n > texts[i].max)
		return err_set(e, ERR_LIMIT, "'%s' exceeds %zu bytes", texts[i].key, texts[i].max);
	if (value.n > 0 && memchr(value.p, '\0', value.n))
		return err_set(e, ERR_CORRUPT, "'%s' holds a NUL", texts[i].key);
	free(*text);
	*text = xstrndup(value.n ? value.p : "", value.n);
	return 0;
}

/* Of other tools: an id that is no UUID of ours is made anew by who takes the work in. */
static void take_rest(const struct json *doc, struct dispatch *ret)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*(int64_t *)(void *)((char *)ret + numbers[i].offset) =
			json_int(json_get(doc, numbers[i].key), 0);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		const char *text = json_text(json_get(doc, times[i].key));
		int64_t ms = 0;

		if (text && time_parse_iso(text, &ms, &ignored) == 0)
			*(int64_t *)(void *)((char *)ret + times[i].offset) = ms;
	}
	if (!uuid_is(ret->id))
		dispatch_set(&ret->id, "");
	ret->runs = ret->runs < 0 ? 0 : ret->runs;
	ret->revision = ret->revision < 0 ? 0 : ret->revision;
}

int mirror_parse(struct bytes text, struct dispatch *ret, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_JSON struct json *doc = NULL;
	const char *word;
	int r = json_parse(text, STATUS_BYTES_MAX, &doc, e);

	if (r == 0 && json_kind(doc) != JSON_OBJECT)
		r = err_set(e, ERR_CORRUPT, "it is no JSON object");
	if (r < 0)
		return r;
	word = json_text(json_get(doc, "status"));
	if (!word || agent_status_parse(word, &d.status, e) < 0)
		return err_set(e, ERR_CORRUPT, "its status is none that is known");
	enum agent_status status = d.status;

	dispatch_init(&d);
	d.status = status;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
		r = take_text(doc, i, &d, e);
	if (r < 0)
		return r;
	take_rest(doc, &d);
	*ret = d;
	d = (struct dispatch){ 0 };
	return 0;
}

/* The file as it is; empty when there is none. */
static int read_old(const struct agents *a, const struct dispatch *d, struct buf *out,
		    bool *ret_corrupt, struct err *e)
{
	AUTO_FREE char *path = agents_file(d->name, STATUS_FILE);
	AUTO_DISPATCH struct dispatch parsed = { 0 };
	struct err why = { 0 };
	int r = file_read(agents_dirfd(a), path, ASIDE_BYTES_MAX, out, e);

	*ret_corrupt = false;
	if (r == ERR_NOT_FOUND) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r == ERR_LIMIT ? err_hint(e, "move that file away: it is no status") : r;
	*ret_corrupt = mirror_parse(buf_bytes(out), &parsed, &why) < 0;
	return 0;
}

static int put_unsynced(struct agents *a, const char *staged, struct bytes contents,
			const char *target, struct err *e)
{
	struct root *root = agents_root(a);
	struct err ignored = { 0 };
	int r;

	(void)journal_stage_remove(root, staged, &ignored); /* of a change that was cut short */
	r = journal_stage(root, staged, contents, e);
	return r < 0 ? r : journal_move(root, staged, target, e);
}

int mirror_put_file(struct agents *a, const char *staged, struct bytes contents, const char *target,
		    struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = put_unsynced(a, staged, contents, target, e);

	strv_add(&names, staged);
	return r < 0 ? r : journal_sync(agents_root(a), &names, e);
}

static int set_aside(struct agents *a, const struct dispatch *d, struct bytes old, struct err *e)
{
	AUTO_FREE char *staged = xasprintf("corrupt-%s", d->id);
	AUTO_FREE char *file = xasprintf(STATUS_FILE ".corrupt-%" PRId64, time_now());
	AUTO_FREE char *target = agents_file(d->name, file);

	log_event(LOG_WARN, "status-set-aside", "file=%s", target);
	return mirror_put_file(a, staged, old, target, e);
}

int mirror_put_one_of(struct agents *a, const struct dispatch *d, struct strv *staged_names,
		      struct err *e)
{
	AUTO_FREE char *staged = xasprintf("status-%s-%" PRId64, d->id, d->revision);
	AUTO_FREE char *target = agents_file(d->name, STATUS_FILE);
	AUTO_BUF struct buf old = BUF_INIT(ASIDE_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	bool corrupt = false;
	int r = read_old(a, d, &old, &corrupt, e);

	if (r == 0 && corrupt)
		r = set_aside(a, d, buf_bytes(&old), e);
	if (r < 0)
		return r;
	mirror_render(d, corrupt ? (struct bytes){ NULL, 0 } : buf_bytes(&old), &text);
	strv_add(staged_names, staged);
	return put_unsynced(a, staged, buf_bytes(&text), target, e);
}

int mirror_put(struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_STRV struct strv staged = STRV_INIT;
	int r = mirror_put_one_of(a, d, &staged, e);

	return r < 0 ? r : journal_sync(agents_root(a), &staged, e);
}

int mirror_is_stale(const struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_BUF struct buf old = BUF_INIT(ASIDE_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	bool corrupt = false;
	int r = read_old(a, d, &old, &corrupt, e);

	if (r < 0 || corrupt)
		return r < 0 ? r : 1;
	mirror_render(d, buf_bytes(&old), &text);
	return !bytes_equal(buf_bytes(&old), buf_bytes(&text));
}
