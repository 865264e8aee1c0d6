/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/unicode.h"

#include "base/hash.h"

#include <utf8proc.h>

#define REPLACEMENT 0xfffd

int32_t uni_at(struct bytes text, size_t at, size_t *ret_length)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text.p + at;
	utf8proc_int32_t c = REPLACEMENT;
	utf8proc_ssize_t n;

	*ret_length = 1;
	if (*p < 0x80)
		return *p;
	n = utf8proc_iterate(p, (utf8proc_ssize_t)(text.n - at), &c);
	if (n <= 0)
		return REPLACEMENT;
	*ret_length = (size_t)n;
	return c;
}

bool uni_is_letter(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool uni_is_word(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return c == '_' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
	       (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

bool uni_is_upper(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LT;
}

bool uni_is_unspaced(int32_t c)
{
	return (c >= 0x2e80 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7af) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

/* Broken bytes are replaced first: utf8proc refuses a text for one of them. */
static void add_valid(struct bytes text, struct buf *out)
{
	size_t length;

	for (size_t i = 0; i < text.n; i += length) {
		int32_t c = uni_at(text, i, &length);

		if (c == REPLACEMENT || c == 0)
			buf_adds(out, "\xef\xbf\xbd");
		else
			buf_add(out, text.p + i, length);
	}
}

static bool is_ascii(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] >= 0x80 || text.p[i] == '\0')
			return false;
	return true;
}

static char *map(struct bytes text, utf8proc_option_t options)
{
	AUTO_BUF struct buf valid = BUF_INIT(BUF_OWN_MAX);
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t n;
	char *result;

	add_valid(text, &valid);
	n = utf8proc_map((const utf8proc_uint8_t *)buf_str(&valid), (utf8proc_ssize_t)valid.n,
			 &mapped, options);
	result = n < 0 ? xstrdup(buf_str(&valid)) : xstrndup((const char *)mapped, (size_t)n);
	free(mapped);
	return result;
}

static char *uni_nfkc(struct bytes text)
{
	return is_ascii(text) ? xstrndup(text.p ? text.p : "", text.n)
			      : map(text, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE);
}

/* Simple lower case, letter by letter: the length of a word in letters stays. */
char *uni_fold(struct bytes text)
{
	AUTO_FREE char *plain = uni_nfkc(text);
	struct bytes p = bytes_of(plain);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	size_t length;

	for (size_t i = 0; i < p.n; i += length) {
		utf8proc_uint8_t letter[4];
		int32_t c = utf8proc_tolower(uni_at(p, i, &length));

		buf_add(&out, letter, (size_t)utf8proc_encode_char(c, letter));
	}
	return buf_take(&out);
}

/* A name that is too long stays one of its own. */
static char *shortened(const char *slug)
{
	char hex[HASH_HEX_MAX];
	size_t n = UNI_SLUG_MAX - 9;

	while (n > 0 && ((unsigned char)slug[n] & 0xc0) == 0x80)
		n--;
	hash_text(HASH_SHA256, bytes_of(slug), hex);
	return xasprintf("%.*s-%.8s", (int)n, slug, hex);
}

char *uni_slug(const char *s, const char *otherwise)
{
	AUTO_FREE char *plain = uni_nfkc(bytes_of(s));
	struct bytes p = bytes_of(plain);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	size_t length;

	for (size_t i = 0; i < p.n; i += length) {
		int32_t c = uni_at(p, i, &length);

		if (uni_is_word(c) || c == '-')
			buf_add(&out, p.p + i, length);
		else if (out.n > 0 && out.p[out.n - 1] != '\1')
			buf_addc(&out, '\1');
	}
	/* the mark of a run: told from a '-' of the name itself until here */
	for (size_t i = 0; i < out.n; i++)
		if (out.p[i] == '\1')
			out.p[i] = '-';
	while (out.n > 0 && out.p[out.n - 1] == '-')
		out.p[--out.n] = '\0';
	length = strspn(buf_str(&out), "-");
	if (out.n == length)
		return xstrdup(otherwise);
	return out.n - length > UNI_SLUG_MAX ? shortened(out.p + length) : xstrdup(out.p + length);
}

char *uni_link_key(struct bytes target)
{
	AUTO_FREE char *fold = uni_fold(target);
	char *key = xmalloc(strlen(fold) + 1);
	size_t n = 0;

	for (const char *c = fold; *c; c++) {
		bool dash = *c == '-' || *c == '_' || *c == ' ';

		if (!dash)
			key[n++] = *c;
		else if (n > 0 && key[n - 1] != '-' && key[n - 1] != '/')
			key[n++] = '-';
	}
	while (n > 0 && key[n - 1] == '-')
		n--;
	key[n] = '\0';
	return key;
}

char *uni_words(const char *slug)
{
	char *words = xstrdup(slug);

	for (char *c = words; *c; c++)
		if (*c == '-' || *c == '_')
			*c = ' ';
	return words;
}

char *uni_letters(struct bytes text)
{
	AUTO_FREE char *fold = uni_fold(text);
	struct bytes f = bytes_of(fold);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	size_t length;

	for (size_t i = 0; i < f.n; i += length)
		if (uni_is_word(uni_at(f, i, &length)))
			buf_add(&out, f.p + i, length);
	return buf_take(&out);
}
