/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts and notes as people's machines send them: what rules find in them is fit to be kept. */
#include "base/lines.h"
#include "sessions/findings.h"
#include "sessions/notes.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const char *title, const char *content, const struct strv *entities)
{
	assert(*title && *content && text_is_clean(bytes_of(title)));
	assert(!strchr(title, '\n') && strlen(title) <= 200);
	assert(text_is_clean(bytes_of(content)));
	for (size_t i = 0; i < entities->n; i++)
		assert(text_is_clean(bytes_of(entities->v[i])));
}

static void read_transcript(const char *p, size_t n)
{
	AUTO_TURNS struct turns turns = { 0 };
	AUTO_FINDINGS struct findings found = { 0 };
	int64_t line = 0;

	while (n > 0) {
		const char *newline = memchr(p, '\n', n);
		size_t length = newline ? (size_t)(newline - p) : n;

		if (length > 0)
			turns_add(&turns, length % 2, (struct bytes){ p, length }, ++line);
		length += newline != NULL;
		p += length;
		n -= length;
	}
	findings_by_rules(&turns, &found);
	for (size_t i = 0; i < found.n; i++)
		check(found.v[i].title, found.v[i].content, &found.v[i].entities);
}

static void read_notes(const char *p, size_t n)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	AUTO_NOTES struct notes notes = { 0 };

	text_add_lines(&clean, (struct bytes){ p, n });
	notes_by_rules(buf_str(&clean), &notes);
	for (size_t i = 0; i < notes.n; i++)
		check(notes.v[i].title, notes.v[i].content, &notes.v[i].entities);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	read_transcript((const char *)p, n);
	read_notes((const char *)p, n);
	return 0;
}
