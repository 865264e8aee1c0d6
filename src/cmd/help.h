/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --help, `larder help` and the man pages print, all from the command table. NULL as the
 * command means the program itself.
 */
#ifndef LARDER_CMD_HELP_H
#define LARDER_CMD_HELP_H

#include "cmd/cmd.h"

int help_print(const struct command *command, struct err *e);
/* ERR_USAGE that names the nearest known word below `parent`; `word` NULL says which there are. */
int help_unknown(const struct command *parent, const char *word, struct err *e);
/* "admin user add" for an entry of the table, found by its address. Written into `out`. */
void help_full_name(const struct command *command, struct buf *out);
void help_man(const struct command *command, struct buf *out);

#endif
