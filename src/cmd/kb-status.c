/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "base/time.h"
#include "engine/journal.h"
#include "kb/pages.h"

struct status_args {
	struct kb_common common;
};

static const struct opt options[] = { KB_OPTIONS(struct status_args, common), OPT_END };

struct status {
	int64_t documents, raw_bytes, sections, links, last_compiled_ms, last_lint_ms;
	int64_t pages[PAGE_KINDS];
	size_t due, future;
};

static int count(struct db *db, const char *sql, int64_t *ret, struct err *e)
{
	return db_get_int(db, ret, 0, e, sql, "");
}

static int look(const struct kb *kb, struct status *s, struct err *e)
{
	AUTO_TX struct db *tx = kb_db(kb); /* one moment: numbers that agree with each other */
	struct db *db = tx;
	int r = db_begin_read(db, e);

	if (r == 0)
		r = count(db, "SELECT count(*) FROM kb_doc", &s->documents, e);

	if (r == 0)
		r = count(db, "SELECT coalesce(sum(bytes), 0) FROM kb_doc", &s->raw_bytes, e);
	if (r == 0)
		r = count(db, "SELECT count(*) FROM kb_section", &s->sections, e);
	if (r == 0)
		r = count(db, "SELECT count(*) FROM kb_link", &s->links, e);
	if (r == 0)
		r = count(db, "SELECT coalesce(max(compiled_ms), 0) FROM kb_doc",
			  &s->last_compiled_ms, e);
	if (r == 0)
		r = db_get_int(db, &s->last_lint_ms, 0, e,
			       "SELECT CAST(fingerprint AS INTEGER) FROM ledger"
			       " WHERE space='kb' AND key='lint'",
			       "");
	for (int kind = 0; r == 0 && kind < PAGE_KINDS; kind++)
		r = pages_count(db, (enum page_kind)kind, &s->pages[kind], e);
	return r < 0 ? r : journal_pending(kb_root(kb), &s->due, &s->future, e);
}

static void add_json(const struct kb *kb, const struct status *s, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "kb", kb_path(kb));
	json_add_text(&o, "language", kb_settings(kb)->language);
	json_add_int(&o, "documents", s->documents);
	json_add_int(&o, "bytes", s->raw_bytes);
	json_add_int(&o, "sections", s->sections);
	json_add_int(&o, "summaries", s->pages[PAGE_SUMMARY]);
	json_add_int(&o, "concepts", s->pages[PAGE_CONCEPT]);
	json_add_int(&o, "entities", s->pages[PAGE_ENTITY]);
	json_add_int(&o, "explorations", s->pages[PAGE_EXPLORATION]);
	json_add_int(&o, "other_pages", s->pages[PAGE_OTHER]);
	json_add_int(&o, "links", s->links);
	json_add_int(&o, "unfinished", (int64_t)s->due);
	json_add_time(&o, "last_compiled_at", s->last_compiled_ms);
	json_add_time(&o, "last_lint_at", s->last_lint_ms);
	json_close(&o);
}

static void add_text(const struct kb *kb, const struct status *s, struct buf *out)
{
	char size[FORMAT_SIZE_MAX], ago[TIME_TEXT_MAX];

	buf_addf(out, "Knowledge base: %s\n\n", kb_path(kb));
	buf_addf(out, "documents     %6lld  (%s, %lld sections)\n", (long long)s->documents,
		 format_size(s->raw_bytes, size), (long long)s->sections);
	buf_addf(out, "summaries     %6lld\nconcepts      %6lld\nentities      %6lld\n",
		 (long long)s->pages[PAGE_SUMMARY], (long long)s->pages[PAGE_CONCEPT],
		 (long long)s->pages[PAGE_ENTITY]);
	buf_addf(out, "explorations  %6lld\nlinks         %6lld\n",
		 (long long)s->pages[PAGE_EXPLORATION], (long long)s->links);
	if (s->last_compiled_ms)
		buf_addf(out, "\nlast compiled %s\n", time_format_ago(s->last_compiled_ms, ago));
	if (s->last_lint_ms)
		buf_addf(out, "last lint     %s\n", time_format_ago(s->last_lint_ms, ago));
	if (s->due > 0)
		buf_addf(out,
			 "\n%zu files are on their way: the next command that writes here "
			 "finishes what was cut short.\n",
			 s->due);
}

static int run(int argc, char **argv, struct err *e)
{
	struct status_args args = { 0 };
	struct status status = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_status, &operands, 0, 0, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, true, &kb, e);
	if (r == 0)
		r = look(kb, &status, e);
	if (r < 0)
		return r;
	if (args.common.json)
		add_json(kb, &status, &out);
	else
		add_text(kb, &status, &out);
	return kb_cmd_print(&args.common, &out, e);
}

const struct command kb_cmd_status = {
	.name = "status",
	.usage = "[--kb DIR]",
	.summary = "how much is in a knowledge base, and how fresh it is",
	.examples = "larder kb status|of the one you are in\nlarder kb status --json|for programs",
	.options = options,
	.run = run,
};
