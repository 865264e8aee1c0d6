/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where is the hub, and who are we there? Tokens lie by server in <config>/credentials.yaml (mode
 * 0600), the user's default server in <config>/config.yaml; <config> is LARDER_CONFIG_DIR, else
 * $XDG_CONFIG_HOME/larder, else ~/.config/larder.
 *
 *	server   flag, LARDER_SERVER, the workspace's config.yaml, the user's config.yaml
 *	token    flag, LARDER_TOKEN, credentials.yaml for that server
 *
 * The environment beats the file: a stale file must not shadow a token that was just given (a fault
 * of earlier clients). Nothing is written by reading. Threads: no state. Errors: ERR_NOT_FOUND with
 * a hint when nothing names a server, ERR_AUTH with a hint when no token is known for it.
 */
#ifndef LARDER_WORKSPACE_CREDENTIALS_H
#define LARDER_WORKSPACE_CREDENTIALS_H

#include "base/str.h"

struct credentials {
	char *server; /* normalised: no trailing slash */
	char *token;
};
void credentials_release(struct credentials *c);
#define AUTO_CREDENTIALS AUTO(credentials_release)

struct credentials_hints {
	const char *server; /* flags; NULL when not given */
	const char *token;
	const char *workspace_server; /* from the workspace's configuration; NULL outside one */
};
int credentials_find(const struct credentials_hints *hints, struct credentials *ret_credentials,
		     struct err *e);

/* Remembers the token for the server; and as the user's default server when there was none. */
int credentials_save(const char *server, const char *token, struct err *e);

#endif
