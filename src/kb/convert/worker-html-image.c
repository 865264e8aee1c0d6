/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures that stand in the page itself: "data:image/png;base64,iVBO...". */
#include "base/hash.h"
#include "kb/convert/worker-html-write.h"

#include <ctype.h>

#define BEGIN     "data:image/"
#define ENCODED   ";base64,"
#define TYPE_MAX  8 /* "svg+xml" is svg, "vnd.microsoft.icon" is vnd: the eye needs no more */
#define NAME_WORD "img_%03zu.%.*s"

static size_t type_length(const char *type)
{
	size_t n = 0;

	while (n < TYPE_MAX && isalnum((unsigned char)type[n]))
		n++;
	return n;
}

/* Long ones are broken into lines. */
static int decode(const char *text, struct buf *out)
{
	AUTO_BUF struct buf letters = BUF_INIT(CONVERT_TEXT_MAX);

	for (; *text; text++)
		if (!isspace((unsigned char)*text))
			buf_addc(&letters, *text);
	return letters.full ? -1 : base64_decode(buf_bytes(&letters), out);
}

bool html_keep_image(struct html_writer *w, const char *src, struct buf *ret_link)
{
	const char *type = src && str_starts(src, BEGIN) ? src + strlen(BEGIN) : NULL;
	const char *encoded = type ? strstr(type, ENCODED) : NULL;
	AUTO_BUF struct buf picture = BUF_INIT(CONVERT_TEXT_MAX);
	AUTO_FREE char *name = NULL;
	struct err e = { 0 };

	if (!encoded || type_length(type) == 0 || w->out->images >= CONVERT_IMAGES_MAX ||
	    decode(encoded + strlen(ENCODED), &picture) < 0 || picture.n == 0)
		return false;
	if (w->out->folder < 0)
		return false;
	name = xasprintf(NAME_WORD, w->out->images + 1, (int)type_length(type), type);
	if (output_image(w->out, name, buf_bytes(&picture), &e) < 0) {
		output_warn(w->out, "a picture is left out: %s", e.msg);
		return false;
	}
	w->out->images++;
	buf_addf(ret_link, "images/%s", name);
	return true;
}
