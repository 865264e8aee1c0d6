/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a piece of work left behind in its folder, gathered before anything is decided about it: the
 * question in BLOCKED.md, how its command ended, a report, a log, and whether its process lives.
 *
 *	struct agent_evidence seen;
 *	AUTO_BUF struct buf question = BUF_INIT(QUESTION_MAX);
 *	evidence_gather(a, &d, &seen, &question, e)
 *
 * How it ended is written by the shell around the command (agents/run.h), so it is known also when
 * its supervisor was killed. A report or an end of an earlier run does not count. Reads only.
 */
#ifndef LARDER_AGENTS_EVIDENCE_H
#define LARDER_AGENTS_EVIDENCE_H

#include "agents/dispatch.h"
#include "agents/home.h"

/* A question of many pages is kept in its file; what is stored and sent is its beginning. */
#define QUESTION_MAX    ((size_t)32 << 10)
#define EVIDENCE_ASKED  "repo/BLOCKED.md"
#define EVIDENCE_ANSWER "repo/ANSWER.md"
#define EVIDENCE_REPORT ".meta/report.json"

int evidence_gather(const struct agents *a, const struct dispatch *d, struct agent_evidence *ret,
		    struct buf *question, struct err *e);
/* Files of one run, below the folder of its work; the caller owns the text. */
char *evidence_end_file(const struct dispatch *d); /* ".meta/exit-<id>-3" */
char *evidence_log_file(const struct dispatch *d); /* ".meta/agent-codex.log" */
/* Alive, dead or unknown, by what the row holds of its process. */
enum proc_liveness evidence_life(const struct dispatch *d);

#endif
