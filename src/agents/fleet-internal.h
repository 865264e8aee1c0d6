/* SPDX-License-Identifier: Apache-2.0 */
/* Between fleet-nodes.c and fleet-tasks.c. */
#ifndef LARDER_AGENTS_FLEET_INTERNAL_H
#define LARDER_AGENTS_FLEET_INTERNAL_H

#include "agents/fleet.h"
#include "agents/inbox.h"

/* The text of a member, checked; NULL and 0 when it is absent and need not be there. */
struct fleet_field {
	const char *key;
	size_t max;
	bool required;
};
int fleet_text(const struct json *body, const struct fleet_field *field, const char **ret,
	       struct err *e);
/* A member as JSON text, "" when absent. */
int fleet_json(const struct json *body, const char *key, size_t max, struct buf *out,
	       struct err *e);
void fleet_add_raw(struct json_out *o, const char *key, const char *json, const char *otherwise);
/* ERR_NOT_FOUND for one that never registered. */
int fleet_find_node(struct db *db, const struct caller *by, const char *agent_id,
		    struct json_out *out, struct err *e);

#endif
