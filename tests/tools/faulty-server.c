/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server that misbehaves as told, on raw sockets, so that no library mends what it
 * does. It also stands in for hubs of the older protocol.
 *
 *	faulty-server --root DIR [--plan FILE] [--log FILE] [--port N]
 *
 * prints its port, then serves the files below DIR until it is killed: GET, HEAD, ranges,
 * conditions; "/api/sync/manifest" is also looked for as "manifest.json" and "manifest/index.json";
 * the query is not looked at. Who asks for a difference (A-IM) and has not the file as it is now gets
 * PATH.since instead, where there is one, with 226 and the tag of the file. POST, PUT and DELETE are
 * answered with the file at their path, or {"ok":true}; the body sent is read away. FILE of --plan says
 * what goes wrong (fault-plan.h).
 *
 * --log gets one line per request, before the last bytes of its answer leave (who has the answer
 * finds the line), or when it is given up:
 *
 *	METHOD TARGET RANGE STATUS BYTES
 *
 * RANGE is the header's value or "-", STATUS 0 when no answer was sent, BYTES of the body.
 */
#include "base/time.h"
#include "fault-plan.h"
#include "net/http-path.h"
#include "net/http-range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define HEAD_MAX   ((size_t)64 << 10)
#define PIECE      ((size_t)64 << 10)
#define TARGET_MAX 4096

struct site {
	const char *root;
	struct fault_plan *plan;
	FILE *log;
	pthread_mutex_t log_lock;
};

struct visit { /* one connection, then one request after the other on it */
	struct site *site;
	int fd;
	struct buf in; /* received and not yet used */
	char method[16], target[TARGET_MAX];
	struct strv headers;
	struct fault fault;
	int status;
	int64_t sent;
	bool noted, close;
};

struct answer {
	int status;
	const char *type;
	char etag[128];
	int file; /* -1: text is the body */
	struct buf text;
	int64_t first, length, size;
};

static const char *header(const struct visit *v, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < v->headers.n; i++) {
		const char *line = v->headers.v[i];

		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " ");
	}
	return NULL;
}

