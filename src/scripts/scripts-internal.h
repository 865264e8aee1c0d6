/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: scripts.c has the rows, run.c runs. */
#ifndef LARDER_SCRIPTS_SCRIPTS_INTERNAL_H
#define LARDER_SCRIPTS_SCRIPTS_INTERNAL_H

#include "scripts/scripts.h"

/* A script as its row has it. */
struct script {
	char *id, *name, *source;
	int64_t timeout_s;
	bool network;
	struct strv environment;
};
void script_release(struct script *s);
#define AUTO_SCRIPT AUTO(script_release)
int script_find(struct db *db, const char *id_or_name, struct script *ret_script, struct err *e);
/* Under the lease of `whose`. The caller owns the path. */
int script_folder_make(const struct root *root, const char *whose, char **ret_path, struct err *e);
int script_check_wish(const struct script_wish *wish, struct err *e);

#endif
