/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/evidence.h"

#include "base/file.h"
#include "base/keep.h"
#include "base/str.h"

#include <inttypes.h>

/* "137\n" */
#define END_MAX 16
/* A file's time and the row's are of the same clock, read at different moments. */
#define SLACK_MS 2000

char *evidence_end_file(const struct dispatch *d)
{
	return xasprintf(".meta/exit-%s-%" PRId64, d->id, d->runs);
}

char *evidence_log_file(const struct dispatch *d)
{
	AUTO_FREE char *pool = dispatch_pool(d);

	return xasprintf(".meta/agent-%s.log", *pool ? pool : "any");
}

enum proc_liveness evidence_life(const struct dispatch *d)
{
	if (*d->identity)
		return keep_liveness(d->identity);
	return keep_liveness_of_pid(d->pid, d->updated_ms);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text without the blank around it, cut at a whole character. */
static void add_question(struct bytes text, struct buf *out)
{
	while (text.n > 0 && is_blank(text.p[0]))
		text.p++, text.n--;
	if (text.n >= QUESTION_MAX) {
		text.n = QUESTION_MAX - 1;
		while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
			text.n--;
	}
	while (text.n > 0 && is_blank(text.p[text.n - 1]))
		text.n--;
	buf_add(out, text.p, text.n);
}

static int read_question(const struct agents *a, const struct dispatch *d, struct buf *out,
			 struct err *e)
{
	AUTO_FREE char *path = agents_file(d->name, EVIDENCE_ASKED);
	AUTO_BUF struct buf text = BUF_INIT(QUESTION_MAX);
	int r = file_read(agents_dirfd(a), path, QUESTION_MAX, &text, e);

	if (r == ERR_NOT_FOUND) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0 && r != ERR_LIMIT)
		return r;
	add_question(buf_bytes(&text), out);
	return 0;
}

static void read_end(const struct agents *a, const struct dispatch *d, struct agent_evidence *ret)
{
	AUTO_FREE char *file = evidence_end_file(d);
	AUTO_FREE char *path = agents_file(d->name, file);
	AUTO_BUF struct buf text = BUF_INIT(END_MAX);
	struct err ignored = { 0 }; /* none, or not of ours: then it is not known */
	int64_t code = 0;

	if (file_read(agents_dirfd(a), path, END_MAX, &text, &ignored) < 0 || text.n == 0)
		return;
	text.p[strcspn(text.p, "\n")] = '\0';
	if (parse_int64(text.p, 0, 255, &code, &ignored) < 0)
		return;
	ret->exit_known = true;
	ret->exit_code = (int)code;
}

static bool looks_like_a_report(const struct agents *a, const struct dispatch *d)
{
	AUTO_FREE char *path = agents_file(d->name, EVIDENCE_REPORT);
	struct stat st;

	return fstatat(agents_dirfd(a), path, &st, 0) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size > 2 && st.st_mtim.tv_sec * 1000 + SLACK_MS >= d->started_ms;
}

static bool has_log(const struct agents *a, const struct dispatch *d)
{
	AUTO_FREE char *file = evidence_log_file(d);
	AUTO_FREE char *path = agents_file(d->name, file);
	struct stat st;

	return fstatat(agents_dirfd(a), path, &st, 0) == 0 && st.st_size > 0;
}

int evidence_gather(const struct agents *a, const struct dispatch *d, struct agent_evidence *ret,
		    struct buf *question, struct err *e)
{
	int r = read_question(a, d, question, e);

	*ret = (struct agent_evidence){
		.life = evidence_life(d),
		.startable = *d->command != '\0',
		.spawned = *d->identity || d->pid != 0,
		.asked = question->n > 0,
		.reported = looks_like_a_report(a, d),
		.logged = has_log(a, d),
		.stopped = d->stopping,
	};
	if (r == 0 && d->runs > 0)
		read_end(a, d, ret);
	return r;
}
