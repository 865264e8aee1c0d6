/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/room.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct room {
	int dirfd;  /* of the root: lent */
	char *name; /* below the root */
	char *path;
};

/* As mkdir -p, but not synced: nobody looks for it after a crash. */
static int make_folders(int dirfd, const char *path, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dirfd, copy, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make folder '%s'", copy);
		*slash = '/';
	}
	return 0;
}

int room_open(const struct root *root, struct room **ret_room, struct err *e)
{
	AUTO_ROOM struct room *room = xcalloc(1, sizeof(*room));
	char unique[RANDOM_TEXT_MAX];

	random_text(12, unique);
	room->dirfd = root_dirfd(root);
	room->name = xasprintf(ROOMS_FOLDER "/r%s", unique);
	room->path = xasprintf("%s/%s", root_path(root), room->name);
	if (make_folders(room->dirfd, room->name, e) < 0)
		return e->code;
	if (mkdirat(room->dirfd, room->name, 0700) < 0)
		return err_sys(e, "make folder '%s'", room->name);
	*ret_room = TAKE(room);
	return 0;
}

void room_close(struct room *room)
{
	struct err ignored = { 0 };

	if (!room)
		return;
	if (room->name) /* what cannot be removed now is swept away at the next start */
		(void)tree_remove(room->dirfd, room->name, &ignored);
	free(room->name);
	free(room->path);
	free(room);
}

const char *room_path(const struct room *room)
{
	return room->path;
}

int room_add(struct room *room, const char *name, const char *file, struct err *e)
{
	AUTO_FREE char *target = xasprintf("%s/%s", room->name, name);
	int failed;

	if (make_folders(room->dirfd, target, e) < 0)
		return e->code;
	if (linkat(AT_FDCWD, file, room->dirfd, target, 0) == 0)
		return 0;
	failed = errno;
	if (failed == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "link '%s': it is not there", file);
	(void)err_sys(e, "link '%s'", file);
	return failed == EXDEV ? err_hint(e, "the hub's folder must be on one file system")
			       : e->code;
}

int rooms_sweep(const struct root *root, struct err *e)
{
	return tree_remove(root_dirfd(root), ROOMS_FOLDER, e);
}
