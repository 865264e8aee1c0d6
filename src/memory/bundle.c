/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/bundle.h"

#include "base/json.h"

/* Of a foreign id, in a warning. */
#define SHOWN_MAX 80
/* Of an author's, a category's or a time's text. */
#define FIELD_MAX 300

static void warn(struct bundle *b, const char *id, const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	if (b->warnings.n >= BUNDLE_WARNINGS_MAX)
		return;
	buf_adds(&text, "rule '");
	text_add_clean(&text, (struct bytes){ id, strnlen(id, SHOWN_MAX) });
	buf_addf(&text, "' is passed over: %s", why);
	strv_adopt(&b->warnings, buf_take(&text));
}

/* A text for one line: cleaned and cut; "" for what is no text. */
static char *line_of(const struct json *value, size_t max)
{
	const char *text = json_text(value);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	if (text)
		text_add_clean(&clean, (struct bytes){ text, strnlen(text, max) });
	for (size_t i = 0; i < clean.n; i++) {
		if (clean.p[i] == '\n' || clean.p[i] == '\t')
			clean.p[i] = ' ';
	}
	return buf_take(&clean);
}

/* Markdown as people read it, in a terminal too: what would command that terminal becomes '?'. Line
 * ends of other systems become ours. */
static char *content_of(const char *text)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	for (;;) {
		size_t n = strcspn(text, "\r\n\t");

		text_add_clean(&clean, (struct bytes){ text, n });
		text += n;
		if (!*text)
			return buf_take(&clean);
		if (text[0] != '\r' || text[1] != '\n')
			buf_addc(&clean, *text == '\t' ? '\t' : '\n');
		text++;
	}
}

static char *author_of(const struct json *item)
{
	const struct json *contributors = json_get(item, "contributors");
	char *author = line_of(json_get(item, "source_user"), FIELD_MAX);

	if (*author)
		return author;
	free(author);
	return line_of(json_text(contributors) ? contributors : json_at(contributors, 0),
		       FIELD_MAX);
}

/* NULL, or why the item cannot be taken. */
static const char *check_item(const struct json *item)
{
	struct bytes title = json_bytes(json_get(item, "title"));
	struct bytes content = json_bytes(json_get(item, "content"));

	if (!json_text(json_get(item, "title")) || title.n > BUNDLE_TITLE_MAX)
		return "its title is missing, too long or no text";
	if (content.n > BUNDLE_RULE_MAX)
		return "its content is over the limit of 1 MB";
	if (!json_text(json_get(item, "content")))
		return "its content is no text";
	return NULL;
}

/* NULL, or why a file cannot be named after it. */
static const char *check_id(const struct bundle *b, const char *id, bool mandatory)
{
	if (!id || !name_is_rule(id))
		return "its id cannot be a file's name";
	if (mandatory && str_eq(id, "approved"))
		return "its file would be that of all approved rules";
	for (size_t i = 0; i < b->count; i++) {
		if (mandatory && str_eq(b->items[i].id, id))
			return "its id occurs twice";
	}
	return NULL;
}

static void take_item(struct bundle *b, const struct json *entry, bool mandatory)
{
	struct bundle_item *item = &b->items[b->count];
	const char *id = json_text(json_get(entry, "id"));
	const char *why = check_id(b, id, mandatory);

	if (why) {
		warn(b, id ? id : "", why);
		return;
	}
	why = check_item(entry);
	b->count++;
	*item = (struct bundle_item){
		.id = xstrdup(id),
		.title = line_of(json_get(entry, "title"), BUNDLE_TITLE_MAX),
		.content = content_of(why ? "" : json_text(json_get(entry, "content"))),
		.category = line_of(json_get(entry, "category"), FIELD_MAX),
		.domain = line_of(json_get(entry, "domain"), FIELD_MAX),
		.author = author_of(entry),
		.updated = line_of(json_get(entry, "updated_at"), FIELD_MAX),
		.mandatory = mandatory,
		.refused = why != NULL,
	};
	if (why)
		warn(b, id, why);
}

static bool is_list(const struct json *v)
{
	return json_kind(v) == JSON_ARRAY || json_kind(v) == JSON_NULL || json_kind(v) == JSON_NONE;
}

int bundle_parse(struct bytes text, struct bundle **ret_bundle, struct err *e)
{
	AUTO_BUNDLE struct bundle *b = xcalloc(1, sizeof(*b));
	AUTO_JSON struct json *doc = NULL;
	const struct json *mandatory;
	const struct json *approved;
	size_t n;
	int r = json_parse(text, BUNDLE_BYTES_MAX, &doc, e);

	if (r < 0)
		return err_in(e, "bundle");
	mandatory = json_get(doc, "mandatory");
	approved = json_get(doc, "approved");
	/* A text that has neither list must not be read as "all rules are withdrawn". */
	if (!is_list(mandatory) || !is_list(approved) ||
	    (json_kind(mandatory) == JSON_NONE && json_kind(approved) == JSON_NONE))
		return err_set(e, ERR_CORRUPT,
			       "the bundle has no lists 'mandatory' and 'approved'");
	n = json_size(mandatory) + json_size(approved);
	if (n > BUNDLE_ITEMS_MAX)
		return err_set(e, ERR_LIMIT, "a bundle of %zu rules, the limit is %d", n,
			       BUNDLE_ITEMS_MAX);
	b->items = xcalloc(n + 1, sizeof(*b->items));
	for (size_t i = 0; i < json_size(mandatory); i++)
		take_item(b, json_at(mandatory, i), true);
	for (size_t i = 0; i < json_size(approved); i++)
		take_item(b, json_at(approved, i), false);
	*ret_bundle = TAKE(b);
	return 0;
}

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++) {
		struct bundle_item *item = &b->items[i];

		free(item->id);
		free(item->title);
		free(item->content);
		free(item->category);
		free(item->domain);
		free(item->author);
		free(item->updated);
	}
	free(b->items);
	strv_release(&b->warnings);
	free(b);
}
