/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of the command table, one per file of this folder. */
#ifndef LARDER_CMD_COMMANDS_H
#define LARDER_CMD_COMMANDS_H

#include "cmd/cmd.h"

extern const struct command cmd_admin;
extern const struct command cmd_agent;
extern const struct command cmd_backup;
extern const struct command cmd_collect;
extern const struct command cmd_catalog;
extern const struct command cmd_completion;
extern const struct command cmd_config;
extern const struct command cmd_corporate_memory;
extern const struct command cmd_doctor;
extern const struct command cmd_help;
extern const struct command cmd_hub;
extern const struct command cmd_init;
extern const struct command cmd_jobs;
extern const struct command cmd_kb;
extern const struct command cmd_mcp;
extern const struct command cmd_metadata;
extern const struct command cmd_process;
extern const struct command cmd_publish;
extern const struct command cmd_pull;
extern const struct command cmd_push;
extern const struct command cmd_query;
extern const struct command cmd_refresh;
extern const struct command cmd_restore;
extern const struct command cmd_scheduler;
extern const struct command cmd_script;
extern const struct command cmd_serve;
extern const struct command cmd_sessions;
extern const struct command cmd_snapshot;
extern const struct command cmd_status;
extern const struct command cmd_verify;

#endif
