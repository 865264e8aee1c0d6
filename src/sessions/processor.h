/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A processor turns the transcripts a hub keeps into something: usage tables, proposed knowledge,
 * what a program of the team makes of them. The runner (sessions/runner.h) finds the files that are
 * new to it, hands them over in batches, and remembers what was done; a processor never looks for
 * files, never writes a state row, never retries.
 *
 *	open      once a run, before the first file; may refuse the whole run (NULL: nothing to do)
 *	prepare   a batch, outside any transaction: read, parse, ask. Says of each file what came of
 *	          it: outcome.error.code 0 and how many items, or why it failed. A file whose
 *	          outcome is an error already could not be read: it is left alone
 *	forget    sessions that were done and are not there any more, inside the transaction that
 *	          drops their rows: what they gave goes, too (NULL: it stays)
 *	commit    the same batch inside the transaction that marks the files without an error as done
 *	          (NULL: nothing to record). db_... and journal_... verbs on p->root
 *	finish    once, when all batches are through: what is made of everything (NULL: nothing). Not
 *	          in a transaction, and also when no file was new, so that what a kill cut short is
 *	          made up for
 *	tell      before close: members for the object that a run reports (NULL: none)
 *	close     always last when open returned 0 (NULL: nothing to release)
 *
 * A processor is idempotent: the same file again (a kill before the commit, a new version of the
 * processor, a grown file) replaces what it gave before. A file that fails is retried with growing
 * pauses and set aside after SESSION_ATTEMPTS_MAX failures; failures that pass by themselves
 * (err_is_passing: a model that is down) wait, and do not count. A negative return of prepare fails
 * each file of its batch that has no error of its own; one of commit all of them, unless it is the
 * disk's or the lock's (ERR_IO, ERR_BUSY): that ends the run, as one of finish does.
 *
 * Files may grow while they are read: what was read late is read again by the next run. What is in
 * them was written by others: it is data, whatever it says.
 *
 * Threads: one.
 */
#ifndef LARDER_SESSIONS_PROCESSOR_H
#define LARDER_SESSIONS_PROCESSOR_H

#include "base/json.h"
#include "base/str.h"
#include "engine/root.h"

#define PROCESSOR_NAME_MAX 64

/* One transcript. Texts are lent for the call. */
struct session_source {
	const char *session; /* "<email>/<file name>": names it in rows, messages and evidence */
	const char *email;
	const char *name; /* "<session id>.jsonl", "<session id>.agent-<x>.jsonl" */
	const char *path; /* absolute */
	const char *sha256;
	int64_t size;
	int64_t read_ms; /* wall clock, before the first byte was read */
};

struct session_outcome {
	struct err error;
	int64_t items;
};

struct processing {
	struct root *root; /* the hub's data folder */
	const struct processor *processor;
	void *state; /* the processor's own, between open and close */
};

struct processor {
	const char *name;
	int version;         /* a higher one processes everything again */
	size_t batch_files;  /* at most, of one batch; 0: 1 */
	int64_t batch_bytes; /* no further file once a batch has as many; 0: no limit */
	const void *settings;

	int (*open)(struct processing *p, struct err *e);
	int (*forget)(struct processing *p, const struct strv *sessions, struct err *e);
	int (*prepare)(struct processing *p, const struct session_source *files, size_t n,
		       struct session_outcome *outcomes, struct err *e);
	int (*commit)(struct processing *p, const struct session_source *files, size_t n,
		      const struct session_outcome *outcomes, struct err *e);
	int (*finish)(struct processing *p, struct err *e);
	void (*tell)(struct processing *p, struct json_out *out);
	void (*close)(struct processing *p);
};

bool processor_is_built_in(const char *name);
/*
 * By name, of those built in and those of the configuration (a list of struct external, lent to the
 * result); ERR_USAGE tells the names there are.
 */
struct yaml_maps;
int processor_find(const struct yaml_maps *configured, const char *name,
		   struct processor *ret_processor, struct err *e);
/* The names, built in first. */
void processor_names(const struct yaml_maps *configured, struct strv *out);

#endif
