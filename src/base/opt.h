/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a command, declared once as a static table from which parsing and --help both come.
 *
 *	struct pull_args {
 *		bool json;
 *		const char *workspace;
 *		int64_t jobs;
 *	};
 *	static const struct opt options[] = {
 *		OPT_FLAG('j', "json", struct pull_args, json, "one JSON object on stdout"),
 *		OPT_TEXT(0, "workspace", struct pull_args, workspace, "DIR", "use the one in DIR"),
 *		OPT_INT(0, "jobs", struct pull_args, jobs, 1, 64, "N", "transfers at once"),
 *		OPT_END,
 *	};
 *
 *	struct pull_args args = { .jobs = 8 };
 *	AUTO_STRV struct strv operands = STRV_INIT;
 *	if (opt_parse(options, &args, argc, argv, &operands, e) < 0) ...
 *
 * Understood: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, flags in one word (-qj). "--" ends the
 * options, "-" is an operand; options and operands may be mixed. A flag has no opposite and takes
 * no value. Of an option given twice the last value counts; OPT_LIST collects them all.
 *
 * Ownership: texts are lent from argv; a list's texts are copies (its owner releases it). Errors:
 * all are ERR_USAGE; an unknown option hints at the nearest known one. Members met before the error
 * are written. Threads: no state.
 */
#ifndef LARDER_BASE_OPT_H
#define LARDER_BASE_OPT_H

#include "base/str.h"

enum opt_kind { OPT_KIND_END, OPT_KIND_FLAG, OPT_KIND_TEXT, OPT_KIND_INT, OPT_KIND_LIST };

struct opt {
	enum opt_kind kind;
	char letter; /* 0 for none */
	const char *name;
	size_t offset;    /* of a bool, const char *, int64_t or struct strv by kind */
	int64_t min, max; /* OPT_KIND_INT */
	const char *value_name;
	const char *help;
};

/* The offset; fails to compile when the member has not the type that the option fills. */
#define OPT_OFFSET_(type, member, wanted)                                                          \
	(offsetof(type, member) + 0 * sizeof((wanted *){ &((type *)NULL)->member }))

#define OPT_FLAG(l, n, type, member, h)                                                            \
	{                                                                                          \
		OPT_KIND_FLAG, l, n, OPT_OFFSET_(type, member, bool), 0, 0, NULL, h                \
	}
#define OPT_TEXT(l, n, type, member, v, h)                                                         \
	{                                                                                          \
		OPT_KIND_TEXT, l, n, OPT_OFFSET_(type, member, const char *), 0, 0, v, h           \
	}
#define OPT_INT(l, n, type, member, lo, hi, v, h)                                                  \
	{                                                                                          \
		OPT_KIND_INT, l, n, OPT_OFFSET_(type, member, int64_t), lo, hi, v, h               \
	}
#define OPT_LIST(l, n, type, member, v, h)                                                         \
	{                                                                                          \
		OPT_KIND_LIST, l, n, OPT_OFFSET_(type, member, struct strv), 0, 0, v, h            \
	}
#define OPT_END                                                                                    \
	{                                                                                          \
		OPT_KIND_END, 0, NULL, 0, 0, 0, NULL, NULL                                         \
	}

/*
 * Fills the members of the struct at `args`. argv[0] is the command's name and is skipped. Operands
 * are copied into `operands`.
 */
int opt_parse(const struct opt *options, void *args, int argc, char **argv, struct strv *operands,
	      struct err *e);

/* The table for people, a line an option: "  -j, --json           one JSON object on stdout". */
void opt_add_help(const struct opt *options, struct buf *out);

#endif