static bool send_all(struct visit *v, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = send(v->fd, p, n, MSG_NOSIGNAL);

		if (r <= 0) {
			v->close = true;
			return false;
		}
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static bool receive(struct visit *v)
{
	char *room = buf_reserve(&v->in, PIECE);
	ssize_t r = room ? recv(v->fd, room, PIECE, 0) : -1;

	if (r <= 0)
		return false;
	v->in.n += (size_t)r;
	v->in.p[v->in.n] = '\0';
	return true;
}

static void drop_front(struct visit *v, size_t n)
{
	memmove(v->in.p, v->in.p + n, v->in.n - n);
	v->in.n -= n;
	v->in.p[v->in.n] = '\0';
}

/* Method, target and headers of the next request; false at the end of the connection. */
static bool read_head(struct visit *v)
{
	char *end = NULL;

	buf_adds(&v->in, ""); /* makes it a string */
	while (!(end = strstr(v->in.p, "\r\n\r\n")))
		if (!receive(v))
			return false;
	*end = '\0';
	strv_release(&v->headers);
	for (char *line = v->in.p, *next; line; line = next) {
		next = strstr(line, "\r\n");
		if (next) {
			*next = '\0';
			next += 2;
		}
		strv_add(&v->headers, line);
	}
	drop_front(v, (size_t)(end - v->in.p) + 4);
	return sscanf(v->headers.v[0], "%15s %4095s", v->method, v->target) == 2;
}

/* The body of the request, whatever it is: read away. Chunked ones are not for this server. */
static bool read_body(struct visit *v)
{
	const char *length = header(v, "Content-Length");
	int64_t left = length ? strtoll(length, NULL, 10) : 0;

	if (left > 0 && header(v, "Expect"))
		(void)send_all(v, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	while (left > (int64_t)v->in.n) {
		left -= (int64_t)v->in.n;
		v->in.n = 0;
		if (!receive(v))
			return false;
	}
	if (left > 0)
		drop_front(v, (size_t)left);
	return true;
}

static int open_file(const struct visit *v, const char *path)
{
	static const char *const endings[] = { "", ".json", "/index.json" };

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		AUTO_FREE char *name = xasprintf("%s%s%s", v->site->root, path, endings[i]);
		AUTO_FD int fd = open(name, O_RDONLY | O_CLOEXEC);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return TAKE_FD(fd);
	}
	return -1;
}

static void set_text(struct answer *a, int status, const char *text)
{
	a->status = status;
	a->type = "application/json";
	buf_clear(&a->text);
	buf_adds(&a->text, text);
	a->first = 0;
	a->length = a->size = (int64_t)a->text.n;
}

static void set_file(const struct visit *v, struct answer *a)
{
	struct http_representation rep = { .etag = a->etag };
	struct http_conditions c = { .if_match = header(v, "If-Match"),
				     .if_none_match = header(v, "If-None-Match"),
				     .if_range = header(v, "If-Range"),
				     .range = header(v, "Range"),
				     .is_read = true };
	struct stat st;

	(void)fstat(a->file, &st);
	a->size = rep.size = st.st_size;
	rep.modified_ms = (int64_t)st.st_mtim.tv_sec * 1000;
	if (v->fault.kind == FAULT_ETAG)
		(void)snprintf(a->etag, sizeof(a->etag), "%.100s", v->fault.text);
	else
		(void)snprintf(a->etag, sizeof(a->etag), "\"%llx-%llx-%lx\"",
			       (unsigned long long)st.st_size,
			       (unsigned long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	if (v->fault.kind == FAULT_NORANGE)
		c.range = NULL;
	a->type = str_ends(v->target, ".html") ? "text/html" : "application/octet-stream";
	a->status = http_conditions_decide(&c, &rep, &a->first, &a->length);
	if (a->status != 200 && a->status != 206)
		a->length = 0;
	if (v->fault.kind == FAULT_SHIFT && a->status == 206 && a->length > v->fault.amount) {
		a->first += v->fault.amount;
		a->length -= v->fault.amount;
	}
}

static void set_difference(const struct visit *v, struct answer *a, const char *path)
{
	AUTO_FREE char *name = xasprintf("%s%s.since", v->site->root, path);
	AUTO_FD int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	(void)close(a->file);
	a->file = TAKE_FD(fd);
	a->status = 226;
	a->length = a->size = st.st_size;
}

static void decide(const struct visit *v, struct answer *a)
{
	AUTO_BUF struct buf path = BUF_INIT(HTTP_PATH_MAX);
	bool reads = str_eq(v->method, "GET") || str_eq(v->method, "HEAD");

	if (v->fault.kind == FAULT_STATUS) {
		set_text(a, (int)v->fault.amount, "{\"detail\":\"told to fail\"}");
		return;
	}
	if (v->fault.kind == FAULT_BODY) {
		set_text(a, 200, v->fault.text);
		return;
	}
	if (v->fault.kind == FAULT_REDIRECT) {
		set_text(a, 302, "");
		return;
	}
	if (http_path_decode(v->target, &path) == 0)
		a->file = open_file(v, buf_str(&path));
	if (a->file >= 0)
		set_file(v, a);
	else if (reads)
		set_text(a, 404, "{\"detail\":\"not found\"}");
	else
		set_text(a, 200, "{\"ok\":true}");
	if (a->file >= 0 && a->status == 200 && header(v, "A-IM"))
		set_difference(v, a, buf_str(&path));
}

/* The request's line of the log, once; the bytes that leave right after it are counted as sent. */
static void note(struct visit *v, int64_t leaving)
{
	const char *range = header(v, "Range");

	if (!v->site->log || v->noted)
		return;
	v->noted = true;
	(void)pthread_mutex_lock(&v->site->log_lock);
	fprintf(v->site->log, "%s %s %s %d %lld\n", v->method, v->target, range ? range : "-",
		v->status, (long long)(v->sent + leaving));
	(void)fflush(v->site->log);
	(void)pthread_mutex_unlock(&v->site->log_lock);
}

static bool send_head(struct visit *v, const struct answer *a)
{
	AUTO_BUF struct buf out = BUF_INIT(HEAD_MAX);

	buf_addf(&out, "HTTP/1.1 %d Faulty\r\nContent-Type: %s\r\n", a->status, a->type);
	if (a->status != 304)
		buf_addf(&out, "Content-Length: %lld\r\n", (long long)a->length);
	if (a->etag[0])
		buf_addf(&out, "ETag: %s\r\n", a->etag);
	if (a->status == 206)
		buf_addf(&out, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)a->first,
			 (long long)(a->first + a->length - 1), (long long)a->size);
	if (a->status == 416)
		buf_addf(&out, "Content-Range: bytes */%lld\r\n", (long long)a->size);
	if (v->fault.kind == FAULT_STATUS && v->fault.text[0])
		buf_addf(&out, "Retry-After: %s\r\n", v->fault.text);
	if (v->fault.kind == FAULT_REDIRECT)
		buf_addf(&out, "Location: %s\r\n", v->fault.text);
	buf_adds(&out, "\r\n");
	return send_all(v, out.p, out.n);
}

/* The connection ends here with a reset, not in order. */
static void reset(struct visit *v)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(v->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	v->close = true;
}

/* Holds the connection open, silent, until the client has gone. */
static void stall(struct visit *v)
{
	char byte;

	while (recv(v->fd, &byte, 1, 0) > 0)
		;
	v->close = true;
}

static size_t fill(const struct answer *a, int64_t at, char *piece, size_t n)
{
	if (a->file < 0) {
		memcpy(piece, a->text.p + at, n);
		return n;
	}
	return pread(a->file, piece, n, a->first + at) == (ssize_t)n ? n : 0;
}

/* `until` bytes of the body; a piece a tenth of a second when slow. */
static bool send_body(struct visit *v, const struct answer *a, int64_t until)
{
	AUTO_FREE char *piece = xmalloc(PIECE);
	bool slow = v->fault.kind == FAULT_SLOW;
	int64_t most = slow ? v->fault.amount / 10 + 1 : (int64_t)PIECE;
	int64_t flip = v->fault.kind == FAULT_FLIP ? fault_bytes(&v->fault, a->length) : -1;

	if (most > (int64_t)PIECE)
		most = PIECE;
	while (v->sent < until) {
		int64_t left = until - v->sent;
		size_t n = fill(a, v->sent, piece, (size_t)(left < most ? left : most));

		if (n == 0)
			return false;
		if (flip >= v->sent && flip < v->sent + (int64_t)n)
			piece[flip - v->sent] ^= 1;
		if (v->sent + (int64_t)n == until)
			note(v, (int64_t)n);
		if (!send_all(v, piece, n))
			return false;
		v->sent += (int64_t)n;
		if (slow)
			(void)poll(NULL, 0, 100);
	}
	return true;
}

static void send_answer(struct visit *v, const struct answer *a)
{
	enum fault_kind kind = v->fault.kind;
	bool cut = kind == FAULT_RESET || kind == FAULT_SHORT || kind == FAULT_STALL;
	int64_t until = cut ? fault_bytes(&v->fault, a->length) : a->length;
	bool head_only = str_eq(v->method, "HEAD");

	v->status = a->status;
	if (head_only || until == 0)
		note(v, 0);
	if (!send_head(v, a) || head_only || !send_body(v, a, until))
		return;
	if (kind == FAULT_RESET)
		reset(v);
	else if (kind == FAULT_STALL)
		stall(v);
	else if (kind == FAULT_SHORT)
		v->close = true;
	for (int64_t i = 0; kind == FAULT_LONG && i < v->fault.amount; i++)
		(void)send_all(v, "x", 1);
}

static void answer(struct visit *v)
{
	struct answer a = { .file = -1, .text = BUF_INIT(BUF_OWN_MAX) };

	if (v->fault.kind == FAULT_REFUSE) {
		reset(v);
	} else if (v->fault.kind == FAULT_HANG) {
		stall(v);
	} else if (v->fault.kind == FAULT_GARBAGE) {
		(void)send_all(v, "\x01\x02 what is this?\r\n\r\n", 20);
		v->close = true;
	} else {
		if (v->fault.kind == FAULT_LATE)
			(void)poll(NULL, 0, (int)v->fault.amount);
		decide(v, &a);
		send_answer(v, &a);
	}
	if (a.file >= 0)
		(void)close(a.file);
	buf_release(&a.text);
}

static void serve_one(struct visit *v)
{
	AUTO_FREE char *path = xstrndup(v->target, strcspn(v->target, "?"));
	const char *connection = header(v, "Connection");

	v->fault = fault_plan_next(v->site->plan, path);
	v->status = 0;
	v->sent = 0;
	v->noted = false;
	v->close = connection && strcasecmp(connection, "close") == 0;
	/* Noted before, since nothing more may happen: a request that hangs must be seen. */
	if (v->fault.kind == FAULT_HANG)
		note(v, 0);
	answer(v);
	note(v, 0);
}

static void *visit_main(void *ctx)
{
	struct visit *v = ctx;

	while (!v->close && read_head(v) && read_body(v))
		serve_one(v);
	(void)close(v->fd);
	buf_release(&v->in);
	strv_release(&v->headers);
	free(v);
	return NULL;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a, n) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0) {
		perror("faulty-server: listen");
		exit(1);
	}
	printf("%u\n", ntohs(a.sin_port));
	(void)fflush(stdout);
	return fd;
}

