/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands. Each lives in a file of its own with one `const struct command`: main.c has the table
 * and the dispatch, and
 * --help, the man pages and shell completion are all printed from the same entries.
 *
 *	struct pull_args { bool json, quiet; const char *workspace; int64_t jobs; };
 *	static const struct opt options[] = {
 *		OPT_FLAG('j', "json", struct pull_args, json, "one JSON object on stdout"), ...,
 * OPT_END };
 *
 *	static int run(int argc, char **argv, struct err *e)
 *	{
 *		struct pull_args args = { .jobs = 8 };
 *		AUTO_STRV struct strv operands = STRV_INIT;
 *
 *		if (opt_parse(options, &args, argc, argv, &operands, e) < 0)
 *			return e->code;
 *		... one domain call, print ...
 *	}
 *
 *	const struct command cmd_pull = { .name = "pull", .run = run, .options = options, ... };
 *
 * run() returns 0 or an error code; main prints the error once and exits with the code's exit
 * status. A command that has printed its own report of a partial failure returns
 * CMD_REPORTED(code): the exit status without another message. argv[0] is the command's own word.
 * Output goes to stdout through `struct buf` and cmd_print(), which notices a failed write.
 */
#ifndef LARDER_CMD_CMD_H
#define LARDER_CMD_CMD_H

#include "base/json.h"
#include "base/opt.h"

struct command {
	const char *name;
	const char *usage;         /* after the name: "[--dry-run] TABLE FILE..." */
	const char *summary;       /* one line, lower case, no full stop */
	const char *description;   /* paragraphs for the man page and --help */
	const char *examples;      /* lines "command|what it does", separated by newlines */
	const struct opt *options; /* NULL when it has sub-commands only */
	int (*run)(int argc, char **argv, struct err *e);
	const struct command *const *sub; /* NULL-terminated sub-commands, or NULL */
};

/* Out of the range of enum err_code, so that the two cannot be mistaken. */
#define CMD_REPORTED_BASE  (-1000)
#define CMD_REPORTED(code) (CMD_REPORTED_BASE + (code))

int cmd_print(const struct buf *text, struct err *e); /* to stdout; a failed write is an error */
void cmd_warn(const char *fmt, ...) PRINTF(1, 2);     /* "larder: warning: ..." on stderr */
void cmd_note(const char *fmt, ...) PRINTF(1, 2);     /* "larder: ..." on stderr: of long work */

/* Exactly `min` to `max` operands, else a usage error that shows the command's usage line. */
int cmd_operands(const struct command *command, const struct strv *operands, size_t min, size_t max,
		 struct err *e);

/* --log-format of daemons: NULL or "text", or "json". */
int cmd_log_format(const char *word, struct err *e);

extern const struct command *const cmd_table[]; /* main.c; NULL-terminated, alphabetical */

#endif
