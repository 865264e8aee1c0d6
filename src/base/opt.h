/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a command, declared once as a table from which parsing, --help, the man page and shell
 *completion all come.
 *
 *	static struct pull_args { bool json; const char *workspace; int64_t jobs; } ... (a local of
 *the command) const struct opt options[] = { OPT_FLAG('j', "json", &json, "one JSON object on
 *stdout"), OPT_TEXT(0, "workspace", &workspace, "DIR", "use the workspace in DIR"), OPT_INT(0,
 *"jobs", &jobs, 1, 64, "N", "transfers at once"), OPT_END,
 *	};
 *
 * --name VALUE and --name=VALUE, -x VALUE, "--" ends the options; options and operands may be
 *mixed. An unknown option is ERR_USAGE and names the nearest known one. Texts are lent from argv.
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

/* Operands are collected into `operands` (borrowed from argv, NULL-terminated; freed by
 * strv_release). */
int opt_parse(const struct opt *options, int argc, char **argv, struct strv *operands,
	      struct err *e);

#endif
