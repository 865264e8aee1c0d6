/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file-clone.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

static int copy(const struct file_clone *c, int from, const char *temporary, struct err *e)
{
	AUTO_FD int to = -1;
	struct stat st;

	to = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0 || fchmod(to, c->mode) < 0)
		return err_sys(e, "create '%s'", c->to);
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (fstat(from, &st) < 0)
		return err_sys(e, "look at '%s'", c->from);
	return file_copy_piece(&(struct file_piece){ .from = from, .to = to, .n = st.st_size },
			       c->to, e);
}

int file_clone(const struct file_clone *c, struct err *e)
{
	char suffix[RANDOM_TEXT_MAX];
	AUTO_FREE char *temporary = NULL;
	AUTO_FD int from = open(c->from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = 0;

	if (from < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "file '%s' does not exist", c->from);
	if (from < 0)
		return err_sys(e, "open '%s'", c->from);
	random_text(9, suffix);
	temporary = xasprintf("%s.tmp-%s", c->to, suffix);
	if (fault_step("create", c->to) < 0)
		return err_sys(e, "create '%s'", c->to);
	if (!c->may_link || link(c->from, temporary) < 0)
		r = copy(c, from, temporary, e);
	if (r == 0)
		r = file_rename(AT_FDCWD, temporary, AT_FDCWD, c->to, e);
	if (r < 0)
		(void)unlink(temporary); /* the first error is the one to tell */
	return r;
}
