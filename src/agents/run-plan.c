/* SPDX-License-Identifier: Apache-2.0 */
/* From what was asked for to a dispatch: its folder's name, its command. */
#include "agents/run.h"

#include "base/hash.h"
#include "base/json.h"

#include <inttypes.h>

#define ORG_DEFAULT   "local"
#define AGENT_DEFAULT "local"
/* Of a task's text in a folder's name. */
#define SLUG_MAX 40

/* Letters that may stand in a folder's name (base/str.h, name_is_part); others become '-'. */
static char *clean_segments(const char *text, bool slashes)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_.=-";
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	bool first = true;

	for (const char *c = text; *c; c++) {
		bool slash = *c == '/' && slashes;
		char letter = strchr(alphabet, *c) || slash ? *c : '-';

		if (slash && (first || !c[1]))
			continue; /* an empty segment */
		if (first && strchr(".=-", letter))
			buf_addc(&out, '_');
		buf_addc(&out, letter);
		first = slash;
	}
	while (out.n > 0 && out.p[out.n - 1] == '/')
		out.p[--out.n] = '\0';
	return buf_take(&out);
}

static char *slug(const char *task)
{
	AUTO_FREE char *cut = xstrndup(task, SLUG_MAX);
	AUTO_FREE char *clean = clean_segments(cut, false);

	for (char *c = clean; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return TAKE(clean);
}

static char *task_segment(const struct run_wish *wish)
{
	char random[RANDOM_TEXT_MAX];

	if (wish->folder)
		return xstrdup(wish->folder);
	if (wish->pr)
		return xasprintf("pr-%" PRId64, wish->pr);
	if (wish->issue)
		return xasprintf("task-%" PRId64, wish->issue);
	if (wish->branch && *wish->branch)
		return clean_segments(wish->branch, true);
	if (wish->task && *wish->task)
		return slug(wish->task);
	random_text(6, random);
	return xasprintf("run-%s", random);
}

/* "org/repo" in one word is taken apart. */
static void split_repo(const struct run_wish *wish, char **org, char **repo)
{
	const char *slash = wish->org ? NULL : strchr(wish->repo, '/');

	free(*org);
	free(*repo);
	*org = slash ? xstrndup(wish->repo, (size_t)(slash - wish->repo))
		     : xstrdup(wish->org ? wish->org : ORG_DEFAULT);
	*repo = xstrdup(slash ? slash + 1 : wish->repo);
}

static int check_wish(const struct run_wish *wish, struct err *e)
{
	const struct {
		const char *what, *text;
		size_t max;
	} all[] = {
		{ "--org", wish->org, 100 },
		{ "--repo", wish->repo, 100 },
		{ "--branch", wish->branch, 200 },
		{ "--agent", wish->agent, 100 },
		{ "--template", wish->template, DISPATCH_TEXT_MAX },
		{ "--task", wish->task, DISPATCH_TASK_MAX },
	};

	if (!wish->repo || !*wish->repo)
		return err_set(e, ERR_USAGE, "--repo says what is worked on");
	if (!wish->command || wish->command->n == 0)
		return err_set(e, ERR_USAGE, "what is to be run stands after '--'");
	if (wish->priority < 0 || wish->priority > RUN_PRIORITY_MAX)
		return err_set(e, ERR_USAGE, "a priority is 0 to %d", RUN_PRIORITY_MAX);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!all[i].text)
			continue;
		if (strlen(all[i].text) > all[i].max || !text_is_clean(bytes_of(all[i].text)))
			return err_set(e, ERR_USAGE, "%s must be clean text of at most %zu bytes",
				       all[i].what, all[i].max);
	}
	return 0;
}

static int put_command(const struct strv *command, struct dispatch *d, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(RUN_COMMAND_MAX);
	struct json_out o = json_out(&text);

	json_add_texts(&o, NULL, command);
	if (text.full)
		return err_set(e, ERR_LIMIT, "the command exceeds %zu bytes", RUN_COMMAND_MAX);
	dispatch_set(&d->command, buf_str(&text));
	return 0;
}

int run_plan(const struct run_wish *wish, struct dispatch *ret, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_FREE char *segment = NULL;
	AUTO_FREE char *org = NULL;
	AUTO_FREE char *repo = NULL;
	int r = check_wish(wish, e);

	if (r < 0)
		return r;
	dispatch_init(&d);
	split_repo(wish, &d.org, &d.repo);
	segment = task_segment(wish);
	org = clean_segments(d.org, false);
	repo = clean_segments(d.repo, false);
	free(d.name);
	d.name = xasprintf("%s/%s/%s", org, repo, segment);
	if (strlen(d.name) > DISPATCH_NAME_MAX || !name_is_part(d.name))
		return err_set(e, ERR_USAGE, "'%.100s' is no name for a folder", d.name);
	dispatch_set(&d.task, wish->task);
	dispatch_set(&d.branch, wish->branch);
	dispatch_set(&d.template, wish->template);
	dispatch_set(&d.agent, wish->agent && *wish->agent ? wish->agent : AGENT_DEFAULT);
	d.issue = wish->issue;
	d.priority = wish->priority;
	d.timeout_ms = wish->timeout_ms ? wish->timeout_ms : RUN_TIMEOUT_MS;
	d.log_max = wish->log_max ? wish->log_max : RUN_LOG_MAX;
	r = put_command(wish->command, &d, e);
	if (r < 0)
		return r;
	dispatch_release(ret);
	*ret = d;
	d = (struct dispatch){ 0 };
	return 0;
}
