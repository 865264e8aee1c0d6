/* SPDX-License-Identifier: Apache-2.0 */
/* Wiki links of anybody: each lies in the text, and once all are taken away there is none. */
#include "kb/links.h"
#include "kb/search.h"
#include "kb/section.h"
#include "kb/unicode.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum link_fate keep(void *ctx, const char *target, char **ret_target)
{
	(void)ctx;
	(void)target;
	(void)ret_target;
	return LINK_KEEP;
}

static void check_names(struct bytes text)
{
	AUTO_FREE char *s = xstrndup(text.p, text.n < 2000 ? text.n : 2000);
	AUTO_FREE char *slug = uni_slug(s, "document");
	AUTO_FREE char *again = uni_slug(slug, "document");
	AUTO_FREE char *key = uni_link_key(text);
	AUTO_FREE char *anchor = section_anchor(s);
	AUTO_BUF struct buf expression = BUF_INIT(BUF_OWN_MAX);

	assert(*slug && strlen(slug) <= UNI_SLUG_MAX && !strpbrk(slug, "/ \t\n\"'"));
	assert(str_eq(slug, again));
	assert(!strpbrk(anchor, "#|[]^"));
	(void)key;
	search_expression(s, true, &expression);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	struct link_scan scan = link_scan(text);
	AUTO_BUF struct buf same = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *plain = NULL;
	struct wiki_link link;
	size_t last = 0;

	if (size == 0)
		return 0;
	while (link_next(&scan, &link)) {
		AUTO_FREE char *target = link_target(&link);

		assert(link.at >= last && link.at + link.n <= size && link.n <= LINK_BYTES_MAX + 1);
		assert(text_is_clean(bytes_of(target)));
		last = link.at + link.n;
	}
	assert(!link_rewrite(text, keep, NULL, &same));
	assert(bytes_equal(buf_bytes(&same), text));
	plain = section_plain(text);
	assert(text_is_clean(bytes_of(plain)));
	check_names(text);
	return 0;
}
