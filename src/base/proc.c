/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc-internal.h"

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* A third of the weight of who has none: it must end too, on a machine that never rests. */
#define NICENESS 5

/* A pipe's capacity: no read gives more. */
#define READ_CHUNK ((size_t)64 << 10)

struct proc {
	char *name; /* argv[0], for messages and the trace */
	pid_t pid;
	int pidfd;  /* readable once the leader has ended */
	int in_fd;  /* of one that talks; -1 else */
	int out_fd; /* -1 from its end on, like the next */
	int errors_fd;
	struct buf out;   /* read and not yet forgotten */
	size_t out_given; /* ... of which these bytes were given */
	size_t out_seen;  /* ... and these hold no further newline */
	struct buf errors;
	int64_t started;
	int64_t deadline_ms;
	const struct proc_watch *watch;
	size_t output_max;
	size_t output_left; /* of options.output_max */
	bool ended;         /* pidfd said so; not reaped before `reaped` */
	bool reaped;        /* then `status` counts */
	const atomic_bool *cancel;
	int status;
};

static void fd_close(int *fd)
{
	auto_fd_(fd);
	*fd = -1;
}

/*
 * The child's ends must lie above 0, 1, 2, or placing one there would close another: we may have
 * been started without them.
 */
static int fd_lift(int *fd)
{
	if (*fd < 0 || *fd > STDERR_FILENO)
		return 0;

	int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (lifted < 0)
		return -1;
	fd_close(fd);
	*fd = lifted;
	return 0;
}

static int pipe_open(int *ret_read, int *ret_write)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*ret_read = ends[0];
	*ret_write = ends[1];
	return fd_lift(ret_write);
}

static int input_open(struct bytes input, int *ret_fd, struct err *e)
{
	AUTO_FD int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "make its input");
	while (input.n > 0) {
		ssize_t n = write(fd, input.p, input.n);

		if (n < 0 && errno != EINTR)
			return err_sys(e, "make its input");
		input.p += n > 0 ? n : 0;
		input.n -= n > 0 ? (size_t)n : 0;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 || fd_lift(&fd) < 0)
		return err_sys(e, "make its input");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The child's stdin: what it is given at once, or a pipe to talk to it. */
static int open_stdin(struct proc *p, const struct proc_options *options, int *ret_fd,
		      struct err *e)
{
	AUTO_FD int fd = -1;

