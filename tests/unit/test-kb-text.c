/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a wiki: names, front matter, links, pages, index lines, sections. */
#include "kb/front.h"
#include "kb/index-text.h"
#include "kb/links.h"
#include "kb/page.h"
#include "kb/search.h"
#include "kb/section.h"
#include "kb/unicode.h"
#include "test.h"

static void slug_is(const char *s, const char *wanted)
{
	AUTO_FREE char *slug = uni_slug(s, "document");

	CHECK_STR(slug, wanted);
}

TEST(a_name_keeps_letters_of_all_scripts_and_loses_the_rest)
{
	slug_is("My doc (v1)", "My-doc-v1");
	slug_is("a--b_c", "a--b_c");
	slug_is("Änderungen 2026", "Änderungen-2026");
	slug_is("机器学习 论文", "机器学习-论文");
	slug_is("ﬁle ①", "file-1"); /* NFKC */
	slug_is("  !!! ", "document");
	slug_is("-- x --", "x");
	slug_is("\xff\xfe", "document");
}

TEST(a_name_that_is_too_long_is_cut_between_letters_and_stays_its_own)
{
	AUTO_BUF struct buf a = BUF_INIT(BUF_OWN_MAX), b = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *one = NULL;
	AUTO_FREE char *two = NULL;

	for (int i = 0; i < 100; i++) {
		buf_adds(&a, "ü");
		buf_adds(&b, "ü");
	}
	buf_adds(&a, "1");
	buf_adds(&b, "2");
	one = uni_slug(buf_str(&a), "");
	two = uni_slug(buf_str(&b), "");
	CHECK(strlen(one) <= UNI_SLUG_MAX && text_is_clean(bytes_of(one)));
	CHECK(strcmp(one, two) != 0);
}

TEST(a_link_key_forgives_case_width_and_dashes)
{
	static const char *const same[] = { "concepts/Write-Ahead_Log", "concepts/write-ahead-log",
					    "concepts/WRITE--AHEAD LOG" };

	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		AUTO_FREE char *key = uni_link_key(bytes_of(same[i]));

		CHECK_STR(key, "concepts/write-ahead-log");
	}
}

static const char page[] = "---\n"
			   "type: \"Concept\"\n"
			   "sources: [\"summaries/b.md\", 'summaries/a, x.md', plain]\n"
			   "description: \"a \\\"quote\\\" --- and more\"\n"
			   "tags:\n"
			   "  - one\n"
			   "  - \"two\"\n"
			   "plain: words here # a comment\n"
			   "---\n"
			   "\n"
			   "# Title\n";

TEST(front_matter_is_read_however_it_is_written)
{
	AUTO_STRV struct strv sources = STRV_INIT;
	AUTO_STRV struct strv tags = STRV_INIT;
	AUTO_FREE char *type = front_text(bytes_of(page), "type");
	AUTO_FREE char *words = front_text(bytes_of(page), "description");
	AUTO_FREE char *plain = front_text(bytes_of(page), "plain");
	struct err e = { 0 };

	CHECK_STR(type, "Concept");
	CHECK_STR(words, "a \"quote\" --- and more");
	CHECK_STR(plain, "words here");
	CHECK(!front_text(bytes_of(page), "absent"));
	front_list(bytes_of(page), "sources", &sources);
	CHECK_INT(sources.n, 3);
	CHECK_STR(sources.v[1], "summaries/a, x.md");
	front_list(bytes_of(page), "tags", &tags);
	CHECK_INT(tags.n, 2);
	CHECK_STR(tags.v[1], "two");
	CHECK_OK(front_check(bytes_of(page), &e));
	CHECK_ERR(front_check(bytes_of("---\na: [1\n---\n"), &e), ERR_CORRUPT);
	CHECK_ERR(front_check(bytes_of("---\n- a\n---\n"), &e), ERR_CORRUPT);
}

TEST(a_key_is_replaced_and_all_else_stays_as_it_was_written)
{
	AUTO_BUF struct buf once = BUF_INIT(BUF_OWN_MAX), back = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf bare = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *tags = NULL;

	front_put(bytes_of(page), "tags", "[\"three\"]", &once);
	tags = front_text(buf_bytes(&once), "type");
	CHECK_STR(tags, "Concept");
	CHECK_HAS(buf_str(&once), "tags: [\"three\"]\nplain: words here # a comment\n---\n");
	front_put(buf_bytes(&once), "tags", NULL, &back);
	CHECK(!strstr(buf_str(&back), "tags"));
	front_put(bytes_of("text\n"), "a", "1", &bare);
	CHECK_STR(buf_str(&bare), "---\na: 1\n---\n\ntext\n");
}

