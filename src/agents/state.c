/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/state.h"

#include "base/near.h"
#include "base/str.h"

/* The evidence as bits, so that a rule can name what it wants and what must not be. */
enum {
	ALIVE = 1 << 0,
	UNKNOWN = 1 << 1,
	STARTABLE = 1 << 2,
	SPAWNED = 1 << 3,
	ASKED = 1 << 4,
	ENDED = 1 << 5, /* with a known exit code */
	WELL = 1 << 6,  /* ... of 0 */
	REPORTED = 1 << 7,
	LOGGED = 1 << 8,
	STOPPED = 1 << 9,
	LATE = 1 << 10,
};

#define FROM(status) (1U << (status))
#define RESTABLE     (FROM(AGENT_BLOCKED) | FROM(AGENT_FAILED) | FROM(AGENT_COMPLETED))

/* The first rule that fits counts. */
static const struct rule {
	unsigned from;
	enum agent_event event;
	unsigned want, without;
	enum agent_status to;
	const char *reason;
} rules[] = {
	{ FROM(AGENT_NONE), AGENT_WAIT, 0, 0, AGENT_QUEUED, "dispatched" },
	{ RESTABLE, AGENT_WAIT, STARTABLE, 0, AGENT_QUEUED, "resumed" },
	{ FROM(AGENT_QUEUED), AGENT_SPAWN, STARTABLE, 0, AGENT_RUNNING, "spawned" },
	{ FROM(AGENT_QUEUED), AGENT_STOP, 0, 0, AGENT_FAILED, "cancelled" },

	{ FROM(AGENT_RUNNING), AGENT_EXIT, ASKED, 0, AGENT_BLOCKED, "asked" },
	{ FROM(AGENT_RUNNING), AGENT_EXIT, STOPPED, 0, AGENT_FAILED, "stopped" },
	{ FROM(AGENT_RUNNING), AGENT_EXIT, LATE, 0, AGENT_FAILED, "timed_out" },
	{ FROM(AGENT_RUNNING), AGENT_EXIT, ENDED | WELL, 0, AGENT_COMPLETED, "finished" },
	{ FROM(AGENT_RUNNING), AGENT_EXIT, 0, 0, AGENT_FAILED, "exit_code" },

	{ FROM(AGENT_RUNNING), AGENT_LOOK, ALIVE, 0, AGENT_RUNNING, "alive" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, UNKNOWN, 0, AGENT_RUNNING, "unknown" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, STARTABLE, SPAWNED, AGENT_QUEUED, "never_started" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, ASKED, 0, AGENT_BLOCKED, "asked_unwatched" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, STOPPED, 0, AGENT_FAILED, "stopped" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, LATE, 0, AGENT_FAILED, "timed_out" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, ENDED | WELL, 0, AGENT_COMPLETED, "finished_unwatched" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, ENDED, 0, AGENT_FAILED, "exit_code_unwatched" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, REPORTED, 0, AGENT_COMPLETED, "reported_unwatched" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, 0, LOGGED, AGENT_FAILED, "no_log" },
	{ FROM(AGENT_RUNNING), AGENT_LOOK, 0, 0, AGENT_FAILED, "died" },

	{ FROM(AGENT_COMPLETED) | FROM(AGENT_REVIEW), AGENT_MERGE, 0, 0, AGENT_MERGED, "merged" },
	{ FROM(AGENT_COMPLETED), AGENT_OFFER, 0, 0, AGENT_REVIEW, "offered" },
};

static const char *const words[AGENT_STATUSES] = {
	[AGENT_NONE] = "",           [AGENT_QUEUED] = "queued",
	[AGENT_RUNNING] = "running", [AGENT_BLOCKED] = "blocked",
	[AGENT_FAILED] = "failed",   [AGENT_COMPLETED] = "completed",
	[AGENT_MERGED] = "merged",   [AGENT_REVIEW] = "ready-for-review",
};

static unsigned bits_of(const struct agent_evidence *seen)
{
	const struct {
		bool is;
		unsigned bit;
	} all[] = {
		{ seen->life == PROC_ALIVE, ALIVE },
		{ seen->life == PROC_UNKNOWN, UNKNOWN },
		{ seen->startable, STARTABLE },
		{ seen->spawned, SPAWNED },
		{ seen->asked, ASKED },
		{ seen->exit_known, ENDED },
		{ seen->exit_known && seen->exit_code == 0, WELL },
		{ seen->reported, REPORTED },
		{ seen->logged, LOGGED },
		{ seen->stopped, STOPPED },
		{ seen->timed_out, LATE },
	};
	unsigned bits = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		bits |= all[i].is ? all[i].bit : 0;
	return bits;
}

struct agent_verdict agent_judge(enum agent_status from, enum agent_event event,
				 const struct agent_evidence *seen)
{
	unsigned bits = bits_of(seen);

	for (const struct rule *rule = rules; rule < rules + ARRAY_LEN(rules); rule++)
		if (rule->event == event && (rule->from & FROM(from)) &&
		    (bits & rule->want) == rule->want && !(bits & rule->without))
			return (struct agent_verdict){ true, rule->to, rule->reason };
	return (struct agent_verdict){ false, from, "not_possible" };
}

bool agent_is_terminal(enum agent_status status)
{
	return status >= AGENT_BLOCKED;
}

const char *agent_status_word(enum agent_status status)
{
	return words[status];
}

int agent_status_parse(const char *word, enum agent_status *ret_status, struct err *e)
{
	struct near near = near_to(word);

	for (int i = AGENT_QUEUED; i < AGENT_STATUSES; i++) {
		near_try(&near, words[i]);
		if (!str_eq(word, words[i]))
			continue;
		*ret_status = (enum agent_status)i;
		return 0;
	}
	(void)err_set(e, ERR_USAGE, "'%.40s' is no status of an agent", word);
	if (near.best)
		return err_hint(e, "did you mean '%s'?", near.best);
	return err_hint(e, "there are queued, running, blocked, failed, completed, merged, "
			   "ready-for-review");
}

void agent_explain(const char *reason, const struct agent_evidence *seen, struct buf *out)
{
	static const struct {
		const char *reason, *text;
	} texts[] = {
		{ "died", "dead worker on restart: it ended while nobody watched" },
		{ "no_log", "dead worker on restart: no output log" },
		{ "stopped", "stopped by a person" },
		{ "timed_out", "its time was up" },
		{ "cancelled", "cancelled before it began" },
	};

	if (str_starts(reason, "exit_code"))
		buf_addf(out, "exit code %d", seen->exit_code);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(reason, texts[i].reason))
			buf_adds(out, texts[i].text);
}
