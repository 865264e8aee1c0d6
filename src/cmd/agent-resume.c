/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/change.h"
#include "base/file.h"

#include <fcntl.h>

/* An answer is a page; more belongs into a file of the repository. */
#define ANSWER_MAX ((size_t)256 << 10)

struct resume_args {
	struct agent_work_args work;
	const char *answer, *answer_file;
};

static const struct opt options[] = {
	OPT_TEXT('a', "answer", struct resume_args, answer, "TEXT", "to its question"),
	OPT_TEXT(0, "answer-file", struct resume_args, answer_file, "FILE", "the answer in a file"),
	AGENT_WORK_OPTIONS(struct resume_args, work),
	OPT_END,
};

static int read_answer(const struct resume_args *args, struct buf *out, struct err *e)
{
	if (args->answer && args->answer_file)
		return err_set(e, ERR_USAGE, "--answer and --answer-file: one of them");
	if (args->answer_file)
		return file_read(AT_FDCWD, args->answer_file, ANSWER_MAX, out, e);
	if (args->answer)
		buf_adds(out, args->answer);
	return out->full ? err_set(e, ERR_LIMIT, "the answer exceeds %zu bytes", ANSWER_MAX) : 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct resume_args args = { 0 };
	struct agents_options where = { 0 };
	struct change wait = { .event = AGENT_WAIT };
	struct agent_verdict verdict;
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_BUF struct buf answer = BUF_INIT(ANSWER_MAX);
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_resume, &operands, 1, 1, e);
	if (r == 0)
		r = read_answer(&args, &answer, e);
	if (r < 0)
		return r;
	where.path = args.work.home;
	r = agents_open(&where, &a, e);
	if (r == 0)
		r = dispatch_find(agents_db(a), operands.v[0], &d, e);
	if (answer.n > 0)
		wait.answer = buf_str(&answer);
	if (r == 0)
		r = change_apply(a, &d, &wait, &verdict, e);
	return r < 0 ? agent_result(r, e) : agent_work(a, &d, &args.work, e);
}

const struct command agent_resume = {
	.name = "resume",
	.usage = "[--answer TEXT | --answer-file FILE] [--queue] [--home DIR] WORKSPACE|ID",
	.summary = "start work again that asked, failed or was completed",
	.description = "An answer is put into repo/ANSWER.md, the question in repo/BLOCKED.md goes "
		       "away, and the command of the work is started anew in the same folder, "
		       "watched as by `larder agent run`. Exit: 0 completed, 1 failed, 3 blocked "
		       "again or not to be resumed, 75 it waits for a slot.",
	.examples = "larder agent resume local/api/task-7 --answer 'the test database'|go on\n"
		    "larder agent resume --queue local/api/task-7|the daemon starts it",
	.options = options,
	.run = run,
};
