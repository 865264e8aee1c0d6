/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/str.h"
#include "base/time.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>

static _Atomic int log_level = LOG_WARN; /* the mutable globals, see the header */
static _Atomic int chosen_format = LOG_TEXT;

/* How a %s is written. */
typedef void (*add_text_fn)(struct buf *out, const char *s, size_t n);

static void add_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
}

static void add_log_value(struct buf *out, const char *s, size_t n)
{
	AUTO_BUF struct buf clean = BUF_INIT(LOG_LINE_MAX);

	if (!s) {
		buf_addc(out, '-');
		return;
	}
	text_add_clean(&clean, (struct bytes){ s, n });

	bool quote = clean.n == 0 || strpbrk(buf_str(&clean), " \"=\\");

	if (quote)
		buf_addc(out, '"');
	add_escaped(out, buf_str(&clean));
	if (quote)
		buf_addc(out, '"');
}

static void add_json_text(struct buf *out, const char *s, size_t n)
{
	AUTO_BUF struct buf clean = BUF_INIT(LOG_LINE_MAX);

	text_add_clean(&clean, (struct bytes){ s, s ? n : 0 });
	add_escaped(out, buf_str(&clean));
}

/* One conversion of a format: its text, what it converts, the integer's size. */
struct conversion {
	size_t n; /* bytes from '%' to the letter */
	char letter;
	char size; /* 0, 'l', 'L' for ll, 'z', 'j' */
	bool precision_is_argument;
	int precision; /* -1 for none */
};

static struct conversion conversion_at(const char *p)
{
	struct conversion c = { .precision = -1 };
	const char *s = p + 1;

	s += strspn(s, "-+ #0123456789");
	if (*s == '.') {
		c.precision_is_argument = s[1] == '*';
		for (c.precision = 0, s++; *s == '*' || (*s >= '0' && *s <= '9'); s++)
			c.precision = *s == '*' ? 0 : c.precision * 10 + (*s - '0');
	}
	for (; *s == 'l' || *s == 'z' || *s == 'j'; s++)
		c.size = c.size == 'l' ? 'L' : *s;
	c.letter = *s;
	c.n = (size_t)(s - p) + 1;
	return c;
}

static int64_t next_integer(const struct conversion *c, va_list *ap)
{
	bool is_signed = c->letter == 'd' || c->letter == 'i' || c->letter == 'c';

	switch (c->size) {
	case 'l':
		return va_arg(*ap, long);
	case 'L':
		return va_arg(*ap, long long);
	case 'z':
		return (int64_t)va_arg(*ap, size_t);
	case 'j':
		return (int64_t)va_arg(*ap, intmax_t);
	default:
		return is_signed ? va_arg(*ap, int) : (int64_t)va_arg(*ap, unsigned);
	}
}

static void add_integer(struct buf *out, const struct conversion *c, va_list *ap)
{
	int64_t value = next_integer(c, ap);

	if (c->letter == 'u')
		buf_addf(out, "%" PRIu64, (uint64_t)value);
	else if (c->letter == 'x')
		buf_addf(out, "%" PRIx64, (uint64_t)value);
	else if (c->letter == 'c')
		buf_addc(out, value > ' ' && value < 0x7f ? (char)value : '?');
	else
		buf_addf(out, "%" PRId64, value);
}

static void add_double(struct buf *out, const struct conversion *c, va_list *ap)
{
	buf_addf(out, "%.*f", c->precision < 0 ? 6 : c->precision, va_arg(*ap, double));
}

static void add_text(struct buf *out, struct conversion *c, va_list *ap, add_text_fn add)
{
	if (c->precision_is_argument)
		c->precision = va_arg(*ap, int);

	const char *s = va_arg(*ap, const char *);
	size_t max = c->precision >= 0 && c->precision < LOG_VALUE_MAX ? (size_t)c->precision
								       : LOG_VALUE_MAX;

	add(out, s, s ? strnlen(s, max) : 0);
}

static void add_formatted(struct buf *out, const char *fmt, va_list *ap, add_text_fn add)
{
	while (*fmt) {
		size_t plain = strcspn(fmt, "%");

		buf_add(out, fmt, plain);
		fmt += plain;
		if (!*fmt)
			return;

		struct conversion c = conversion_at(fmt);

		if (c.letter == 's')
			add_text(out, &c, ap, add);
		else if (c.letter == '%')
			buf_addc(out, '%');
		else if (c.letter && strchr("diuxc", c.letter))
			add_integer(out, &c, ap);
		else if (c.letter == 'f')
			add_double(out, &c, ap);
		else
			return; /* what follows cannot be read from ap: the line ends here */
		fmt += c.n;
	}
}

