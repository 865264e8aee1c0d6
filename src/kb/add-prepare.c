/* SPDX-License-Identifier: Apache-2.0 */
/* One document made ready, on a worker: copied, converted, split, digested. */
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "engine/journal.h"
#include "kb/add-internal.h"
#include "kb/convert/convert-internal.h"
#include "kb/front.h"
#include "kb/unicode.h"

#include <errno.h>
#include <fcntl.h>

void prepared_free(const struct compiler *compiler, struct prepared *p)
{
	if (!p)
		return;
	if (p->digest)
		compiler->digest_free(p->digest);
	free(p->doc_name);
	free(p->raw);
	free(p->source);
	free(p->title);
	sections_release(&p->sections);
	converted_release(&p->converted);
	free(p);
}

static int open_input(struct kb *kb, const struct kb_add_item *item, int *ret_fd, struct err *e)
{
	AUTO_FREE char *staged =
		item->staged ? journal_stage_path(kb_root(kb), item->staged) : NULL;
	const char *path = staged ? staged : item->file;
	struct stat st;

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0 || fstat(*ret_fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is no file", path);
	if (st.st_size > CONVERT_INPUT_MAX)
		return err_set(e, ERR_LIMIT, "'%s' is larger than %lld bytes", path,
			       (long long)CONVERT_INPUT_MAX);
	return 0;
}

int add_read(struct kb *kb, struct kb_add_item *item, struct err *e)
{
	AUTO_FD int fd = -1;
	int r = 0;

	if (!item->file && !item->staged)
		r = add_fetch(kb, item, e);
	if (r == 0)
		r = open_input(kb, item, &fd, e);
	if (r == 0)
		r = sha256_fd(fd, item->hash, NULL, e);
	return r;
}

static int copy(int from, int to, struct prepared *p, const char *name, struct err *e)
{
	AUTO_HASH struct hash *hash = hash_new(HASH_SHA256);
	AUTO_FREE char *piece = xmalloc(1 << 18);
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(from, piece, 1 << 18)) != 0) {
		if (n < 0)
			return err_sys(e, "read '%s'", name);
		p->bytes += n;
		if (p->bytes > CONVERT_INPUT_MAX)
			return err_set(e, ERR_LIMIT, "'%s' is larger than %lld bytes", name,
				       (long long)CONVERT_INPUT_MAX);
		hash_add(hash, piece, (size_t)n);
		r = file_write_all(to, (struct bytes){ piece, (size_t)n }, name, e);
	}
	hash_hex(hash, p->hash);
	return r;
}

/* The copy is what is hashed and converted: the file itself may change at any moment. */
static int stage_raw(struct kb *kb, const struct kb_add_item *item, struct prepared *p,
		     struct err *e)
{
	AUTO_FD int from = -1, to = -1;
	struct stat st;
	int r = open_input(kb, item, &from, e);

	p->raw = kb_stage_name(kb, "raw");
	if (r == 0)
		r = journal_stage_create(kb_root(kb), p->raw, &to, e);
	if (r == 0)
		r = copy(from, to, p, item->input, e);
	if (r < 0)
		return r;
	if (fstat(from, &st) < 0)
		return err_sys(e, "look at '%s'", item->input);
	p->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	(void)futimens(to, (struct timespec[2]){ st.st_atim, st.st_mtim }); /* only for the eye */
	return 0;
}

static int convert(struct kb *kb, const struct kb_add_item *item, struct prepared *p, struct err *e)
{
	const struct convert_job job = {
		.kb = kb,
		.staged = p->raw,
		.original = item->staged ? NULL : item->file,
		.type = item->type,
		.doc_name = item->doc_name,
	};
	int r = convert_run(&job, &p->converted, e);

	if (r < 0 || p->converted.outcome == CONVERT_OK)
		return r;
	return err_set(e,
		       p->converted.outcome == CONVERT_TOO_LARGE ? ERR_LIMIT
		       : p->converted.outcome == CONVERT_DAMAGED ? ERR_CORRUPT
								 : ERR_USAGE,
		       "%s: %s", convert_outcome_word(p->converted.outcome),
		       p->converted.why ? p->converted.why : "");
}

