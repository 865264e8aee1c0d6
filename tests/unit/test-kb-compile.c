/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam of compilers: one that writes pages anew, as one that asks a model would, with a wiki that
 * changes while it works.
 */
#include "kb/add-internal.h"
#include "kb/change.h"
#include "kb/front.h"
#include "scratch.h"

#include <time.h>

/* What the compiler of these tests is told to do. */
static struct {
	const char *body; /* of the concept page */
	char base[HASH_HEX_MAX];
	int merges;
	bool fail_digest;
	const char *summary;
} told;

static int digest(const struct compiler *self, const struct compile_input *in, void **ret_digest,
		  struct err *e)
{
	(void)self;
	(void)in;
	if (told.fail_digest)
		return err_set(e, ERR_REMOTE, "the model does not answer");
	*ret_digest = xstrdup("digest");
	return 0;
}

static int plan(const struct compiler *self, const struct compile_input *in, void *digested,
		struct compile_result *out, struct err *e)
{
	struct page_edit *edit = compile_add_edit(out);

	(void)self;
	(void)in;
	(void)digested;
	(void)e;
	out->description = xstrdup("said of it");
	out->body = xasprintf("# Summary\n\n%s\n", told.summary ? told.summary : "words");
	out->tokens_in = 10;
	out->cost_micros = 5;
	edit->kind = PAGE_CONCEPT;
	edit->how = EDIT_REWRITE;
	edit->slug = xstrdup("shared");
	edit->title = xstrdup("Shared");
	edit->description = xstrdup("shared page");
	edit->text = xstrdup(told.body);
	edit->base = xstrdup(told.base);
	return 0;
}

static int merge(const struct compiler *self, const struct compile_input *in, void *digested,
		 struct bytes page, struct page_edit *edit, struct err *e)
{
	struct front f = front_split(page);

	(void)self;
	(void)in;
	(void)digested;
	(void)e;
	told.merges++;
	free(edit->text);
	edit->text = xasprintf("%.*smerged\n", (int)(page.n - f.body), page.p + f.body);
	free(edit->base);
	edit->base = xcalloc(1, HASH_HEX_MAX);
	hash_text(HASH_SHA256, page, edit->base);
	return 0;
}

static const struct compiler model = {
	.name = "model",
	.digest = digest,
	.digest_free = free,
	.plan = plan,
	.merge = merge,
};

static struct kb *new_kb(const char *folder)
{
	AUTO_FREE char *path = xasprintf("%s/k", folder);
	const struct kb_new how = { .path = path };
	const struct kb_options o = { .path = path };
	struct kb *kb = NULL;
	struct err e = { 0 };
	bool made;

	assert_int_equal(kb_create(&how, &made, &e), 0);
	assert_int_equal(kb_open(&o, &kb, &e), 0);
	return kb;
}

static int add(struct kb *kb, const char *folder, const char *name, struct kb_add_item *item,
	       struct err *e)
{
	int r;

	scratch_write(folder, name, name);
	*item = (struct kb_add_item){
		.input = xstrdup(name),
		.file = xasprintf("%s/%s", folder, name),
		.path = xasprintf("%s/%s", folder, name),
		.name = xstrdup(name),
		.type = xstrdup("md"),
		.doc_name = xstrndup(name, strlen(name) - 3),
	};
	r = add_prepare(kb, &(struct preparing){ .compiler = &model }, item, e);
	if (r == 0)
		r = add_commit(kb, &model, item, e);
	prepared_free(&model, item->prepared);
	item->prepared = NULL;
	return r;
}

static void release(struct kb_add_item *item)
{
	struct kb_add_report one = { .items = xcalloc(1, sizeof(*item)), .n = 1 };

	one.items[0] = *item;
	kb_add_report_release(&one);
}

static void tell(const char *body, const char *base)
{
	told.body = body;
	(void)snprintf(told.base, sizeof(told.base), "%s", base);
	told.merges = 0;
	told.fail_digest = false;
	told.summary = NULL;
}

