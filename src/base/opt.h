/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a command, declared once as a table from which parsing and --help both come.
 *
 *	bool json = false;
 *	const char *workspace = NULL;
 *	int64_t jobs = 8;
 *	const struct opt options[] = {
 *		OPT_FLAG('j', "json", &json, "one JSON object on stdout"),
 *		OPT_TEXT(0, "workspace", &workspace, "DIR", "use the workspace in DIR"),
 *		OPT_INT(0, "jobs", &jobs, 1, 64, "N", "transfers at once"),
 *		OPT_END,
 *	};
 *	AUTO_STRV struct strv operands = STRV_INIT;
 *	if (opt_parse(options, argc, argv, &operands, e) < 0) ...
 *
 * Understood: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, flags in one word (-qj). "--" ends the
 * options, "-" is an operand; options and operands may be mixed. A flag has no opposite and takes
 * no value. Of an option given twice the last value counts; OPT_LIST collects them all.
 *
 * Ownership: texts are lent from argv; a list's texts are copies. Errors: all are ERR_USAGE; an
 * unknown option hints at the nearest known one. Targets met before the error are written.
 * Threads: no state.
 */
#ifndef LARDER_BASE_OPT_H
#define LARDER_BASE_OPT_H

#include "base/str.h"

enum opt_kind { OPT_KIND_END, OPT_KIND_FLAG, OPT_KIND_TEXT, OPT_KIND_INT, OPT_KIND_LIST };

struct opt {
	enum opt_kind kind;
	char letter; /* 0 for none */
	const char *name;
	void *target;     /* bool *, const char **, int64_t *, struct strv * by kind */
	int64_t min, max; /* OPT_KIND_INT */
	const char *value_name;
	const char *help;
};

#define OPT_FLAG(l, n, t, h)                                                                       \
	{                                                                                          \
		OPT_KIND_FLAG, l, n, (bool *){ t }, 0, 0, NULL, h                                  \
	}
#define OPT_TEXT(l, n, t, v, h)                                                                    \
	{                                                                                          \
		OPT_KIND_TEXT, l, n, (const char **){ t }, 0, 0, v, h                              \
	}
#define OPT_INT(l, n, t, lo, hi, v, h)                                                             \
	{                                                                                          \
		OPT_KIND_INT, l, n, (int64_t *){ t }, lo, hi, v, h                                 \
	}
#define OPT_LIST(l, n, t, v, h)                                                                    \
	{                                                                                          \
		OPT_KIND_LIST, l, n, (struct strv *){ t }, 0, 0, v, h                              \
	}
#define OPT_END                                                                                    \
	{                                                                                          \
		OPT_KIND_END, 0, NULL, NULL, 0, 0, NULL, NULL                                      \
	}

/* argv[0] is the command's name and is skipped. Operands are copied into `operands`. */
int opt_parse(const struct opt *options, int argc, char **argv, struct strv *operands,
	      struct err *e);

/* The table for people, a line an option: "  -j, --json           one JSON object on stdout". */
void opt_add_help(const struct opt *options, struct buf *out);

#endif
