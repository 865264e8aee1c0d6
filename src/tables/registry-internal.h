/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the hub's side of the tables share. */
#ifndef LARDER_TABLES_REGISTRY_INTERNAL_H
#define LARDER_TABLES_REGISTRY_INTERNAL_H

#include "tables/registry.h"

/* The ids of all tables granted to the user. For listing: computed once. */
#define GRANTED_TABLES(user)                                                                       \
	"(SELECT g.resource_id FROM member m JOIN resource_grant g ON g.group_id=m.group_id"       \
	" WHERE m.user_id=" user " AND g.resource_type='table')"

/*
 * What the user may see of a table: NULL nothing, '' all of it, else the limits of all grants as a
 * JSON list in the one form that equal limits have (rights.h). One grant without limits gives all.
 */
#define RIGHTS(user, table)                                                                        \
	"(SELECT CASE WHEN count(*)=0 THEN NULL WHEN count(*)>count(g.rights) THEN ''"             \
	" ELSE '[' || group_concat(DISTINCT g.rights ORDER BY g.rights) || ']' END"                \
	" FROM member m JOIN resource_grant g ON g.group_id=m.group_id WHERE m.user_id=" user      \
	" AND g.resource_type='table' AND g.resource_id=" table ")"

/* The same where who sees all is asked for too. */
#define RIGHTS_OR_ALL(all, user, table)                                                            \
	"(CASE WHEN " all "=1 THEN '' ELSE " RIGHTS(user, table) " END)"

/* What stands for version v to one with rights r.rights: itself, or the excerpt x, once made. */
#define JOIN_EXCERPT                                                                               \
	" LEFT JOIN excerpt x ON r.rights<>'' AND x.version_id=v.id AND x.rights=r.rights"
#define SEEN(column) "(CASE WHEN r.rights='' THEN v." column " ELSE x." column " END)"
/* Of a remote table there is no excerpt: to limited rights its metadata m says nothing of its contents. */
#define WHOLE(column) "CASE WHEN r.rights='' THEN m." column " END"

#endif
