/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/near.h"
#include "base/yaml-internal.h"

#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	const char *name;
	const struct yaml_field *fields;
	struct strv seen; /* the paths of all keys met */
	bool assign;      /* false: only check */
};

static void reader_release(struct reader *r)
{
	yaml_parser_delete(&r->parser);
	strv_release(&r->seen);
}

#define AUTO_READER AUTO(reader_release)
#define AUTO_EVENT  AUTO(yaml_event_delete)

static size_t line_of(const yaml_event_t *event)
{
	return event->start_mark.line + 1;
}

static int refuse(const struct reader *r, const yaml_event_t *event, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s', line %zu: %s", r->name, line_of(event), why);
}

static bool has_name(const yaml_event_t *event)
{
	switch ((int)event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return event->type == YAML_ALIAS_EVENT;
	}
}

/* `event` is empty before and, whatever happens, deleted by its owner. */
static int next_event(struct reader *r, yaml_event_t *event, struct err *e)
{
	const yaml_parser_t *p = &r->parser;

	if (!yaml_parser_parse(&r->parser, event)) {
		if (p->error == YAML_READER_ERROR) /* has no mark: not UTF-8 */
			return err_set(e, ERR_USAGE, "'%s', byte %zu: %s", r->name,
				       p->problem_offset + 1, p->problem);
		return err_set(e, ERR_USAGE, "'%s', line %zu: %s", r->name,
			       p->problem_mark.line + 1, p->problem ? p->problem : "not YAML");
	}
	if (has_name(event))
		return refuse(r, event, "anchors, aliases and tags are not allowed", e);
	if (event->type == YAML_SCALAR_EVENT &&
	    !text_is_clean((struct bytes){ (const char *)event->data.scalar.value,
					   event->data.scalar.length }))
		return refuse(r, event, "control characters are not allowed", e);
	return 0;
}

static const char *scalar_text(const yaml_event_t *event)
{
	return (const char *)event->data.scalar.value;
}

