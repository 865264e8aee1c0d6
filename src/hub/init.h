/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done at the hub's own machine, by who owns the data folder: making a hub, and a token for
 * an admin who has none (any more).
 *
 *	hub_init("hub", "admin@example.com", &made, e)      ERR_CONFLICT when there is one already
 *	hub_admin_token("hub", "admin@example.com", &made, e)     also while it serves
 *
 * Killed at any point, hub_init() can be called again and goes on.
 */
#ifndef LARDER_HUB_INIT_H
#define LARDER_HUB_INIT_H

#include "access/token.h"

int hub_init(const char *path, const char *email, struct token_made *ret_made, struct err *e);
int hub_admin_token(const char *path, const char *email, struct token_made *ret_made,
		    struct err *e);

#endif
