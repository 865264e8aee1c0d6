/* SPDX-License-Identifier: Apache-2.0 */
/* What a new workspace's CLAUDE.md says: which tables there are, how to ask, where the rules lie.
 */
#include "hub/api.h"

#include "net/url.h"
#include "tables/registry.h"

/* A model reads this at each start: a longer list is looked up when it is needed. */
#define TABLES_SHOWN 200
/* Of a description, the first line as far as it fits into a row. */
#define DESCRIPTION_SHOWN 200

struct listing {
	struct buf *out;
	size_t tables;
};

/* A cell of a Markdown table: one line, and no '|' that would begin the next cell. */
static void add_cell(struct buf *out, const char *text)
{
	for (size_t i = 0; text && text[i] && text[i] != '\n' && i < DESCRIPTION_SHOWN; i++) {
		if (text[i] == '|')
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
}

static int add_table(void *ctx, const struct table *t, struct err *e)
{
	struct listing *l = ctx;

	(void)e;
	if (l->tables++ >= TABLES_SHOWN)
		return 0;
	buf_addf(l->out, "| `%s` | ", t->name);
	if (t->version && t->rows >= 0)
		buf_addf(l->out, "%lld", (long long)t->rows);
	buf_adds(l->out, " | ");
	add_cell(l->out, t->description);
	buf_adds(l->out, " |\n");
	return 0;
}

static int add_tables(struct request *q, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf rows = BUF_INIT(BUF_OWN_MAX);
	struct listing l = { .out = &rows };
	int r = registry_list(q->db, q->caller, add_table, &l, e);

	if (r < 0)
		return r;
	if (l.tables == 0) {
		buf_adds(out, "None yet: nothing has been granted to your groups. Ask an admin of "
			      "the hub.\n");
		return 0;
	}
	buf_adds(out, "| table | rows | what it is |\n|---|---|---|\n");
	buf_add(out, rows.p, rows.n);
	if (l.tables > TABLES_SHOWN)
		buf_addf(out, "\n%zu more: `larder query --limit 0 \"SHOW TABLES\"` lists all.\n",
			 l.tables - TABLES_SHOWN);
	return 0;
}

static int add_content(struct request *q, const char *server, struct buf *out, struct err *e)
{
	int r;

	buf_addf(out,
		 "# Data workspace\n\n"
		 "Tables and knowledge of the team, brought here by `larder` from %s for %s.\n"
		 "`larder pull` refreshes them; it runs by itself at the start of a session.\n\n"
		 "## Tables\n\n",
		 server, q->caller->email);
	r = add_tables(q, out, e);
	buf_adds(out,
		 "\n## How to query\n\n"
		 "    larder query \"SELECT ... FROM <table> ...\"\n"
		 "    larder query --format csv --limit 0 \"...\"\n\n"
		 "The SQL is DuckDB's. Tables are views in `user/duckdb/analytics.duckdb` over "
		 "Parquet files in `server/`;\nlook at columns with `DESCRIBE <table>`. Do not "
		 "write below `server/`: the next pull owns it. Tables and\nviews of your own in "
		 "that database stay.\n\n"
		 "## Rules\n\n"
		 "`.claude/rules/km_*.md` hold what the team has agreed on: definitions, "
		 "pitfalls, how figures are computed.\nRead them before you answer a question "
		 "about the data. They come with each pull and are not edited here.\n\n"
		 "Notes of your own belong into `.claude/CLAUDE.local.md`.\n");
	return r;
}

int api_welcome(struct request *q, struct err *e)
{
	AUTO_BUF struct buf content = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	AUTO_FREE char *server = NULL;
	const char *given = http_query(q->in, "server_url");
	int r = given ? url_normalise_server(given, &server, e) : 0;

	if (r == 0)
		r = add_content(q, server ? server : "its hub", &content, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_bytes(&o, "content", buf_bytes(&content));
	json_add_text(&o, "user", q->caller->email);
	json_close(&o);
	return reply_json(q, 200, &body, e);
}
