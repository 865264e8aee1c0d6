/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub gives a member of a fleet: tasks of its event stream and of its answers. Whatever comes, the
 * dispatch it becomes works below the folder of its organisation and repository, in one of its own, and
 * runs the command of this machine. The first byte says how the stream is cut.
 */
#include "agents/member-internal.h"
#include "agents/run.h"

#include "base/json.h"
#include "net/sse.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char command[] = "[\"sh\",\"-c\",\"work\"]";

static void check(const struct dispatch *d, int64_t id)
{
	AUTO_FREE char *folder = xasprintf("/fleet-%lld", (long long)id);
	const char *last = strrchr(d->name, '/');

	assert(name_is_part(d->name) && strlen(d->name) <= DISPATCH_NAME_MAX);
	assert(last && str_eq(last, folder));
	assert(strchr(d->name, '/') != last); /* ORG/REPO/fleet-N */
	assert(str_eq(d->command, command));
	assert(*d->repo && *d->org && *d->agent);
	assert(strlen(d->task) <= DISPATCH_TASK_MAX && text_is_clean(bytes_of(d->task)));
	assert(d->priority >= 0 && d->priority <= RUN_PRIORITY_MAX);
}

static void take(const struct json *task)
{
	const struct member m = { .agent = (char[]){ "codex:gpt" },
				  .command = (char *)(uintptr_t)command }; /* only read */
	AUTO_BUF struct buf body = BUF_INIT(MEMBER_TASK_MAX);
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct member_task read = { 0 };
	struct err e = { 0 };
	int r = member_read_task(task, &read, &body, &e);

	if (r < 0) {
		assert(r == ERR_REMOTE && e.msg[0]);
		return;
	}
	assert(read.id > 0 && *read.lease);
	r = member_plan(&m, read.id, buf_bytes(&body), &d, &e);
	if (r == 0)
		check(&d, read.id);
	else
		assert(r == ERR_USAGE || r == ERR_LIMIT || r == ERR_CORRUPT);
}

static int on_event(void *ctx, struct bytes data, struct err *e)
{
	const struct sse *sse = ctx;
	AUTO_JSON struct json *task = NULL;

	assert(sse->name.n < SSE_NAME_MAX && sse->id.n < SSE_NAME_MAX);
	if (str_eq(buf_str(&sse->name), "task.assigned") &&
	    json_parse(data, MEMBER_TASK_MAX, &task, e) == 0)
		take(task);
	return 0;
}

static void as_stream(struct bytes text, size_t step)
{
	AUTO_SSE struct sse sse = SSE_INIT(on_event, &sse);
	struct err e = { 0 };

	for (size_t at = 0; at < text.n; at += step) {
		size_t left = text.n - at;

		if (sse_add(&sse, (struct bytes){ text.p + at, left < step ? left : step }, &e) < 0)
			break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_JSON struct json *answer = NULL;
	struct err e = { 0 };
	struct bytes text = { (const char *)p + 1, n - 1 };

	if (n == 0)
		return 0;
	as_stream(text, (size_t)p[0] % 16 + 1);
	if (json_parse(text, SYNC_REPLY_MAX, &answer, &e) == 0)
		take(json_get(answer, "data"));
	return 0;
}
