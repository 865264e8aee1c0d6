/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands of `larder admin`, one file admin-*.c each. */
#ifndef LARDER_CMD_ADMIN_H
#define LARDER_CMD_ADMIN_H

#include "cmd/cmd.h"

extern const struct command admin_audit;
extern const struct command admin_grant;
extern const struct command admin_group;
extern const struct command admin_member;
extern const struct command admin_rule;
extern const struct command admin_script;
extern const struct command admin_table;
extern const struct command admin_table_remote; /* below admin_table */
extern const struct command admin_table_source; /* below admin_table */
extern const struct command admin_token;
extern const struct command admin_user;

#endif