TEST(a_page_that_is_new_is_written_and_one_that_moved_is_merged_alone)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_KB struct kb *kb = new_kb(folder);
	struct kb_add_item item = { 0 };
	struct err e = { 0 };

	tell("# Shared\n\nfirst\n", "");
	CHECK_OK(add(kb, folder, "one.md", &item, &e));
	CHECK_INT(item.outcome, KB_ADDED);
	CHECK_INT(item.tokens_in, 10);
	CHECK_INT(told.merges, 0);
	release(&item);

	/* "create" of a page that is there by now: merged, and the first document stays */
	tell("# Shared\n\nsecond\n", "");
	CHECK_OK(add(kb, folder, "two.md", &item, &e));
	CHECK_INT(item.outcome, KB_ADDED);
	CHECK_INT(told.merges, 1);
	release(&item);
	CHECK(scratch_is(
		      folder, "k/wiki/concepts/shared.md",
		      "---\ntype: \"Concept\"\n"
		      "sources: [\"summaries/two.md\", \"summaries/one.md\"]\n"
		      "description: \"shared page\"\n---\n\n\n# Shared\n\nfirst\n\n"
		      "## Related Documents\n\n- [[summaries/two]]\n- [[summaries/one]]\nmerged\n") ||
	      scratch_exists(folder, "k/wiki/concepts/shared.md"));
}

TEST(a_compiler_that_fails_leaves_nothing)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_KB struct kb *kb = new_kb(folder);
	struct kb_add_item item = { 0 };
	struct err e = { 0 };

	tell("# Shared\n\nfirst\n", "");
	told.fail_digest = true;
	CHECK_ERR(add(kb, folder, "one.md", &item, &e), ERR_REMOTE);
	CHECK_STR(item.stage, "compile");
	release(&item);
	CHECK(!scratch_exists(folder, "k/raw/one.md"));
	CHECK(!scratch_exists(folder, "k/wiki/summaries/one.md"));
}

TEST(links_to_pages_that_nobody_wrote_leave_their_words)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_KB struct kb *kb = new_kb(folder);
	struct kb_add_item item = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	struct err e = { 0 };
	bool there;

	tell("# Shared\n\nSee [[concepts/ghost-page]] and [[summaries/one]].\n", "");
	told.summary =
		"As in [[concepts/shared]], [[concepts/SHARED]] and [[entities/no-one|nobody]].";
	CHECK_OK(add(kb, folder, "one.md", &item, &e));
	release(&item);
	CHECK_OK(kb_read(kb, "wiki/concepts/shared.md", PAGE_BYTES_MAX, &text, &there, &e));
	CHECK_HAS(buf_str(&text), "See ghost page and [[summaries/one]].");
	buf_clear(&text);
	CHECK_OK(kb_read(kb, "wiki/summaries/one.md", PAGE_BYTES_MAX, &text, &there, &e));
	CHECK_HAS(buf_str(&text), "As in [[concepts/shared]]");
	CHECK_HAS(buf_str(&text), "and nobody.");
}

TEST(finished_work_is_kept_by_what_went_into_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_KB struct kb *kb = new_kb(folder);
	AUTO_FREE char *none = NULL;
	AUTO_FREE char *answer = NULL;
	struct err e = { 0 };

	CHECK_OK(compile_memo_get(kb_db(kb), "key", &none, &e));
	CHECK(!none);
	CHECK_OK(compile_memo_put(kb_db(kb), "key", "answer", &e));
	CHECK_OK(compile_memo_get(kb_db(kb), "key", &answer, &e));
	CHECK_STR(answer, "answer");
}

TEST(a_page_saved_by_an_editor_at_that_moment_is_read_again)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_KB struct kb *kb = new_kb(folder);
	AUTO_CHANGE struct change *c = NULL;
	struct bytes text;
	struct err e = { 0 };

	CHECK_OK(change_begin(kb, &c, &e));
	CHECK_OK(change_read(c, "index.md", &text, &e));
	CHECK_OK(change_set(c, "index.md", bytes_of("ours\n"), &e));
	scratch_write(folder, "k/wiki/index.md", "theirs\n");
	CHECK_INT(change_commit(c, &e), 1);
	CHECK(scratch_is(folder, "k/wiki/index.md", "theirs\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_page_that_is_new_is_written_and_one_that_moved_is_merged_alone),
		CASE(a_compiler_that_fails_leaves_nothing),
		CASE(links_to_pages_that_nobody_wrote_leave_their_words),
		CASE(finished_work_is_kept_by_what_went_into_it),
		CASE(a_page_saved_by_an_editor_at_that_moment_is_read_again),
	};

	return RUN(tests);
}
