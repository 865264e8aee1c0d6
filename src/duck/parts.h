/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files become the parts of one table, ordered by a key; the child program does it (duck.h).
 *
 *	const struct duck_parts q = { .inputs = &files, .format = DUCK_CSV, .key = &key,
 *				      .borders = before, .output = "/staging/x" };
 *	AUTO(duck_parts_release) struct duck_parts_result made = { 0 };
 *	duck_parts(&q, &made, e);	files "/staging/x-00000", "/staging/x-00001", ...
 *
 * `borders` is what the version before has answered, NULL for a first one: parts keep their borders,
 * so that rows which did not change are in a part whose bytes did not change. Its text is the
 * child's own; whoever stores it need not understand it. Where a part has the borders of a part
 * in `before` and few of its rows differ, there is also a patch (patch.h): "/staging/x-00000.patch".
 *
 * Errors: ERR_USAGE for a key that is no column, ERR_CORRUPT for rows without a key and for files
 * that cannot be read, ERR_LIMIT for too many parts. On failure parts may have been written.
 */
#ifndef LARDER_DUCK_PARTS_H
#define LARDER_DUCK_PARTS_H

#include "duck/duck.h"

/* 1.2 billion rows. */
#define DUCK_PARTS_MAX 10000
/* 10,000 borders of two texts each. */
#define DUCK_BORDERS_MAX ((size_t)8 << 20)

struct duck_parts {
	const struct strv *inputs; /* read as one relation, columns matched by name */
	enum duck_format format;
	const struct strv *key;
	const char *borders;
	const struct strv *before; /* the files of that version, in their order */
	const char *output;
	int64_t memory_bytes; /* 0: 1 GiB */
	int64_t deadline_ms;  /* 0: 10 min */
};

struct duck_parts_result {
	struct duck_file_info *parts;
	size_t count, capacity;
	int *patched; /* of each part: the file of `before` it was patched from; -1: none */
	size_t patched_capacity;
	char *borders;
};
void duck_parts_release(struct duck_parts_result *result);

int duck_parts(const struct duck_parts *request, struct duck_parts_result *ret_result,
	       struct err *e);

#endif
