/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/front.h"

#include "base/json.h"
#include "base/yaml.h"
#include "kb/lines.h"

/* A line of three dashes, whatever blanks or CR follow. */
static bool is_fence(struct bytes text, size_t at)
{
	size_t end = line_end(text, at);

	if (end - at < 3 || memcmp(text.p + at, "---", 3) != 0)
		return false;
	for (at += 3; at < end; at++)
		if (!strchr(" \t\r\n", text.p[at]))
			return false;
	return true;
}

struct front front_split(struct bytes page)
{
	struct front f = { 0 };
	size_t at;

	if (page.n < 3 || !is_fence(page, 0))
		return f;
	f.at = at = line_end(page, 0);
	for (; at < page.n && at - f.at <= FRONT_BYTES_MAX; at = line_end(page, at)) {
		if (!is_fence(page, at))
			continue;
		f.there = true;
		f.n = at - f.at;
		f.body = line_end(page, at);
		return f;
	}
	return (struct front){ 0 };
}

struct entry {
	size_t at, value, end; /* the key's line, what follows ':', the next key's line */
};

/* Lines below a key that are indented, empty or "- items" belong to it. */
static bool goes_on(struct bytes page, size_t at)
{
	return page.p[at] == ' ' || page.p[at] == '\t' || page.p[at] == '\n' ||
	       page.p[at] == '\r' || page.p[at] == '-';
}

static bool find(struct bytes page, const struct front *f, const char *key, struct entry *ret)
{
	size_t n = strlen(key);
	size_t end = f->at + f->n;

	for (size_t at = f->at; at < end; at = line_end(page, at)) {
		if (end - at <= n || memcmp(page.p + at, key, n) != 0 || page.p[at + n] != ':')
			continue;
		*ret = (struct entry){ at, at + n + 1, line_end(page, at) };
		while (ret->end < end && goes_on(page, ret->end))
			ret->end = line_end(page, ret->end);
		return true;
	}
	return false;
}

static struct bytes trimmed(struct bytes b)
{
	while (b.n > 0 && strchr(" \t\r\n", b.p[0]))
		b = (struct bytes){ b.p + 1, b.n - 1 };
	while (b.n > 0 && strchr(" \t\r\n", b.p[b.n - 1]))
		b.n--;
	return b;
}

/* Text in double quotes is read as JSON; YAML's other escapes are rare and stay as written. */
static char *unquoted(struct bytes b)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	if (b.p[0] == '"') {
		buf_addc(&out, '[');
		buf_add(&out, b.p, b.n);
		buf_addc(&out, ']');
		if (json_parse(buf_bytes(&out), FRONT_BYTES_MAX, &doc, &e) == 0 &&
		    json_size(doc) == 1 && json_text(json_at(doc, 0)))
			return xstrdup(json_text(json_at(doc, 0)));
		return xstrndup(b.p + 1, b.n - 2);
	}
	for (size_t i = 1; i + 1 < b.n; i++) {
		buf_addc(&out, b.p[i]);
		i += b.p[i] == '\'' && b.p[i + 1] == '\'';
	}
	return buf_take(&out);
}

static char *scalar(struct bytes b)
{
	const char *comment;

	b = trimmed(b);
	if (b.n >= 2 && (b.p[0] == '"' || b.p[0] == '\'') && b.p[b.n - 1] == b.p[0])
		return unquoted(b);
	comment = b.n ? memmem(b.p, b.n, " #", 2) : NULL;
	if (comment)
		b = trimmed((struct bytes){ b.p, (size_t)(comment - b.p) });
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] == '\0')
			return xstrdup("");
	return xstrndup(b.p ? b.p : "", b.n);
}

char *front_text(struct bytes page, const char *key)
{
	struct front f = front_split(page);
	struct entry at;
	struct bytes value;

	if (!f.there || !find(page, &f, key, &at))
		return NULL;
	value = trimmed((struct bytes){ page.p + at.value, at.end - at.value });
	if (value.n == 0 || value.p[0] == '[' || value.p[0] == '{' || value.p[0] == '-')
		return NULL;
	return scalar(value);
}

/* Items between commas, whichever quotes they have. */
static void split_flow(struct bytes list, struct strv *out)
{
	size_t start = 0;
	char quote = '\0';

	for (size_t i = 0; i <= list.n; i++) {
		struct bytes item = { list.p + start, i - start };

		if (i < list.n && quote) {
			quote = list.p[i] == quote && list.p[i - 1] != '\\' ? '\0' : quote;
			continue;
		}
		if (i < list.n && (list.p[i] == '"' || list.p[i] == '\'')) {
			quote = list.p[i];
			continue;
		}
		if (i < list.n && list.p[i] != ',')
			continue;
		if (trimmed(item).n > 0 && out->n < FRONT_LIST_MAX)
			strv_adopt(out, scalar(item));
		start = i + 1;
	}
}

static void split_block(struct bytes list, struct strv *out)
{
	for (size_t at = 0; at < list.n; at = line_end(list, at)) {
		struct bytes line = trimmed((struct bytes){ list.p + at, line_end(list, at) - at });

		if (line.n > 1 && line.p[0] == '-' && out->n < FRONT_LIST_MAX)
			strv_adopt(out, scalar((struct bytes){ line.p + 1, line.n - 1 }));
	}
}

void front_list(struct bytes page, const char *key, struct strv *out)
{
	struct front f = front_split(page);
	struct entry at;
	struct bytes value;

	if (!f.there || !find(page, &f, key, &at))
		return;
	value = trimmed((struct bytes){ page.p + at.value, at.end - at.value });
	if (value.n == 0)
		return;
	if (value.p[0] == '-')
		split_block(value, out);
	else if (value.p[0] == '[' && value.p[value.n - 1] == ']')
		split_flow((struct bytes){ value.p + 1, value.n - 2 }, out);
	else
		strv_adopt(out, scalar(value));
}

static void add_line(struct buf *out, const char *key, const char *value)
{
	if (value)
		buf_addf(out, "%s: %s\n", key, value);
}

void front_put(struct bytes page, const char *key, const char *value, struct buf *out)
{
	struct front f = front_split(page);
	struct entry at;

	if (!f.there) {
		buf_adds(out, value ? "---\n" : "");
		add_line(out, key, value);
		buf_adds(out, value ? "---\n\n" : "");
		buf_add(out, page.p, page.n);
		return;
	}
	if (!find(page, &f, key, &at))
		at = (struct entry){ f.at + f.n, 0, f.at + f.n };
	buf_add(out, page.p, at.at);
	add_line(out, key, value);
	buf_add(out, page.p + at.end, page.n - at.end);
}

int front_check(struct bytes page, struct err *e)
{
	struct front f = front_split(page);

	return f.there ? yaml_check((struct bytes){ page.p + f.at, f.n }, e) : 0;
}

static void front_add_quoted(struct buf *out, const char *text)
{
	struct json_out o = json_out(out);

	json_add_text(&o, NULL, text ? text : "");
}

char *front_quoted(const char *text)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	front_add_quoted(&out, text);
	return buf_take(&out);
}

char *front_quoted_list(const struct strv *texts)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	buf_addc(&out, '[');
	for (size_t i = 0; i < texts->n; i++) {
		buf_adds(&out, i > 0 ? ", " : "");
		front_add_quoted(&out, texts->v[i]);
	}
	buf_addc(&out, ']');
	return buf_take(&out);
}
