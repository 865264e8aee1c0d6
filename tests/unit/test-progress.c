/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include "base/str.h"
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* What is written on stderr goes to `write_end` until it is read from `read_end`. */
struct capture {
	int read_end;
	int write_end;
	int stderr_fd;
};

static void capture_begin(struct capture *c)
{
	c->stderr_fd = dup(STDERR_FILENO);
	CHECK(c->stderr_fd >= 0 && dup2(c->write_end, STDERR_FILENO) == STDERR_FILENO);
}

static struct capture capture_file(void)
{
	struct capture c = { .write_end = memfd_create("stderr", MFD_CLOEXEC) };

	CHECK(c.write_end >= 0);
	c.read_end = dup(c.write_end);
	capture_begin(&c);
	return c;
}

static struct capture capture_terminal(unsigned short columns)
{
	const struct winsize size = { .ws_row = 24, .ws_col = columns };
	struct capture c;

	if (openpty(&c.read_end, &c.write_end, NULL, NULL, &size) < 0)
		skip(); /* a bare chroot has no /dev/pts */
	CHECK_INT(fcntl(c.read_end, F_SETFL, O_NONBLOCK), 0);
	capture_begin(&c);
	return c;
}

static void capture_end(struct capture *c, struct buf *out)
{
	char piece[4096];
	ssize_t n = 0;

	(void)dup2(c->stderr_fd, STDERR_FILENO);
	(void)lseek(c->read_end, 0, SEEK_SET); /* for the file; a terminal has no place */
	while ((n = read(c->read_end, piece, sizeof(piece))) > 0)
		buf_add(out, piece, (size_t)n);
	(void)close(c->write_end);
	(void)close(c->read_end);
	(void)close(c->stderr_fd);
}

TEST(quiet_shows_nothing)
{
	AUTO_BUF struct buf text = BUF_INIT(1000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 100, 1, true);

	progress_add(p, 100);
	progress_step(p, "orders", false);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_STR(buf_str(&text), "");
}

TEST(without_a_terminal_there_is_a_line_a_step)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 3000000, 3, false);

	progress_add(p, 1000000);
	progress_step(p, "orders", true);
	progress_add(p, 1000000);
	progress_step(p, "customers", true);
	progress_add(p, 1000000);
	progress_step(p, "items", true);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_HAS(buf_str(&text), "pull: orders done: 1 of 3, 33 %, 1.0 MB of 3.0 MB");
	CHECK_HAS(buf_str(&text), "pull: customers done: 2 of 3, 66 %");
	CHECK_HAS(buf_str(&text), "pull: items done: 3 of 3, 100 %, 3.0 MB of 3.0 MB");
	CHECK(strpbrk(buf_str(&text), "\r\033") == NULL);
}

TEST(many_steps_make_few_lines)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	AUTO_STRV struct strv lines = STRV_INIT;
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 0, 1000, false);

	for (int i = 0; i < 1000; i++)
		progress_step(p, "t", true);
	progress_end(p);
	capture_end(&c, &text);
	strv_split(&lines, buf_str(&text), '\n');
	CHECK(lines.n >= 10 && lines.n <= 12);
	CHECK(str_starts(lines.v[lines.n - 2], "pull: t done: 1000 of 1000, 100 %"));
}

TEST(what_failed_is_never_said_to_be_done)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 0, 2, false);

	progress_step(p, "good", true);
	progress_step(p, "bad", false);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_STR(buf_str(&text), "pull: good done: 1 of 2, 50 %\n"
				  "pull: bad failed: 1 of 2, 50 %, 1 failed\n");
}

TEST(it_is_never_more_than_all)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 1000, 2, false);

	progress_add(p, 5000);
	progress_step(p, "a", true);
	progress_add(p, -9000);
	progress_step(p, "b", true);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_HAS(buf_str(&text), "a done: 1 of 2, 100 %, 5.0 kB of 1.0 kB");
	CHECK_HAS(buf_str(&text), "b done: 2 of 2");
	CHECK(strchr(buf_str(&text), '-') == NULL);
}

TEST(nearly_all_is_not_all)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 100000, 1, false);

	progress_add(p, 99999);
	progress_step(p, "a", false);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_HAS(buf_str(&text), "a failed: 0 of 1, 99 %");
}

