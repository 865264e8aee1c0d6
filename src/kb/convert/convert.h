/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion: a document of any kind becomes Markdown with images and anchors.
 *
 * Markdown and plain text are read here (text.c). Everything else is foreign bytes in formats of
 * others and goes to `larder-convert`, a program of its own (worker-*.c) which is started for each
 * document in a sandbox (base/sandbox.h): it reads the one file, writes into one folder, has no
 * network, and limits of memory, time and size. Its protocol:
 *
 *	larder-convert TYPE INPUT OUTPUT       TYPE is the extension: "html", "csv", ...
 *
 *	OUTPUT/document.md      the text; "<!-- page 12 -->" on a line of its own where page 12
 *	                        begins; images as ![words](images/NAME)
 *	OUTPUT/images/NAME      [A-Za-z0-9._-], no leading '.'
 *	OUTPUT/result.json      {"outcome":"ok","title":"...","pages":12,"warnings":["..."]},
 *	                        written last; title, pages, warnings may lack; "error" says why for
 *	                        other outcomes
 *
 * It exits 0 whenever it wrote result.json. A worker that dies, or goes over a limit, is reported
 * with the reason; nothing of what it wrote is used. Names, sizes and UTF-8 are checked.
 *
 * A converter for a type is one row in worker-main.c's table: a function that gets the file and a
 * `struct output` to write to (worker.h). It may run other programs (`runs_programs`: pdftotext),
 * which live in the same sandbox.
 *
 * Threads: convert_run() from any; it stages under names of the kb (kb_stage_name()).
 */
#ifndef LARDER_KB_CONVERT_CONVERT_H
#define LARDER_KB_CONVERT_CONVERT_H

#include "kb/kb.h"

/* What is taken in: a scanned book has some 500 MB. */
#define CONVERT_INPUT_MAX ((int64_t)1 << 30)
/* Of the text: 10,000 pages of 5 kB. */
#define CONVERT_TEXT_MAX ((size_t)64 << 20)
/* Of all images together, and of one. */
#define CONVERT_IMAGES_BYTES_MAX ((int64_t)512 << 20)
#define CONVERT_IMAGE_BYTES_MAX  ((int64_t)64 << 20)
#define CONVERT_IMAGES_MAX       5000
/* Of the child. A 1,000-page PDF takes seconds, a spreadsheet of a million cells 300 MB. */
#define CONVERT_MEMORY_MAX   ((int64_t)1 << 30)
#define CONVERT_CPU_SECONDS  300
#define CONVERT_DEADLINE_MS  ((int64_t)600 * 1000)
#define CONVERT_WARNINGS_MAX 20

enum convert_outcome {
	CONVERT_OK,
	CONVERT_ENCRYPTED,   /* wants a password */
	CONVERT_DAMAGED,     /* is not what its name says, or cut off */
	CONVERT_EMPTY,       /* has no text, and no pictures of one */
	CONVERT_SCANNED,     /* pages that are pictures only */
	CONVERT_TOO_LARGE,   /* of what is named above; also bombs */
	CONVERT_UNSUPPORTED, /* no converter, or its program is not installed */
};
const char *convert_outcome_word(enum convert_outcome outcome); /* "ok", "encrypted", ... */

struct convert_job {
	const struct kb *kb;
	const char *staged;   /* the document in staging; not changed */
	const char *original; /* where it lay: images of Markdown are beside it; NULL: nowhere */
	const char *type;     /* extension, lower case, no dot */
	const char *doc_name;
};

struct converted_image {
	char *staged; /* in staging, durable only after journal_sync() */
	char *name;   /* wiki/sources/images/<doc_name>/<name> */
};

struct converted {
	enum convert_outcome outcome;
	struct buf text; /* Markdown; images are ![...](sources/images/<doc_name>/NAME) */
	char *title;     /* NULL when the document does not say */
	int64_t pages;   /* -1 when it has none */
	struct converted_image *images;
	size_t image_count;
	size_t image_capacity;
	struct strv warnings;
	char *why; /* for other outcomes than ok */
};
#define CONVERTED_INIT                                                                             \
	{                                                                                          \
		.text = { .max = CONVERT_TEXT_MAX }, .pages = -1                                   \
	}
void converted_release(struct converted *c);
#define AUTO_CONVERTED AUTO(converted_release)
void converted_add_image(struct converted *c, const char *staged, const char *name);

/* Can a file of that extension be added? */
bool convert_knows(const char *type);
/* Extension of a file name, lower case, "" for none; the caller's. */
char *convert_type_of(const char *name);

/*
 * 0 with *ret filled, whatever the outcome; negative when nothing could be tried (disk, no
 * program), or what was read is worth trying again.
 */
int convert_run(const struct convert_job *job, struct converted *ret, struct err *e);

#endif
