/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/search.h"

#include "kb/search-internal.h"
#include "kb/unicode.h"

/* Between letters of a script without blanks: the tokenizer then takes each for a word. */
#define JOINT "\xe2\x80\x8b"

void search_add_jointed(struct bytes text, struct buf *out)
{
	bool before = false;
	size_t length;

	for (size_t i = 0; i < text.n; i += length) {
		int32_t c = uni_at(text, i, &length);
		bool now = uni_is_unspaced(c);

		if (before || (now && i > 0))
			buf_adds(out, JOINT);
		buf_add(out, text.p + i, length);
		before = now;
	}
}

static bool needs_joints(struct bytes text)
{
	size_t length;

	for (size_t i = 0; i < text.n; i += length) {
		length = 1;
		if ((unsigned char)text.p[i] >= 0xe2 && uni_is_unspaced(uni_at(text, i, &length)))
			return true;
	}
	return false;
}

int search_put(struct db *db, enum search_what what, int64_t id, const char *title,
	       const char *text, struct err *e)
{
	AUTO_BUF struct buf jointed = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf jointed_title = BUF_INIT(BUF_OWN_MAX);
	int r = search_drop(db, what, id, e);

	if (needs_joints(bytes_of(text))) {
		search_add_jointed(bytes_of(text), &jointed);
		text = buf_str(&jointed);
	}
	if (needs_joints(bytes_of(title))) {
		search_add_jointed(bytes_of(title), &jointed_title);
		title = buf_str(&jointed_title);
	}
	return r < 0 ? r
		     : db_exec(db, e, "INSERT INTO kb_text(rowid, title, body) VALUES(?1, ?2, ?3)",
			       "itt", id * 2 + (int64_t)what, title, text);
}

int search_drop(struct db *db, enum search_what what, int64_t id, struct err *e)
{
	return db_exec(db, e, "DELETE FROM kb_text WHERE rowid=?1", "i", id * 2 + (int64_t)what);
}

char *search_without_joints(const char *text)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const char *next;

	while ((next = strstr(text, JOINT)) != NULL) {
		buf_add(&out, text, (size_t)(next - text));
		text = next + sizeof(JOINT) - 1;
	}
	buf_adds(&out, text);
	return buf_take(&out);
}

int search_text(struct db *db, enum search_what what, int64_t id, char **ret_text, struct err *e)
{
	AUTO_FREE char *body = NULL;
	int r = db_get_text(db, &body, e, "SELECT body FROM kb_text WHERE rowid=?1", "i",
			    id * 2 + (int64_t)what);

	if (r == 0 && body)
		*ret_text = search_without_joints(body);
	return r;
}
