/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.json: the mirror of a row, in the form that other tools read and write. The database is the
 * truth; the file is written with each change of the row, in the same commit, and repaired from it.
 * Members that are not ours are kept as they are.
 *
 *	mirror_put(a, &d, e)              inside the transaction that changed the row
 *	mirror_is_stale(a, &d, e)         1 when the file does not say what the row says
 *	mirror_parse(text, &d, e)         what another tool wrote, into an empty dispatch
 *
 * A file that cannot be read as such is set aside as status.json.corrupt-<time>, never overwritten.
 * Limits: STATUS_BYTES_MAX; names and texts as in agents/dispatch.h. Errors: ERR_CORRUPT (no JSON
 * object, or a status nobody knows), ERR_LIMIT, the journal's.
 */
#ifndef LARDER_AGENTS_MIRROR_H
#define LARDER_AGENTS_MIRROR_H

#include "agents/dispatch.h"
#include "agents/home.h"
#include "engine/ledger.h"

#define STATUS_FILE "status.json"
/* A task of a page, a question of a page, and what other tools add. */
#define STATUS_BYTES_MAX ((size_t)256 << 10)

int mirror_put(struct agents *a, const struct dispatch *d, struct err *e);
/* The same for many in one commit: what is to be made durable before it is added to `staged`
 * (journal_sync). */
int mirror_put_one_of(struct agents *a, const struct dispatch *d, struct strv *staged,
		      struct err *e);
/* Any file of ours below the home, with the commit; `staged` names it meanwhile (engine/journal.h). */
int mirror_put_file(struct agents *a, const char *staged, struct bytes contents, const char *target,
		    struct err *e);
int mirror_is_stale(const struct agents *a, const struct dispatch *d, struct err *e);
/* The file is the one that was noted; NULL: none was. */
bool mirror_is_untouched(const struct agents *a, const char *name, const char *noted);
/* In a transaction, under the lock of which the file was compared: it says what the row says. */
int mirror_note(struct agents *a, const char *name, struct err *e);
int mirror_forget(struct agents *a, const char *name, struct err *e);
int mirror_visit_notes(struct agents *a, ledger_visit_fn visit, void *ctx, struct err *e);

/* Pure. `old` is the file as it is, or empty. */
void mirror_render(const struct dispatch *d, struct bytes old, struct buf *out);
int mirror_parse(struct bytes text, struct dispatch *ret, struct err *e);

#endif
