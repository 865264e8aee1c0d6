/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/words.h"

#include "base/str.h"

/* Before and after the word: some lines. */
#define PASSAGE_BEFORE 100
#define PASSAGE_BYTES  400

bool mcp_matches(const char *query, const char *const *texts, size_t n)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, query, ' ');
	for (size_t i = 0; i < words.n; i++) {
		bool found = !*words.v[i];

		for (size_t k = 0; !found && k < n; k++)
			found = texts[k] && strcasestr(texts[k], words.v[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool text_matches(const struct mcp_entry *t, const char *query)
{
	const char *const texts[] = { t->title, t->text };

	return mcp_matches(query, texts, ARRAY_LEN(texts));
}

/* Escaped it may take twice its bytes. */
static bool has_room(const struct json_out *o, size_t bytes)
{
	return o->out->n + bytes * 2 < MCP_ROWS_BYTES;
}

static const char *without_lead(const char *text)
{
	return text + strspn(text, "\n");
}

static void add_rule(struct json_out *o, const struct mcp_entry *t)
{
	json_open(o, NULL, '{');
	json_add_text(o, "id", t->id);
	json_add_text(o, "title", t->title);
	json_add_bool(o, "mandatory", t->mandatory);
	json_add_text(o, "text", without_lead(t->text));
	json_close(o);
}

static void add_total(struct json_out *o, int64_t total, int64_t given)
{
	json_close(o);
	json_add_int(o, "total", total);
	json_add_bool(o, "truncated", given < total);
}

void mcp_add_rules(struct json_out *o, const struct mcp_entry *texts, size_t n, const char *query,
		   int64_t limit)
{
	int64_t total = 0, given = 0;

	json_open(o, "rules", '[');
	for (size_t i = 0; i < 2 * n; i++) {
		const struct mcp_entry *t = &texts[i % n];

		if (t->mandatory != (i < n) || !text_matches(t, query))
			continue;
		total++;
		if (given >= limit || !has_room(o, strlen(t->text)))
			continue;
		add_rule(o, t);
		given++;
	}
	add_total(o, total, given);
}

/* Around the first word of the query, whole characters. */
static struct bytes passage(const char *text, const char *query)
{
	AUTO_FREE char *word = xstrndup(query, strcspn(query, " "));
	const char *at = *word ? strcasestr(text, word) : NULL;
	size_t from = at && at - text > PASSAGE_BEFORE ? (size_t)(at - text) - PASSAGE_BEFORE : 0;

	while (from > 0 && ((unsigned char)text[from] & 0xc0) == 0x80)
		from--;
	return (struct bytes){ text + from, text_fit(text + from, PASSAGE_BYTES) };
}

void mcp_add_pages(struct json_out *o, const struct mcp_entry *texts, size_t n, const char *query,
		   int64_t limit)
{
	int64_t total = 0, given = 0;

	json_open(o, "pages", '[');
	for (size_t i = 0; i < n; i++) {
		const struct mcp_entry *t = &texts[i];

		if (t->mandatory || !text_matches(t, query))
			continue;
		if (total++ >= limit || !has_room(o, PASSAGE_BYTES))
			continue;
		json_open(o, NULL, '{');
		json_add_text(o, "page", t->id);
		json_add_text(o, "title", t->title);
		json_add_bytes(o, "passage", passage(without_lead(t->text), query));
		json_close(o);
		given++;
	}
	add_total(o, total, given);
}

void mcp_add_rules_of(struct json_out *o, const struct mcp_entry *texts, size_t n,
		      const char *table)
{
	json_open(o, "rules", '[');
	for (size_t i = 0; i < n; i++) {
		if (text_matches(&texts[i], table) && has_room(o, strlen(texts[i].text)))
			add_rule(o, &texts[i]);
	}
	json_close(o);
}

int mcp_add_page(struct json_out *o, const struct mcp_entry *texts, size_t n, const char *id,
		 struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = without_lead(texts[i].text);
		bool whole = has_room(o, strlen(text));

		if (!str_eq(texts[i].id, id))
			continue;
		json_add_text(o, "page", texts[i].id);
		json_add_text(o, "title", texts[i].title);
		json_add_bytes(o, "text",
			       (struct bytes){ text, whole ? strlen(text)
							   : text_fit(text, MCP_ROWS_BYTES / 2) });
		json_add_bool(o, "truncated", !whole);
		return 0;
	}
	(void)err_set(e, ERR_NOT_FOUND, "there is no page '%.200s'", id);
	return err_hint(e, "page_search gives the pages there are");
}