	if (!options->talk)
		return input_open(options->input, ret_fd, e);
	if (pipe_open(&fd, &p->in_fd) < 0 || fd_lift(&fd) < 0 ||
	    fcntl(p->in_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "make its pipe");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int start_child(struct proc *p, const struct proc_options *options, struct err *e)
{
	AUTO_FD int in = -1;
	AUTO_FD int out = -1;
	AUTO_FD int errors = -1;

	if (open_stdin(p, options, &in, e) < 0)
		return e->code;
	if (pipe_open(&p->out_fd, &out) < 0)
		return err_sys(e, "make its pipe");
	if (!options->inherit_stderr && pipe_open(&p->errors_fd, &errors) < 0)
		return err_sys(e, "make its pipe");

	struct child_fds fds = { in, out, errors };
	pid_t pid = 0;

	if (proc_spawn(options, &fds, &pid, e) < 0)
		return e->code;
	p->pid = pid;
	p->pidfd = pidfd_open(pid, 0);
	return p->pidfd < 0 ? err_sys(e, "watch it") : 0;
}

int proc_start(const struct proc_options *options, struct proc **ret_proc, struct err *e)
{
	AUTO_PROC struct proc *p = xcalloc(1, sizeof(*p));

	p->in_fd = p->out_fd = p->errors_fd = p->pidfd = -1;
	p->out.max = PROC_LINE_MAX + READ_CHUNK;
	p->errors.max = PROC_ERRORS_MAX;
	p->name = xstrdup(options->argv[0]);
	p->started = time_monotonic();
	p->deadline_ms = options->deadline_ms;
	p->watch = options->watch;
	p->output_max = options->output_max;
	p->output_left = options->output_max ? options->output_max : SIZE_MAX;
	p->cancel = options->cancel;
	if (start_child(p, options, e) < 0)
		return err_in(e, "start '%s'", p->name);

	*ret_proc = TAKE(p);
	return 0;
}

/* Does the program that started this one still run? Then its end is ours, too. */
void proc_end_with_parent(void)
{
	const char *parent = getenv(PROC_PARENT);
	char own[32];

	(void)snprintf(own, sizeof(own), "%d", (int)getppid());
	if (parent && str_eq(parent, own))
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* fails only for a signal that is none */
}

void proc_give_way(void)
{
	const struct sched_param none = { 0 };

	if (getpriority(PRIO_PROCESS, 0) < NICENESS)
		(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	(void)sched_setscheduler(0, SCHED_BATCH,
				 &none); /* which takes no one's turn when it wakes */
}

bool proc_has_ended(const struct proc *p)
{
	struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };

	return p->ended || poll(&fd, 1, 0) > 0;
}

/* Safe while the leader is not reaped: until then its pid, and so the group's, is not given anew.
 */
static void kill_group(const struct proc *p)
{
	(void)kill(-p->pid, SIGKILL); /* fails only when nothing is left to kill */
}

static int read_out(struct proc *p, struct err *e)
{
	char *room = buf_reserve(&p->out, READ_CHUNK);

	if (!room)
		return err_set(e, ERR_LIMIT, "a line of '%s' exceeds %zu bytes", p->name,
			       PROC_LINE_MAX);

	ssize_t n = read(p->out_fd, room, READ_CHUNK);

	if (n < 0 && errno != EINTR)
		return err_sys(e, "read from '%s'", p->name);
	if (n == 0)
		fd_close(&p->out_fd);
	if (n > 0 && (size_t)n > p->output_left) {
		kill_group(p);
		return err_set(e, ERR_LIMIT, "'%s' was stopped: its output exceeds %zu bytes",
			       p->name, p->output_max);
	}
	if (n > 0) {
		p->out.n += (size_t)n;
		p->output_left -= (size_t)n;
	}
	return 0;
}

static int read_errors(struct proc *p, struct err *e)
{
	char chunk[4096];
	ssize_t n = read(p->errors_fd, chunk, sizeof(chunk));

	if (n < 0 && errno != EINTR)
		return err_sys(e, "read errors of '%s'", p->name);
	if (n == 0)
		fd_close(&p->errors_fd);
	if (n > 0) {
		size_t room = p->errors.max - p->errors.n;

		buf_add(&p->errors, chunk, (size_t)n < room ? (size_t)n : room);
	}
	return 0;
}

/* How long poll() may wait: not at all once the leader ended, since what it wrote is there. */
static int wait_ms(struct proc *p, int *ret_ms, struct err *e)
{
	int64_t left = p->started + p->deadline_ms - time_monotonic();

	if (p->deadline_ms && left <= 0) {
		kill_group(p);
		return err_set(e, ERR_BUSY, "'%s' was stopped: not done after %" PRId64 " ms",
			       p->name, p->deadline_ms);
	}
	if (p->cancel && atomic_load(p->cancel)) {
		kill_group(p);
		return err_set(e, ERR_CANCELLED, "'%s' was stopped", p->name);
	}
	if (p->ended)
		*ret_ms = 0;
	else if (!p->deadline_ms)
		*ret_ms = -1;
	else
		*ret_ms = left < INT_MAX ? (int)left : INT_MAX;
	if (p->cancel && (*ret_ms < 0 || *ret_ms > PROC_CANCEL_MS))
		*ret_ms = PROC_CANCEL_MS;
	return 0;
}

/* Waits for something to read or for the end, and takes it in. */
static int pump(struct proc *p, struct err *e)
{
	struct pollfd fds[] = { { .fd = p->out_fd, .events = POLLIN },
				{ .fd = p->errors_fd, .events = POLLIN },
				{ .fd = p->ended ? -1 : p->pidfd, .events = POLLIN },
				{ .fd = p->watch ? p->watch->fd : -1, .events = POLLIN } };
	int ms = 0;

	if (wait_ms(p, &ms, e) < 0)
		return e->code;

	int ready = poll(fds, ARRAY_LEN(fds), ms);

	if (ready < 0 && errno != EINTR)
		return err_sys(e, "wait for '%s'", p->name);
	if (ready < 0)
		return 0;
	if (ready == 0 && p->ended) {
		/* A survivor outside the group may hold the other ends: it is not waited for. */
		fd_close(&p->out_fd);
		fd_close(&p->errors_fd);
	}
	if (fds[0].revents && read_out(p, e) < 0)
		return e->code;
	if (fds[1].revents && read_errors(p, e) < 0)
		return e->code;
	if (fds[3].revents && p->watch->heard(p->watch->ctx)) {
		kill_group(p);
		return err_set(e, ERR_CANCELLED, "'%s' was given up", p->name);
	}
	if (fds[2].revents) {
		p->ended = true;
		kill_group(p);
	}
	return 0;
}

/* Is a line complete in what was read? The search goes on where it stopped the last time. */
static bool line_there(struct proc *p, struct bytes *ret_line)
{
	const char *from = buf_str(&p->out) + p->out_seen;
	const char *newline = memchr(from, '\n', p->out.n - p->out_seen);
	const char *line = buf_str(&p->out) + p->out_given;

	p->out_seen = p->out.n;
	if (!newline)
		return false;
	*ret_line = (struct bytes){ line, (size_t)(newline - line) };
	p->out_given += ret_line->n + 1;
	p->out_seen = p->out_given;
	return true;
}

/* Moves the unfinished line to the front. */
static void forget_given(struct proc *p)
{
	if (!p->out_given)
		return;
	p->out.n -= p->out_given;
	memmove(p->out.p, p->out.p + p->out_given, p->out.n);
	p->out_seen -= p->out_given;
	p->out_given = 0;
}

int proc_read_line(struct proc *p, struct bytes *ret_line, struct err *e)
{
	while (!line_there(p, ret_line)) {
		forget_given(p);
		if (p->out.n > PROC_LINE_MAX)
			return err_set(e, ERR_LIMIT, "a line of '%s' exceeds %zu bytes", p->name,
				       PROC_LINE_MAX);
		if (p->out_fd < 0) {
			*ret_line = buf_bytes(&p->out);
			p->out_given = p->out_seen = p->out.n;
			return p->out.n > 0;
		}
		if (pump(p, e) < 0)
			return e->code;
	}
	return 1;
}

void proc_set_deadline(struct proc *p, int64_t deadline_ms)
{
	p->deadline_ms = deadline_ms ? time_monotonic() - p->started + deadline_ms : 0;
}

/* Until the child reads, has ended, or is out of time. */
static int wait_writable(struct proc *p, struct err *e)
{
	struct pollfd fd = { .fd = p->in_fd, .events = POLLOUT };
	int ms = 0;

	if (wait_ms(p, &ms, e) < 0)
		return e->code;
	if (poll(&fd, 1, ms) < 0 && errno != EINTR)
		return err_sys(e, "wait for '%s'", p->name);
	return 0;
}

int proc_write(struct proc *p, struct bytes text, struct err *e)
{
	while (text.n > 0) {
		ssize_t n = write(p->in_fd, text.p, text.n);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_sys(e, "write to '%s'", p->name);
		if (n < 0 && wait_writable(p, e) < 0)
			return e->code;
		text.p += n > 0 ? n : 0;
		text.n -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

void proc_end_input(struct proc *p)
{
	fd_close(&p->in_fd);
}

static int exit_status(const siginfo_t *end)
{
	return end->si_code == CLD_EXITED ? end->si_status : 128 + end->si_status;
}

/* The leader has ended or is about to. */
static void reap(struct proc *p)
{
	siginfo_t end = { 0 };

	while (waitid(P_PID, (id_t)p->pid, &end, WEXITED) < 0 && errno == EINTR)
		;
	p->reaped = true;
	p->status = exit_status(&end);
	trace_event("child", p->started, "\"argv0\":\"%s\",\"status\":%d", p->name, p->status);
}

int proc_wait(struct proc *p, int *ret_status, struct err *e)
{
	while (!p->reaped && (!p->ended || p->out_fd >= 0 || p->errors_fd >= 0)) {
		buf_clear(&p->out);
		p->out_given = p->out_seen = 0;
		if (pump(p, e) < 0)
			return e->code;
	}
	if (!p->reaped)
		reap(p);
	*ret_status = p->status;
	return 0;
}

const char *proc_errors(const struct proc *p)
{
	return buf_str(&p->errors);
}

void proc_free(struct proc *p)
{
	if (!p)
		return;
	if (p->pid && !p->reaped) {
		kill_group(p);
		reap(p);
	}
	fd_close(&p->in_fd);
	fd_close(&p->out_fd);
	fd_close(&p->errors_fd);
	fd_close(&p->pidfd);
	buf_release(&p->out);
	buf_release(&p->errors);
	free(p->name);
	free(p);
}
