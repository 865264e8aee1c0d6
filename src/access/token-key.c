/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: tokens that may do only what they name. */
#include "access/token.h"

#include "access/access-internal.h"
#include <arpa/inet.h>

static bool is_address(const char *text)
{
	struct in6_addr room;

	return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1;
}

static int add_permissions(const struct strv *wanted, struct buf *out, struct err *e)
{
	static const char *const known[] = { TOKEN_PERMISSIONS };

	for (size_t i = 0; i < wanted->n; i++) {
		bool fits = false;

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			fits = fits || str_eq(wanted->v[i], known[k]);
		if (!fits)
			return err_set(e, ERR_USAGE,
				       "permission '%.40s' is not one of sync.read, sync.write,"
				       " fleet.read, fleet.write",
				       wanted->v[i]);
		buf_addf(out, "%s%s", i ? "," : "", wanted->v[i]);
	}
	return 0;
}

int token_check_key(const struct token_wish *wish, struct buf *ret_permissions, struct buf *ret_ips,
		    struct err *e)
{
	int r;

	if (wish->permissions && wish->permissions->n == 0)
		return err_set(e, ERR_USAGE,
			       "an empty list of permissions allows nothing: leave it out for all "
			       "that the scope allows");
	r = wish->permissions ? add_permissions(wish->permissions, ret_permissions, e) : 0;

	if (r < 0)
		return r;
	if (wish->rate_per_minute < -1 || wish->rate_per_minute > TOKEN_RATE_MAX)
		return err_set(e, ERR_USAGE, "a rate is 0 to %d calls a minute", TOKEN_RATE_MAX);
	if (wish->allowed_ips && wish->allowed_ips->n > TOKEN_IPS_MAX)
		return err_set(e, ERR_USAGE, "%zu addresses, the limit is %d", wish->allowed_ips->n,
			       TOKEN_IPS_MAX);
	for (size_t i = 0; wish->allowed_ips && i < wish->allowed_ips->n; i++) {
		if (!is_address(wish->allowed_ips->v[i]))
			return err_set(e, ERR_USAGE, "'%.60s' is no address",
				       wish->allowed_ips->v[i]);
		buf_addf(ret_ips, "%s%s", i ? "," : "", wish->allowed_ips->v[i]);
	}
	return 0;
}
