/* SPDX-License-Identifier: Apache-2.0 */
/* The command table and dispatch, nothing else. */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/help.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/time.h"
#include <signal.h>

/* clang-format off */
const struct command *const cmd_table[] = {
	&cmd_admin,
	&cmd_agent,
	&cmd_backup,
	&cmd_catalog,
	&cmd_collect,
	&cmd_completion,
	&cmd_config,
	&cmd_corporate_memory,
	&cmd_doctor,
	&cmd_help,
	&cmd_hub,
	&cmd_init,
	&cmd_jobs,
	&cmd_kb,
	&cmd_mcp,
	&cmd_metadata,
	&cmd_process,
	&cmd_publish,
	&cmd_pull,
	&cmd_push,
	&cmd_query,
	&cmd_refresh,
	&cmd_restore,
	&cmd_scheduler,
	&cmd_script,
	&cmd_serve,
	&cmd_sessions,
	&cmd_snapshot,
	&cmd_status,
	&cmd_verify,
	NULL,
};
/* clang-format on */

/* Walks "admin user add" down to the entry that runs; *argc and *argv are moved past the words
 * used. */
static const struct command *find(const struct command *const *table, int *argc, char ***argv)
{
	for (const struct command *const *c = table; c && *c && *argc > 0; c++) {
		if (strcmp((*c)->name, (*argv)[0]) != 0)
			continue;
		if (!(*c)->sub || *argc < 2)
			return *c;
		(*argc)--;
		(*argv)++;
		const struct command *inner = find((*c)->sub, argc, argv);

		if (inner)
			return inner;
		(*argc)++;
		(*argv)--;
		return *c;
	}
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

/* A message may quote several lines of another program (a statement with its caret): they stay
 * lines. */
static void add_lines(struct buf *message, const char *text)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		if (i > 0 && !*lines.v[i])
			continue;
		buf_adds(message, i > 0 ? "    " : "");
		text_add_clean(message, bytes_of(lines.v[i]));
		buf_addc(message, '\n');
	}
	if (lines.n == 0)
		buf_addc(message, '\n');
}

static int report(const struct command *command, int code, const struct err *e)
{
	AUTO_BUF struct buf message = BUF_INIT(BUF_OWN_MAX);

	if (code <= CMD_REPORTED_BASE)
		return err_exit_code(code - CMD_REPORTED_BASE);
	buf_adds(&message, "larder: ");
	if (command) {
		help_full_name(command, &message);
		buf_adds(&message, ": ");
	}
	add_lines(&message, e->msg);
	if (e->hint[0])
		buf_addf(&message, "larder: next: %s\n", e->hint);
	(void)fputs(buf_str(&message), stderr); /* nowhere is left to report that to */
	return err_exit_code(code);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct err e = { 0 };
	int64_t started = time_monotonic();
	int r;

	if (asks_for_help(argc, argv))
		r = help_print(command, &e);
	else if (command->run)
		r = command->run(argc, argv, &e);
	else
		r = help_unknown(command, argc > 1 ? argv[1] : NULL, &e);
	if (r == 0 && fflush(stdout) != 0)
		r = err_sys(&e, "write the output");
	r = r == 0 ? 0 : report(command, r, &e);
	trace_event("command", started, "\"name\":\"%s\",\"exit\":%d", command->name, r);
	return r;
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct err e = { 0 };
	int r;

	proc_end_with_parent();
	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, which is reported */
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
		return puts("larder " LARDER_VERSION) < 0;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		r = help_print(NULL, &e);
		return r < 0 ? report(NULL, r, &e) : argc < 2 ? 2 : 0;
	}
	argc--;
	argv++;
	command = find(cmd_table, &argc, &argv);
	if (command)
		return run_command(command, argc, argv);
	r = help_unknown(NULL, argv[0], &e);
	return report(NULL, r, &e);
}
