/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/change.h"

#include "agents/clean.h"
#include "agents/events.h"
#include "agents/mirror.h"
#include "agents/pace.h"
#include "agents/record.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/journal.h"

static int refuse(const struct dispatch *d, enum agent_event event, struct err *e)
{
	static const char *const verbs[] = {
		[AGENT_WAIT] = "resumed",  [AGENT_SPAWN] = "started",  [AGENT_EXIT] = "ended",
		[AGENT_LOOK] = "reaped",   [AGENT_STOP] = "cancelled", [AGENT_MERGE] = "merged",
		[AGENT_OFFER] = "offered",
	};

	(void)err_set(e, ERR_CONFLICT, "'%.200s' is %s and cannot be %s", d->name,
		      agent_status_word(d->status), verbs[event]);
	if (event == AGENT_STOP)
		return err_hint(e, "nothing of it is at work any more");
	if (event == AGENT_WAIT && !*d->command && d->status != AGENT_RUNNING)
		return err_hint(e, "its command is not known; `larder agent run` starts it anew");
	return e->code;
}

/* What was seen, with what the caller saw itself. */
static int gather(const struct agents *a, const struct dispatch *d, const struct change *c,
		  struct agent_evidence *seen, struct buf *question, struct err *e)
{
	int r = evidence_gather(a, d, seen, question, e);

	if (c->exit_known) {
		seen->exit_known = true;
		seen->exit_code = c->exit_code;
	}
	seen->timed_out = c->timed_out;
	return r;
}

static void note_end(struct dispatch *d, const struct agent_evidence *seen, struct buf *question,
		     int64_t now)
{
	if (d->status != AGENT_BLOCKED) {
		buf_clear(question);
		agent_explain(d->reason, seen, question);
	}
	dispatch_set(&d->question, buf_str(question));
	dispatch_set(&d->handle, "");
	d->exit_code = seen->exit_known ? seen->exit_code : -1;
	d->pid = 0;
	d->ended_ms = now;
	d->stopping = false;
}

static void note_wait(struct dispatch *d, const struct change *c, int64_t now)
{
	d->queued_ms = now;
	d->due_ms = c->due_ms;
	d->pid = 0;
	dispatch_set(&d->identity, "");
}

static void note_spawn(struct dispatch *d, int64_t now)
{
	d->runs++;
	d->started_ms = now;
	d->ended_ms = 0;
	d->exit_code = -1;
	d->stopping = false;
	d->pid = 0;
	dispatch_set(&d->identity, "");
	dispatch_set(&d->question, "");
}

static void take_verdict(struct dispatch *d, const struct change *c,
			 const struct agent_verdict *verdict)
{
	d->status = verdict->status;
	dispatch_set(&d->reason, verdict->reason);
	d->updated_ms = time_now();
	d->revision++;
	if (c->pr_url)
		dispatch_set(&d->pr_url, c->pr_url);
}

/* A question that is answered, and the answer of an earlier one, must not be there at the next end. */
static int clear_question(struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_FREE char *asked = agents_file(d->name, EVIDENCE_ASKED);

	return journal_remove(agents_root(a), asked, e);
}

static int put_answer(struct agents *a, const struct dispatch *d, const char *answer, struct err *e)
{
	AUTO_FREE char *staged = xasprintf("answer-%s", d->id);
	AUTO_FREE char *target = agents_file(d->name, EVIDENCE_ANSWER);

	return mirror_put_file(a, staged, bytes_of(answer), target, e);
}

static int note(struct agents *a, struct dispatch *d, const struct change *c,
		const struct agent_evidence *seen, struct buf *question, struct err *e)
{
	if (d->status == AGENT_QUEUED)
		note_wait(d, c, d->updated_ms);
	else if (d->status == AGENT_RUNNING)
		note_spawn(d, d->updated_ms);
	else if (c->event == AGENT_EXIT || c->event == AGENT_LOOK || c->event == AGENT_STOP)
		note_end(d, seen, question, d->updated_ms);
	if (d->ended_ms == d->updated_ms && pace_note_end(agents_db(a), d, e) < 0)
		return e->code;
	if (c->event == AGENT_WAIT && c->answer)
		return put_answer(a, d, c->answer, e);
	return d->status == AGENT_RUNNING && seen->asked ? clear_question(a, d, e) : 0;
}

