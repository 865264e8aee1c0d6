/* SPDX-License-Identifier: Apache-2.0 */
/* HTML and tables of text: what comes out is bounded, has no NUL, and what it links to is an address. */
#include "kb/convert/worker.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct output *out, size_t size)
{
	assert(out->text.full || out->text.n <= 64 * (size + 64) * (size + 64));
	assert(out->text.n == 0 || strlen(out->text.p) == out->text.n);
	assert(!out->title || !strchr(out->title, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_OUTPUT struct output html = OUTPUT_INIT;
	AUTO_OUTPUT struct output csv = OUTPUT_INIT;
	struct bytes text = { (const char *)data, size };

	if (size == 0 || memchr(data, '\0', size)) /* convert_clean_text() leaves none */
		return 0;
	html_to_markdown(text, &html);
	check(&html, size);
	csv_to_markdown(text, '\0', &csv);
	check(&csv, size);
	return 0;
}