TEST(links_are_found_outside_of_code_only)
{
	static const char text[] = "See [[a/b#C d|words]] and ![[x.png]].\n"
				   "`[[code]]` ``a ` [[code]]`` [[real]]\n"
				   "```sh\nif [[ -f x ]]; then\n```\n"
				   "[[not\nclosed]] [[ok.md]]\n";
	struct link_scan scan = link_scan(bytes_of(text));
	AUTO_BUF struct buf found = BUF_INIT(BUF_OWN_MAX);
	struct wiki_link link;

	while (link_next(&scan, &link)) {
		AUTO_FREE char *target = link_target(&link);

		buf_addf(&found, "%s%s|%.*s|%.*s ", link.embed ? "!" : "", target,
			 (int)link.anchor.n, link.anchor.p, (int)link.alias.n, link.alias.p);
	}
	CHECK_STR(buf_str(&found), "a/b|C d|words !x.png|| real|| ok|| ");
}

static enum link_fate fate(void *ctx, const char *target, char **ret_target)
{
	(void)ctx;
	if (str_eq(target, "old")) {
		*ret_target = xstrdup("concepts/new");
		return LINK_REPLACE;
	}
	return str_starts(target, "ghost") ? LINK_DROP : LINK_KEEP;
}

TEST(a_dropped_link_leaves_its_words)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	CHECK(link_rewrite(bytes_of("[[old#h|x]] [[ghost-of_a]] [[ghost|alias]] [[kept]]"), fate,
			   NULL, &out));
	CHECK_STR(buf_str(&out), "[[concepts/new#h|x]] ghost of a alias [[kept]]");
}

static const char concept[] = "---\ntype: \"Concept\"\n---\n\n# T\n\nWords.\n\n"
			      "## Related Documents\n\n- [[summaries/a]]\n";

TEST(a_section_that_is_put_and_dropped_leaves_the_page_as_it_was)
{
	AUTO_BUF struct buf with = BUF_INIT(BUF_OWN_MAX), without = BUF_INIT(BUF_OWN_MAX);
	static const char *const pages[] = { concept, "# T\n", "# T\n\nno end", "" };

	for (size_t i = 0; i < ARRAY_LEN(pages) - 2; i++) {
		page_put_section(bytes_of(pages[i]), "## From [[summaries/b]]", "- x\n", &with);
		CHECK_HAS(buf_str(&with), "## From [[summaries/b]]\n\n- x\n");
		page_drop_section(buf_bytes(&with), "## From [[summaries/b]]", &without);
		CHECK_STR(buf_str(&without), pages[i]);
	}
	page_put_section(bytes_of(concept), "## From [[summaries/b]]", "- x\n", &with);
	CHECK_HAS(buf_str(&with), "- x\n\n## Related Documents");
	page_put_section(buf_bytes(&with), "## From [[summaries/b]]", "- y\n", &without);
	CHECK_HAS(buf_str(&without), "Words.\n\n## From [[summaries/b]]\n\n- y\n\n## Related");
}

TEST(bullets_come_newest_first_and_the_last_takes_its_section_along)
{
	AUTO_BUF struct buf a = BUF_INIT(BUF_OWN_MAX), b = BUF_INIT(BUF_OWN_MAX);

	page_put_bullet(bytes_of(concept), "## Related Documents", "- [[summaries/b]]", &a);
	CHECK_HAS(buf_str(&a), "\n\n- [[summaries/b]]\n- [[summaries/a]]\n");
	page_put_bullet(buf_bytes(&a), "## Related Documents", "- [[summaries/b]]", &b);
	CHECK_STR(buf_str(&a), buf_str(&b));
	page_drop_bullet(buf_bytes(&a), "## Related Documents", "summaries/b", &b);
	CHECK_STR(buf_str(&b), concept);
	page_drop_bullet(bytes_of(concept), "## Related Documents", "summaries/a", &b);
	CHECK(!strstr(buf_str(&b), "Related"));
	/* a name that begins like another is another */
	page_drop_bullet(bytes_of(concept), "## Related Documents", "summaries", &b);
	CHECK_STR(buf_str(&b), concept);
	page_put_bullet(bytes_of("# T\n"), "## Entities", "- [[entities/x]]", &a);
	CHECK_STR(buf_str(&a), "# T\n\n## Entities\n\n- [[entities/x]]\n");
}

