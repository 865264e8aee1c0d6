/* SPDX-License-Identifier: Apache-2.0 */
/* A table with a key: all that was sent becomes parts whose borders are those of the version before. */
#include "tables/publish-internal.h"

#include "base/json.h"
#include "duck/parts.h"
#include "engine/journal.h"

/* What is ordered is once on the disk between the sources and the parts. */
#define COPIES_AT_ONCE 2

struct sources {
	struct strv files;
	int64_t bytes;
};

static void sources_release(struct sources *s)
{
	strv_release(&s->files);
}

static int find_sources(const struct publish *p, struct db *db, struct sources *s, struct err *e)
{
	for (size_t i = 0; i < p->source_count; i++) {
		const struct prepared *source = &p->sources[i];
		AUTO_OBJECT struct object o = { 0 };
		int r = object_find(p->root, db, source->source, &o, e);

		if (r <= 0)
			return r < 0 ? r : publish_missing(source, e);
		if (source->format != p->sources[0].format)
			return err_set(
				e, ERR_USAGE,
				"'%s' is %s, '%s' is %s: with a key all files are of one format",
				p->sources[0].path, publish_format_word(p->sources[0].format),
				source->path, publish_format_word(source->format));
		strv_adopt(&s->files, publish_file_of(p, source->source, &o));
		s->bytes += o.size_bytes;
	}
	return objects_check_space(p->root, COPIES_AT_ONCE * s->bytes, e);
}

/* The source that the message speaks of, else the first. */
static int complain(const struct publish *p, const struct sources *s, const struct err *why,
		    struct err *e)
{
	size_t i = 0;

	while (i + 1 < s->files.n && !strstr(why->msg, s->files.v[i]))
		i++;
	if (!strstr(why->msg, s->files.v[i]))
		i = 0;
	return publish_complain(&p->sources[i], s->files.v[i], why, e);
}

/* From here on the parts are what is made, the sources what it was made from. */
static void make_room(struct publish *p)
{
	p->sources = p->parts;
	p->source_count = p->n;
	p->parts = NULL;
	p->n = 0;
}

struct making {
	struct publish *p;
	const char *staged;
	struct parts_before before;
};

static void making_release(struct making *m)
{
	parts_before_release(&m->before);
}

static int take_part(const struct making *m, const struct duck_file_info *info, int patched,
		     struct err *e)
{
	struct publish *p = m->p;
	struct prepared *part = &p->parts[p->n];
	int r;

	*part = (struct prepared){ .path = xasprintf("part-%05zu.parquet", p->n),
				   .format = DUCK_PARQUET,
				   .made = xasprintf("%s-%05zu", m->staged, p->n),
				   .rows = info->rows };
	p->n++;
	r = publish_describe(info, &part->columns, e);
	if (r == 0)
		r = publish_hash_made(p, part, e);
	if (r < 0 || patched < 0 || (size_t)patched >= m->before.hashes.n)
		return r;
	return publish_take_patch(p, part, m->before.hashes.v[patched], e);
}

static int make_parts(struct making *m, const struct sources *s, struct err *e)
{
	struct publish *p = m->p;
	AUTO(duck_parts_release) struct duck_parts_result made = { 0 };
	AUTO_FREE char *output = journal_stage_path(p->root, m->staged);
	const struct duck_parts request = { .inputs = &s->files,
					    .format = p->sources[0].format,
					    .key = &p->key,
					    .borders = p->borders,
					    .before = &m->before.files,
					    .output = output,
					    .memory_bytes = p->convert_memory,
					    .deadline_ms = PUBLISH_CONVERT_MS };
	struct err why = { 0 };
	int r = 0;

	if (duck_parts(&request, &made, &why) < 0)
		return complain(p, s, &why, e);
	p->parts = xcalloc(made.count, sizeof(*p->parts));
	for (size_t i = 0; r == 0 && i < made.count; i++)
		r = take_part(m, &made.parts[i], made.patched[i], e);
	free(p->borders);
	p->borders = TAKE(made.borders);
	return r;
}

int publish_make_keyed(struct publish *p, struct db *db, struct err *e)
{
	AUTO(sources_release) struct sources s = { .files = STRV_INIT };
	AUTO(making_release) struct making m = { .p = p };
	AUTO_FREE char *staged = NULL;
	char unique[RANDOM_TEXT_MAX];
	int r;

	make_room(p);
	r = find_sources(p, db, &s, e);
	if (r == 0)
		r = publish_parts_before(p, db, &m.before, e);
	if (r < 0)
		return r;
	random_text(9, unique);
	staged = xasprintf("kp-%.12s", unique);
	m.staged = staged;
	r = make_parts(&m, &s, e);
	return r < 0 ? r : publish_sync_made(p, e);
}