/* What an item waits for others is not its own time. */
static int enter(struct turnstile *turn, struct kb_add_item *item, struct err *e)
{
	int64_t came = time_monotonic();
	int r = turnstile_enter(turn, e);

	item->ms -= time_monotonic() - came;
	return r;
}

static int convert_in_turn(struct kb *kb, struct turnstile *turn, struct kb_add_item *item,
			   struct err *e)
{
	int r = enter(turn, item, e);

	if (r < 0)
		return r;
	r = convert(kb, item, item->prepared, e);
	turnstile_leave(turn);
	return r;
}

static void name_title(const struct kb_add_item *item, struct prepared *p)
{
	const char *dot = strrchr(item->name, '.');
	AUTO_FREE char *stem =
		xstrndup(item->name, dot && dot != item->name ? (size_t)(dot - item->name)
							      : strlen(item->name));
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	if (p->converted.title && *p->converted.title)
		text_add_clean(&clean, bytes_of(p->converted.title));
	else if (p->sections.n > 0 && p->sections.v[0].level == 1)
		text_add_clean(&clean, bytes_of(p->sections.v[0].title));
	p->title = clean.n ? buf_take(&clean) : uni_words(stem);
	if (strlen(p->title) > 300)
		p->title[text_fit(p->title, 200)] = '\0';
}

/* Of a long document the source is a list of pages, as earlier wikis have it. */
static void pages_as_json(const struct prepared *p, struct buf *out)
{
	struct bytes text = buf_bytes(&p->converted.text);
	struct json_out o = json_out(out);
	size_t at = 0;
	int64_t page = 1;

	json_open(&o, NULL, '[');
	while (at < text.n) {
		const char *mark = memmem(text.p + at, text.n - at, "<!-- page ", 10);
		size_t end = mark ? (size_t)(mark - text.p) : text.n;
		const char *next = mark ? memchr(mark, '\n', text.n - end) : NULL;

		if (end > at) {
			json_open(&o, NULL, '{');
			json_add_int(&o, "page", page);
			json_add_bytes(&o, "content", (struct bytes){ text.p + at, end - at });
			json_close(&o);
		}
		if (mark)
			page = strtoll(mark + 10, NULL, 10);
		at = next ? (size_t)(next - text.p) + 1 : text.n;
	}
	json_close(&o);
	buf_addc(out, '\n');
}

static int stage_source(struct kb *kb, struct prepared *p, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(2 * CONVERT_TEXT_MAX);
	struct bytes text = buf_bytes(&p->converted.text);

	if (p->is_long) {
		pages_as_json(p, &json);
		if (json.full)
			return err_set(e, ERR_LIMIT, "its text is over %zu bytes",
				       CONVERT_TEXT_MAX);
		text = buf_bytes(&json);
	}
	p->source = kb_stage_name(kb, "source");
	hash_text(HASH_SHA256, text, p->source_hash);
	return journal_stage(kb_root(kb), p->source, text, e);
}

static int make_durable(struct kb *kb, const struct prepared *p, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;

	if (p->raw)
		strv_add(&names, p->raw);
	if (p->source)
		strv_add(&names, p->source);
	for (size_t i = 0; i < p->converted.image_count; i++)
		strv_add(&names, p->converted.images[i].staged);
	return journal_sync(kb_root(kb), &names, e);
}

struct compile_input add_input(const struct kb *kb, const struct kb_add_item *item)
{
	const struct prepared *p = item->prepared;

	return (struct compile_input){
		.settings = kb_settings(kb),
		.doc_name = item->doc_name,
		.name = item->name,
		.title = p->title,
		.doc_type = p->is_long ? "pageindex" : "short",
		.text = buf_bytes(&p->converted.text),
		.sections = &p->sections,
	};
}

static int digest(struct kb *kb, const struct preparing *how, struct kb_add_item *item,
		  struct err *e)
{
	const struct compiler *compiler = how->compiler;
	struct compile_input in = add_input(kb, item);
	const struct kb_options reader = { .path = kb_path(kb), .read_only = true };
	AUTO_KB struct kb *wiki = NULL;
	int r = compiler->reads_wiki ? kb_open(&reader, &wiki, e) : 0;

