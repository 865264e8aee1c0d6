/* SPDX-License-Identifier: Apache-2.0 */
/* How a pull is told to people, for the two commands that make one: pull and init. */
#ifndef LARDER_CMD_PULL_H
#define LARDER_CMD_PULL_H

#include "cmd/cmd.h"
#include "workspace/pull.h"

void pull_add_summary(const struct pull_report *report, struct buf *out);
void pull_warn_all(const struct pull_report *report); /* on stderr */

#endif
