/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a backup's snapshot: whatever it says, no path of it leaves the hub. */
#include "hub/backup-list.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BACKUP_LIST struct backup_list list = { 0 };
	AUTO_BACKUP_LIST struct backup_list again = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	if (backup_list_parse(text, &list, &e) < 0)
		return 0;
	for (size_t i = 0; i < list.n; i++) {
		const char *path = list.v[i].path;

		assert(path[0] && path[0] != '/' && !strstr(path, "/../") && list.v[i].size >= 0);
		assert(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
	}
	backup_list_write(&list, &out);
	assert(backup_list_parse(out.p, &again, &e) == 0 && again.n == list.n);
	return 0;
}
