/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

/* In order. By blocks: a letter of a block that is not assigned yet counts as its neighbours do. */
static const struct range {
	uint32_t first, last;
	unsigned columns;
} ranges[] = {
	{ 0x0300, 0x036f, 0 },   { 0x1100, 0x115f, 2 },   { 0x200b, 0x200f, 0 },
	{ 0x20d0, 0x20ff, 0 },   { 0x2e80, 0x303e, 2 },   { 0x3041, 0xa4cf, 2 },
	{ 0xac00, 0xd7a3, 2 },   { 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },
	{ 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },
	{ 0x1f300, 0x1f64f, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
};

static size_t columns_of(uint32_t letter)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges) && ranges[i].first <= letter; i++) {
		if (letter <= ranges[i].last)
			return ranges[i].columns;
	}
	return 1;
}

/* Lenient: what is no UTF-8 gives some width, and ends with the text. */
static uint32_t next_letter(const unsigned char **at)
{
	uint32_t letter = *(*at)++;

	if (letter >= 0xc0)
		letter &= letter >= 0xf0 ? 0x07u : letter >= 0xe0 ? 0x0fu : 0x1fu;
	while ((**at & 0xc0) == 0x80)
		letter = letter << 6 | (*(*at)++ & 0x3fu);
	return letter;
}

size_t text_width(const char *s)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t n = 0;

	while (*at)
		n += columns_of(next_letter(&at));
	return n;
}

size_t text_fit(const char *s, size_t columns)
{
	const unsigned char *at = (const unsigned char *)s;

	while (*at) {
		const unsigned char *letter = at;
		size_t width = columns_of(next_letter(&at));

		if (width > columns)
			return (size_t)(letter - (const unsigned char *)s);
		columns -= width;
	}
	return strlen(s);
}
