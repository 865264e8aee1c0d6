/* SPDX-License-Identifier: Apache-2.0 */
/* Knowledge: what users propose and see, and what admins decide. */
#include "hub/api.h"

#include "memory/knowledge.h"
#include "memory/relations.h"

#define LIST_DEFAULT 100
#define LIST_MAX     500

static int read_number(struct request *q, const char *key, int64_t max, int64_t *number,
		       struct err *e)
{
	const char *text = http_query(q->in, key);

	if (text && parse_int64(text, 0, max, number, e) < 0)
		return err_in(e, "%s", key);
	return 0;
}

static int list(struct request *q, const char *status, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct knowledge_filter filter = { .caller = q->caller,
					   .status = status,
					   .domain = http_query(q->in, "domain"),
					   .limit = LIST_DEFAULT };
	int r = read_number(q, "limit", LIST_MAX, &filter.limit, e);

	if (r == 0)
		r = read_number(q, "offset", INT32_MAX, &filter.offset, e);
	json_open(&o, NULL, '{');
	json_open(&o, "items", '[');
	if (r == 0)
		r = knowledge_list(q->db, &filter, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

int api_memory_list(struct request *q, struct err *e)
{
	return list(q, http_query(q->in, "status_filter"), e);
}

int api_memory_pending(struct request *q, struct err *e)
{
	return list(q, "pending", e);
}

int api_memory_stats(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf counts = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body), c = json_out(&counts);
	int r = knowledge_count(q->db, &c, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_raw(&o, "by_status", buf_bytes(&counts));
	json_close(&o);
	return reply_json(q, 200, &body, e);
}

int api_memory_show(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r = knowledge_show(q->db, q->caller, q->params[0], &o, e);

	return r < 0 ? r : reply_json(q, 200, &body, e);
}

static int read_texts(const struct json *json, const char *key, struct strv *out, struct err *e)
{
	const struct json *array = json_get(json, key);

	if (json_kind(array) != JSON_ARRAY && json_kind(array) != JSON_NONE &&
	    json_kind(array) != JSON_NULL)
		return err_set(e, ERR_USAGE, "'%s' must be a list of texts", key);
	for (size_t i = 0; i < json_size(array); i++) {
		const char *text = json_text(json_at(array, i));

		if (!text)
			return err_set(e, ERR_USAGE, "'%s' must be a list of texts", key);
		strv_add(out, text);
	}
	return 0;
}

/* A misspelt field must not be lost silently. */
static int check_members(const struct json *json, struct err *e)
{
	static const char *const may[] = { "title",    "content",    "category",
					   "domain",   "tags",       "entities",
					   "audience", "source_ref", "is_personal" };
	struct json_iter it = json_iter(json);

	while (json_next(&it)) {
		size_t i = 0;

		while (i < ARRAY_LEN(may) && !str_eq(may[i], it.key))
			i++;
		if (i == ARRAY_LEN(may))
			return err_set(e, ERR_USAGE, "a proposal has no field '%s'", it.key);
	}
	return 0;
}

/* The same thing proposed by another is theirs already: what one may not see is not shown. */
static int propose(struct request *q, const struct knowledge_proposal *p, struct buf *body,
		   int *ret_status, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct knowledge_outcome outcome;
	struct json_out o = json_out(body);
	int r = request_write(q, &w, e);

	if (r == 0)
		r = knowledge_propose(w.db, q->caller, p, &outcome, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "id", outcome.id);
	json_add_text(&o, "status", outcome.is_new ? outcome.status : "known");
	json_add_double(&o, "confidence", outcome.confidence);
	json_close(&o);
	*ret_status = outcome.is_new ? 201 : 200;
	return 0;
}

int api_memory_propose(struct request *q, struct err *e)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	AUTO_STRV struct strv entities = STRV_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	const char *ref = json_text(json_get(q->json, "source_ref"));
	const struct knowledge_proposal p = {
		.prefix = "ku",
		.title = json_text(json_get(q->json, "title")),
		.content = json_text(json_get(q->json, "content")),
		.category = json_text(json_get(q->json, "category")),
		.domain = json_text(json_get(q->json, "domain")),
		.audience = json_text(json_get(q->json, "audience")),
		.source_type = "user_proposal",
		.source_ref = ref,
		.source_user = q->caller->email,
		.tags = &tags,
		.entities = &entities,
		.personal = json_flag(json_get(q->json, "is_personal"), false),
		.evidence = { .user = q->caller->email,
			      .ref = ref ? ref : "proposal",
			      .detection = "user_proposal",
			      .position = -1 },
	};
	int status = 0, r = check_members(q->json, e);

	if (r == 0)
		r = read_texts(q->json, "tags", &tags, e);
	if (r == 0)
		r = read_texts(q->json, "entities", &entities, e);
	if (r == 0)
		r = propose(q, &p, &body, &status, e);
	return r < 0 ? r : reply_json(q, status, &body, e);
}

static int find_step(const char *word, enum knowledge_step *ret, struct err *e)
{
	for (int i = KNOWLEDGE_APPROVE; i <= KNOWLEDGE_EDIT; i++) {
		if (str_eq(word, knowledge_step_word((enum knowledge_step)i))) {
			*ret = (enum knowledge_step)i;
			return 0;
		}
	}
	return err_set(e, ERR_NOT_FOUND, "Not Found");
}

/* Clients of the contract name the item in the query, and may send no body. */
static int read_step(struct request *q, struct knowledge_change *change, struct err *e)
{
	const char *id = http_query(q->in, "item_id");
	const struct json *fields = json_get(q->json, "fields");

	change->id = id ? id : json_text(json_get(q->json, "item_id"));
	change->note = json_text(json_get(q->json, "reason"));
	change->fields = json_kind(fields) == JSON_OBJECT ? fields : NULL;
	if (!change->id)
		return err_set(e, ERR_USAGE, "item_id is missing");
	if (change->step == KNOWLEDGE_EDIT && !change->fields)
		return err_set(e, ERR_USAGE, "'fields' is missing: the new values");
	return 0;
}

int api_memory_step(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct knowledge_change change = { 0 };
	int r = find_step(q->params[0], &change.step, e);

	if (r == 0)
		r = read_step(q, &change, e);
	if (r == 0)
		r = request_write(q, &w, e);
	if (r == 0)
		r = knowledge_change(w.db, q->caller, &change, e);
	if (r == 0)
		r = knowledge_show(w.db, q->caller, change.id, &o, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

static int list_relations(struct request *q, const char *kind, const char *member, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	const char *all = http_query(q->in, "all");
	struct relation_filter filter = { .kind = kind,
					  .open_only = !str_eq(all, "1") && !str_eq(all, "true"),
					  .limit = LIST_DEFAULT };
	int r = read_number(q, "limit", LIST_MAX, &filter.limit, e);

	json_open(&o, NULL, '{');
	json_open(&o, member, '[');
	if (r == 0)
		r = relation_list(q->db, &filter, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

int api_memory_contradictions(struct request *q, struct err *e)
{
	return list_relations(q, RELATION_CONTRADICTION, "contradictions", e);
}

int api_memory_duplicates(struct request *q, struct err *e)
{
	return list_relations(q, RELATION_DUPLICATE, "candidates", e);
}

static int resolve(struct request *q, const char *kind, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	const struct relation_decision decision = {
		.kind = kind,
		.a = q->params[0],
		.b = q->params[1],
		.resolution = json_text(json_get(q->json, "resolution")),
	};
	int r = request_write(q, &w, e);

	if (r == 0)
		r = relation_resolve(w.db, q->caller, &decision, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

int api_memory_resolve_contradiction(struct request *q, struct err *e)
{
	return resolve(q, RELATION_CONTRADICTION, e);
}

int api_memory_resolve_duplicate(struct request *q, struct err *e)
{
	return resolve(q, RELATION_DUPLICATE, e);
}
