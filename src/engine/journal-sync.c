/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several files and folders made durable together. One after the other each fsync has the file
 * system write its log (ext4 does for every folder, whether that changed or not); asked for at
 * once they share one: ten in the time of two.
 */
#include "base/fault.h"
#include "base/file.h"
#include "engine/engine-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

struct sync_one {
	int fd;
	char *name;
	int error;
	bool started;
	pthread_t thread;
};

void sync_set_release(struct sync_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		(void)close(s->v[i].fd); /* what was written is synced, or an error was told */
		free(s->v[i].name);
	}
	free(s->v);
	*s = (struct sync_set){ 0 };
}

void sync_set_take(struct sync_set *s, int fd, const char *name)
{
	s->v = xgrow(s->v, &s->capacity, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct sync_one){ .fd = fd, .name = xstrdup(name) };
}

int sync_set_add(struct sync_set *s, int dirfd, const char *path, int flags, struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	sync_set_take(s, fd, path);
	return 0;
}

static void *sync_one(void *argument)
{
	struct sync_one *one = argument;

	one->error = fsync(one->fd) < 0 ? errno : 0;
	return NULL;
}

/* The last one is the caller's; where there are no threads to be had, so are the others. */
static void sync_together(struct sync_set *s)
{
	for (size_t i = 0; i + 1 < s->n; i++)
		s->v[i].started = pthread_create(&s->v[i].thread, NULL, sync_one, &s->v[i]) == 0;
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].started)
			(void)sync_one(&s->v[i]);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].started)
			pthread_join(s->v[i].thread, NULL);
}

int sync_set_run(struct sync_set *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (fault_step("fsync", s->v[i].name) < 0)
			return err_sys(e, "sync '%s'", s->v[i].name);
	sync_together(s);
	for (size_t i = 0; i < s->n; i++) {
		errno = s->v[i].error;
		if (errno != 0)
			return err_sys(e, "sync '%s'", s->v[i].name);
		fault_did_sync(s->v[i].fd);
	}
	return 0;
}
