/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/stats.h"

#include "agents/dispatch.h"
#include "base/time.h"

struct sums {
	struct json_out *out;
	int64_t n, of_status[AGENT_STATUSES];
	int64_t ended, duration_ms, findings;
};

static void add_counts(const struct dispatch *d, struct sums *s)
{
	AUTO_JSON struct json *counts = NULL;
	struct err ignored = { 0 };

	if (!*d->stats || json_parse(bytes_of(d->stats), (size_t)1 << 20, &counts, &ignored) < 0)
		return; /* ours; what cannot be read counts nothing */
	s->findings += json_int(json_get(counts, "findings"), 0);
	json_add_raw(s->out, "counts", bytes_of(d->stats));
}

static int add_one(void *ctx, const struct dispatch *d, struct err *e)
{
	struct sums *s = ctx;
	char at[TIME_TEXT_MAX];

	(void)e;
	s->n++;
	s->of_status[d->status]++;
	json_open(s->out, NULL, '{');
	json_add_text(s->out, "id", d->id);
	json_add_text(s->out, "workspace", d->name);
	json_add_text(s->out, "agent", d->agent);
	json_add_text(s->out, "status", agent_status_word(d->status));
	json_add_text(s->out, "reason", d->reason);
	json_add_int(s->out, "runs", d->runs);
	json_add_text(s->out, "started_at",
		      d->started_ms ? time_format_iso(d->started_ms, at) : NULL);
	if (d->ended_ms && d->started_ms) {
		json_add_int(s->out, "duration_ms", d->ended_ms - d->started_ms);
		s->ended++;
		s->duration_ms += d->ended_ms - d->started_ms;
	}
	add_counts(d, s);
	json_close(s->out);
	return 0;
}

int stats_add(struct db *db, int64_t last, struct json_out *out, struct err *e)
{
	const struct dispatch_filter newest = { .history = true,
						.newest_first = true,
						.limit = last };
	struct sums s = { .out = out };
	int r;

	json_open(out, "dispatches", '[');
	r = dispatch_visit(db, &newest, add_one, &s, e);
	json_close(out);
	json_open(out, "totals", '{');
	json_add_int(out, "dispatches", s.n);
	for (int i = AGENT_QUEUED; i < AGENT_STATUSES; i++)
		json_add_int(out, agent_status_word((enum agent_status)i), s.of_status[i]);
	json_add_int(out, "findings", s.findings);
	json_add_int(out, "mean_duration_ms", s.ended ? s.duration_ms / s.ended : 0);
	json_close(out);
	return r;
}
