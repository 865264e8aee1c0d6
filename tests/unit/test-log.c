/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "scratch.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>

static const char *volatile no_text; /* NULL, which the compiler need not know */

/* Puts a file in memory in place of stderr. */
struct capture {
	int file;
	int stderr_fd;
};

static struct capture capture_begin(void)
{
	struct capture c = { memfd_create("stderr", MFD_CLOEXEC), dup(STDERR_FILENO) };

	CHECK(c.file >= 0 && c.stderr_fd >= 0);
	CHECK_INT(fcntl(c.file, F_SETFL, O_APPEND), 0); /* as a service's log is */
	CHECK(dup2(c.file, STDERR_FILENO) == STDERR_FILENO);
	return c;
}

static char *capture_end(struct capture *c)
{
	AUTO_FREE char *path = xasprintf("/proc/self/fd/%d", c->file);
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);
	struct err e = { 0 };

	(void)dup2(c->stderr_fd, STDERR_FILENO);
	CHECK_OK(file_read(AT_FDCWD, path, 1 << 20, &text, &e));
	(void)close(c->file);
	(void)close(c->stderr_fd);
	return buf_take(&text);
}

#define NOON "2026-11-20T12:00:00.000Z"

TEST(a_line_is_time_level_event_and_values)
{
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;

	log_event(LOG_WARN, "listening", "address=%s port=%d", "127.0.0.1", 80);
	log_event(LOG_ERROR, "stopped", "%s", "");
	log_event(LOG_WARN, "plain", "a=1%%");
	text = capture_end(&c);
	CHECK_STR(text, NOON " warn listening address=127.0.0.1 port=80\n" NOON
			     " error stopped \"\"\n" NOON " warn plain a=1%\n");
}

TEST(a_line_can_be_a_json_object)
{
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv lines = STRV_INIT;

	log_set_format(LOG_JSON);
	CHECK_INT(log_format(), LOG_JSON);
	log_event(LOG_WARN, "listening", "address=%s port=%d at=%s:%d", "::1", 80, "x", 5);
	log_event(LOG_ERROR, "hostile", "path=%s id=%s", "a\"b\\\n\xff", no_text);
	log_event(LOG_ERROR, "plain", "%s n=%lld", "no key", 7LL);
	log_event(LOG_ERROR, "blanks", "a=%d  b=%d", 1, 2);
	log_set_format(LOG_TEXT);
	text = capture_end(&c);
	strv_split(&lines, text, '\n');
	CHECK_INT(lines.n, 5);
	CHECK_STR(lines.v[0], "{\"time\":\"" NOON "\",\"level\":\"warn\",\"event\":\"listening\","
			      "\"address\":\"::1\",\"port\":80,\"at\":\"x:5\"}");
	CHECK_HAS(lines.v[1], "\"path\":\"a\\\"b\\\\??\",\"id\":\"\"}");
	CHECK_HAS(lines.v[2], "\"event\":\"plain\",\"text\":\"no key\",\"n\":7}");
	for (size_t i = 0; i < 4; i++) {
		AUTO_JSON struct json *doc = NULL;
		struct err e = { 0 };

		CHECK_OK(json_parse(bytes_of(lines.v[i]), LOG_LINE_MAX, &doc, &e));
	}
}

TEST(levels_above_the_chosen_one_are_silent)
{
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;

	CHECK(log_enabled(LOG_ERROR) && log_enabled(LOG_WARN) && !log_enabled(LOG_INFO));
	log_event(LOG_INFO, "unseen", "x=%d", 1);
	log_set_level(LOG_DEBUG);
	log_event(LOG_DEBUG, "seen", "x=%d", 1);
	log_set_level(LOG_ERROR);
	log_event(LOG_WARN, "unseen", "x=%d", 1);
	log_set_level(LOG_WARN);
	text = capture_end(&c);
	CHECK_STR(text, NOON " debug seen x=1\n");
}

TEST(a_value_cannot_end_the_line_or_pose_as_a_key)
{
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;

	log_event(LOG_WARN, "e", "a=%s b=%s c=%s d=%s e=%s", "x y", "q\"\\", "k=v", "new\nline\033",
		  no_text);
	text = capture_end(&c);
	CHECK_STR(text, NOON " warn e a=\"x y\" b=\"q\\\"\\\\\" c=\"k=v\" d=new?line? e=-\n");
}

TEST(all_conversions_read_their_argument)
{
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;

	log_event(LOG_WARN, "e",
		  "d=%d i=%i u=%u x=%x c=%c ld=%ld lu=%lu lld=%lld llu=%llu zu=%zu j=%jd "
		  "p=%" PRId64 " f=%.1f s=%.3s t=%.*s end=%d",
		  -1, -2, UINT32_MAX, 255, 'c', -3L, 3UL, INT64_C(-4) + 0LL, ULLONG_MAX, SIZE_MAX,
		  (intmax_t)5, INT64_MIN, 1.25, "abcdef", 2, "xyz", 42);
	text = capture_end(&c);
	CHECK_STR(text, NOON " warn e d=-1 i=-2 u=4294967295 x=ff c=c ld=-3 lu=3 lld=-4 "
			     "llu=18446744073709551615 zu=18446744073709551615 j=5 "
			     "p=-9223372036854775808 f=1.2 s=abc t=xy end=42\n");
}

