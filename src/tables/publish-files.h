/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person names on a command line, as the parts of a table.
 *
 *	AUTO_PUBLISH_FILES struct publish_files files = { 0 };
 *	publish_files_add(&files, "2024/", NULL, e)      all data files below a folder
 *	publish_files_add(&files, "more.csv", NULL, e)
 *	publish_files_settle(&files, e)                  one file alone is a table without parts
 *
 * The format is the given one, else it follows from the file's extension. Below a folder, names
 * that begin with '.' or '_' are passed over, as the tools that write such folders leave their own
 * notes there; anything else without a known extension is an error, not a gap in the table.
 *
 * Threads: no state. Errors: ERR_NOT_FOUND, ERR_USAGE with the file named, ERR_LIMIT over
 * PUBLISH_PARTS_MAX files.
 */
#ifndef LARDER_TABLES_PUBLISH_FILES_H
#define LARDER_TABLES_PUBLISH_FILES_H

#include "tables/publish.h"

struct publish_file {
	char *file; /* where it lies */
	char *path; /* of the part; "" for the one file of a table without parts */
	enum duck_format format;
	int64_t size_bytes;
};

struct publish_files {
	struct publish_file *v;
	size_t n, capacity;
	int64_t bytes;
	bool folder; /* one was named: the table is in parts however many there are */
};

void publish_files_release(struct publish_files *files);
#define AUTO_PUBLISH_FILES AUTO(publish_files_release)

/* `format` NULL: by extension. */
int publish_files_add(struct publish_files *files, const char *operand, const char *format,
		      struct err *e);
int publish_files_settle(struct publish_files *files, struct err *e);

#endif
