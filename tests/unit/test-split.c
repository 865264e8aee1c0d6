/* SPDX-License-Identifier: Apache-2.0 */
/* How a text is cut into lines, in pieces of any size. */
#include "duck/worker-split.h"

#include "test.h"

/* "1:a|3:b": the lines with their numbers. */
static char *lines_of(struct bytes text, size_t piece)
{
	AUTO_SPLIT struct split s = SPLIT_INIT;
	struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct bytes line;

	for (bool at_end = false; !at_end;) {
		size_t n = text.n < piece ? text.n : piece;

		memcpy(split_room(&s, n + 1), text.p, n);
		split_added(&s, n);
		at_end = n == 0;
		while (split_next(&s, at_end, &line)) {
			buf_addf(&out, "%s%d:", out.n ? "|" : "", (int)s.number);
			buf_add(&out, line.p, line.n);
		}
		text.p += n;
		text.n -= n;
	}
	return buf_take(&out);
}

TEST(lines_are_the_same_whatever_pieces_they_come_in)
{
	static const char text[] = "\xef\xbb\xbf"
				   "a\r\n\n \nb\xff\xc3\xa4\xc3\n\xef\xbb\xbfkept\ntorn \xe2\x82";
	static const char wanted[] =
		"1:a|4:b\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd|5:\xef\xbb\xbfkept|6:torn \xef\xbf\xbd\xef\xbf\xbd";

	for (size_t piece = 1; piece < sizeof(text) + 1; piece++) {
		AUTO_FREE char *got = lines_of(BYTES_LITERAL(text), piece);

		CHECK_STR(got, wanted);
	}
}

TEST(nothing_has_no_lines)
{
	AUTO_FREE char *none = lines_of(BYTES_LITERAL(""), 1);
	AUTO_FREE char *blank = lines_of(BYTES_LITERAL("\n\r\n  "), 2);

	CHECK_STR(none, "");
	CHECK_STR(blank, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(lines_are_the_same_whatever_pieces_they_come_in),
		CASE(nothing_has_no_lines),
	};

	return RUN(tests);
}
