/* SPDX-License-Identifier: Apache-2.0 */
/* The pure part: from a row to the text of status.json, and back. */
#include "agents/mirror.h"

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"

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
