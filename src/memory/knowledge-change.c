/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with an item: the steps of its life, and edits. */
#include "memory/knowledge.h"

#include "base/time.h"
#include "memory/items-internal.h"

#define CONFIDENCE_BY_ADMIN 0.20

static const struct step {
	const char *word;
	const char *action; /* of the audit row */
} steps[] = {
	[KNOWLEDGE_APPROVE] = { "approve", "knowledge.approve" },
	[KNOWLEDGE_MANDATE] = { "mandate", "knowledge.mandate" },
	[KNOWLEDGE_REJECT] = { "reject", "knowledge.reject" },
	[KNOWLEDGE_REVOKE] = { "revoke", "knowledge.revoke" },
	[KNOWLEDGE_EDIT] = { "edit", "knowledge.edit" },
};

const char *knowledge_step_word(enum knowledge_step step)
{
	return steps[step].word;
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && !str_eq(word, *words))
		words++;
	return *words != NULL;
}

/* 1 to go there, 0 when it is there already, or an error that names the step that fits. */
static int may_step(enum knowledge_step step, const char *status, bool mandatory, struct err *e)
{
	bool in_force = str_eq(status, "approved");

	switch (step) {
	case KNOWLEDGE_APPROVE:
		return !in_force || mandatory;
	case KNOWLEDGE_MANDATE:
		return !in_force || !mandatory;
	case KNOWLEDGE_REJECT:
		if (str_eq(status, "pending") || str_eq(status, "rejected"))
			return str_eq(status, "pending");
		return err_set(
			e, ERR_CONFLICT,
			"it is %s, and only what is pending can be rejected; what is in force "
			"is revoked",
			status);
	case KNOWLEDGE_REVOKE:
		if (in_force || str_eq(status, "revoked"))
			return in_force;
		return err_set(
			e, ERR_CONFLICT,
			"it is %s, and only what is in force can be revoked; what is pending is "
			"rejected",
			status);
	case KNOWLEDGE_EDIT:
		break;
	}
	return 1;
}

/* An admin's first approval is a confirmation by one more who should know. */
static int set_status(struct db *db, enum knowledge_step step, const char *id, const char *status,
		      struct err *e)
{
	static const char sql_set[] =
		"UPDATE item SET status = ?2, mandatory = ?3, updated_ms = ?5,"
		" confidence = CASE WHEN ?3 THEN 1.0 ELSE round(min(1.0, coalesce(confidence, 0.5)"
		" + ?4), 6) END WHERE id = ?1";
	static const char *const leads_to[] = {
		[KNOWLEDGE_APPROVE] = "approved", [KNOWLEDGE_MANDATE] = "approved",
		[KNOWLEDGE_REJECT] = "rejected",  [KNOWLEDGE_REVOKE] = "revoked",
		[KNOWLEDGE_EDIT] = NULL,
	};
	bool first = step == KNOWLEDGE_APPROVE && str_eq(status, "pending");

	return db_exec(db, e, sql_set, "ttidi", id, leads_to[step],
		       (int64_t)(step == KNOWLEDGE_MANDATE), first ? CONFIDENCE_BY_ADMIN : 0.0,
		       time_now());
}

static int make_step(struct db *db, const struct knowledge_change *c, const struct json *old,
		     bool *ret_done, struct err *e)
{
	const char *status = json_text(json_get(old, "status"));
	int r = may_step(c->step, status, json_flag(json_get(old, "mandatory"), false), e);

	*ret_done = r > 0;
	if (r < 0)
		return err_in(e, "%s '%s'", steps[c->step].word, c->id);
	if (c->step == KNOWLEDGE_MANDATE && str_eq(c->id, "approved"))
		return err_set(e, ERR_USAGE,
			       "rule id 'approved': a workspace keeps all approved rules in a file "
			       "of that name");
	return r > 0 ? set_status(db, c->step, c->id, status, e) : 0;
}

