/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/privacy.h"

#include "base/json.h"

/* No path is longer (PATH_MAX), escapes included. */
#define CWD_MAX ((size_t)32768)

/* In the folder, or above it? */
static bool is_marked(const char *folder)
{
	AUTO_FREE char *at = xstrdup(folder);

	for (;;) {
		AUTO_FREE char *marker = xasprintf("%s/" PRIVACY_MARKER, at);
		char *slash;

		if (access(marker, F_OK) == 0)
			return true;
		slash = strrchr(at, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

bool privacy_hides_all(const struct privacy *p)
{
	return is_marked(p->workspace);
}

/* "<id>.jsonl", "<id>.agent-x.jsonl" */
bool privacy_hides_session(const struct privacy *p, const char *name)
{
	for (size_t i = 0; i < p->sessions->n; i++) {
		size_t n = strlen(p->sessions->v[i]);

		if (n > 0 && strncmp(name, p->sessions->v[i], n) == 0 &&
		    (name[n] == '.' || name[n] == '\0'))
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool hides_folder(const struct privacy *p, const char *cwd)
{
	for (size_t i = 0; i < p->folders->n; i++) {
		const char *folder = p->folders->v[i];
		AUTO_FREE char *absolute =
			*folder == '/' ? xstrdup(folder) : xasprintf("%s/%s", p->workspace, folder);

		if (*folder && is_below(cwd, absolute))
			return true;
	}
	return is_marked(cwd);
}

/* The text in quotes that starts at `text`, with them; no bytes when there is none. */
static struct bytes quoted(struct bytes text)
{
	size_t i = 1;

	if (text.n < 2 || text.p[0] != '"')
		return (struct bytes){ 0 };
	while (i < text.n && text.p[i] != '"' && i < CWD_MAX)
		i += text.p[i] == '\\' ? 2 : 1;
	return i < text.n && text.p[i] == '"' ? (struct bytes){ text.p, i + 1 }
					      : (struct bytes){ 0 };
}

static bool hides_quoted(const struct privacy *p, struct bytes text)
{
	AUTO_BUF struct buf wrapped = BUF_INIT(CWD_MAX + 16);
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };
	const char *cwd;

	buf_addc(&wrapped, '[');
	buf_add(&wrapped, text.p, text.n);
	buf_addc(&wrapped, ']');
	if (json_parse(buf_bytes(&wrapped), wrapped.max, &doc, &e) < 0)
		return false;
	cwd = json_text(json_at(doc, 0));
	return cwd && *cwd == '/' && hides_folder(p, cwd);
}

bool privacy_hides_text(const struct privacy *p, struct bytes transcript)
{
	struct bytes last = { 0 };
	const char *end = transcript.p + transcript.n;
	const char *at = transcript.p;

	while (at && (at = memmem(at, (size_t)(end - at), "\"cwd\"", 5)) != NULL) {
		struct bytes value;

		at += 5;
		while (at < end && (*at == ' ' || *at == ':'))
			at++;
		value = quoted((struct bytes){ at, (size_t)(end - at) });
		/* The next line mostly says the same. */
		if (value.n == 0 || bytes_equal(value, last))
			continue;
		if (hides_quoted(p, value))
			return true;
		last = value;
	}
	return false;
}
