/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's fields from the command line to JSON, and from JSON to the terminal. */
#include "cmd/admin-rule.h"

#include "base/file.h"
#include "base/lines.h"
#include "memory/items.h"
#include <fcntl.h>

void rule_args_release(struct rule_args *args)
{
	strv_release(&args->tags);
}

/* Files from elsewhere end their lines with CR LF; a rule has plain newlines. */
static void drop_returns(struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] != '\r' || i + 1 == text->n || text->p[i + 1] != '\n')
			text->p[n++] = text->p[i];
	}
	text->n = n;
}

/* Refused here already: a file of 50 MB need not travel to be refused. */
static int read_content(const struct rule_args *args, struct buf *out, struct err *e)
{
	const char *path = str_eq(args->file, "-") ? "/dev/stdin" : args->file;
	int r;

	if (args->file && args->text)
		return err_set(e, ERR_USAGE, "give the content with either --file or --text");
	if (!args->file && !args->text)
		return 0;
	if (args->text) {
		buf_adds(out, args->text);
		return 0;
	}
	r = file_read(AT_FDCWD, path, RULE_CONTENT_MAX, out, e);
	if (r < 0)
		return err_in(e, "the rule's content");
	drop_returns(out);
	return 0;
}

static int add_confidence(struct json_out *o, const char *text, struct err *e)
{
	char *end = NULL;
	double value = text ? strtod(text, &end) : 0;

	if (!text)
		return 0;
	if (end == text || *end || !(value >= 0 && value <= 1))
		return err_set(e, ERR_USAGE, "--confidence '%s' is not a number from 0 to 1", text);
	json_add_double(o, "confidence", value);
	return 0;
}

static void add_given(struct json_out *o, const char *key, const char *value)
{
	if (value)
		json_add_text(o, key, value);
}

bool rule_has_fields(const struct rule_args *args)
{
	return args->title || args->file || args->text || args->category || args->domain ||
	       args->audience || args->confidence || args->from || args->until || args->tags.n;
}

int rule_add_fields(const struct rule_args *args, struct json_out *o, struct err *e)
{
	AUTO_BUF struct buf content = BUF_INIT(BUF_OWN_MAX);
	int r = read_content(args, &content, e);

	if (r < 0)
		return r;
	add_given(o, "title", args->title);
	if (args->file || args->text)
		json_add_bytes(o, "content", buf_bytes(&content));
	add_given(o, "category", args->category);
	add_given(o, "domain", args->domain);
	add_given(o, "audience", args->audience);
	add_given(o, "valid_from", args->from);
	add_given(o, "valid_until", args->until);
	if (args->tags.n > 0)
		json_add_texts(o, "tags", &args->tags);
	return add_confidence(o, args->confidence, e);
}

/* One line, nothing in it that a terminal would obey. */
static void add_clean(struct buf *out, const struct json *value)
{
	size_t before = out->n;

	text_add_line(out, json_bytes(value));
	if (out->n == before)
		buf_addc(out, '-');
}

static void add_evidence(const struct json *rule, struct buf *out)
{
	const struct json *list = json_get(rule, "evidence");

	if (json_size(list) > 0)
		buf_adds(out, "\nSaid by\n");
	for (size_t i = 0; i < json_size(list); i++) {
		const struct json *one = json_at(list, i);
		int64_t position = json_int(json_get(one, "position"), -1);

		buf_adds(out, "  ");
		add_clean(out, json_get(one, "source_user"));
		buf_adds(out, " in ");
		add_clean(out, json_get(one, "source_ref"));
		if (position >= 0)
			buf_addf(out, ":%lld", (long long)position);
		buf_adds(out, ", ");
		add_clean(out, json_get(one, "detection_type"));
		buf_adds(out, ": ");
		add_clean(out, json_get(one, "user_quote"));
		buf_addc(out, '\n');
	}
}

static void add_history(const struct json *rule, struct buf *out)
{
	const struct json *list = json_get(rule, "history");

	if (json_size(list) > 0)
		buf_adds(out, "\nHistory\n");
	for (size_t i = 0; i < json_size(list); i++) {
		const struct json *one = json_at(list, i);

		buf_adds(out, "  ");
		add_clean(out, json_get(one, "at"));
		buf_adds(out, "  ");
		add_clean(out, json_get(one, "action"));
		buf_adds(out, " by ");
		add_clean(out, json_get(one, "by"));
		buf_adds(out, ": ");
		add_clean(out, json_get(one, "status"));
		if (json_text(json_get(one, "note"))) {
			buf_adds(out, " (");
			add_clean(out, json_get(one, "note"));
			buf_addc(out, ')');
		}
		buf_addc(out, '\n');
	}
}

static void add_relations(const struct json *rule, struct buf *out)
{
	const struct json *list = json_get(rule, "relations");

	if (json_size(list) > 0)
		buf_adds(out, "\nSee also\n");
	for (size_t i = 0; i < json_size(list); i++) {
		const struct json *one = json_at(list, i);

		buf_adds(out, "  ");
		add_clean(out, json_get(one, "item_id"));
		buf_adds(out, ", ");
		add_clean(out, json_get(one, "relation_type"));
		buf_adds(out, ", ");
		add_clean(out, json_get(one, "resolution"));
		buf_addc(out, '\n');
	}
}

static void add_state(const struct json *rule, struct buf *out)
{
	buf_adds(out, "\n---\n");
	add_clean(out, json_get(rule, "status"));
	buf_addf(out, ", confidence %.2f (now %.2f), domain ",
		 json_double(json_get(rule, "confidence"), 0.5),
		 json_double(json_get(rule, "confidence_now"), 0.5));
	add_clean(out, json_get(rule, "domain"));
	buf_adds(out, ", from ");
	add_clean(out, json_get(rule, "source_user"));
	buf_addc(out, '\n');
}

int rule_print(const struct json *rule, bool history, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv lines = STRV_INIT;
	const char *content = json_text(json_get(rule, "content"));

	buf_adds(&out, "# ");
	text_add_clean(&out, json_bytes(json_get(rule, "title")));
	buf_adds(&out, "\n\n");
	strv_split(&lines, content ? content : "", '\n');
	for (size_t i = 0; i < lines.n; i++) {
		text_add_clean(&out, bytes_of(lines.v[i]));
		buf_addc(&out, '\n');
	}
	if (history) {
		add_state(rule, &out);
		add_evidence(rule, &out);
		add_history(rule, &out);
		add_relations(rule, &out);
	}
	return cmd_print(&out, e);
}
