/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"

#include "test.h"

TEST(lines_of_other_systems_become_ours_or_one)
{
	AUTO_BUF struct buf out = BUF_INIT(100);
	struct bytes text = BYTES_LITERAL("a\r\nb\rc\n\td\x1b[2J\xff\r\n");

	text_add_lines(&out, text);
	CHECK_STR(buf_str(&out), "a\nb\nc\n d?[2J?\n");
	buf_clear(&out);
	text_add_line(&out, text);
	CHECK_STR(buf_str(&out), "a b c  d?[2J? ");
	buf_clear(&out);
	text_add_line(&out, (struct bytes){ "", 0 });
	CHECK_STR(buf_str(&out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(lines_of_other_systems_become_ours_or_one) };

	return RUN(tests);
}
