/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in for Google (tests/tools/bigquery-server.c) beside a test.
 *
 *	SITE("insert 1 status:503:backendError\n");     starts it with that plan; stops it at the end
 *	plan(&site, "");                                what goes wrong from now on
 *	asked(&site, "insert")                          how many requests of that kind there were
 */
#ifndef LARDER_TEST_BIGQUERY_FIXTURE_H
#define LARDER_TEST_BIGQUERY_FIXTURE_H

#include "base/json.h"
#include "scratch.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct site {
	char *folder, *url, *account;
	pid_t pid;
};

static inline void plan(const struct site *s, const char *text)
{
	scratch_write(s->folder, "plan", text);
}

static inline void site_data(const struct site *s, const char *json)
{
	scratch_write(s->folder, "data", json);
}

/* One for all sites of a program: making it takes longer than a test. */
static inline const char *site_key(void)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "/tmp/larder-test-key-%d", (int)getpid());
	return path;
}

static inline void site_key_remove(void)
{
	(void)unlink(site_key());
}

static inline void site_serve(const struct site *s, const char *key)
{
	const char *program = getenv("LARDER_BIGQUERY_SERVER");

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves by a jump */
	if (chdir(s->folder) == 0)
		(void)execl(program, program, "--account", "account.json", "--data", "data",
			    "--plan", "plan", "--log", "log", "--key", key, NULL);
	_exit(127);
}

static inline void site_start(struct site *s, const char *plan_text)
{
	const char *key = site_key();
	char port[20] = { 0 };
	int out[2];

	(void)atexit(site_key_remove);
	s->folder = scratch_new();
	s->account = xasprintf("%s/account.json", s->folder);
	plan(s, plan_text);
	site_data(s, "{\"location\":\"EU\"}");
	scratch_write(s->folder, "log", "");
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	s->pid = fork();
	if (s->pid == 0) {
		(void)dup2(out[1], 1);
		site_serve(s, key);
	}
	(void)close(out[1]);
	CHECK(read(out[0], port, sizeof(port) - 1) > 1);
	(void)close(out[0]);
	port[strcspn(port, "\n")] = '\0';
	s->url = xasprintf("http://127.0.0.1:%s", port);
	(void)setenv("LARDER_BIGQUERY_URL", s->url, 1);
	(void)unsetenv("LARDER_NOW");
}

static inline void site_stop(struct site *s)
{
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	scratch_free(&s->folder);
	free(s->url);
	free(s->account);
}
#define SITE(plan_text)                                                                            \
	AUTO(site_stop) struct site site = { 0 };                                                  \
	__attribute__((unused)) struct err e = { 0 };                                              \
	site_start(&site, plan_text)

static inline char *site_log(const struct site *s)
{
	AUTO_FREE char *path = xasprintf("%s/log", s->folder);
	struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	(void)file_read(AT_FDCWD, path, BUF_OWN_MAX, &text, &e);
	return buf_take(&text);
}

static inline int asked(const struct site *s, const char *what)
{
	AUTO_FREE char *log = site_log(s);
	AUTO_FREE char *mark = xasprintf("{\"what\":\"%s\"", what);
	int n = 0;

	for (const char *p = log; (p = strstr(p, mark)); p++)
		n++;
	return n;
}

static inline void nothing_was_wrong(const struct site *s)
{
	AUTO_FREE char *log = site_log(s);
	const char *p = strstr(log, "\"wrong\":\"");

	if (p)
		fail_msg("the stand-in refused: %.100s", p);
}

#endif
