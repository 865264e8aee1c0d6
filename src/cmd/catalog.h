/* SPDX-License-Identifier: Apache-2.0 */
/* What `larder catalog` shows of what is here, when the hub is out of reach or was not to be asked. */
#ifndef LARDER_CMD_CATALOG_H
#define LARDER_CMD_CATALOG_H

#include "base/json.h"
#include "workspace/workspace.h"

/*
 * In the form of the hub's own answers, with "offline": true and "as_of", the time of the last pull.
 * `table` NULL: all tables that have each of the words in their names or columns; else that one with its
 * columns. The caller frees it.
 */
int catalog_offline(struct workspace *ws, const char *table, const struct strv *words,
		    struct json **ret_reply, struct err *e);

#endif
