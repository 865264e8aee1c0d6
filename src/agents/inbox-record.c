/* SPDX-License-Identifier: Apache-2.0 */
/* One record: what it must have, and what is proposed from it. */
#include "agents/inbox-internal.h"

#include "base/uuid.h"
#include "memory/knowledge.h"

#include <inttypes.h>

#define TEXT_MAX  ((size_t)1000)
#define TASK_MAX  ((size_t)10000)
#define TITLE_MAX 160

static const char *text_of(const struct json *json, const char *key)
{
	const char *text = json_text(json_get(json, key));

	return text ? text : "";
}

/* Older clients: the same end of the same work gives the same id, whenever it is sent again. */
static void derive_id(struct inbox_record *r)
{
	AUTO_FREE char *text = xasprintf("%s\n%s\n%s\n%" PRId64 "\n%s\n%s", r->workspace, r->org,
					 r->repo, json_int(json_get(r->json, "runs"), 0), r->status,
					 text_of(r->json, "updated_at"));

	hash_text(HASH_SHA256, bytes_of(text), r->id);
	r->revision = 1;
}

static int check_texts(const struct inbox_record *r, struct err *e)
{
	const struct {
		const char *key, *text;
		size_t max;
	} all[] = {
		{ "workspace", r->workspace, TEXT_MAX },
		{ "org", r->org, TEXT_MAX },
		{ "repo", r->repo, TEXT_MAX },
		{ "agent", r->agent, TEXT_MAX },
		{ "status", r->status, 32 },
		{ "branch", r->branch, TEXT_MAX },
		{ "task", r->task, TASK_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strlen(all[i].text) > all[i].max)
			return err_set(e, ERR_USAGE, "'%s' exceeds %zu bytes", all[i].key,
				       all[i].max);
	if (!*r->workspace && !*r->repo)
		return err_set(e, ERR_USAGE, "it has neither 'workspace' nor 'repo'");
	if (!*r->status)
		return err_set(e, ERR_USAGE, "it has no 'status'");
	return 0;
}

int inbox_read_record(const struct json *json, struct inbox_record *ret, struct err *e)
{
	const char *id = text_of(json, "id");
	int r;

	if (json_kind(json) != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "it is no JSON object");
	*ret = (struct inbox_record){
		.json = json,
		.revision = json_int(json_get(json, "revision"), 1),
		.workspace = text_of(json, "workspace"),
		.org = text_of(json, "org"),
		.repo = text_of(json, "repo"),
		.task = text_of(json, "task"),
		.agent = text_of(json, "agent"),
		.status = text_of(json, "status"),
		.branch = text_of(json, "branch"),
	};
	if (!*ret->agent)
		ret->agent = text_of(json, "agent_type");
	r = check_texts(ret, e);
	if (r < 0)
		return r;
	if (!uuid_is(id))
		derive_id(ret);
	else
		(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
	if (ret->revision < 0 || ret->revision > INT32_MAX)
		return err_set(e, ERR_USAGE, "'revision' is out of range");
	return 0;
}

/* "gosec: unchecked error in main.go", cut to what a title takes. */
static char *title_of(const struct json *finding)
{
	const char *tool = text_of(finding, "tool");
	const char *message = text_of(finding, "message");
	const char *file = text_of(finding, "file");
	AUTO_FREE char *whole = xasprintf("%s%s%s%s%s", tool, *tool ? ": " : "", message,
					  *file ? " in " : "", file);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	size_t fits;

	text_add_clean(&clean, bytes_of(whole));
	fits = text_fit(buf_str(&clean), TITLE_MAX);
	return xstrndup(buf_str(&clean), fits < TITLE_MAX ? fits : TITLE_MAX);
}

static char *content_of(const struct json *finding, const struct inbox_record *record)
{
	const char *category = text_of(finding, "category");
	const char *severity = text_of(finding, "severity");

	return xasprintf("%s\n\nSeen in %s%s%s%s%s%s%s.", text_of(finding, "message"),
			 *record->repo ? record->repo : record->workspace,
			 *text_of(finding, "file") ? ", " : "", text_of(finding, "file"),
			 *severity ? "; severity " : "", severity, *category ? "; " : "", category);
}

static int propose_one(struct db *db, const struct caller *by, const struct inbox_record *record,
		       const struct json *finding, struct err *e)
{
	AUTO_FREE char *title = title_of(finding);
	AUTO_FREE char *content = content_of(finding, record);
	AUTO_STRV struct strv entities = STRV_INIT;
	struct knowledge_proposal p = {
		.prefix = "ka",
		.title = title,
		.content = content,
		.category = "finding",
		.source_type = "agent_finding",
		.source_ref = record->id,
		.source_user = by->email,
		.entities = &entities,
		.evidence = { .user = by->email,
			      .ref = record->id,
			      .detection = "finding",
			      .quote = text_of(finding, "message"),
			      .position = -1 },
	};
	struct knowledge_outcome outcome = { 0 };
	int r;

	if (*record->repo)
		strv_add(&entities, record->repo);
	if (*text_of(finding, "file"))
		strv_add(&entities, text_of(finding, "file"));
	r = knowledge_propose(db, by, &p, &outcome, e);
	return r < 0 ? r : outcome.is_new;
}

int inbox_propose(struct db *db, const struct caller *by, const struct inbox_record *record,
		  int64_t *ret_proposed, struct err *e)
{
	const struct json *findings = json_get(record->json, "findings");
	size_t done = 0;

	if (json_kind(findings) != JSON_ARRAY)
		findings = json_get(json_get(record->json, "report"), "findings");
	for (size_t i = 0; i < json_size(findings) && done < INBOX_PROPOSALS_MAX; i++) {
		struct err why = { 0 };
		int r;

		if (!*text_of(json_at(findings, i), "message"))
			continue;
		done++;
		r = propose_one(db, by, record, json_at(findings, i), &why);
		/* One that may not be proposed (too long, too many wait) does not cost the record. */
		if (r < 0 && r != ERR_USAGE && r != ERR_LIMIT && r != ERR_CORRUPT &&
		    r != ERR_DENIED && r != ERR_CONFLICT) {
			*e = why;
			return r;
		}
		*ret_proposed += r > 0;
	}
	return 0;
}