static void serve(struct site *site, int listening)
{
	const int on = 1;
	pthread_attr_t detached;
	pthread_t thread;

	(void)pthread_attr_init(&detached);
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (;;) {
		struct visit *v = xcalloc(1, sizeof(*v));

		v->site = site;
		v->in = (struct buf)BUF_INIT(HEAD_MAX + PIECE);
		v->fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		(void)setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (v->fd < 0 || pthread_create(&thread, &detached, visit_main, v) != 0) {
			perror("faulty-server: accept");
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "root", 1, NULL, 'r' },
						 { "plan", 1, NULL, 'p' },
						 { "log", 1, NULL, 'l' },
						 { "port", 1, NULL, 'n' },
						 { 0 } };
	struct site site = { .log_lock = PTHREAD_MUTEX_INITIALIZER };
	const char *plan = "/nonexistent";
	uint16_t port = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			site.root = optarg;
		else if (c == 'p')
			plan = optarg;
		else if (c == 'l')
			site.log = fopen(optarg, "ae");
		else if (c == 'n')
			port = (uint16_t)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (!site.root) {
		fprintf(stderr,
			"usage: faulty-server --root DIR [--plan F] [--log F] [--port N]\n");
		return 2;
	}
	site.plan = fault_plan_new(plan);
	serve(&site, listen_on(port));
	return 0;
}
