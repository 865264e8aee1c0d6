/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A room: a folder that holds just the files that one child may see, as further links to objects of
 * the hub, under the names it will find them by.
 *
 *	<root>/.larder/rooms/<name>/...
 *
 *	AUTO_ROOM struct room *room = NULL;
 *	room_open(root, &room, e)                       an empty folder
 *	room_add(room, "3/2026/a.parquet", path, e)     `path` of an object, or of a staged file
 *	... a child confined to room_path(room) ...
 *	room_close(room)                                the folder is gone
 *
 * A child can be confined to its room before anybody knows what will be in it. Nothing here is
 * state: what a killed hub left is swept away by the next start (rooms_sweep()), and until then the
 * links hold nothing but disk space.
 *
 * Threads: any; a room belongs to one at a time. Errors: ERR_IO, ERR_NOT_FOUND when the object's file
 * is not there.
 */
#ifndef LARDER_TABLES_ROOM_H
#define LARDER_TABLES_ROOM_H

#include "engine/root.h"

#define ROOMS_FOLDER ROOT_FOLDER "/rooms"

struct room;

int room_open(const struct root *root, struct room **ret_room, struct err *e);
void room_close(struct room *room);
static inline void room_auto_(struct room **p)
{
	room_close(*p);
}
#define AUTO_ROOM AUTO(room_auto_)

const char *room_path(const struct room *room); /* absolute */
/* `name` may lie in folders, which are made. */
int room_add(struct room *room, const char *name, const char *file, struct err *e);
/* By the one who serves the root, before it opens the first. */
int rooms_sweep(const struct root *root, struct err *e);

#endif
