/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/postgres-plan.h"

#include "base/json.h"
#include "base/str.h"

/* A plan nests with its statement: two levels for each node. */
#define PLAN_DEPTH_MAX 2000
/* Of PostgreSQL's counter; a plan can say more, as it multiplies estimates. */
#define MUCH 9e18

struct walk {
	struct plan *plan;
	double workers; /* that run what is below, with the leader */
	double times;   /* that it is run */
};

void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->scans[i].schema);
		free(plan->scans[i].table);
	}
	free(plan->scans);
	*plan = (struct plan){ 0 };
}

static const char *text_of(const struct json *node, const char *key)
{
	const char *text = json_text(json_get(node, key));

	return text ? text : "";
}

static double number_of(const struct json *node, const char *key)
{
	double n = json_double(json_get(node, key), 0);

	return n > 0 && n < MUCH ? n : n > 0 ? MUCH : 0;
}

static int add_scan(const struct walk *w, const struct json *node, struct err *e)
{
	bool whole = str_eq(text_of(node, "Node Type"), "Seq Scan");
	bool shared = json_flag(json_get(node, "Parallel Aware"), false) && whole;
	struct plan *plan = w->plan;

	if (plan->count >= PLAN_SCANS_MAX)
		return err_set(e, ERR_LIMIT, "the statement scans more than %d tables",
			       PLAN_SCANS_MAX);
	plan->scans = xgrow(plan->scans, &plan->capacity, plan->count + 1, sizeof(*plan->scans));
	plan->scans[plan->count++] = (struct plan_scan){
		.schema = xstrdup(text_of(node, "Schema")),
		.table = xstrdup(text_of(node, "Relation Name")),
		.whole = whole,
		.rows = number_of(node, "Plan Rows"),
		.width = number_of(node, "Plan Width"),
		.times = w->times * (shared ? 1 : w->workers),
		.table_bytes = -1,
		.table_rows = -1,
	};
	return 0;
}

static int walk_node(const struct walk *w, const struct json *node, struct err *e);

/* What its children are run like. */
static struct walk below(const struct walk *w, const struct json *node, const struct json *child)
{
	const char *type = text_of(node, "Node Type"), *as = text_of(child, "Parent Relationship");
	struct walk inner = *w;

	if (str_starts(type, "Gather"))
		inner.workers = 1 + number_of(node, "Workers Planned");
	if (str_eq(as, "Inner") && str_eq(type, "Nested Loop"))
		inner.times *= number_of(json_at(json_get(node, "Plans"), 0), "Plan Rows");
	else if (str_eq(as, "SubPlan"))
		inner.times *= number_of(node, "Plan Rows");
	/* Kept after the first time. */
	if (str_eq(type, "Materialize") || str_eq(type, "Memoize") || str_eq(type, "Hash") ||
	    str_eq(as, "InitPlan"))
		inner.times = 1;
	if (inner.times < 1)
		inner.times = 1;
	return inner;
}

static int walk_node(const struct walk *w, const struct json *node, struct err *e)
{
	const struct json *children = json_get(node, "Plans");

	if (json_get(node, "Relation Name") && strstr(text_of(node, "Node Type"), "Scan") &&
	    add_scan(w, node, e) < 0)
		return e->code;
	for (size_t i = 0, n = json_size(children); i < n; i++) {
		struct walk inner = below(w, node, json_at(children, i));

		if (walk_node(&inner, json_at(children, i), e) < 0)
			return e->code;
	}
	return 0;
}

int plan_read(struct bytes text, struct plan *ret_plan, struct err *e)
{
	AUTO(plan_release) struct plan plan = { 0 };
	AUTO_JSON struct json *all = NULL;
	const struct walk w = { &plan, 1, 1 };
	const struct json *top;

	if (json_parse_deep(text, PLAN_TEXT_MAX, PLAN_DEPTH_MAX, &all, e) < 0)
		return err_in(e, "the plan of PostgreSQL");
	top = json_get(json_at(all, 0), "Plan");
	if (json_kind(top) != JSON_OBJECT)
		return err_set(e, ERR_REMOTE, "the plan of PostgreSQL has no 'Plan'");
	plan.rows = (int64_t)number_of(top, "Plan Rows");
	if (walk_node(&w, top, e) < 0)
		return e->code;
	*ret_plan = plan;
	plan = (struct plan){ 0 };
	return 0;
}

static double scan_bytes(const struct plan_scan *s)
{
	double all = s->table_bytes >= 0 ? (double)s->table_bytes : s->rows * s->width;
	double each = s->table_bytes > 0 && s->table_rows > 0
			      ? (double)s->table_bytes / (double)s->table_rows
			      : s->width;
	double read = s->rows * each;

	if (s->whole || (s->table_bytes > 0 && read > all))
		read = all;
	return read * s->times;
}

int64_t plan_bytes(const struct plan *plan)
{
	double sum = 0;

	for (size_t i = 0; i < plan->count; i++)
		sum += scan_bytes(&plan->scans[i]);
	return sum < MUCH ? (int64_t)sum : INT64_MAX;
}