/* "key:" with nothing behind it, as is left when all lines below are commented out. */
static bool is_left_empty(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0 &&
	       event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static const struct yaml_field *find_field(const struct reader *r, const char *path)
{
	for (const struct yaml_field *f = r->fields; f->key; f++)
		if (str_eq(f->key, path))
			return f;
	return NULL;
}

static bool is_group(const struct reader *r, const char *path)
{
	size_t n = strlen(path);

	for (const struct yaml_field *f = r->fields; f->key; f++)
		if (str_starts(f->key, path) && f->key[n] == '.')
			return true;
	return false;
}

static int refuse_unknown(const struct reader *r, const yaml_event_t *key, const char *path,
			  struct err *e)
{
	struct near near = near_to(path);

	for (const struct yaml_field *f = r->fields; f->key; f++)
		near_try(&near, f->key);
	(void)err_set(e, ERR_USAGE, "'%s', line %zu: unknown key '%.100s'", r->name, line_of(key),
		      path);
	return near.best ? err_hint(e, "did you mean '%s'?", near.best) : e->code;
}

static int read_list(struct reader *r, const struct yaml_field *f, const yaml_event_t *start,
		     struct err *e)
{
	AUTO_STRV struct strv texts = STRV_INIT;
	bool more = !is_left_empty(start);

	if (more && start->type != YAML_SEQUENCE_START_EVENT)
		return refuse(r, start, "a list must stand here", e);
	while (more) {
		AUTO_EVENT yaml_event_t item = { 0 };

		if (next_event(r, &item, e) < 0)
			return e->code;
		more = item.type != YAML_SEQUENCE_END_EVENT;
		if (more && item.type != YAML_SCALAR_EVENT)
			return refuse(r, &item, "a list may hold texts only", e);
		if (more && texts.n == YAML_ENTRIES_MAX)
			return refuse(r, &item, "more than 1000 entries", e);
		if (more)
			strv_add(&texts, scalar_text(&item));
	}
	yaml_set_texts(f, &texts, r->assign);
	return 0;
}

/* The texts are "key=value", so a key must not hold a '='; two of the same key are refused. */
static int check_map_key(struct reader *r, const char *path, const yaml_event_t *key, struct err *e)
{
	if (key->type != YAML_SCALAR_EVENT || key->data.scalar.length == 0 ||
	    strchr(scalar_text(key), '='))
		return refuse(r, key, "a key must be a text without '='", e);

	AUTO_FREE char *full = xasprintf("%s.%s", path, scalar_text(key));

	if (strv_has(&r->seen, full))
		return refuse(r, key, "the key is there twice", e);
	strv_add(&r->seen, full);
	return 0;
}

/* A map that is being read: of texts, or of a tree's inner maps, whose texts begin with the outer key. */
struct map_reading {
	const char *path;  /* of its keys, for duplicates */
	const char *outer; /* "" or "key<tab>" */
	bool may_nest;
	struct strv *texts;
};

static int read_map_of(struct reader *r, const struct map_reading *m, struct err *e);

static int read_inner_map(struct reader *r, const struct map_reading *m, const char *key,
			  struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s.%s", m->path, key);
	AUTO_FREE char *outer = xasprintf("%s\t", key);
	const struct map_reading inner = { path, outer, false, m->texts };

	return read_map_of(r, &inner, e);
}

static int read_map_member(struct reader *r, const struct map_reading *m, const yaml_event_t *key,
			   struct err *e)
{
	AUTO_EVENT yaml_event_t value = { 0 };

	if (next_event(r, &value, e) < 0)
		return e->code;
	if (m->may_nest && value.type == YAML_MAPPING_START_EVENT)
		return read_inner_map(r, m, scalar_text(key), e);
	if (value.type != YAML_SCALAR_EVENT)
		return refuse(r, &value, "a text must stand here", e);
	strv_addf(m->texts, "%s%s=%s", m->outer, scalar_text(key), scalar_text(&value));
	return 0;
}

/* Its start was read. */
static int read_map_of(struct reader *r, const struct map_reading *m, struct err *e)
{
	for (;;) {
		AUTO_EVENT yaml_event_t key = { 0 };

		if (next_event(r, &key, e) < 0)
			return e->code;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (m->texts->n == YAML_ENTRIES_MAX)
			return refuse(r, &key, "more than 1000 entries", e);
		if (check_map_key(r, m->path, &key, e) < 0 || read_map_member(r, m, &key, e) < 0)
			return e->code;
	}
}

static int read_map(struct reader *r, const struct yaml_field *f, const yaml_event_t *start,
		    struct err *e)
{
	AUTO_STRV struct strv texts = STRV_INIT;
	const struct map_reading m = { f->key, "", f->kind == YAML_TREE, &texts };

	if (!is_left_empty(start) && start->type != YAML_MAPPING_START_EVENT)
		return refuse(r, start, "a mapping must stand here", e);
	if (!is_left_empty(start) && read_map_of(r, &m, e) < 0)
		return e->code;
	yaml_set_texts(f, &texts, r->assign);
	return 0;
}

static int read_mapping(struct reader *r, const char *path, struct err *e);

/* The map's own table, keys and targets stand in for the file's while it is read. */
static int fill_item(struct reader *r, const struct yaml_map *map, void *item, struct err *e)
{
	struct yaml_field fields[YAML_MAP_FIELDS_MAX];
	struct reader outer = *r;
	int n;

	map->list_fields(item, fields);
	r->fields = fields;
	r->seen = (struct strv)STRV_INIT;
	r->assign = true; /* into an item that is kept only when all is well */
	n = read_mapping(r, "", e);
	strv_release(&r->seen);
	r->fields = outer.fields;
	r->seen = outer.seen;
	r->assign = outer.assign;
	return n;
}

static int read_item(struct reader *r, struct yaml_maps *maps, const yaml_event_t *start,
		     struct err *e)
{
	if (start->type != YAML_MAPPING_START_EVENT)
		return refuse(r, start, "a mapping must stand here ('- key: value')", e);
	if (maps->n == YAML_MAPS_MAX)
		return refuse(r, start, "more than 20000 entries", e);

	void *item = yaml_maps_add(maps);

	if (fill_item(r, maps->map, item, e) < 0)
		return e->code;
	if (yaml_maps_check_last(maps, e) < 0)
		return err_in(e, "'%s', line %zu", r->name, line_of(start));
	return 0;
}

static int read_maps(struct reader *r, const struct yaml_field *f, const yaml_event_t *start,
		     struct err *e)
{
	struct yaml_maps *target = f->target;
	AUTO_YAML_MAPS struct yaml_maps maps = YAML_MAPS_INIT(target->map);
	bool more = !is_left_empty(start);

	if (more && start->type != YAML_SEQUENCE_START_EVENT)
		return refuse(r, start, "a list must stand here", e);
	while (more) {
		AUTO_EVENT yaml_event_t item = { 0 };

		if (next_event(r, &item, e) < 0)
			return e->code;
		more = item.type != YAML_SEQUENCE_END_EVENT;
		if (more && read_item(r, &maps, &item, e) < 0)
			return e->code;
	}
	if (r->assign)
		yaml_maps_replace(target, &maps);
	return 0;
}

static int read_field(struct reader *r, const struct yaml_field *f, const yaml_event_t *value,
		      struct err *e)
{
	if (f->kind == YAML_LIST)
		return read_list(r, f, value, e);
	if (f->kind == YAML_MAP_OF_TEXT || f->kind == YAML_TREE)
		return read_map(r, f, value, e);
	if (f->kind == YAML_LIST_OF_MAPS)
		return read_maps(r, f, value, e);
	if (value->type != YAML_SCALAR_EVENT)
		return refuse(r, value, "a single value must stand here", e);
	if (yaml_set_scalar(f, scalar_text(value), r->assign, e) < 0)
		return err_in(e, "'%s', line %zu: '%s'", r->name, line_of(value), f->key);
	return 0;
}

/* A key was read: what must follow is what the table says of it. */
static int read_member(struct reader *r, const char *parent, const yaml_event_t *key, struct err *e)
{
	if (key->type != YAML_SCALAR_EVENT)
		return refuse(r, key, "a key must be a text", e);

	const char *word = scalar_text(key);
	AUTO_FREE char *path = xasprintf("%s%s%s", parent, *parent ? "." : "", word);
	const struct yaml_field *field = find_field(r, path);
	AUTO_EVENT yaml_event_t value = { 0 };

	if (strchr(word, '.') || (!field && !is_group(r, path)))
		return refuse_unknown(r, key, path, e);
	if (strv_has(&r->seen, path))
		return refuse(r, key, "the key is there twice", e);
	strv_add(&r->seen, path);

	if (next_event(r, &value, e) < 0)
		return e->code;
	if (field)
		return read_field(r, field, &value, e);
	if (is_left_empty(&value))
		return 0;
	if (value.type != YAML_MAPPING_START_EVENT)
		return refuse(r, &value, "a mapping must stand here", e);
	return read_mapping(r, path, e); /* as deep as the table's keys, no deeper */
}

static int read_mapping(struct reader *r, const char *path, struct err *e)
{
	for (;;) {
		AUTO_EVENT yaml_event_t key = { 0 };

		if (next_event(r, &key, e) < 0)
			return e->code;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (read_member(r, path, &key, e) < 0)
			return e->code;
	}
}

static int read_document(struct reader *r, struct err *e)
{
	AUTO_EVENT yaml_event_t root = { 0 };

	if (next_event(r, &root, e) < 0)
		return e->code;
	if (is_left_empty(&root))
		return 0;
	if (root.type != YAML_MAPPING_START_EVENT)
		return refuse(r, &root, "the file must be a mapping ('key: value' lines)", e);
	return read_mapping(r, "", e);
}

static int read_stream(struct reader *r, struct err *e)
{
	bool document_read = false;

	for (;;) {
		AUTO_EVENT yaml_event_t event = { 0 };

		if (next_event(r, &event, e) < 0)
			return e->code;
		if (event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (event.type != YAML_DOCUMENT_START_EVENT)
			continue; /* the start of the stream, the end of the document */
		if (document_read)
			return refuse(r, &event, "a second document is not allowed", e);
		document_read = true;
		if (read_document(r, e) < 0)
			return e->code;
	}
}

static int read_once(struct bytes text, struct reader *r, struct err *e)
{
	if (!yaml_parser_initialize(&r->parser))
		abort(); /* out of memory */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text.p, text.n);
	return read_stream(r, e);
}

int yaml_read(struct bytes text, const char *name, const struct yaml_field *fields, struct err *e)
{
	if (text.n > YAML_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "'%s' has %zu bytes, the limit is %zu", name, text.n,
			       YAML_BYTES_MAX);

	AUTO_READER struct reader check = { .name = name, .fields = fields };
	AUTO_READER struct reader assign = { .name = name, .fields = fields, .assign = true };

	if (!text.p)
		return 0;
	if (read_once(text, &check, e) < 0)
		return e->code;
	return read_once(text, &assign, e);
}
