/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define REDRAW_MS      100
#define TEXT_MS        5000
#define TEXT_PERCENT   10
#define LINE_MAX_BYTES 1000 /* a name of an item and the numbers */
/* The rate is over the last one to two of these: steady enough to read, quick to follow a stall. */
#define RATE_MS 3000

/* So many bytes had come at that time. */
struct mark {
	int64_t at;
	int64_t bytes;
};

struct progress {
	pthread_mutex_t lock; /* over all below but what never changes */
	char *what;
	int64_t total_bytes;
	size_t total_items;
	bool terminal;
	int64_t bytes;
	size_t done;
	size_t failed;
	struct mark older, newer; /* for the rate */
	int64_t shown_at;
	int shown_percent;
};

static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && !str_eq(term, "dumb");
}

struct progress *progress_begin(const char *what, int64_t total_bytes, size_t total_items,
				bool quiet)
{
	if (quiet)
		return NULL;

	struct progress *p = xcalloc(1, sizeof(*p));

	(void)pthread_mutex_init(&p->lock, NULL); /* cannot fail for a default mutex */
	p->what = xstrdup(what);
	p->total_bytes = total_bytes;
	p->total_items = total_items;
	p->terminal = is_terminal();
	p->shown_at = time_monotonic();
	p->older.at = p->newer.at = p->shown_at;
	return p;
}

/* -1 when nothing is known to be a part of. Rounded down: 100 only when all has come. */
static int percent(const struct progress *p)
{
	double part = p->total_bytes > 0   ? (double)p->bytes / (double)p->total_bytes
		      : p->total_items > 0 ? (double)p->done / (double)p->total_items
					   : -1;

	if (part < 0)
		return -1;
	return part < 1 ? (int)(part * 100) : 100;
}

/* Bytes in a second, 0 while that cannot be said. */
static int64_t rate(struct progress *p, int64_t now)
{
	if (now - p->newer.at >= RATE_MS) {
		p->older = p->newer;
		p->newer = (struct mark){ now, p->bytes };
	}

	int64_t ms = now - p->older.at;
	int64_t bytes = p->bytes - p->older.bytes;

	return ms > 0 && bytes > 0 ? (int64_t)((double)bytes * 1000 / (double)ms) : 0;
}

static void add_time_left(struct buf *line, int64_t seconds)
{
	if (seconds < 100)
		buf_addf(line, ", %" PRId64 " s left", seconds);
	else if (seconds < 6000)
		buf_addf(line, ", %" PRId64 " min left", (seconds + 59) / 60);
	else
		buf_addf(line, ", %" PRId64 " h left", (seconds + 3599) / 3600);
}

static void add_bytes(struct buf *line, struct progress *p, int64_t now)
{
	char size[FORMAT_SIZE_MAX];
	int64_t per_second = rate(p, now);

	if (p->bytes > 0)
		buf_addf(line, ", %s", format_size(p->bytes, size));
	if (p->bytes > 0 && p->total_bytes > 0)
		buf_addf(line, " of %s", format_size(p->total_bytes, size));
	if (per_second > 0)
		buf_addf(line, ", %s/s", format_size(per_second, size));
	if (per_second > 0 && p->total_bytes > p->bytes)
		add_time_left(line, (p->total_bytes - p->bytes + per_second - 1) / per_second);
}

static void add_numbers(struct buf *line, struct progress *p, int64_t now)
{
	int part = percent(p);

	buf_addf(line, "%zu", p->done);
	if (p->total_items > 0)
		buf_addf(line, " of %zu", p->total_items);
	if (part >= 0)
		buf_addf(line, ", %d %%", part);
	add_bytes(line, p, now);
	if (p->failed > 0)
		buf_addf(line, ", %zu failed", p->failed);
}

static void show(struct progress *p, int64_t now, const struct buf *line)
{
	/* One write, so that lines of other threads are not mixed in; a lost line is accepted. */
	ssize_t n = write(STDERR_FILENO, line->p, line->n);

	(void)n;
	p->shown_at = now;
	p->shown_percent = percent(p);
}

static size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* One column stays free, since some terminals break the line when the last one is written. */
static void draw(struct progress *p, int64_t now)
{
	AUTO_BUF struct buf text = BUF_INIT(LINE_MAX_BYTES);
	AUTO_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES + 16);
	size_t width = terminal_width() - 1;

	buf_addf(&text, "%s: ", p->what);
	add_numbers(&text, p, now);
	buf_addc(&line, '\r');
	buf_add(&line, buf_str(&text), text.n < width ? text.n : width);
	buf_adds(&line, "\033[K"); /* clears what was longer before */
	show(p, now, &line);
}

static void write_text_line(struct progress *p, int64_t now, const char *item, bool ok)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);

	buf_addf(&line, "%s: ", p->what);
	text_add_clean(&line, (struct bytes){ item, strnlen(item, LINE_MAX_BYTES / 2) });
	buf_adds(&line, ok ? " done: " : " failed: ");
	add_numbers(&line, p, now);
	buf_addc(&line, '\n');
	show(p, now, &line);
}

void progress_add(struct progress *p, int64_t bytes)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);

	int64_t now = time_monotonic();

	p->bytes += bytes;
	if (p->terminal && now - p->shown_at >= REDRAW_MS)
		draw(p, now);
	(void)pthread_mutex_unlock(&p->lock);
}

void progress_step(struct progress *p, const char *item, bool ok)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);

	int64_t now = time_monotonic();
	int64_t waited = now - p->shown_at;

	p->done += ok;
	p->failed += !ok;
	if (p->terminal && waited >= REDRAW_MS)
		draw(p, now);
	if (!p->terminal && (waited >= TEXT_MS || percent(p) >= p->shown_percent + TEXT_PERCENT ||
			     p->done + p->failed == p->total_items))
		write_text_line(p, now, item, ok);
	(void)pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p)
{
	static const char clear[] = "\r\033[K";

	if (!p)
		return;
	if (p->terminal) {
		ssize_t n = write(STDERR_FILENO, clear, sizeof(clear) - 1);

		(void)n; /* as in show() */
	}
	(void)pthread_mutex_destroy(&p->lock);
	free(p->what);
	free(p);
}
