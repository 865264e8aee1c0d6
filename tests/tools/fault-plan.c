/* SPDX-License-Identifier: Apache-2.0 */
#include "fault-plan.h"

#include "base/file.h"
#include <fcntl.h>
#include <pthread.h>

#define PLAN_MAX ((size_t)1 << 20)

struct use {
	char *line;
	int64_t times;
};

struct fault_plan {
	char *path;
	pthread_mutex_t lock;
	struct use *uses; /* by the line's text: a plan that is rewritten keeps its counts */
	size_t n_uses, uses_capacity;
};

struct fault_plan *fault_plan_new(const char *path)
{
	struct fault_plan *plan = xcalloc(1, sizeof(*plan));

	plan->path = xstrdup(path);
	(void)pthread_mutex_init(&plan->lock, NULL);
	return plan;
}

static void die_of(const char *line)
{
	fprintf(stderr, "faulty-server: plan line not understood: '%s'\n", line);
	exit(2);
}

static enum fault_kind kind_of(const char *word, size_t n)
{
	static const struct {
		const char *name;
		enum fault_kind kind;
	} names[] = {
		{ "reset", FAULT_RESET },     { "short", FAULT_SHORT },
		{ "stall", FAULT_STALL },     { "slow", FAULT_SLOW },
		{ "long", FAULT_LONG },       { "flip", FAULT_FLIP },
		{ "norange", FAULT_NORANGE }, { "etag", FAULT_ETAG },
		{ "status", FAULT_STATUS },   { "redirect", FAULT_REDIRECT },
		{ "refuse", FAULT_REFUSE },   { "hang", FAULT_HANG },
		{ "garbage", FAULT_GARBAGE }, { "shift", FAULT_SHIFT },
		{ "body", FAULT_BODY },       { "late", FAULT_LATE },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i].name) == n && memcmp(names[i].name, word, n) == 0)
			return names[i].kind;
	return FAULT_NONE;
}

static struct fault parse_fault(const char *word, const char *line)
{
	size_t n = strcspn(word, ":");
	struct fault f = { .kind = kind_of(word, n) };
	char *end = NULL;

	if (f.kind == FAULT_NONE)
		die_of(line);
	if (word[n] == ':')
		(void)snprintf(f.text, sizeof(f.text), "%s", word + n + 1);
	f.amount = strtoll(f.text, &end, 10);
	f.percent = *end == '%';
	if (*end == ':' && f.kind != FAULT_BODY) /* CODE:S */
		memmove(f.text, end + 1, strlen(end));
	else if (f.kind == FAULT_STATUS)
		f.text[0] = '\0';
	return f;
}

static bool path_fits(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);

	if (n > 0 && pattern[n - 1] == '*')
		return strncmp(pattern, path, n - 1) == 0;
	return str_eq(pattern, path);
}

/* Counts one use of the line, if it has one left. */
static bool use_line(struct fault_plan *plan, const char *line, const char *times)
{
	int64_t most = times ? strtoll(times, NULL, 10) : INT64_MAX;
	struct use *use = NULL;

	for (size_t i = 0; i < plan->n_uses && !use; i++)
		if (str_eq(plan->uses[i].line, line))
			use = &plan->uses[i];
	if (!use) {
		plan->uses = xgrow(plan->uses, &plan->uses_capacity, plan->n_uses + 1,
				   sizeof(*plan->uses));
		use = &plan->uses[plan->n_uses++];
		*use = (struct use){ .line = xstrdup(line) };
	}
	return use->times < most && ++use->times;
}

static bool line_applies(struct fault_plan *plan, const char *line, const char *path,
			 struct fault *ret_fault)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, line, ' ');
	if (words.n < 2 || line[0] == '#' || !path_fits(words.v[0], path))
		return false;
	*ret_fault = parse_fault(words.v[1], line);
	return use_line(plan, line, strv_at(&words, 2));
}

struct fault fault_plan_next(struct fault_plan *plan, const char *path)
{
	AUTO_BUF struct buf text = BUF_INIT(PLAN_MAX);
	AUTO_STRV struct strv lines = STRV_INIT;
	struct fault f = { .kind = FAULT_NONE };
	struct err e = { 0 };
	bool found = false;

	if (file_read(AT_FDCWD, plan->path, PLAN_MAX, &text, &e) < 0)
		return f;
	strv_split(&lines, buf_str(&text), '\n');
	(void)pthread_mutex_lock(&plan->lock);
	for (size_t i = 0; i < lines.n && !found; i++)
		found = line_applies(plan, lines.v[i], path, &f);
	(void)pthread_mutex_unlock(&plan->lock);
	return found ? f : (struct fault){ .kind = FAULT_NONE };
}

int64_t fault_bytes(const struct fault *f, int64_t length)
{
	int64_t n = f->percent ? length * f->amount / 100 : f->amount;

	return n < length ? n : length;
}
