/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side of a conversion in a child: starts larder-convert, takes what it wrote. */
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/sandbox.h"
#include "engine/journal.h"
#include "kb/convert/convert-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#define RESULT_BYTES_MAX ((size_t)1 << 20)
#define IMAGE_NAME_MAX   100

/* What a document makes of the converter must not find tokens there. */
static const char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
					   NULL };

struct child {
	const struct convert_job *job;
	struct converted *ret;
	char *folder; /* below the root */
	char *path;   /* the same, absolute */
	int64_t image_bytes;
};

static void child_release(struct child *c)
{
	struct err ignored = { 0 };

	if (c->folder) /* what stays is litter that is reaped */
		(void)tree_remove(root_dirfd(kb_root(c->job->kb)), c->folder, &ignored);
	free(c->folder);
	free(c->path);
}

static int make_folder(struct child *c, struct err *e)
{
	AUTO_FREE char *name = kb_stage_name(c->job->kb, "convert");
	AUTO_FREE char *images = NULL;
	int dirfd = root_dirfd(kb_root(c->job->kb));
	int r;

	c->folder = xasprintf("%s/%s", ROOT_STAGING, name);
	c->path = journal_stage_path(kb_root(c->job->kb), name);
	images = xasprintf("%s/images", c->folder);
	r = dir_make(dirfd, c->folder, 0700, e);
	return r < 0 ? r : dir_make(dirfd, images, 0700, e);
}

/* What ended it; what it said on stderr is for a person. */
static void ended(struct child *c, int status, const char *words)
{
	if (status == 128 + SIGXCPU || status == 128 + SIGKILL)
		convert_refuse(c->ret, CONVERT_TOO_LARGE,
			       "its conversion took more than %d s of processor time or too much "
			       "memory",
			       CONVERT_CPU_SECONDS);
	else if (status == 128 + SIGXFSZ)
		convert_refuse(c->ret, CONVERT_TOO_LARGE, "its conversion wrote too large a file");
	else if (strstr(words, "out of memory"))
		convert_refuse(c->ret, CONVERT_TOO_LARGE,
			       "its conversion took more than %lld MB of memory",
			       (long long)(CONVERT_MEMORY_MAX >> 20));
	else
		convert_refuse(c->ret, CONVERT_DAMAGED, "the converter ended by %s %d%s%.300s",
			       status > 128 ? "signal" : "exit",
			       status > 128 ? status - 128 : status, words[0] ? ": " : "", words);
}

/* Waits for its end. What took too long is the document's fault. */
static int wait_for_end(struct child *c, const struct proc_options *options, struct err *e)
{
	AUTO_PROC struct proc *p = NULL;
	int status = 0;
	int r = proc_start(options, &p, e);

	if (r == ERR_NOT_FOUND)
		return err_hint(e,
				"install Larder whole, or name larder-convert in LARDER_CONVERT");
	if (r == 0)
		r = proc_wait(p, &status, e);
	if (r == ERR_BUSY || r == ERR_LIMIT) {
		convert_refuse(c->ret, CONVERT_TOO_LARGE, "its conversion took more than %lld s",
			       (long long)CONVERT_DEADLINE_MS / 1000);
		return 0;
	}
	if (r == 0 && status != 0)
		ended(c, status, proc_errors(p));
	return r;
}

static int run(struct child *c, struct err *e)
{
	AUTO_FREE char *worker = proc_companion("LARDER_CONVERT", "larder-convert");
	AUTO_FREE char *input = journal_stage_path(kb_root(c->job->kb), c->job->staged);
	AUTO_FREE char *programs = proc_own_folder();
	AUTO_STRV struct strv readable = STRV_INIT;
	AUTO_STRV struct strv writable = STRV_INIT;
	AUTO_STRV struct strv runnable = STRV_INIT;
	const char *const argv[] = { worker, c->job->type, input, c->path, NULL };
	const struct sandbox sandbox = {
		.memory_bytes = CONVERT_MEMORY_MAX,
		.cpu_seconds = CONVERT_CPU_SECONDS,
		.file_bytes = CONVERT_IMAGES_BYTES_MAX,
		.confine = true,
		.system = true,
		.readable = &readable,
		.writable = &writable,
		.runnable = &runnable,
	};
	const struct proc_options options = {
		.argv = argv,
		.deadline_ms = CONVERT_DEADLINE_MS,
		.environment = environment,
		.environment_only = true,
		.output_max = 1 << 16,
		.sandbox = &sandbox,
	};

	strv_add(&readable, input);
	strv_add(&writable, c->path);
	strv_add(&runnable, worker);
	strv_add(&runnable, programs); /* a worker of one's own may end in ours */
	return wait_for_end(c, &options, e);
}

static enum convert_outcome outcome_of(const char *word)
{
	for (int i = CONVERT_OK; i <= CONVERT_UNSUPPORTED; i++)
		if (str_eq(convert_outcome_word((enum convert_outcome)i), word))
			return (enum convert_outcome)i;
	return CONVERT_DAMAGED;
}

