/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/mcp-internal.h"

#include "base/file.h"
#include "base/time.h"
#include "engine/lease.h"
#include "engine/ledger.h"
#include "memory/bundle.h"
#include "memory/rules-files.h"
#include "sessions/upload.h"

#define RULES_FILE_MAX ((size_t)64 << 20) /* the roll-up of all approved ones */
#define APPROVED_FILE  "km_approved.md"
/* Two agents of one workspace leave a note at a time. */
#define NOTE_LEASE_MS 10000

void rule_texts_release(struct rule_texts *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		free(rules->v[i].id);
		free(rules->v[i].title);
		free(rules->v[i].text);
	}
	free(rules->v);
	*rules = (struct rule_texts){ 0 };
}

/* From a heading to the next one of its kind. */
static void add_rule(struct rule_texts *rules, const char *file, struct bytes text, size_t marks)
{
	const char *end = memchr(text.p, '\n', text.n);
	size_t line = end ? (size_t)(end - text.p) : text.n;
	struct rule_text *rule;

	if (line <= marks)
		return;
	rules->v = xgrow(rules->v, &rules->capacity, rules->n + 1, sizeof(*rules->v));
	rule = &rules->v[rules->n++];
	rule->title = xstrndup(text.p + marks, line - marks);
	rule->text = xstrndup(text.p + line, text.n - line);
	rule->mandatory = !str_eq(file, APPROVED_FILE);
	rule->id = rule->mandatory ? xstrdup(file) : xasprintf("%s#%s", file, rule->title);
}

static void add_approved(struct rule_texts *rules, const char *text)
{
	const char *from = strstr(text, "\n## ");

	while (from) {
		const char *next = strstr(from + 1, "\n## ");
		size_t n = next ? (size_t)(next - from) : strlen(from);

		add_rule(rules, APPROVED_FILE, (struct bytes){ from + 1, n - 1 }, strlen("## "));
		from = next;
	}
}

struct loading {
	struct workspace *ws;
	struct rule_texts *rules;
};

static int load_file(void *ctx, const char *file, const char *fingerprint, int64_t recorded_ms,
		     struct err *e)
{
	struct loading *l = ctx;
	AUTO_FREE char *path = xasprintf(RULES_FOLDER "/%s", file);
	AUTO_BUF struct buf text = BUF_INIT(RULES_FILE_MAX);
	int r = file_read(root_dirfd(workspace_root(l->ws)), path, RULES_FILE_MAX, &text, e);

	(void)fingerprint, (void)recorded_ms; /* as it lies there, so that a person's edit counts */
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	if (str_eq(file, APPROVED_FILE))
		add_approved(l->rules, buf_str(&text));
	else
		add_rule(l->rules, file, buf_bytes(&text), strlen("# "));
	return 0;
}

int rule_texts_load(struct workspace *ws, struct rule_texts *ret, struct err *e)
{
	struct loading l = { ws, ret };

	return ledger_visit(workspace_db(ws), "rule", load_file, &l, e);
}

/* As search and reading want them; the texts are lent by `rules`. */
struct mcp_entry *rule_texts_view(const struct rule_texts *rules)
{
	struct mcp_entry *view = xcalloc(rules->n + 1, sizeof(*view));

	for (size_t i = 0; i < rules->n; i++)
		view[i] = (struct mcp_entry){ rules->v[i].id, rules->v[i].title, rules->v[i].text,
					      rules->v[i].mandatory };
	return view;
}

int mcp_lend_entries(void *ctx, mcp_use_fn use, void *use_ctx, struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO_RULE_TEXTS struct rule_texts rules = { 0 };
	AUTO_FREE struct mcp_entry *view = NULL;

	if (rule_texts_load(tools->ws, &rules, e) < 0)
		return e->code;
	view = rule_texts_view(&rules);
	return use(use_ctx, view, rules.n, e);
}

/* One line of it may not begin what looks like another note. */
static void add_note(struct buf *out, const char *title, const char *text)
{
	char now[TIME_TEXT_MAX];
	AUTO_STRV struct strv lines = STRV_INIT;

	if (out->n > 0 && !str_ends(buf_str(out), "\n"))
		buf_addc(out, '\n');
	buf_addf(out, "\n- %.10s ", time_format_iso(time_now(), now));
	if (*title) {
		buf_adds(out, "**");
		text_add_clean(out, bytes_of(title));
		buf_adds(out, "** ");
	}
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		buf_adds(out, i > 0 ? "\n  " : "");
		text_add_clean(out, bytes_of(lines.v[i]));
	}
	buf_addc(out, '\n');
}

int mcp_note_submit(void *ctx, const struct json *arguments, struct mcp_result *result,
		    struct err *e)
{
	struct workspace_tools *tools = ctx;
	int dirfd = root_dirfd(workspace_root(tools->ws));
	const char *text = mcp_text(arguments, "text");
	const struct lease_wait_options turn = { .name = "note",
						 .holder = "a note of an agent",
						 .ttl_ms = NOTE_LEASE_MS,
						 .wait_ms = NOTE_LEASE_MS };
	AUTO_BUF struct buf notes = BUF_INIT(UPLOAD_LOCAL_MD_MAX);
	AUTO_LEASE struct lease *lease = NULL;
	int r;

	if (strlen(text) + strlen(mcp_text(arguments, "title")) > MCP_NOTE_MAX)
		return err_set(e, ERR_LIMIT, "a note has at most %zu bytes", MCP_NOTE_MAX);
	if (lease_wait(workspace_db(tools->ws), &turn, &lease, e) < 0)
		return e->code;
	r = file_read(dirfd, UPLOAD_LOCAL_MD_NAME, UPLOAD_LOCAL_MD_MAX, &notes, e);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	add_note(&notes, mcp_text(arguments, "title"), text);
	if (notes.full)
		return err_set(e, ERR_LIMIT, "'%s' is full: it has at most %zu bytes",
			       UPLOAD_LOCAL_MD_NAME, UPLOAD_LOCAL_MD_MAX);
	if (file_replace(dirfd, UPLOAD_LOCAL_MD_NAME, buf_bytes(&notes), 0644, e) < 0)
		return e->code;
	json_add_text(&result->json, "status", "kept");
	json_add_text(&result->json, "file", UPLOAD_LOCAL_MD_NAME);
	json_add_text(&result->json, "next",
		      "the next `larder push` (a session's end does it) sends it to the hub");
	return 0;
}