static int check_fields(const struct json *fields, struct err *e)
{
	static const char *const may[] = { "title",       "content",    "category",   "domain",
					   "tags",        "entities",   "audience",   "confidence",
					   "sensitivity", "supersedes", "valid_from", "valid_until",
					   NULL };
	struct json_iter it = json_iter(fields);

	if (json_size(fields) == 0)
		return err_set(e, ERR_USAGE, "no field is given that an edit would change");
	while (json_next(&it)) {
		if (!is_one_of(it.key, may))
			return err_set(e, ERR_USAGE, "an edit cannot change '%s'", it.key);
	}
	return 0;
}

static void add_value(struct json_out *o, const char *key, const struct json *value)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	json_print(value, &text, false);
	json_add_raw(o, key, buf_bytes(&text));
}

/* The item as it would be, and the old values of what changes. */
static void merge(const struct json *old, const struct json *fields, struct buf *merged,
		  struct buf *before)
{
	struct json_out m = json_out(merged), b = json_out(before);
	struct json_iter it = json_iter(old);

	json_open(&m, NULL, '{');
	json_open(&b, NULL, '{');
	while (json_next(&it)) {
		const struct json *value = json_get(fields, it.key);
		bool is_given = json_kind(value) != JSON_NONE;

		add_value(&m, it.key, is_given ? value : it.value);
		if (is_given)
			add_value(&b, it.key, it.value);
	}
	json_close(&m);
	json_close(&b);
}

static int edit(struct db *db, const struct knowledge_change *c, const struct json *old,
		struct buf *before, struct err *e)
{
	AUTO_ITEM_VALUES struct item_values v = { 0 };
	AUTO_BUF struct buf merged = BUF_INIT(RULE_BODY_MAX * 2);
	AUTO_JSON struct json *fields = NULL;
	int r = check_fields(c->fields, e);

	if (r < 0)
		return r;
	merge(old, c->fields, &merged, before);
	r = json_parse(buf_bytes(&merged), merged.max, &fields, e);
	if (r == 0)
		r = item_values_read(fields, &v, e);
	return r < 0 ? r : item_write(db, &v, e);
}

static int read_old(struct db *db, const char *id, struct json **ret_old, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	int r = rule_add(db, id, &o, e);

	return r < 0 ? r : json_parse(buf_bytes(&text), BUF_OWN_MAX, ret_old, e);
}

/* What is not in force is in nobody's bundle, before and after. */
static bool touches_bundles(const struct knowledge_change *c, const struct json *old)
{
	return c->step == KNOWLEDGE_APPROVE || c->step == KNOWLEDGE_MANDATE ||
	       str_eq(json_text(json_get(old, "status")), "approved");
}

int knowledge_change(struct db *db, const struct caller *by, const struct knowledge_change *c,
		     struct err *e)
{
	AUTO_BUF struct buf before = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *old = NULL;
	bool done = true;
	int r = 0;

	if (c->note && (strlen(c->note) > KNOWLEDGE_NOTE_MAX || !text_is_clean(bytes_of(c->note))))
		return err_set(e, ERR_USAGE, "a reason is clean text of at most %zu bytes",
			       KNOWLEDGE_NOTE_MAX);
	r = read_old(db, c->id, &old, e);
	if (r < 0)
		return r;
	r = c->step == KNOWLEDGE_EDIT ? edit(db, c, old, &before, e)
				      : make_step(db, c, old, &done, e);
	if (r < 0 || !done)
		return r;
	r = item_check_totals(db, e);
	if (r == 0 && touches_bundles(c, old))
		r = generation_bump(db, "rules", e);
	if (r < 0)
		return r;
	return item_note(db, by,
			 &(struct item_event){ .id = c->id,
					       .action = steps[c->step].word,
					       .audit = steps[c->step].action,
					       .note = c->note,
					       .before = before.n ? buf_str(&before) : NULL },
			 e);
}
