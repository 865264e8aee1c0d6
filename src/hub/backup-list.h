/* SPDX-License-Identifier: Apache-2.0 */
/* The list of files of a snapshot, read and written; for backup.c and restore.c. */
#ifndef LARDER_HUB_BACKUP_LIST_H
#define LARDER_HUB_BACKUP_LIST_H

#include "base/hash.h"
#include "base/str.h"

/* A million files with long paths. */
#define BACKUP_LIST_MAX ((size_t)1 << 30)

struct backup_file {
	char sha256[SHA256_HEX + 1];
	int64_t size, mtime_ns;
	uint64_t inode;
	char *path; /* below the hub's folder */
};
struct backup_list {
	struct backup_file *v; /* by path, once sorted */
	size_t n, capacity;
	char database[SHA256_HEX + 1]; /* of state.db; "" while not known */
};
void backup_list_release(struct backup_list *list);
#define AUTO_BACKUP_LIST AUTO(backup_list_release)

void backup_list_add(struct backup_list *list, const struct backup_file *file); /* copied */
void backup_list_sort(struct backup_list *list);
const struct backup_file *backup_list_find(const struct backup_list *list, const char *path);

int backup_list_read(const char *path, struct backup_list *ret_list, struct err *e);
/* The same from a text, which is written to on the way. */
int backup_list_parse(char *text, struct backup_list *ret_list, struct err *e);
void backup_list_write(const struct backup_list *list, struct buf *out);

/* Names of snapshots in the folder, the oldest first. */
int backup_snapshots(const char *folder, struct strv *ret_names, struct err *e);
/* "<folder>/store/ab/<sha256>"; the caller owns it. */
char *backup_store_path(const char *folder, const char *sha256);

#endif
