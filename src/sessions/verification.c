/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/verification.h"

#include "engine/pipeline.h"
#include "memory/knowledge.h"
#include "memory/relations.h"
#include "sessions/findings.h"
#include "sessions/judge.h"
#include "sessions/transcript.h"

/* Models take their time: several are asked at once. One file's turns are a megabyte at most. */
#define BATCH   ((size_t)8)
#define WORKERS 4
/* So many bytes of transcripts are in memory at most, and one more. */
#define BATCH_BYTES ((int64_t)32 << 20)
/* Of a domain, for one question: some 50,000 tokens. */
#define CANDIDATES_BYTES ((size_t)200 << 10)

struct file {
	const struct session_source *source;
	struct turns turns;
	struct findings findings;
	struct err error;
};

/* A finding that is new here, and what it is to be compared with. */
struct question {
	struct file *file;
	size_t finding;
	struct buf candidates;
	struct judgements answer;
	struct err error;
};

struct verification {
	struct llm *llm; /* NULL: by rules */
	struct file files[BATCH];
	size_t n;
	struct question *questions;
	size_t question_count;
	int64_t proposed, confirmed, unproven;
};

static void forget_batch(struct verification *v)
{
	for (size_t i = 0; i < v->n; i++) {
		turns_release(&v->files[i].turns);
		findings_release(&v->files[i].findings);
		v->files[i] = (struct file){ 0 };
	}
	for (size_t i = 0; i < v->question_count; i++) {
		buf_release(&v->questions[i].candidates);
		judgements_release(&v->questions[i].answer);
	}
	free(TAKE(v->questions));
	v->question_count = 0;
	v->n = 0;
}

static int verification_open(struct processing *p, struct err *e)
{
	struct verification *v = xcalloc(1, sizeof(*v));
	int r = llm_configured() ? llm_new(NULL, &v->llm, e) : 0;

	if (r < 0)
		free(v);
	else
		p->state = v;
	return r;
}

static void verification_close(struct processing *p)
{
	struct verification *v = p->state;

	forget_batch(v);
	llm_free(v->llm);
	free(v);
	p->state = NULL;
}

/* An agent that nobody answered was taught nothing. */
static bool has_user(const struct turns *turns)
{
	for (size_t i = 0; i < turns->n; i++) {
		if (turns->v[i].by_user)
			return true;
	}
	return false;
}

static int find(void *ctx, void *worker, size_t item, struct err *e)
{
	struct verification *v = ctx;
	struct file *file = &v->files[item];
	int r = 0;

	(void)worker;
	if (file->error.code < 0 || !has_user(&file->turns))
		return 0;
	findings_release(&file->findings);
	if (v->llm)
		r = findings_by_model(v->llm, &file->turns, &file->findings, e);
	else
		findings_by_rules(&file->turns, &file->findings);
	return r;
}

static int note_found(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	struct verification *v = ctx;

	(void)e;
	for (size_t i = 0; i < count; i++) {
		if (results[i].result < 0)
			v->files[results[i].item].error = results[i].error;
	}
	return 0;
}

static int judge(void *ctx, void *worker, size_t item, struct err *e)
{
	struct verification *v = ctx;
	struct question *q = &v->questions[item];

	(void)worker;
	judgements_release(&q->answer);
	return judge_contradictions(v->llm, &q->file->findings.v[q->finding],
				    buf_bytes(&q->candidates), &q->answer, e);
}

/* What the model answers wrongly is not judged; when it cannot be asked, the file waits. */
static int note_judged(void *ctx, const struct pipeline_result *results, size_t count,
		       struct err *e)
{
	struct verification *v = ctx;

	(void)e;
	for (size_t i = 0; i < count; i++) {
		if (results[i].result < 0 && err_is_passing(results[i].result))
			v->questions[results[i].item].file->error = results[i].error;
	}
	return 0;
}

static int run(struct verification *v, size_t items, bool judging, struct err *e)
{
	const struct pipeline p = {
		.ctx = v,
		.items = items,
		.workers = v->llm ? WORKERS : 1,
		.attempts = v->llm ? LLM_ATTEMPTS : 1,
		.prepare = judging ? judge : find,
		.commit = judging ? note_judged : note_found,
		.order = PIPELINE_AS_FINISHED,
	};

	return items > 0 ? pipeline_run(&p, e) : 0;
}

static bool is_sub_agents(const char *name)
{
	return strstr(name, ".agent-") != NULL || str_starts(name, "agent-");
}

static int is_known(struct db *db, const struct finding *finding, struct err *e)
{
	char id[KNOWLEDGE_ID_MAX];

	knowledge_id("kv", finding->title, finding->content, id);
	return knowledge_exists(db, id, e);
}

static int ask_about(struct verification *v, struct db *db, struct file *file, size_t finding,
		     struct err *e)
{
	const struct finding *f = &file->findings.v[finding];
	struct question *q;
	int r = is_known(db, f, e);

	if (r != 0)
		return r < 0 ? r : 0;
	q = &v->questions[v->question_count];
	*q = (struct question){ .file = file,
				.finding = finding,
				.candidates = BUF_INIT(BUF_OWN_MAX) };
	struct json_out o = json_out(&q->candidates);

	json_open(&o, NULL, '[');
	r = relation_candidates(db, &(struct relation_query){ f->domain, CANDIDATES_BYTES }, &o, e);
	json_close(&o);
	v->question_count++;
	return r;
}

