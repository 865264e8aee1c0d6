/* SPDX-License-Identifier: Apache-2.0 */
/* A log that grew over its maximum keeps its two ends. */
#include "agents/run.h"

#include "base/file.h"

#include <fcntl.h>
#include <inttypes.h>

static int add_part(int fd, int64_t from, int64_t n, struct buf *out, struct err *e)
{
	char *room = buf_reserve(out, (size_t)n);
	ssize_t got = room ? pread(fd, room, (size_t)n, from) : 0;

	if (got < 0)
		return err_sys(e, "read a log");
	out->n += (size_t)got;
	return 0;
}

int run_trim_log(const struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_FREE char *file = evidence_log_file(d);
	AUTO_FREE char *path = agents_file(d->name, file);
	AUTO_FD int fd = openat(agents_dirfd(a), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int64_t half = d->log_max / 2;
	AUTO_BUF struct buf text = BUF_INIT((size_t)d->log_max + 1024);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= d->log_max)
		return 0; /* there is none, or it is as it should be */
	r = add_part(fd, 0, half, &text, e);
	buf_addf(&text, "\n[larder: %" PRId64 " bytes were left out here]\n",
		 (int64_t)st.st_size - 2 * half);
	if (r == 0)
		r = add_part(fd, st.st_size - half, half, &text, e);
	return r < 0 ? r : file_replace(agents_dirfd(a), path, buf_bytes(&text), 0600, e);
}