TEST(names_cannot_steer_the_terminal)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	AUTO_FREE char *endless = xasprintf("%05000d", 0);
	struct progress *p = progress_begin("pull", 0, 2, false);

	progress_step(p, "a\033[2Jb\nc", true);
	progress_step(p, endless, true);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_HAS(buf_str(&text), "pull: a?[2Jb?c done");
	CHECK(text.n < 1200);
}

TEST(totals_may_be_unknown)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("scan", 0, 0, false);

	progress_add(p, 5000);
	for (int i = 0; i < 5; i++)
		progress_step(p, "a", true);
	progress_end(p);
	capture_end(&c, &text);
	CHECK(strchr(buf_str(&text), '%') == NULL);
}

/* Goes on until the line was drawn at least `times` times. */
static void draw(struct capture *c, struct progress *p, struct buf *text, int times)
{
	char piece[4096];

	while (times > 0) {
		ssize_t n = 0;

		progress_add(p, 0);
		n = read(c->read_end, piece, sizeof(piece));
		if (n <= 0)
			continue;
		buf_add(text, piece, (size_t)n);
		times--;
	}
}

TEST(a_terminal_gets_one_line_that_is_redrawn_and_cleared)
{
	AUTO_BUF struct buf text = BUF_INIT(100000);
	struct capture c = capture_terminal(200);
	struct progress *p = progress_begin("pull", 2000000, 2, false);

	progress_add(p, 1000000);
	progress_step(p, "orders", true);
	progress_step(p, "bad", false);
	draw(&c, p, &text, 2);
	progress_end(p);
	capture_end(&c, &text);
	CHECK(str_starts(buf_str(&text), "\rpull: 1 of 2, 50 %, 1.0 MB of 2.0 MB, "));
	CHECK_HAS(buf_str(&text), "/s, ");
	CHECK_HAS(buf_str(&text), " left, 1 failed\033[K\rpull: 1 of 2");
	CHECK(str_ends(buf_str(&text), "\r\033[K"));
	CHECK(strchr(buf_str(&text), '\n') == NULL);
}

TEST(the_line_is_cut_to_the_width)
{
	AUTO_BUF struct buf text = BUF_INIT(100000);
	struct capture c = capture_terminal(20);
	struct progress *p = progress_begin("pull", 2000000, 2, false);

	progress_add(p, 1000000);
	draw(&c, p, &text, 1);
	progress_end(p);
	capture_end(&c, &text);
	CHECK(str_starts(buf_str(&text), "\rpull: 0 of 2, 50 %, \033[K\r\033[K") ||
	      str_starts(buf_str(&text), "\rpull: 0 of 2, 50 %,\033[K"));
}

TEST(a_dumb_terminal_gets_lines)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_terminal(80);
	struct progress *p = NULL;

	(void)setenv("TERM", "dumb", 1);
	p = progress_begin("pull", 0, 1, false);
	progress_step(p, "a", true);
	progress_end(p);
	(void)setenv("TERM", "xterm", 1);
	capture_end(&c, &text);
	CHECK_STR(buf_str(&text), "pull: a done: 1 of 1, 100 %\r\n"); /* the terminal adds the \r */
}

static void *add_many(void *p)
{
	for (int i = 0; i < 10000; i++)
		progress_add(p, 1);
	progress_step(p, "t", true);
	return NULL;
}

TEST(threads_may_report_at_once)
{
	AUTO_BUF struct buf text = BUF_INIT(10000);
	struct capture c = capture_file();
	struct progress *p = progress_begin("pull", 40000, 5, false);
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK_INT(pthread_create(&threads[i], NULL, add_many, p), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	progress_step(p, "last", true);
	progress_end(p);
	capture_end(&c, &text);
	CHECK_HAS(buf_str(&text), "last done: 5 of 5, 100 %, 40.0 kB of 40.0 kB");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(quiet_shows_nothing),
		CASE(without_a_terminal_there_is_a_line_a_step),
		CASE(many_steps_make_few_lines),
		CASE(what_failed_is_never_said_to_be_done),
		CASE(it_is_never_more_than_all),
		CASE(nearly_all_is_not_all),
		CASE(names_cannot_steer_the_terminal),
		CASE(totals_may_be_unknown),
		CASE(a_terminal_gets_one_line_that_is_redrawn_and_cleared),
		CASE(the_line_is_cut_to_the_width),
		CASE(a_dumb_terminal_gets_lines),
		CASE(threads_may_report_at_once),
	};

	(void)setenv("TERM", "xterm", 1);
	return RUN(tests);
}
