/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a new file comes about from what is here: which pieces are copied, which are fetched.
 *
 *	const struct delta_request q = { .chunks = c, .find = find, .ctx = db, .gap = gap };
 *	AUTO_DELTA struct delta *d = NULL;
 *	delta_plan(&q, &d, e);
 *
 * Neighbouring chunks that come from one place are one piece. What is here but lies between two
 * fetched pieces and is at most `gap` long is fetched along: a request of its own would take longer
 * than those bytes. `gap` is delta_gap() of the link as measured.
 *
 * Where nothing at all is here, or all is fetched along, the ranges need keep to no chunk: they have `range` bytes.
 *
 * Pure but for `find`, which is asked for each chunk in order.
 */
#ifndef LARDER_TABLES_DELTA_H
#define LARDER_TABLES_DELTA_H

#include "tables/chunks.h"

/* A range of this length keeps a connection busy, and costs no more than that when it is repeated. */
#define DELTA_RANGE_MAX ((int64_t)8 << 20)
/* A gap is never fetched along when it is longer, whatever the link is said to be. */
#define DELTA_GAP_MAX ((int64_t)4 << 20)
/* Until a link was measured: a connection to the next town, shared. */
#define DELTA_RTT_US 20000
#define DELTA_RATE   ((int64_t)10 << 20)

enum delta_kind {
	DELTA_FETCH,
	DELTA_COPY,  /* from file `source` at `from` */
	DELTA_THERE, /* at its place already */
};

struct delta_place {
	enum delta_kind kind;
	int64_t source; /* what `find` calls the file */
	int64_t from;
};

struct delta_piece {
	struct delta_place place;
	int64_t offset, length;
};

struct delta {
	struct delta_piece *
		pieces; /* in order, covering the file; a fetched one <= DELTA_RANGE_MAX, or `range` */
	size_t n, capacity;
	int64_t bytes[3]; /* by kind */
};

struct delta_request {
	const struct chunks *chunks;
	int64_t gap;
	int64_t range; /* 0: ranges end where chunks do also where all is fetched */
	void *ctx;
	/* Where the chunk is; `wish` is where it would follow the one before it. NULL: nothing is here. */
	int (*find)(void *ctx, const struct chunk *chunk, const struct delta_place *wish,
		    struct delta_place *ret_place, struct err *e);
};

int delta_plan(const struct delta_request *request, struct delta **ret_delta, struct err *e);
void delta_free(struct delta *d);
static inline void delta_auto_(struct delta **p)
{
	delta_free(*p);
}
#define AUTO_DELTA AUTO(delta_auto_)

/* A part can come as bytes, or be made from the one before it and a patch: is that quicker? */
struct delta_choice {
	int64_t missing; /* bytes to fetch without the patch */
	int64_t patch;   /* its bytes */
	int64_t part;
	int64_t rate;         /* of the link, bytes a second, all together */
	int64_t rebuild_rate; /* bytes of parts a second, one at a time */
};
bool delta_patch_pays(const struct delta_choice *c);

/* `at_once` requests share the round trips, all bytes share the rate (a second). */
int64_t delta_gap(int64_t rtt_us, int64_t rate, unsigned at_once);

#endif
