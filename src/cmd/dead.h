/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub would not take, listed for `push --dead` of workspaces and of agents.
 *
 *	return cmd_list_dead(db, args.json, add_name, e);
 */
#ifndef LARDER_CMD_DEAD_H
#define LARDER_CMD_DEAD_H

#include "base/json.h"
#include "engine/outbox.h"

/* The members by which who asks knows the thing, into an open object. */
typedef void (*dead_name_fn)(struct json_out *o, const struct outbox_item *item);

int cmd_list_dead(struct db *db, bool as_json, dead_name_fn add_name, struct err *e);

#endif
