/* SPDX-License-Identifier: Apache-2.0 */
/* `larder hub objects`, a sub-command of hub.c. */
#ifndef LARDER_CMD_HUB_OBJECTS_H
#define LARDER_CMD_HUB_OBJECTS_H

#include "cmd/cmd.h"

extern const struct command hub_objects;

#endif
