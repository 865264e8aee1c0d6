/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and agents said to each other in transcripts: the text of each turn, in order, with
 * its line. Tool calls, their results, reminders of the harness, summaries, and what agents say to
 * their sub-agents is left out.
 *
 *	AUTO_TURNS struct turns turns = { 0 };
 *	if (turns_read(&file, 1, &turns, e) < 0) ...
 *
 * Read by DuckDB in a child (sessions/transcript.h), all files in one. Both shapes are understood:
 * {"type":"user","message":{"role":"user","content":...}} and flat ones with role and content at
 * the top; content may be text or a list of blocks.
 *
 * Limits: the newest TURNS_MAX turns of a file, of each the first TURN_TEXT_MAX bytes. Errors: of
 * duck_read(); then none of the files was read. Threads: no state.
 */
#ifndef LARDER_SESSIONS_TURNS_H
#define LARDER_SESSIONS_TURNS_H

#include "sessions/processor.h"

/* A day of talking is some hundred. */
#define TURNS_MAX 5000
/* A page. What is longer was pasted. */
#define TURN_TEXT_MAX ((size_t)4000)

struct turn {
	bool by_user;
	char *text;   /* never empty; clean UTF-8 without tokens */
	int64_t line; /* from 1 */
};

struct turns {
	struct turn *v;
	size_t n;
	size_t capacity;
};

/* ret_turns: one, empty, for each file. */
int turns_read(const struct session_source *files, size_t n, struct turns *ret_turns,
	       struct err *e);
/* One more. What is made of it is shown to people and models, so it is cut and cleaned, and tokens
 * are taken out, also of clients that took none out. */
void turns_add(struct turns *turns, bool by_user, struct bytes text, int64_t line);
void turns_release(struct turns *turns);
#define AUTO_TURNS AUTO(turns_release)

#endif
