/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sub-commands of `larder kb`, one file kb-*.c each, and what they share.
 *
 *	struct kb_args { struct kb_common common; ... };
 *	KB_OPTIONS(struct kb_args, common)             --kb, --json, --quiet
 *	kb_cmd_open(&args.common, read_only, &kb, e)
 */
#ifndef LARDER_CMD_KB_H
#define LARDER_CMD_KB_H

#include "cmd/cmd.h"
#include "kb/kb.h"

#include <stdatomic.h>

extern const struct command kb_cmd_add;
extern const struct command kb_cmd_chat;
extern const struct command kb_cmd_doctor;
extern const struct command kb_cmd_import;
extern const struct command kb_cmd_init;
extern const struct command kb_cmd_lint;
extern const struct command kb_cmd_list;
extern const struct command kb_cmd_publish;
extern const struct command kb_cmd_query;
extern const struct command kb_cmd_recompile;
extern const struct command kb_cmd_remove;
extern const struct command kb_cmd_search;
extern const struct command kb_cmd_show;
extern const struct command kb_cmd_status;
extern const struct command kb_cmd_watch;

struct kb_common {
	const char *kb;
	bool json, quiet;
};

#define KB_OPTIONS(type, member)                                                                   \
	OPT_TEXT(0, "kb", type, member.kb, "DIR", "the knowledge base in DIR"),                    \
		OPT_FLAG('j', "json", type, member.json, "one JSON object on stdout"),             \
		OPT_FLAG('q', "quiet", type, member.quiet, "nothing but warnings")

/* For texts of documents and people on a terminal. */
void kb_cmd_add_clean(struct buf *out, const char *text);
/* Prints the buffer unless it is quiet; JSON gets its newline. */
int kb_cmd_print(const struct kb_common *common, struct buf *out, struct err *e);
int kb_cmd_open(const struct kb_common *common, bool read_only, struct kb **ret_kb, struct err *e);
/* Micro-units of money as "0.0123", for reports; NULL when nothing was spent. */
void kb_cmd_add_spent(struct json_out *o, int64_t tokens_in, int64_t tokens_out,
		      int64_t cost_micros);
struct kb_cmd_added {
	const struct kb_common *common;
	bool verbose; /* also those that were skipped */
	bool dry_run;
};
struct kb_add_report;
/* What came of a batch; the code of its worst failure, as reported. */
int kb_cmd_print_added(const struct kb_cmd_added *how, const struct kb *kb,
		       const struct kb_add_report *report, struct err *e);

struct kb_answer;
/* An answer of the model that is configured, else of passages. */
struct kb_cmd_asking {
	const struct kb_common *common;
	bool extractive;  /* passages all the same */
	const char *chat; /* whose turns come before; NULL: none */
	bool streamed;    /* set: it was shown as it came */
};
int kb_cmd_answer(struct kb_cmd_asking *how, struct kb *kb, const char *question,
		  struct kb_answer *ret, struct err *e);
void kb_cmd_add_answer_json(struct json_out *o, const struct kb_answer *a);
/* Lines stay lines, nothing in them commands a terminal. */
void kb_cmd_add_lines(struct buf *out, const char *text);
/* SIGINT and SIGTERM set the flag from here on. */
const atomic_bool *kb_cmd_cancel(void);
/* "y" on the terminal; no terminal is a no. */
bool kb_cmd_confirm(const char *question);

#endif
