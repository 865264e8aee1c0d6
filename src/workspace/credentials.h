/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where is the hub, and who are we there? Tokens lie in <config>/credentials.yaml (mode 0600), the
 * user's default server in <config>/config.yaml; <config> is LARDER_CONFIG_DIR, else
 * $XDG_CONFIG_HOME/larder, else ~/.config/larder.
 *
 *	server   flag, LARDER_SERVER, the workspace's config.yaml, the user's config.yaml
 *	token    flag, LARDER_TOKEN, credentials.yaml for that server and account
 *
 * The environment beats the file: a stale file must not shadow a token that was just given (a fault
 * of earlier clients). An account is who the hub says a token belongs to (an email); a workspace
 * remembers its own, so that two users' workspaces on one machine do not pull with one another's
 * rights. Outside a workspace the account is not known, and the only token of a server is taken.
 *
 * Nothing is written by reading. Saving holds a lock on the folder, so that two at once lose
 * nothing. Threads: no state. Errors: ERR_NOT_FOUND with a hint when nothing names a server,
 * ERR_AUTH with a hint when no token is known for it, or more than one could be meant.
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
	const char *account;          /* likewise */
};
/* Only the server, normalised; the caller owns it. */
int credentials_server(const struct credentials_hints *hints, char **ret_server, struct err *e);
int credentials_find(const struct credentials_hints *hints, struct credentials *ret_credentials,
		     struct err *e);

/* Remembers the token of `account` (one word) at the server; the server becomes the user's default
 * when there was none. */
int credentials_save(const struct credentials *c, const char *account, struct err *e);

/* Where the tokens are, whether or not the file is there; the caller owns it. */
char *credentials_path(void);
/* The file with the tokens: 1 when others than its owner may read it, 0 when not or absent. */
int credentials_exposed(char **ret_path, struct err *e);

#endif
