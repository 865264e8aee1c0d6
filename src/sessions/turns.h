/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and agents said to each other in a transcript: the text of each turn, in order, with
 * its line. Tool calls, their results, reminders of the harness, summaries, and what agents say to
 * their sub-agents is left out.
 *
 *	AUTO_TURNS struct turns turns = { 0 };
 *	if (turns_read(path, &turns, e) < 0) ...
 *
 * Both shapes are read: {"type":"user","message":{"role":"user","content":...}} and flat ones with
 * role and content at the top; content may be text or a list of blocks. A line that is no JSON (torn
 * at the end of a growing file, garbage, over TURN_LINE_MAX) is passed over and counted; it costs
 * no other line.
 *
 * Limits: the newest TURNS_MAX turns, of each the first TURN_TEXT_MAX bytes. Errors: ERR_NOT_FOUND,
 * ERR_IO. Threads: no state.
 */
#ifndef LARDER_SESSIONS_TURNS_H
#define LARDER_SESSIONS_TURNS_H

#include "base/json.h"

/* A tool's result with a whole file in it; longer lines are no talk. */
#define TURN_LINE_MAX ((size_t)16 << 20)
/* A day of talking is some hundred. */
#define TURNS_MAX 5000
/* A page. What is longer was pasted. */
#define TURN_TEXT_MAX ((size_t)4000)

struct turn {
	bool by_user;
	char *text;   /* never empty; UTF-8 as it came */
	int64_t line; /* from 1 */
};

struct turns {
	struct turn *v;
	size_t n;
	size_t capacity;
	int64_t lines, bad_lines;
};

int turns_read(const char *path, struct turns *ret, struct err *e);
/* One line, for tests and fuzzing; appends at most one turn. */
void turns_add_line(struct turns *turns, struct bytes line);
void turns_release(struct turns *turns);
#define AUTO_TURNS AUTO(turns_release)

#endif
