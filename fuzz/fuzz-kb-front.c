/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Front matter and pages of anybody: a key that is put is read back, taken away it is gone, a section
 * that is put and dropped leaves its page, sections lie inside the text.
 */
#include "kb/front.h"
#include "kb/index-text.h"
#include "kb/page.h"
#include "kb/section.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_front(struct bytes page)
{
	AUTO_BUF struct buf with = BUF_INIT(BUF_OWN_MAX), without = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv list = STRV_INIT;
	AUTO_FREE char *value = NULL;
	AUTO_FREE char *gone = NULL;
	struct front f = front_split(page);
	struct err e = { 0 };

	assert(f.at + f.n <= page.n && f.body <= page.n);
	front_list(page, "sources", &list);
	(void)front_check(page, &e);
	front_put(page, "larder", "\"x\"", &with);
	value = front_text(buf_bytes(&with), "larder");
	assert(str_eq(value, "x"));
	front_put(buf_bytes(&with), "larder", NULL, &without);
	gone = front_text(buf_bytes(&without), "larder");
	assert(!gone || strcmp(gone, "x") != 0 || memmem(page.p, page.n, "larder", 6));
}

static void check_page(struct bytes page)
{
	AUTO_BUF struct buf a = BUF_INIT(BUF_OWN_MAX), b = BUF_INIT(BUF_OWN_MAX);
	AUTO_SECTIONS struct sections s = { 0 };
	AUTO_FREE char *title = page_title(page);

	assert(!title || text_is_clean(bytes_of(title)));
	page_put_section(page, "## From [[summaries/x]]", "- y\n", &a);
	page_drop_section(buf_bytes(&a), "## From [[summaries/x]]", &b);
	page_put_bullet(page, "## Related Documents", "- [[summaries/x]]", &a);
	page_drop_bullet(buf_bytes(&a), "## Related Documents", "summaries/x", &b);
	page_drop_see_also(page, "summaries/x", &b);
	index_text_put(page, PAGE_CONCEPT, "- [[concepts/x]] — y", &a);
	assert(index_text_has(buf_bytes(&a), PAGE_CONCEPT, "concepts/x") ||
	       (page.p && (memmem(page.p, page.n, "```", 3) || memmem(page.p, page.n, "~~~", 3))));
	sections_of(page, "title", &s);
	assert(s.n > 0);
	for (size_t i = 0; i < s.n; i++)
		assert(s.v[i].at + s.v[i].n <= page.n && s.v[i].title && s.v[i].anchor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes page = { (const char *)data, size };

	if (size == 0)
		return 0;
	check_front(page);
	check_page(page);
	return 0;
}