/* The row and what hangs on it. */
static int write_down(struct agents *a, struct dispatch *d, struct err *e)
{
	int r = agent_is_terminal(d->status) ? record_capture(a, d, e) : 0;

	if (r == 0)
		r = dispatch_save(agents_db(a), d, e);
	return r < 0 ? r : mirror_put(a, d, e);
}

/* 1 when it changed, 0 when it is as it was. */
static int decide(struct agents *a, struct dispatch *d, const struct change *c,
		  struct agent_verdict *verdict, struct err *e)
{
	AUTO_BUF struct buf question = BUF_INIT(QUESTION_MAX);
	struct agent_evidence seen;
	AUTO_FREE char *id = xstrdup(d->id);
	int r = dispatch_find(agents_db(a), id, d, e);

	if (r == 0 && c->lease)
		r = lease_check(c->lease, e);
	if (r == 0)
		r = gather(a, d, c, &seen, &question, e);
	if (r < 0)
		return r;
	*verdict = agent_judge(d->status, c->event, &seen);
	if (!verdict->legal)
		return refuse(d, c->event, e);
	if (verdict->status == d->status)
		return 0;
	if (c->may_start && c->event == AGENT_SPAWN)
		r = c->may_start(c->ctx, d, e);
	if (r < 0)
		return r;
	take_verdict(d, c, verdict);
	r = note(a, d, c, &seen, &question, e);
	if (r == 0)
		r = write_down(a, d, e);
	return r < 0 ? r : 1;
}

int change_apply(struct agents *a, struct dispatch *d, const struct change *c,
		 struct agent_verdict *ret_verdict, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	struct agent_verdict verdict = { 0 };
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r < 0)
		return r;
	r = decide(a, d, c, &verdict, e);
	if (r < 0)
		return r;
	*ret_verdict = verdict;
	if (r == 0)
		return 0;
	r = journal_commit(agents_root(a), e);
	if (r == 0)
		events_add(a, d, c->event);
	return r;
}

static int supersede(struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_DISPATCH struct dispatch old = { 0 };
	int r = dispatch_current(agents_db(a), d->name, &old, e);

	if (r <= 0)
		return r;
	if (old.status == AGENT_QUEUED || old.status == AGENT_RUNNING) {
		(void)err_set(e, ERR_CONFLICT, "'%.200s' is %s already", d->name,
			      agent_status_word(old.status));
		return err_hint(e, "see `larder agent show`, end it with `larder agent stop`, or "
				   "name another --task or --branch");
	}
	old.current = false;
	return dispatch_save(agents_db(a), &old, e);
}

int change_add(struct agents *a, struct dispatch *d, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	const struct agent_evidence none = { 0 };
	const struct change c = { .event = AGENT_WAIT };
	struct agent_verdict verdict = agent_judge(AGENT_NONE, AGENT_WAIT, &none);
	char id[UUID_TEXT_MAX];
	int r = clean_finish(a, d->name, NULL, e);

	if (r == 0)
		r = db_begin_tx(agents_db(a), &tx, e);
	if (r == 0)
		r = supersede(a, d, e);
	if (r < 0)
		return r;
	if (!*d->id) {
		uuid_v7(id);
		dispatch_set(&d->id, id);
	}
	d->current = true;
	take_verdict(d, &c, &verdict);
	d->queued_ms = d->updated_ms;
	r = write_down(a, d, e);
	return r < 0 ? r : journal_commit(agents_root(a), e);
}

int change_note_process(struct agents *a, struct dispatch *d, struct lease *lease, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_FREE char *id = xstrdup(d->id);
	AUTO_FREE char *identity = xstrdup(d->identity);
	int64_t pid = d->pid;
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = lease_check(lease, e);
	if (r == 0)
		r = dispatch_find(tx, id, d, e); /* somebody may have asked it to stop */
	if (r < 0)
		return r;
	dispatch_set(&d->identity, identity);
	d->pid = pid;
	r = write_down(a, d, e);
	return r < 0 ? r : journal_commit(agents_root(a), e);
}
