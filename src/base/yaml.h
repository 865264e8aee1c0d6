/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: a small, strict subset of YAML read against a table of known keys, with line
 * numbers in errors. libyaml is behind it and seen only by yaml.c.
 *
 * The file is a mapping of scalars, lists of scalars and nested mappings; nested keys are written
 * "a.b" in the table. Aliases, anchors, tags, duplicate keys, unknown keys, depth over 8 and files
 * over YAML_BYTES_MAX are refused with the line. No implicit types: a scalar is its text, the table
 * says what it must be. LARDER_<A_B> in the environment overrides the key "a.b" when the field says
 * so.
 */
#ifndef LARDER_BASE_YAML_H
#define LARDER_BASE_YAML_H

#include "base/str.h"

/* A configuration of ours is a page of text; a megabyte is a mistake or an attack. */
#define YAML_BYTES_MAX ((size_t)1 << 20)

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
	void *target; /* char ** (owned, freed and replaced), int64_t *, bool *, struct strv * (map:
			 "key=value") */
	int64_t min, max;        /* for INT, SIZE, DURATION; both 0 = any that is not negative */
	const char *environment; /* variable that overrides it, or NULL */
	const char *help;
};

/* `fields` ends with key == NULL. `name` is for messages. Targets keep their value when the key is
 * absent. */
int yaml_read(struct bytes text, const char *name, const struct yaml_field *fields, struct err *e);
int yaml_environment(const struct yaml_field *fields, struct err *e);
/* Quotes when needed, so that what is written is read back the same. */
void yaml_add_text(struct buf *out, const char *key, const char *value);

#endif
