/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times commands against each other, interleaved (A B C A B C ...), so that a machine that slows
 * down slows all of them.
 *
 *	interleave [-n RUNS] [-c] [-x] [-p PREPARE] NAME=COMMAND...
 *
 * PREPARE runs before each command, untimed, with NAME in its environment. -x splits a command at
 * blanks and executes it without a shell, for things as short as the shell itself. The command
 * lines are printed first, then a line for each: medians of wall and CPU seconds, the largest
 * resident set, the ratio of its wall time to the first command's (median over the rounds), least
 * and most. -c leaves out the round that warms the caches: for work that can be done once only.
 * A command that fails ends the run with exit 1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16
#define RUNS_MAX     101
#define WORDS_MAX    64

struct command {
	const char *name, *text;
	double wall[RUNS_MAX], cpu[RUNS_MAX];
	long rss;
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static _Noreturn void run_child(const char *text, int split)
{
	char *copy = strdup(text), *save = NULL;
	char *words[WORDS_MAX + 1];
	size_t n = 0;
	int null = open("/dev/null", O_WRONLY);

	if (null >= 0)
		(void)dup2(null, STDOUT_FILENO);
	if (!split)
		(void)execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	for (char *w = strtok_r(copy, " ", &save); w && n < WORDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	words[n] = NULL;
	(void)execvp(words[0], words);
	perror(words[0]);
	_exit(127);
}

static int run(struct command *c, int round, int split)
{
	struct rusage usage;
	double started = now();
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		run_child(c->text, split);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return -1;
	c->wall[round] = now() - started;
	c->cpu[round] = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	c->rss = usage.ru_maxrss > c->rss ? usage.ru_maxrss : c->rss;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "interleave: '%s' failed: %s\n", c->name, c->text);
		return -1;
	}
	return 0;
}

static int prepare(const char *text, const char *name)
{
	if (!text)
		return 0;
	(void)setenv("NAME", name, 1);
	return system(text) == 0 ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(const double *values, int n)
{
	double copy[RUNS_MAX];

	memcpy(copy, values, sizeof(*copy) * (size_t)n);
	qsort(copy, (size_t)n, sizeof(*copy), compare);
	return n % 2 ? copy[n / 2] : (copy[n / 2 - 1] + copy[n / 2]) / 2;
}

static double ratio(const struct command *c, const struct command *first, int n)
{
	double ratios[RUNS_MAX];

	for (int i = 0; i < n; i++)
		ratios[i] = c->wall[i] / first->wall[i];
	return middle(ratios, n);
}

static void report(struct command *commands, int count, int runs)
{
	(void)printf("  %-28s %9s %9s %8s %7s   %s\n", "", "wall s", "cpu s", "rss MB", "ratio",
		     "min - max");
	for (int i = 0; i < count; i++) {
		struct command *c = &commands[i];
		double sorted[RUNS_MAX];

		memcpy(sorted, c->wall, sizeof(*sorted) * (size_t)runs);
		qsort(sorted, (size_t)runs, sizeof(*sorted), compare);
		(void)printf("  %-28s %9.4f %9.4f %8.1f %7.2f   %.4f - %.4f\n", c->name,
			     middle(c->wall, runs), middle(c->cpu, runs), (double)c->rss / 1024,
			     ratio(c, &commands[0], runs), sorted[0], sorted[runs - 1]);
	}
}

/* Round -1 warms the caches; what it measured is overwritten by round 0. */
static int measure(struct command *commands, int count, int first, int runs, const char *before,
		   int split)
{
	for (int round = first; round < runs; round++) {
		for (int i = 0; i < count; i++) {
			if (prepare(before, commands[i].name) < 0 ||
			    run(&commands[i], round < 0 ? 0 : round, split) < 0)
				return -1;
		}
	}
	return 0;
}

static int read_commands(char **words, struct command *commands)
{
	int count = 0;

	for (; *words && count < COMMANDS_MAX; words++, count++) {
		char *equals = strchr(*words, '=');

		if (!equals)
			return -1;
		*equals = '\0';
		commands[count] = (struct command){ .name = *words, .text = equals + 1 };
		(void)printf("  $ %s\n", commands[count].text);
	}
	return count;
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	const char *before = NULL;
	int option, runs = 5, split = 0, first = -1, count;

	while ((option = getopt(argc, argv, "cn:p:x")) != -1) {
		if (option == 'n')
			runs = (int)strtol(optarg, NULL, 10);
		else if (option == 'p')
			before = optarg;
		else if (option == 'c')
			first = 0;
		else if (option == 'x')
			split = 1;
		else
			return 2;
	}
	count = read_commands(argv + optind, commands);
	if (count <= 0 || runs < 1 || runs > RUNS_MAX)
		return 2;
	(void)fflush(stdout);
	if (measure(commands, count, first, runs, before, split) < 0)
		return 1;
	report(commands, count, runs);
	return 0;
}