/* The rows are read here, by the thread the database belongs to. */
static int find_questions(struct verification *v, struct db *db, struct err *e)
{
	size_t most = 0;
	int r = 0;

	for (size_t i = 0; i < v->n; i++)
		most += v->files[i].findings.n;
	v->questions = xcalloc(most + 1, sizeof(*v->questions));
	for (size_t i = 0; i < v->n; i++) {
		struct file *file = &v->files[i];

		for (size_t k = 0; r == 0 && file->error.code == 0 && k < file->findings.n; k++)
			r = ask_about(v, db, file, k, e);
	}
	return r;
}

/* Those of sub-agents teach nothing, and are not looked into. */
static int read_turns(void *ctx, const struct session_source *files, size_t n, struct err *e)
{
	struct verification *v = ctx;
	struct file *first = &v->files[files - v->files[0].source];
	struct session_source wanted[BATCH];
	struct turns turns[BATCH] = { 0 };
	size_t places[BATCH], count = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_sub_agents(files[i].name))
			continue;
		places[count] = i;
		wanted[count++] = files[i];
	}
	if (count > 0)
		r = turns_read(wanted, count, turns, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		first[places[i]].turns = turns[i];
	return r;
}

static int verification_prepare(struct processing *p, const struct session_source *files, size_t n,
				struct session_outcome *outcomes, struct err *e)
{
	struct verification *v = p->state;
	int r;

	forget_batch(v);
	for (size_t i = 0; i < n; i++)
		v->files[v->n++].source = &files[i];
	transcript_read(files, n, outcomes, read_turns, v);
	for (size_t i = 0; i < n; i++)
		v->files[i].error = outcomes[i].error;
	r = run(v, v->n, false, e);
	if (r == 0 && v->llm)
		r = find_questions(v, root_db(p->root), e);
	if (r == 0)
		r = run(v, v->question_count, true, e);
	for (size_t i = 0; i < n; i++) {
		outcomes[i].error = v->files[i].error;
		outcomes[i].items = (int64_t)v->files[i].findings.n;
	}
	return r;
}

static const struct judgements *judgements_of(const struct verification *v, const struct file *file,
					      size_t finding)
{
	for (size_t i = 0; i < v->question_count; i++) {
		if (v->questions[i].file == file && v->questions[i].finding == finding)
			return &v->questions[i].answer;
	}
	return NULL;
}

static int record_contradictions(struct db *db, const char *id, const struct judgements *j,
				 struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && j && i < j->n; i++)
		r = relation_put(db,
				 &(struct relation){ .kind = RELATION_CONTRADICTION,
						     .a = id,
						     .b = j->v[i].candidate,
						     .explanation = j->v[i].explanation,
						     .severity = j->v[i].severity,
						     .suggestion = j->v[i].suggestion },
				 e);
	return r < 0 ? r : 0;
}

static int record(struct db *db, struct verification *v, const struct file *file, size_t finding,
		  struct err *e)
{
	const struct finding *f = &file->findings.v[finding];
	const struct knowledge_proposal proposal = {
		.prefix = "kv",
		.title = f->title,
		.content = f->content,
		.category = "business_logic",
		.domain = f->domain,
		.sensitivity = "internal",
		.source_type = "user_verification",
		.source_ref = file->source->session,
		.source_user = file->source->email,
		.tags = &f->entities,
		.entities = &f->entities,
		.evidence = { .user = file->source->email,
			      .ref = file->source->session,
			      .detection = f->detection,
			      .quote = f->quote,
			      .position = f->line },
	};
	struct knowledge_outcome outcome;
	int r = knowledge_propose(db, NULL, &proposal, &outcome, e);

	v->proposed += r == 0 && outcome.is_new;
	v->confirmed += r == 0 && !outcome.is_new && outcome.is_new_evidence;
	if (r == 0 && outcome.is_new)
		r = record_contradictions(db, outcome.id, judgements_of(v, file, finding), e);
	return r;
}

static int verification_commit(struct processing *p, const struct session_source *files, size_t n,
			       const struct session_outcome *outcomes, struct err *e)
{
	struct verification *v = p->state;
	int r = 0;

	(void)files;
	for (size_t i = 0; i < n; i++) {
		v->unproven += (int64_t)v->files[i].findings.unproven;
		for (size_t k = 0;
		     r == 0 && outcomes[i].error.code == 0 && k < v->files[i].findings.n; k++)
			r = record(root_db(p->root), v, &v->files[i], k, e);
	}
	/* Too many wait for a person: no fault of these sessions, so it is not counted as theirs. */
	if (r == ERR_LIMIT)
		e->code = r = ERR_BUSY;
	return r;
}

static void verification_tell(struct processing *p, struct json_out *out)
{
	const struct verification *v = p->state;

	json_add_int(out, "items_new", v->proposed);
	json_add_int(out, "items_confirmed", v->confirmed);
	json_add_int(out, "quotes_not_found", v->unproven);
	if (v->llm)
		llm_add_totals(v->llm, out, "model");
	else
		json_add_null(out, "model");
}

const struct processor verification_processor = {
	.name = "verification",
	.version = 1,
	.batch_files = BATCH,
	.batch_bytes = BATCH_BYTES,
	.open = verification_open,
	.prepare = verification_prepare,
	.commit = verification_commit,
	.tell = verification_tell,
	.close = verification_close,
};
