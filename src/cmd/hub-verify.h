/* SPDX-License-Identifier: Apache-2.0 */
/* `larder hub verify`, a sub-command of hub.c. */
#ifndef LARDER_CMD_HUB_VERIFY_H
#define LARDER_CMD_HUB_VERIFY_H

#include "cmd/cmd.h"

extern const struct command hub_verify;

#endif