TEST(long_values_are_cut_and_long_lines_say_so)
{
	AUTO_FREE char *value = xasprintf("%0*d", 2 * LOG_VALUE_MAX, 0);
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv lines = STRV_INIT;

	log_event(LOG_WARN, "one", "v=%s end=yes", value);
	log_event(LOG_WARN, "many", "%s %s %s %s %s %s %s %s %s", value, value, value, value, value,
		  value, value, value, value);
	text = capture_end(&c);
	strv_split(&lines, text, '\n');
	CHECK_INT(lines.n, 3);
	CHECK_INT(strlen(lines.v[0]), strlen(NOON " warn one v= end=yes") + LOG_VALUE_MAX);
	CHECK(str_ends(lines.v[0], " end=yes"));
	CHECK_STR(lines.v[1], NOON " warn many cut=yes");
}

static void *log_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++)
		log_event(LOG_WARN, "e", "a=%s b=%d", "some value", i);
	return NULL;
}

TEST(lines_of_threads_do_not_mix)
{
	struct capture c = capture_begin();
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv lines = STRV_INIT;
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK_INT(pthread_create(&threads[i], NULL, log_many, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	text = capture_end(&c);
	strv_split(&lines, text, '\n');
	CHECK_INT(lines.n, 801);
	for (size_t i = 0; i < 800; i++)
		CHECK(str_starts(lines.v[i], NOON " warn e a=\"some value\" b="));
}

static char *trace_path;

static struct json *last_trace(void)
{
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);
	AUTO_STRV struct strv lines = STRV_INIT;
	struct json *line = NULL;
	struct err e = { 0 };

	CHECK_OK(file_read(AT_FDCWD, trace_path, 1 << 20, &text, &e));
	strv_split(&lines, buf_str(&text), '\n');
	CHECK(lines.n > 1);
	CHECK_OK(json_parse(bytes_of(lines.v[lines.n - 2]), 1 << 20, &line, &e));
	return line;
}

TEST(a_trace_line_is_json_with_time_pid_and_kind)
{
	AUTO_JSON struct json *line = NULL;

	CHECK(trace_enabled());
	trace_event("http", 0, "\"url\":\"%s\",\"status\":%d", "http://x/?a=b", 200);
	line = last_trace();
	CHECK_STR(json_text(json_get(line, "time")), NOON);
	CHECK_INT(json_int(json_get(line, "pid"), 0), getpid());
	CHECK_STR(json_text(json_get(line, "kind")), "http");
	CHECK_STR(json_text(json_get(line, "url")), "http://x/?a=b");
	CHECK_INT(json_int(json_get(line, "status"), 0), 200);
	CHECK(json_get(line, "ms") == NULL);
}

TEST(a_trace_line_has_its_duration)
{
	AUTO_JSON struct json *line = NULL;

	trace_event("transaction", time_monotonic() - 5, "%s", "");
	trace_event("transaction", time_monotonic() - 5, "\"n\":%d", 1);
	line = last_trace();
	CHECK(json_int(json_get(line, "ms"), -1) >= 5);
}

TEST(no_value_breaks_the_json)
{
	AUTO_JSON struct json *line = NULL;

	trace_event("child", 0, "\"a\":\"%s\",\"b\":\"%s\",\"c\":\"%.2s\"", "q\"\\\n\xff", no_text,
		    "\xc3\xa4xyz");
	line = last_trace();
	CHECK_STR(json_text(json_get(line, "a")), "q\"\\??");
	CHECK_STR(json_text(json_get(line, "b")), "");
	CHECK_STR(json_text(json_get(line, "c")), "\xc3\xa4");
}

TEST(a_trace_line_too_long_says_that_it_is_cut)
{
	AUTO_FREE char *value = xasprintf("%0*d", 2 * LOG_VALUE_MAX, 0);
	AUTO_JSON struct json *line = NULL;

	trace_event("x", 0, "\"a\":\"%s%s%s%s%s%s%s%s%s\"", value, value, value, value, value,
		    value, value, value, value);
	line = last_trace();
	CHECK_STR(json_text(json_get(line, "kind")), "x");
	CHECK(json_flag(json_get(line, "cut"), false));
}

TEST(tracing_appends_to_what_others_wrote)
{
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);
	struct err e = { 0 };

	CHECK_OK(file_read(AT_FDCWD, trace_path, 1 << 20, &text, &e));
	CHECK(str_starts(buf_str(&text), "{\"kind\":\"earlier\"}\n{"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_line_is_time_level_event_and_values),
		CASE(a_line_can_be_a_json_object),
		CASE(levels_above_the_chosen_one_are_silent),
		CASE(a_value_cannot_end_the_line_or_pose_as_a_key),
		CASE(all_conversions_read_their_argument),
		CASE(long_values_are_cut_and_long_lines_say_so),
		CASE(lines_of_threads_do_not_mix),
		CASE(a_trace_line_is_json_with_time_pid_and_kind),
		CASE(a_trace_line_has_its_duration),
		CASE(no_value_breaks_the_json),
		CASE(a_trace_line_too_long_says_that_it_is_cut),
		CASE(tracing_appends_to_what_others_wrote),
	};
	/* The variable is read once, so it stands before the first event. */
	AUTO_SCRATCH char *folder = scratch_new();
	struct err e = { 0 };
	int failed = 0;

	trace_path = xasprintf("%s/trace", folder);
	if (file_replace(AT_FDCWD, trace_path, bytes_of("{\"kind\":\"earlier\"}\n"), 0600, &e) < 0)
		return 1;
	(void)setenv("LARDER_TRACE", trace_path, 1);
	(void)setenv("LARDER_NOW", "2026-11-20T12:00:00Z", 1);
	failed = RUN(tests);
	free(trace_path);
	return failed;
}
