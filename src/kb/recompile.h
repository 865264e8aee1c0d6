/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling documents anew from their sources in wiki/sources/, as they are there now: after the
 * compiler, or a source, was changed. The pipeline is that of add.h, with its report: each document
 * is one transaction, pages that were edited by hand are merged or set aside.
 *
 * A document whose source is gone is converted again from raw/.
 */
#ifndef LARDER_KB_RECOMPILE_H
#define LARDER_KB_RECOMPILE_H

#include "kb/add.h"

struct kb_recompile_options {
	const char *document; /* doc_resolve(); NULL: all of them */
	int64_t jobs;
	bool dry_run;
	bool extractive; /* no model, though one is configured */
	bool quiet;
	bool refresh_schema; /* AGENTS.md as it is written today; the old one becomes AGENTS.md.bak */
	const atomic_bool *cancel;
};

int kb_recompile(struct kb *kb, const struct kb_recompile_options *options,
		 struct kb_add_report *report, struct err *e);

#endif
