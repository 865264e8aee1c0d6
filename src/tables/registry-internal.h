/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the hub's side of the tables share. */
#ifndef LARDER_TABLES_REGISTRY_INTERNAL_H
#define LARDER_TABLES_REGISTRY_INTERNAL_H

#include "tables/registry.h"

/* Is the one table t granted to the user? For looking up one: two index searches. */
#define GRANTED_TABLE(user)                                                                        \
	"EXISTS(SELECT 1 FROM member m JOIN resource_grant g ON g.group_id=m.group_id"             \
	" WHERE m.user_id=" user " AND g.resource_type='table' AND g.resource_id=t.id)"

/* The ids of all tables granted to the user. For listing: computed once. */
#define GRANTED_TABLES(user)                                                                       \
	"(SELECT g.resource_id FROM member m JOIN resource_grant g ON g.group_id=m.group_id"       \
	" WHERE m.user_id=" user " AND g.resource_type='table')"

#endif