TEST(text_of_a_model_fetches_nothing)
{
	static const char *const cases[][2] = {
		{ "a ![x](http://e.org/p.png) b!", "a [x](http://e.org/p.png) b!" },
		{ "!![x](y) ![[z.png]] Oh![[concepts/a]]", "[x](y) [[z.png]] Oh[[concepts/a]]" },
		{ "<img src=x> 1 < 2 </b> <!--", "\\<img src=x> 1 < 2 \\</b> \\<!--" },
		{ "`vec![1] <b>` then ![x](y)", "`vec![1] <b>` then [x](y)" },
		{ "` open ![x](y)", "` open [x](y)" },
		{ "`\n\n![x](y)\n\n`", "`\n\n[x](y)\n\n`" },
		{ "```\n![x](y)\n```\n![x](y)", "```\n![x](y)\n```\n[x](y)" },
		{ "!`code`[x](y) !", "!`code`[x](y) !" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF struct buf out = BUF_INIT(1000);

		link_add_tame(&out, bytes_of(cases[i][0]));
		CHECK_STR(buf_str(&out), cases[i][1]);
	}
}

TEST(see_also_lines_of_earlier_wikis_lose_one_link)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	page_drop_see_also(bytes_of("x\n\nSee also: [[summaries/a]], [[summaries/b]]\n"),
			   "summaries/a", &out);
	CHECK_STR(buf_str(&out), "x\n\nSee also: [[summaries/b]]\n");
	page_drop_see_also(bytes_of("x\n\nSee also: [[summaries/a]]\n"), "summaries/a", &out);
	CHECK_STR(buf_str(&out), "x\n");
}

TEST(index_lines_go_on_top_of_their_section_and_out_again)
{
	AUTO_BUF struct buf index = BUF_INIT(BUF_OWN_MAX), a = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *line = index_line("concepts/wal", NULL, "words\nof two lines");

	CHECK_STR(line, "- [[concepts/wal]] — words?of two lines");
	index_text_new(&index);
	index_text_put(buf_bytes(&index), PAGE_CONCEPT, line, &a);
	index_text_put(buf_bytes(&a), PAGE_CONCEPT, "- [[concepts/wa]] — x", &b);
	CHECK_HAS(buf_str(&b), "## Concepts\n- [[concepts/wa]] — x\n- [[concepts/wal]] — words");
	index_text_put(buf_bytes(&b), PAGE_CONCEPT, "- [[concepts/wal]] — new", &a);
	CHECK_HAS(buf_str(&a), "- [[concepts/wa]] — x\n- [[concepts/wal]] — new\n\n## Entities");
	index_text_drop(buf_bytes(&a), PAGE_CONCEPT, "concepts/wal", &b);
	index_text_drop(buf_bytes(&b), PAGE_CONCEPT, "concepts/wa", &a);
	CHECK_STR(buf_str(&a), buf_str(&index));
}

TEST(a_missing_section_of_the_index_is_made_where_it_belongs)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	index_text_put(bytes_of("# I\n\nmine\n\n## Documents\n\n## Explorations\n"), PAGE_ENTITY,
		       "- [[entities/x]]", &out);
	CHECK_STR(buf_str(&out), "# I\n\nmine\n\n## Documents\n\n## Entities\n- [[entities/x]]\n\n"
				 "## Explorations\n");
}

TEST(the_older_half_of_a_long_section_is_moved)
{
	AUTO_BUF struct buf a = BUF_INIT(BUF_OWN_MAX), b = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf older = BUF_INIT(BUF_OWN_MAX);

	index_text_new(&a);
	for (int i = 0; i < 5; i++) {
		AUTO_FREE char *line = xasprintf("- [[concepts/c%d]]", i);

		index_text_put(buf_bytes(&a), PAGE_CONCEPT, line, &b);
		buf_clear(&a);
		buf_add(&a, b.p, b.n);
	}
	CHECK_INT(index_text_count(buf_bytes(&a), PAGE_CONCEPT), 5);
	index_text_halve(buf_bytes(&a), PAGE_CONCEPT, "- [[index/concepts-1]] (older)", &b, &older);
	CHECK_INT(index_text_count(buf_bytes(&b), PAGE_CONCEPT), 2);
	CHECK_HAS(buf_str(&b),
		  "- [[concepts/c4]]\n- [[concepts/c3]]\n- [[index/concepts-1]] (older)\n");
	CHECK_STR(buf_str(&older), "- [[concepts/c2]]\n- [[concepts/c1]]\n- [[concepts/c0]]\n");
}

