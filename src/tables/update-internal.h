/* SPDX-License-Identifier: Apache-2.0 */
/* What update*.c share: one update under way. */
#ifndef LARDER_TABLES_UPDATE_INTERNAL_H
#define LARDER_TABLES_UPDATE_INTERNAL_H

#include "tables/update.h"
#include "tables/worklist.h"

struct update {
	const struct update_options *options;
	struct update_report *report;
	struct worklist *work;
	struct fetch_common common;
	/* Set once the server is not to be asked any more; the workers look at it. */
	atomic_bool given_up;
	unsigned offline_in_a_row;
	size_t not_asked;
	int64_t commit_at;          /* when new tables are switched next */
	struct fetch_worker **idle; /* with their connections, from one pipeline to the next */
	size_t idle_count;
};

struct fetch_worker *update_take_worker(struct update *u);
void update_give_worker(struct update *u, struct fetch_worker *w);
/* update-delta.c: what of the files with a chunk index is here, before anything is fetched. */
int update_find_chunks(struct update *u, struct err *e);
/* How long a batch of small files is at most. */
int64_t update_batch_bytes(const struct update *u);
/* The link as the last runs measured it, and as this one did. */
int update_load_link(struct update *u, struct err *e);
int update_save_link(struct update *u, int64_t took_ms, struct err *e);
/* Into the report: warnings, and for each table what came and what was here. */
void update_report_items(struct update *u);

#endif