	in.wiki = wiki;
	if (r == 0)
		r = enter(how->digest, item, e);
	if (r < 0)
		return r;
	r = compiler->digest(compiler, &in, &item->prepared->digest, e);
	turnstile_leave(how->digest);
	return r;
}

/* The pages of a long document, put together again as they were converted. */
static int text_of_pages(struct bytes raw, struct buf *out, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	int r = json_parse(raw, 2 * CONVERT_TEXT_MAX, &doc, e);

	for (size_t i = 0; r == 0 && i < json_size(doc); i++) {
		struct bytes page = json_bytes(json_get(json_at(doc, i), "content"));

		buf_addf(out, "<!-- page %lld -->\n",
			 (long long)json_int(json_get(json_at(doc, i), "page"), (int64_t)i + 1));
		buf_add(out, page.p, page.n);
		buf_adds(out, page.n && page.p[page.n - 1] == '\n' ? "" : "\n");
	}
	return r;
}

/* The source that is in the wiki. 0 and no text when it is gone. */
int add_read_source(struct kb *kb, const char *doc_name, struct prepared *p, struct err *e)
{
	static const char *const types[] = { "md", "json" };
	AUTO_BUF struct buf raw = BUF_INIT(2 * CONVERT_TEXT_MAX);
	bool there = false;
	int r = 0;

	for (size_t i = 0; r == 0 && !there && i < ARRAY_LEN(types); i++) {
		AUTO_FREE char *path = xasprintf("wiki/sources/%s.%s", doc_name, types[i]);

		r = kb_read(kb, path, 2 * CONVERT_TEXT_MAX, &raw, &there, e);
		if (r == 0 && there && i == 1)
			r = text_of_pages(buf_bytes(&raw), &p->converted.text, e);
		else if (r == 0 && there)
			convert_clean_text(buf_bytes(&raw), &p->converted.text);
	}
	return r;
}

/* From the source, or, when that is gone, as if it were added. */
static int get_text(struct kb *kb, struct turnstile *turn, struct kb_add_item *item, struct err *e)
{
	struct prepared *p = item->prepared;
	int r;

	item->stage = "read";
	if (item->recompile) {
		r = add_read_source(kb, item->doc_name, p, e);
		memcpy(p->hash, item->hash, sizeof(p->hash));
		if (r < 0 || p->converted.text.n > 0)
			return r;
	}
	r = stage_raw(kb, item, p, e);
	if (r < 0)
		return r;
	item->stage = "convert";
	return convert_in_turn(kb, turn, item, e);
}

static int stage_item(struct kb *kb, const struct preparing *how, struct kb_add_item *item,
		      struct err *e)
{
	struct prepared *p = xcalloc(1, sizeof(*p));
	int r;

	p->converted = (struct converted)CONVERTED_INIT;
	prepared_free(how->compiler, item->prepared);
	item->prepared = p;
	p->doc_name = xstrdup(item->doc_name);
	r = get_text(kb, how->convert, item, e);
	if (r < 0)
		return r;
	sections_of(buf_bytes(&p->converted.text), item->name, &p->sections);
	name_title(item, p);
	if (p->sections.pages > 0 && p->sections.pages > p->converted.pages)
		p->converted.pages = p->sections.pages;
	p->is_long = p->converted.pages >= kb_settings(kb)->long_pages;
	if (p->raw)
		r = stage_source(kb, p, e);
	if (r == 0)
		r = make_durable(kb, p, e);
	p->is_staged = r == 0;
	return r;
}

int add_prepare(struct kb *kb, const struct preparing *how, struct kb_add_item *item, struct err *e)
{
	const struct prepared *p = item->prepared;
	bool again = p && p->is_staged && !p->digest && str_eq(p->doc_name, item->doc_name);
	int r = again ? 0 : stage_item(kb, how, item, e);

	if (r < 0)
		return r;
	item->stage = "compile";
	return digest(kb, how, item, e);
}
