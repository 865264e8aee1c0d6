/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: a small, strict subset of YAML read against a table of known keys, with line
 * numbers in errors. libyaml is behind it and seen only by yaml.c.
 *
 *	char *server = NULL;
 *	int64_t jobs = 8;
 *	const struct yaml_field fields[] = {
 *		{ "server", YAML_TEXT, &server, .environment = "LARDER_SERVER" },
 *		{ "limits.jobs", YAML_INT, &jobs, .min = 1, .max = 64 },
 *		{ NULL },
 *	};
 *	if (yaml_read(text, path, fields, e) < 0 || yaml_environment(fields, e) < 0) ...
 *
 * The file is one mapping of scalars, lists of scalars, nested mappings and lists of maps; nested
 * keys are written "a.b" in the table. Anchors, aliases, tags, duplicate keys, keys that the table
 * does not know (so also deeper nesting than the table's), control characters, a second document
 * and files over YAML_BYTES_MAX are refused. No implicit types: a scalar is its text, the table
 * says what it must be; a boolean is true or false. A mapping or a list that is left empty counts
 * as empty.
 *
 * A list of maps (jobs, sources) has a table of its own, over a struct that each map fills:
 *
 *	static void list_job_fields(void *item, struct yaml_field *ret_fields)
 *	{
 *		struct job *job = item;
 *		const struct yaml_field fields[] = {
 *			{ "name", YAML_TEXT, &job->name },
 *			{ "timeout", YAML_DURATION, &job->timeout_s, 1, 86400, NULL, NULL },
 *			{ 0 },
 *		};
 *
 *		memcpy(ret_fields, fields, sizeof(fields));
 *	}
 *	static const struct yaml_map job_map = { sizeof(struct job), "name", list_job_fields,
 *						 check_job, release_job };
 *
 *	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&job_map);
 *	{ "jobs", YAML_LIST_OF_MAPS, &jobs },
 *	const struct job *first = yaml_maps_at(&jobs, 0);
 *
 * Ownership: a TEXT target is freed and replaced by a text that its owner frees, a list is replaced
 * as a whole. Errors: ERR_USAGE with file and line, ERR_LIMIT for the size; yaml_read() then has
 * changed no target. Threads: no state but the targets.
 */
#ifndef LARDER_BASE_YAML_H
#define LARDER_BASE_YAML_H

#include "base/str.h"

/* A configuration of ours is a page of text, a long list of jobs or sources a megabyte. */
#define YAML_BYTES_MAX ((size_t)4 << 20)
/* In one list or map: duplicates are looked for one by one, and nobody writes so many by hand. */
#define YAML_ENTRIES_MAX 1000
/* In one list of maps, which a program may have written. */
#define YAML_MAPS_MAX 20000
/* Keys of one map in a list: what a person can still look over. */
#define YAML_MAP_FIELDS_MAX 32

enum yaml_kind {
	YAML_TEXT,
	YAML_INT,
	YAML_BOOL,
	YAML_SIZE,
	YAML_DURATION,
	YAML_LIST,
	YAML_MAP_OF_TEXT,
	YAML_TREE, /* a map whose values may be maps of texts: "outer<tab>inner=value" */
	YAML_LIST_OF_MAPS
};

struct yaml_field {
	const char *key; /* "limits.body"; for YAML_MAP_OF_TEXT the name of the mapping */
	enum yaml_kind kind;
	/* char **, int64_t * (size in bytes, duration in seconds), bool *, struct strv * (of a map:
	 * "key=value"), struct yaml_maps * */
	void *target;
	int64_t min, max;        /* for INT, SIZE, DURATION; both 0 = any that is not negative */
	const char *environment; /* variable that overrides it, or NULL */
	const char *help;
};

/* What one map of a list becomes: `size` bytes, zeroed, then filled. */
struct yaml_map {
	size_t size;
	const char *id; /* the key of a TEXT that every map has, each another; NULL: none */
	/* Its table, with targets inside `item`; at most YAML_MAP_FIELDS_MAX with the end. */
	void (*list_fields)(void *item, struct yaml_field *ret_fields);
	/* Is it whole and sensible? Its error gets the file and the line. May be NULL. */
	int (*check)(const void *item, struct err *e);
	void (*release)(void *item); /* what the targets own; also of one half filled */
};

/* A list of them; the map is given at birth. */
struct yaml_maps {
	const struct yaml_map *map;
	char *v;
	size_t n, capacity;
	void *ids; /* a tree of those met */
};
#define YAML_MAPS_INIT(of)                                                                         \
	{                                                                                          \
		.map = (of)                                                                        \
	}
void yaml_maps_release(struct yaml_maps *maps);
#define AUTO_YAML_MAPS AUTO(yaml_maps_release)
const void *yaml_maps_at(const struct yaml_maps *maps, size_t i); /* i < n */

/* `fields` ends with key == NULL. `name` is for messages. Absent keys leave their targets alone. */
int yaml_read(struct bytes text, const char *name, const struct yaml_field *fields, struct err *e);
/*
 * Lists and maps are "a,b" and "k=v,l=w" there; a list of maps cannot come from there. An empty
 * variable counts as not set.
 */
int yaml_environment(const struct yaml_field *fields, struct err *e);
/* Is it YAML, and a mapping (or nothing)? For texts of others, of which no key is known. ERR_CORRUPT
 * with the line, ERR_LIMIT. */
int yaml_check(struct bytes text, struct err *e);
/*
 * Adds the line "key: value", quoted when needed so that it is read back the same. What a
 * configuration cannot hold (control characters, invalid UTF-8) becomes '?'.
 */
void yaml_add_text(struct buf *out, const char *key, const char *value);

#endif
