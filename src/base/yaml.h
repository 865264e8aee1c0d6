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
 * The file is one mapping of scalars, lists of scalars and nested mappings; nested keys are written
 * "a.b" in the table. Anchors, aliases, tags, duplicate keys, keys that the table does not know (so
 * also deeper nesting than the table's), control characters, a second document and files over
 * YAML_BYTES_MAX are refused. No implicit types: a scalar is its text, the table says what it must
 * be; a boolean is true or false. A mapping or a list that is left empty counts as empty.
 *
 * Ownership: a TEXT target is freed and replaced by a text that its owner frees, a list is replaced
 * as a whole. Errors: ERR_USAGE with file and line, ERR_LIMIT for the size; yaml_read() then has
 * changed no target. Threads: no state but the targets.
 */
#ifndef LARDER_BASE_YAML_H
#define LARDER_BASE_YAML_H

#include "base/str.h"

/* A configuration of ours is a page of text; a megabyte is a mistake or an attack. */
#define YAML_BYTES_MAX ((size_t)1 << 20)
/* In one list or map: duplicates are looked for one by one, and nobody writes so many by hand. */
#define YAML_ENTRIES_MAX 1000

enum yaml_kind {
	YAML_TEXT,
	YAML_INT,
	YAML_BOOL,
	YAML_SIZE,
	YAML_DURATION,
	YAML_LIST,
	YAML_MAP_OF_TEXT
};

struct yaml_field {
	const char *key; /* "limits.body"; for YAML_MAP_OF_TEXT the name of the mapping */
	enum yaml_kind kind;
	/* char **, int64_t * (size in bytes, duration in seconds), bool *, struct strv * (of a map:
	 * "key=value") */
	void *target;
	int64_t min, max;        /* for INT, SIZE, DURATION; both 0 = any that is not negative */
	const char *environment; /* variable that overrides it, or NULL */
	const char *help;
};

/* `fields` ends with key == NULL. `name` is for messages. Absent keys leave their targets alone. */
int yaml_read(struct bytes text, const char *name, const struct yaml_field *fields, struct err *e);
/* Lists and maps are "a,b" and "k=v,l=w" there. An empty variable counts as not set. */
int yaml_environment(const struct yaml_field *fields, struct err *e);
/*
 * Adds the line "key: value", quoted when needed so that it is read back the same. What a
 * configuration cannot hold (control characters, invalid UTF-8) becomes '?'.
 */
void yaml_add_text(struct buf *out, const char *key, const char *value);

#endif
