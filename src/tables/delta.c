/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/delta.h"

static bool continues(const struct delta_piece *last, const struct delta_place *place)
{
	if (last->place.kind != place->kind)
		return false;
	return place->kind != DELTA_COPY || (last->place.source == place->source &&
					     last->place.from + last->length == place->from);
}

static void add(struct delta *d, const struct delta_piece *piece)
{
	struct delta_piece *last = d->n ? &d->pieces[d->n - 1] : NULL;

	if (last && continues(last, &piece->place)) {
		last->length += piece->length;
		return;
	}
	d->pieces = xgrow(d->pieces, &d->capacity, d->n + 1, sizeof(*d->pieces));
	d->pieces[d->n++] = *piece;
}

static int find_all(const struct delta_request *q, struct delta *d, struct err *e)
{
	struct delta_place wish = { .kind = DELTA_FETCH };

	if (!q->find) {
		add(d, &(struct delta_piece){ .length = q->chunks->size });
		return 0;
	}
	for (size_t i = 0; i < q->chunks->count; i++) {
		struct chunk chunk = chunks_at(q->chunks, i);
		struct delta_piece piece = { .offset = chunk.offset, .length = chunk.length };
		int r = q->find(q->ctx, &chunk, &wish, &piece.place, e);

		if (r < 0)
			return r;
		add(d, &piece);
		wish = piece.place;
		wish.from += chunk.length;
	}
	return 0;
}

/* Merged in place: what is written is never ahead of what is read. */
static void close_gaps(struct delta *d, int64_t gap)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct delta_piece piece = d->pieces[i];
		bool between = kept > 0 && i + 1 < d->n &&
			       d->pieces[kept - 1].place.kind == DELTA_FETCH &&
			       d->pieces[i + 1].place.kind == DELTA_FETCH;

		if (between && piece.length <= gap)
			piece.place = (struct delta_place){ .kind = DELTA_FETCH };
		if (kept > 0 && continues(&d->pieces[kept - 1], &piece.place))
			d->pieces[kept - 1].length += piece.length;
		else
			d->pieces[kept++] = piece;
	}
	d->n = kept;
}

/* `whole` bytes on where all is fetched; else at the last border of a chunk that is no more than a range away. */
static int64_t range_end(const struct delta_request *q, const struct delta_piece *piece,
			 int64_t whole)
{
	int64_t most = whole ? whole : DELTA_RANGE_MAX;
	int64_t end = piece->offset + most;

	if (piece->length <= most)
		return piece->offset + piece->length;
	return whole ? end : chunks_at(q->chunks, chunks_find(q->chunks, end)).offset;
}

static void split(const struct delta_request *q, struct delta *d)
{
	struct delta out = { 0 };
	int64_t whole = d->n == 1 && d->pieces[0].place.kind == DELTA_FETCH ? q->range : 0;

	for (size_t i = 0; i < d->n; i++) {
		struct delta_piece piece = d->pieces[i];
		int64_t end = piece.offset + piece.length;

		d->bytes[piece.place.kind] += piece.length;
		while (piece.offset < end) {
			piece.length = end - piece.offset;
			if (piece.place.kind == DELTA_FETCH)
				piece.length = range_end(q, &piece, whole) - piece.offset;
			out.pieces =
				xgrow(out.pieces, &out.capacity, out.n + 1, sizeof(*out.pieces));
			out.pieces[out.n++] = piece;
			piece.offset += piece.length;
		}
	}
	free(d->pieces);
	d->pieces = out.pieces;
	d->n = out.n;
	d->capacity = out.capacity;
}

int delta_plan(const struct delta_request *request, struct delta **ret_delta, struct err *e)
{
	AUTO_DELTA struct delta *d = xcalloc(1, sizeof(*d));
	int r = find_all(request, d, e);

	if (r < 0)
		return r;
	close_gaps(d, request->gap);
	split(request, d);
	*ret_delta = TAKE(d);
	return 0;
}

void delta_free(struct delta *d)
{
	if (!d)
		return;
	free(d->pieces);
	free(d);
}

int64_t delta_gap(int64_t rtt_us, int64_t rate, unsigned at_once)
{
	/* Both are what a clock said: kept in bounds, so that nothing overflows. */
	int64_t rtt = rtt_us < 0 ? 0 : rtt_us > 10000000 ? 10000000 : rtt_us;
	int64_t speed = rate < 0 ? 0 : rate > (int64_t)1 << 34 ? (int64_t)1 << 34 : rate;
	int64_t gap = speed / 1000 * rtt / 1000 / (at_once ? at_once : 1);

	return gap < DELTA_GAP_MAX ? gap : DELTA_GAP_MAX;
}

bool delta_patch_pays(const struct delta_choice *c)
{
	double by_bytes, by_patch;

	if (c->missing <= c->patch || c->rate <= 0 || c->rebuild_rate <= 0)
		return false;
	by_bytes = (double)c->missing / (double)c->rate;
	by_patch = (double)c->patch / (double)c->rate + (double)c->part / (double)c->rebuild_rate;
	return by_patch < by_bytes;
}