static void write_line(int fd, const struct buf *line)
{
	/* One write so that lines of several processes do not mix; a lost line is accepted. */
	ssize_t n = write(fd, line->p, line->n);

	(void)n;
}

void log_set_format(enum log_format format)
{
	chosen_format = (int)format;
}

enum log_format log_format(void)
{
	return (enum log_format)chosen_format;
}

void log_set_level(enum log_level level)
{
	log_level = (int)level;
}

bool log_enabled(enum log_level level)
{
	return (int)level <= log_level;
}

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static void start_text(struct buf *line, enum log_level level, const char *event)
{
	char now[TIME_TEXT_MAX];

	buf_addf(line, "%s %s %s", time_format_iso(time_now(), now), level_names[level], event);
}

static void start_json(struct buf *line, enum log_level level, const char *event)
{
	char now[TIME_TEXT_MAX];

	buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"",
		 time_format_iso(time_now(), now), level_names[level], event);
}

/* "key=%d" of a format becomes ,"key":5; all other values are texts. */
static void add_members(struct buf *line, const char *fmt, va_list *ap)
{
	while (*fmt) {
		size_t n = strcspn(fmt, " ");
		size_t key = strcspn(fmt, "=") < n ? strcspn(fmt, "=") : 0;
		size_t skip = key > 0 ? key + 1 : 0;
		AUTO_FREE char *value = xstrndup(fmt + skip, n - skip);
		size_t last = strlen(value);
		bool number = last > 1 && value[0] == '%' && strchr("diu", value[last - 1]) &&
			      !strchr(value + 1, '%');

		buf_addf(line, ",\"%.*s\":%s", key > 0 ? (int)key : 4, key > 0 ? fmt : "text",
			 number ? "" : "\"");
		add_formatted(line, value, ap, add_json_text);
		buf_adds(line, number ? "" : "\"");
		fmt += n;
		fmt += strspn(fmt, " ");
	}
}

static void write_event(enum log_level level, const char *event, const char *fmt, va_list *ap)
{
	bool json = log_format() == LOG_JSON;
	void (*start)(struct buf *, enum log_level, const char *) = json ? start_json : start_text;
	AUTO_BUF struct buf line = BUF_INIT(LOG_LINE_MAX);

	start(&line, level, event);
	if (json) {
		add_members(&line, fmt, ap);
	} else {
		if (*fmt)
			buf_addc(&line, ' ');
		add_formatted(&line, fmt, ap, add_log_value);
	}
	buf_adds(&line, json ? "}\n" : "\n");
	if (line.full) {
		buf_clear(&line);
		start(&line, level, event);
		buf_adds(&line, json ? ",\"cut\":true}\n" : " cut=yes\n");
	}
	write_line(STDERR_FILENO, &line);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	write_event(level, event, fmt, &ap);
	va_end(ap);
}

static int trace_fd = -1; /* written once, under trace_once */
static pthread_once_t trace_once = PTHREAD_ONCE_INIT;

static void trace_open(void)
{
	const char *path = getenv("LARDER_TRACE");

	if (path && *path)
		trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

bool trace_enabled(void)
{
	(void)pthread_once(&trace_once, trace_open); /* cannot fail on a valid once */
	return trace_fd >= 0;
}

static void trace_start(struct buf *line, const char *kind, int64_t started_ms)
{
	char now[TIME_TEXT_MAX];

	buf_addf(line, "{\"time\":\"%s\",\"pid\":%d,\"kind\":\"%s\"",
		 time_format_iso(time_now(), now), (int)getpid(), kind);
	if (started_ms)
		buf_addf(line, ",\"ms\":%" PRId64, time_monotonic() - started_ms);
}

void trace_event(const char *kind, int64_t started_ms, const char *members, ...)
{
	AUTO_BUF struct buf line = BUF_INIT(LOG_LINE_MAX);
	va_list ap;

	if (!trace_enabled())
		return;
	trace_start(&line, kind, started_ms);
	if (*members)
		buf_addc(&line, ',');
	va_start(ap, members);
	add_formatted(&line, members, &ap, add_json_text);
	va_end(ap);
	buf_adds(&line, "}\n");
	if (line.full) {
		buf_clear(&line);
		trace_start(&line, kind, started_ms);
		buf_adds(&line, ",\"cut\":true}\n");
	}
	write_line(trace_fd, &line);
}
