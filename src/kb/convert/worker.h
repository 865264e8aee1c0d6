/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside larder-convert: a converter reads a file and writes Markdown to a `struct output`.
 *
 *	static int convert_x(const char *path, struct output *out, struct err *e)
 *	{
 *		buf_adds(&out->text, "# Title\n\n...");
 *		output_page(out, 2);                            page 2 begins here
 *		output_image(out, "p2_img1.png", bytes, e);     then "![...](images/p2_img1.png)"
 *		return output_refuse(out, CONVERT_ENCRYPTED, "it wants a password");
 *	}
 *
 * It returns 0 with whatever outcome, negative for what is nobody's fault (disk). It may leak: the
 * process ends with it. Bombs are met by limits: of the sandbox (memory, time, size of files), of
 * out->text, and of each format (depth, cells). One thread.
 */
#ifndef LARDER_KB_CONVERT_WORKER_H
#define LARDER_KB_CONVERT_WORKER_H

#include "kb/convert/convert.h"

struct output {
	int folder;      /* -1: nothing is written (tests) */
	struct buf text; /* at most CONVERT_TEXT_MAX; past it the outcome is too_large */
	char *title;
	int64_t pages; /* -1: none */
	size_t images; /* that HTML had in itself */
	struct strv warnings;
	enum convert_outcome outcome;
	char *why;
};
#define OUTPUT_INIT                                                                                \
	{                                                                                          \
		.folder = -1, .text = { .max = CONVERT_TEXT_MAX }, .pages = -1                     \
	}
void output_release(struct output *out);
#define AUTO_OUTPUT AUTO(output_release)

void output_page(struct output *out, int64_t page);
/* The name is [A-Za-z0-9._-]. */
int output_image(struct output *out, const char *name, struct bytes contents, struct err *e);
void output_warn(struct output *out, const char *fmt, ...) PRINTF(2, 3);
int output_refuse(struct output *out, enum convert_outcome outcome, const char *fmt, ...)
	PRINTF(3, 4); /* 0 */
/* document.md and, last, result.json. */
int output_finish(struct output *out, struct err *e);

/* A cell of a table of Markdown, cleaned of what would end it. */
void output_cell(struct buf *out, struct bytes text);

typedef int (*converter_fn)(const char *path, struct output *out, struct err *e);
int convert_html(const char *path, struct output *out, struct err *e);
int convert_csv(const char *path, struct output *out, struct err *e);
int convert_tsv(const char *path, struct output *out, struct err *e);

/* The same over bytes: what the fuzz targets call. */
void html_to_markdown(struct bytes html, struct output *out);
void csv_to_markdown(struct bytes csv, char separator, struct output *out);

#endif
