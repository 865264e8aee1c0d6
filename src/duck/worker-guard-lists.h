/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard (worker-guard.c) knows by name. Names of functions and catalogs: capitals aside. */
#ifndef LARDER_DUCK_WORKER_GUARD_LISTS_H
#define LARDER_DUCK_WORKER_GUARD_LISTS_H

#include <stdbool.h>

bool guard_is_table_function(const char *name); /* one that reads nothing but its arguments */
bool guard_is_denied_function(const char *name);
/* Not the same for the same arguments each time, or of who asks: nothing to filter by. */
bool guard_is_unsteady(const char *name);
bool guard_is_system(const char *catalog, const char *schema, const char *name);
bool guard_is_known_node(const char *type); /* exactly */

#endif
