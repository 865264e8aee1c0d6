/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "test.h"

#include <sys/wait.h>

TEST(a_new_buffer_reads_as_an_empty_text)
{
	AUTO_BUF struct buf b = BUF_INIT(10);

	CHECK_STR(buf_str(&b), "");
	CHECK_INT(buf_bytes(&b).n, 0);
	CHECK(buf_bytes(&b).p != NULL);
}

TEST(all_appends_add_up_and_end_in_nul)
{
	AUTO_BUF struct buf b = BUF_INIT(100);

	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_add(&b, "two and more", 3);
	buf_addf(&b, " %d-%s", 3, "four");
	CHECK_STR(buf_str(&b), "one two 3-four");
	CHECK_INT(b.n, strlen("one two 3-four"));
}

TEST(a_buffer_takes_exactly_its_maximum)
{
	AUTO_BUF struct buf b = BUF_INIT(8);

	buf_adds(&b, "12345678");
	CHECK(!b.full);
	CHECK_STR(buf_str(&b), "12345678");
}

TEST(a_full_buffer_is_empty_and_stays_full)
{
	AUTO_BUF struct buf b = BUF_INIT(8);

	buf_adds(&b, "1234567");
	buf_addf(&b, "%d", 89);
	CHECK(b.full);
	CHECK_INT(b.n, 0);
	CHECK_STR(buf_str(&b), "");
	buf_addc(&b, 'x');
	CHECK(b.full);
	CHECK_INT(b.n, 0);
	CHECK(buf_reserve(&b, 1) == NULL);
}

TEST(a_huge_append_does_not_wrap_the_count)
{
	AUTO_BUF struct buf b = BUF_INIT(8);

	buf_adds(&b, "1234");
	CHECK(buf_reserve(&b, SIZE_MAX - 2) == NULL);
	CHECK(b.full);
}

TEST(clear_forgets_full)
{
	AUTO_BUF struct buf b = BUF_INIT(2);

	buf_adds(&b, "123");
	buf_clear(&b);
	buf_adds(&b, "12");
	CHECK(!b.full);
	CHECK_STR(buf_str(&b), "12");
}

TEST(reserved_room_can_be_written_by_the_caller)
{
	AUTO_BUF struct buf b = BUF_INIT(100);
	char *room = NULL;

	buf_adds(&b, "ab");
	room = buf_reserve(&b, 98);
	CHECK(room == b.p + 2);
	memset(room, 'c', 98);
	b.n += 98;
	CHECK_INT(b.n, 100);
	CHECK(buf_reserve(&b, 1) == NULL);
}

TEST(take_gives_the_text_away_and_never_null)
{
	AUTO_BUF struct buf b = BUF_INIT(100);
	AUTO_FREE char *empty = buf_take(&b);
	AUTO_FREE char *text = NULL;

	CHECK_STR(empty, "");
	buf_adds(&b, "mine");
	text = buf_take(&b);
	CHECK_STR(text, "mine");
	CHECK_STR(buf_str(&b), "");
	buf_adds(&b, "again");
	CHECK_STR(buf_str(&b), "again");
}

TEST(bytes_keep_a_nul_inside)
{
	AUTO_BUF struct buf b = BUF_INIT(100);

	buf_add(&b, "a\0b", 3);
	CHECK(bytes_equal(buf_bytes(&b), (struct bytes){ "a\0b", 3 }));
	CHECK(!bytes_equal(buf_bytes(&b), (struct bytes){ "a\0c", 3 }));
	CHECK(!bytes_equal(buf_bytes(&b), (struct bytes){ "a\0b", 2 }));
}

TEST(bytes_of_null_are_none)
{
	CHECK_INT(bytes_of(NULL).n, 0);
	CHECK(bytes_equal(bytes_of(NULL), bytes_of("")));
	CHECK_INT(bytes_of("abc").n, 3);
	CHECK_INT(BYTES_LITERAL("ab").n, 2);
}

TEST(arrays_grow_by_doubling)
{
	size_t capacity = 0;
	AUTO_FREE int *p = xgrow(NULL, &capacity, 1, sizeof(int));
	size_t first = capacity;

	CHECK(first >= 1);
	p = xgrow(p, &capacity, first, sizeof(int));
	CHECK_INT(capacity, first);
	p = xgrow(p, &capacity, first + 1, sizeof(int));
	CHECK_INT(capacity, 2 * first);
}

TEST(take_moves_a_pointer_and_a_descriptor)
{
	char *p = xstrdup("x");
	AUTO_FREE char *q = TAKE(p);
	int fd = 7;

	CHECK(p == NULL && q != NULL);
	CHECK_INT(TAKE_FD(fd), 7);
	CHECK_INT(fd, -1);
}

TEST(copies_are_bounded_and_terminated)
{
	AUTO_FREE char *cut = xstrndup("abcdef", 3);
	AUTO_FREE char *whole = xstrndup("abc", 100);
	AUTO_FREE char *made = xasprintf("%d/%s", 7, "x");

	CHECK_STR(cut, "abc");
	CHECK_STR(whole, "abc");
	CHECK_STR(made, "7/x");
}

TEST(out_of_memory_ends_the_process)
{
	volatile size_t too_much = SIZE_MAX / 4;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)close(STDERR_FILENO); /* the message is not for those who read our log */
		free(xmalloc(too_much));
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_new_buffer_reads_as_an_empty_text),
		CASE(all_appends_add_up_and_end_in_nul),
		CASE(a_buffer_takes_exactly_its_maximum),
		CASE(a_full_buffer_is_empty_and_stays_full),
		CASE(a_huge_append_does_not_wrap_the_count),
		CASE(clear_forgets_full),
		CASE(reserved_room_can_be_written_by_the_caller),
		CASE(take_gives_the_text_away_and_never_null),
		CASE(bytes_keep_a_nul_inside),
		CASE(bytes_of_null_are_none),
		CASE(arrays_grow_by_doubling),
		CASE(take_moves_a_pointer_and_a_descriptor),
		CASE(copies_are_bounded_and_terminated),
		CASE(out_of_memory_ends_the_process),
	};

	return RUN(tests);
}