TEST(sections_follow_headings_outside_of_code_and_pages)
{
	static const char text[] = "intro\n\n# One\na\n```\n# code\n```\n## Two #\nb\n\n"
				   "Under\n=====\nc\n<!-- page 7 -->\nd\n";
	AUTO_SECTIONS struct sections s = { 0 };

	sections_of(bytes_of(text), "Name", &s);
	CHECK_INT(s.n, 4);
	CHECK_STR(s.v[0].title, "Name");
	CHECK_STR(s.v[0].anchor, "");
	CHECK_STR(s.v[1].anchor, "One");
	CHECK_STR(s.v[2].title, "Two");
	CHECK_INT(s.v[2].level, 2);
	CHECK_STR(s.v[3].title, "Under");
	CHECK_INT(s.pages, 7);
}

TEST(pages_without_headings_are_sections_of_their_own)
{
	AUTO_SECTIONS struct sections s = { 0 };

	sections_of(bytes_of("<!-- page 1 -->\na\n<!-- page 2 -->\nb\n"), "Name", &s);
	CHECK_INT(s.n, 2);
	CHECK_STR(s.v[1].anchor, "p. 2");
	CHECK_INT(s.v[1].page, 2);
}

TEST(a_long_section_is_split_between_paragraphs)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_SECTIONS struct sections s = { 0 };

	buf_adds(&text, "# H\n");
	for (int i = 0; i < 300; i++)
		buf_adds(&text, "Some words of a paragraph that is a line long and not more.\n\n");
	sections_of(buf_bytes(&text), "Name", &s);
	CHECK(s.n > 2 && s.n < 6);
	for (size_t i = 0; i < s.n; i++)
		CHECK_STR(s.v[i].anchor, "H");
}

TEST(markdown_leaves_its_words)
{
	AUTO_FREE char *plain = section_plain(
		bytes_of("The **WAL** [x](http://y) `code`\n[[a|b]] ![alt](p.png) <b>c</b> 1 < 2"));

	CHECK_STR(plain, "The WAL x code b alt c 1 < 2");
}

static void expression_is(const char *words, bool any, const char *wanted)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	search_expression(words, any, &out);
	CHECK_STR(buf_str(&out), wanted);
}

TEST(no_letter_of_a_search_is_an_operator)
{
	expression_is("what is the wal?", true, "\"wal\"");
	expression_is("a* OR b\" NEAR(", false, "\"b\" AND \"NEAR\"");
	expression_is("\"write ahead\" log*", false, "\"write ahead\" AND \"log\"*");
	expression_is("the of", false, "\"the\" AND \"of\"");
	expression_is("?!", false, "");
	expression_is("学习", false, "\"学\xe2\x80\x8b习\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_name_keeps_letters_of_all_scripts_and_loses_the_rest),
		CASE(a_name_that_is_too_long_is_cut_between_letters_and_stays_its_own),
		CASE(a_link_key_forgives_case_width_and_dashes),
		CASE(front_matter_is_read_however_it_is_written),
		CASE(a_key_is_replaced_and_all_else_stays_as_it_was_written),
		CASE(links_are_found_outside_of_code_only),
		CASE(a_dropped_link_leaves_its_words),
		CASE(a_section_that_is_put_and_dropped_leaves_the_page_as_it_was),
		CASE(bullets_come_newest_first_and_the_last_takes_its_section_along),
		CASE(text_of_a_model_fetches_nothing),
		CASE(see_also_lines_of_earlier_wikis_lose_one_link),
		CASE(index_lines_go_on_top_of_their_section_and_out_again),
		CASE(a_missing_section_of_the_index_is_made_where_it_belongs),
		CASE(the_older_half_of_a_long_section_is_moved),
		CASE(sections_follow_headings_outside_of_code_and_pages),
		CASE(pages_without_headings_are_sections_of_their_own),
		CASE(a_long_section_is_split_between_paragraphs),
		CASE(markdown_leaves_its_words),
		CASE(no_letter_of_a_search_is_an_operator),
	};

	return RUN(tests);
}
