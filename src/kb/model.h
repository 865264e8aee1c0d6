/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler that asks a language model (compile.h; docs/kb.md, "With a model").
 *
 * Its digest asks, one after the other:
 *
 *	summary   the document's sections, in parts of MODEL_PART_BYTES: what it says, and a
 *	          sentence for each section
 *	plan      that, and the pages of the wiki that are nearest by search: which pages it feeds
 *	write     what it adds to each of them, beside what the page says already
 *
 * A statement that has no quote that stands in the document is left out: so every one on a page
 * carries its source. A page gets a block of the document's own (EDIT_BLOCK), so what others gave
 * is never sent back and never lost. A page without statements is not made.
 *
 * Each answer is kept (kb_work) until the document is committed, by a hash of the model and the
 * question: what was paid for survives a kill, a failure and a retry. Tokens are counted with the
 * document that they were used for, when it is added.
 *
 * Threads: as the llm; the memory of answers has a connection of its own behind a lock.
 * Errors: the llm's. Passing ones are to be tried again (compiler.attempts).
 */
#ifndef LARDER_KB_MODEL_H
#define LARDER_KB_MODEL_H

#include "kb/compile.h"

#include <stdatomic.h>

/* Some 20,000 tokens: every model of today takes it, with room for the answer. */
#define MODEL_PART_BYTES ((size_t)80 << 10)
/* 5 MB of text, a long book. What comes behind is searched, only not compiled. */
#define MODEL_PARTS_MAX 64
/* Pages that the plan sees, and pages that a document feeds. */
#define MODEL_CANDIDATES 12
#define MODEL_PAGES_MAX  12
/* Of a page that is there: enough to see what it says already. */
#define MODEL_PAGE_BYTES ((size_t)4000)

/* The compiler is the caller's: compiler->close(). */
int model_compiler_new(const struct kb *kb, const atomic_bool *cancel,
		       const struct compiler **ret_compiler, struct err *e);

#endif
