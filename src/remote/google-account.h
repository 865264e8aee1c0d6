/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service account of Google's, as the file with its key tells it, and the access tokens that it
 * gets for it (RFC 7523: a token signed with the key is exchanged for one to be sent).
 *
 *	AUTO_GOOGLE_ACCOUNT struct google_account *account = NULL;
 *	google_account_read("/etc/larder/key.json", &account, e);
 *	google_account_token(account, client, &token, e);   for `Authorization: Bearer`; caller owns
 *	google_account_refused(account, token);             401: the next one is another
 *
 * A token is kept in this process until shortly before it expires, whoever asks for it next, by the
 * monotonic clock, so that a stepped clock neither prolongs nor ends it. The key stays in memory alone: it is in no log, no error and no
 * database, and what it was read from is wiped.
 *
 * Google refuses a signed token whose times are not about its own. When it does and its clock is
 * another than ours, the token is signed once more by its clock.
 *
 * The address tokens are got from must be https, or on this machine.
 *
 * Threads: any; two that need the first token at once each get one. Errors: ERR_USAGE
 * for a file that is none (the member is named), ERR_NOT_FOUND, ERR_IO; of the exchange ERR_DENIED
 * when the account is refused, ERR_BUSY, ERR_OFFLINE and ERR_REMOTE as may pass.
 */
#ifndef LARDER_REMOTE_GOOGLE_ACCOUNT_H
#define LARDER_REMOTE_GOOGLE_ACCOUNT_H

#include "net/http-client.h"

/* The file of an account is 2.4 KB. */
#define GOOGLE_ACCOUNT_MAX ((size_t)64 << 10)
/* What is sent as a header must fit one; Google's are under 2 KB. */
#define GOOGLE_TOKEN_MAX ((size_t)8 << 10)
/* Asked for, and the longest Google gives. */
#define GOOGLE_TOKEN_S 3600
/* So long before its end a token is not used any more: a request may wait in a queue. */
#define GOOGLE_TOKEN_EARLY_S 120
/* A difference of clocks below this is the network's. */
#define GOOGLE_SKEW_S 30

struct google_account;

int google_account_read(const char *path, struct google_account **ret_account, struct err *e);
/* The same from its text. */
int google_account_parse(struct bytes text, struct google_account **ret_account, struct err *e);
void google_account_free(struct google_account *account);
static inline void google_account_auto_(struct google_account **p)
{
	google_account_free(*p);
}
#define AUTO_GOOGLE_ACCOUNT AUTO(google_account_auto_)

/* Lent for the account's life. */
const char *google_account_email(const struct google_account *account);
const char *google_account_project(const struct google_account *account); /* NULL: not said */

int google_account_token(const struct google_account *account, struct http_client *client,
			 char **ret_token, struct err *e);
/* Forgets that token, if it still is the one that is kept. */
void google_account_refused(const struct google_account *account, const char *token);

#endif
