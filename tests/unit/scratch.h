/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of a test's own, gone when the test ends: below $TMPDIR, else in memory where that is to
 * be had (what a kill leaves is the same there, and a sync costs nothing), else in /tmp.
 *
 *	AUTO_SCRATCH char *folder = scratch_new();
 *	AUTO_FREE char *path = xasprintf("%s/a", folder);
 *
 * scratch_write(), scratch_is() and scratch_exists() put a file there and look at one; paths are
 * relative to `folder`.
 */
#ifndef LARDER_TEST_SCRATCH_H
#define LARDER_TEST_SCRATCH_H

#include "base/file.h"
#include "test.h"

#include <fcntl.h>

static inline char *scratch_new(void)
{
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	const char *asked = getenv("TMPDIR");
	char *folder = xasprintf("%s/larder-test-XXXXXX", asked ? asked : memory);

	assert_non_null(mkdtemp(folder));
	return folder;
}

static inline void scratch_free(char **folder)
{
	struct err ignored = { 0 };

	if (*folder)
		(void)tree_remove(AT_FDCWD, *folder, &ignored); /* what stays is in $TMPDIR */
	free(*folder);
}
/* Some tests own a folder only for its end. */
#define AUTO_SCRATCH AUTO(scratch_free) __attribute__((unused))

static inline bool scratch_exists(const char *folder, const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", folder, path);
	struct stat st;

	return lstat(full, &st) == 0;
}

static inline bool scratch_is(const char *folder, const char *path, const char *text)
{
	AUTO_FREE char *full = xasprintf("%s/%s", folder, path);
	AUTO_BUF struct buf found = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	return file_read(AT_FDCWD, full, 1 << 20, &found, &e) == 0 &&
	       bytes_equal(buf_bytes(&found), bytes_of(text));
}

static inline void scratch_write(const char *folder, const char *path, const char *text)
{
	AUTO_FREE char *full = xasprintf("%s/%s", folder, path);
	struct err e = { 0 };

	assert_int_equal(file_replace(AT_FDCWD, full, bytes_of(text), 0644, &e), 0);
}

#endif