static int read_result(struct child *c, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/result.json", c->path);
	AUTO_BUF struct buf text = BUF_INIT(RESULT_BYTES_MAX);
	AUTO_JSON struct json *doc = NULL;
	const struct json *warnings;
	const char *title, *why;
	int r = file_read(AT_FDCWD, path, RESULT_BYTES_MAX, &text, e);

	if (r == 0)
		r = json_parse(buf_bytes(&text), RESULT_BYTES_MAX, &doc, e);
	if (r < 0) {
		convert_refuse(c->ret, CONVERT_DAMAGED, "the converter gave no result");
		return 0;
	}
	title = json_text(json_get(doc, "title"));
	why = json_text(json_get(doc, "error"));
	c->ret->title = title ? xstrdup(title) : NULL;
	c->ret->pages = json_int(json_get(doc, "pages"), -1);
	warnings = json_get(doc, "warnings");
	for (size_t i = 0; i < json_size(warnings) && i < CONVERT_WARNINGS_MAX; i++)
		if (json_text(json_at(warnings, i)))
			strv_add(&c->ret->warnings, json_text(json_at(warnings, i)));
	c->ret->outcome = outcome_of(json_text(json_get(doc, "outcome")));
	if (c->ret->outcome != CONVERT_OK)
		convert_refuse(c->ret, c->ret->outcome, "%s",
			       why ? why : "the converter does not say why");
	return 0;
}

/* "](images/x.png)" is where the picture lies in the wiki. */
static void add_text(struct child *c, struct bytes text)
{
	static const char from[] = "](images/";
	size_t done = 0;

	while (done < text.n) {
		const char *at = memmem(text.p + done, text.n - done, from, sizeof(from) - 1);
		size_t end = at ? (size_t)(at - text.p) : text.n;

		buf_add(&c->ret->text, text.p + done, end - done);
		if (at)
			buf_addf(&c->ret->text, "](sources/images/%s/", c->job->doc_name);
		done = at ? end + sizeof(from) - 1 : text.n;
	}
}

static int read_text(struct child *c, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/document.md", c->path);
	AUTO_BUF struct buf raw = BUF_INIT(CONVERT_TEXT_MAX);
	AUTO_BUF struct buf clean = BUF_INIT(CONVERT_TEXT_MAX);
	int r = file_read(AT_FDCWD, path, CONVERT_TEXT_MAX, &raw, e);

	if (r == ERR_NOT_FOUND) {
		convert_refuse(c->ret, CONVERT_DAMAGED, "the converter gave no text");
		return 0;
	}
	if (r < 0 && r != ERR_LIMIT)
		return r;
	convert_clean_text(buf_bytes(&raw), &clean);
	add_text(c, buf_bytes(&clean));
	if (r == ERR_LIMIT || raw.full || clean.full || c->ret->text.full)
		convert_refuse(c->ret, CONVERT_TOO_LARGE, "its text is over %zu bytes",
			       CONVERT_TEXT_MAX);
	else if (!convert_has_text(buf_bytes(&c->ret->text)))
		convert_refuse(c->ret, CONVERT_EMPTY, "there is no text in it");
	return 0;
}

static bool name_is_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return name[0] != '.' && strlen(name) <= IMAGE_NAME_MAX &&
	       strspn(name, allowed) == strlen(name);
}

static int take_image(void *ctx, const char *name, const struct stat *st, struct err *e)
{
	struct child *c = ctx;
	struct root *root = kb_root(c->job->kb);
	AUTO_FREE char *staged = kb_stage_name(c->job->kb, "image");
	AUTO_FREE char *from = xasprintf("%s/images/%s", c->folder, name);
	AUTO_FREE char *to = xasprintf("%s/%s", ROOT_STAGING, staged);
	int r;

	c->image_bytes += st->st_size;
	if (!S_ISREG(st->st_mode) || !name_is_ok(name) || st->st_size > CONVERT_IMAGE_BYTES_MAX ||
	    c->image_bytes > CONVERT_IMAGES_BYTES_MAX || c->ret->image_count >= CONVERT_IMAGES_MAX)
		return 0; /* the text keeps its words, the picture is left out */
	r = file_rename(root_dirfd(root), from, root_dirfd(root), to, e);
	if (r == 0)
		converted_add_image(c->ret, staged, name);
	return r;
}

int convert_child(const struct convert_job *job, struct converted *ret, struct err *e)
{
	AUTO(child_release) struct child c = { .job = job, .ret = ret };
	AUTO_FREE char *images = NULL;
	int r = make_folder(&c, e);

	if (r == 0)
		r = run(&c, e);
	if (r == 0 && ret->outcome == CONVERT_OK)
		r = read_result(&c, e);
	if (r == 0 && ret->outcome == CONVERT_OK)
		r = read_text(&c, e);
	if (r < 0 || ret->outcome != CONVERT_OK)
		return r;
	images = xasprintf("%s/images", c.folder);
	return tree_visit(root_dirfd(kb_root(job->kb)), images, take_image, &c, e);
}
