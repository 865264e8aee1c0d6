/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "cmd/commands.h"

#include <signal.h>

static const struct command *const sub[] = {
	&kb_cmd_add,   &kb_cmd_chat,      &kb_cmd_doctor, &kb_cmd_import,
	&kb_cmd_init,  &kb_cmd_lint,      &kb_cmd_list,   &kb_cmd_publish,
	&kb_cmd_query, &kb_cmd_recompile, &kb_cmd_remove, &kb_cmd_search,
	&kb_cmd_show,  &kb_cmd_status,    &kb_cmd_watch,  NULL,
};

const struct command cmd_kb = {
	.name = "kb",
	.usage = "init|add|list|... [--kb DIR]",
	.summary = "a knowledge base: documents in, a wiki of linked Markdown pages out",
	.description =
		"Documents are kept in raw/, and compiled into wiki/: summaries, concepts, "
		"entities, the full text, an index, all of it Markdown with wiki links that "
		"Obsidian opens. The knowledge base is the one of --kb, of LARDER_KB, or the one "
		"you are in; never silently another.",
	.examples = "larder kb init notes|a new one in ./notes\n"
		    "larder kb add --kb notes papers/|every document of a folder\n"
		    "larder kb list --kb notes|what is in it",
	.sub = sub,
};

void kb_cmd_add_clean(struct buf *out, const char *text)
{
	text_add_clean(out, bytes_of(text ? text : ""));
}

int kb_cmd_print(const struct kb_common *common, struct buf *out, struct err *e)
{
	if (common->json)
		buf_addc(out, '\n');
	else if (common->quiet)
		return 0;
	return cmd_print(out, e);
}

int kb_cmd_open(const struct kb_common *common, bool read_only, struct kb **ret_kb, struct err *e)
{
	const struct kb_options o = { .path = common->kb, .read_only = read_only };

	return kb_open(&o, ret_kb, e);
}

void kb_cmd_add_spent(struct json_out *o, int64_t tokens_in, int64_t tokens_out,
		      int64_t cost_micros)
{
	json_add_int(o, "tokens_in", tokens_in);
	json_add_int(o, "tokens_out", tokens_out);
	json_add_double(o, "cost", (double)cost_micros / 1e6);
}

static atomic_bool cancelled;

static void on_signal(int signal)
{
	(void)signal;
	atomic_store(&cancelled, true);
}

const atomic_bool *kb_cmd_cancel(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	/* the second one ends the process: nothing of the state depends on a clean end */
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	return &cancelled;
}

bool kb_cmd_confirm(const char *question)
{
	char answer[16] = "";

	if (!isatty(STDIN_FILENO))
		return false;
	(void)fprintf(stderr, "%s [y/N] ", question);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
