/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/init.h"

#include "base/time.h"
#include "hub/hub.h"

/* Long enough for a year's routine, and it ends: no token is minted that outlives it. */
#define ADMIN_TOKEN_MS ((int64_t)365 * 24 * 3600 * 1000)

static int mint(struct db *db, const char *email, struct token_made *ret_made, struct err *e)
{
	const struct token_wish wish = {
		.email = email,
		.name = "admin",
		.scope = SCOPE_ADMIN,
		.expires_ms = time_now() + ADMIN_TOKEN_MS,
	};

	return token_mint(db, NULL, &wish, ret_made, e);
}

static int check_empty(struct db *db, const char *path, struct err *e)
{
	static const char sql_any[] = "SELECT EXISTS (SELECT 1 FROM user)";
	int64_t any = 0;
	int r = db_get_int(db, &any, 0, e, sql_any, "");

	if (r < 0 || !any)
		return r;
	(void)err_set(e, ERR_CONFLICT, "there is a hub in '%s' already", path);
	return err_hint(e, "larder hub token %s --user EMAIL makes a new token for an admin", path);
}

int hub_init(const char *path, const char *email, struct token_made *ret_made, struct err *e)
{
	AUTO_HUB struct hub *hub = NULL;
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct token_made made = { 0 };
	int r = hub_open(&(struct hub_options){ .path = path, .create = true }, &hub, e);

	if (r == 0)
		r = hub_write_begin(hub, &w, e);
	if (r == 0)
		r = check_empty(w.db, path, e);
	if (r == 0)
		r = user_add(w.db, NULL, email, NULL, e);
	if (r == 0)
		r = member_add(w.db, NULL, ACCESS_ADMIN_GROUP, email, e);
	if (r == 0)
		r = mint(w.db, email, &made, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r == 0)
		*ret_made = made;
	return r;
}

int hub_admin_token(const char *path, const char *email, struct token_made *ret_made, struct err *e)
{
	AUTO_HUB struct hub *hub = NULL;
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct token_made made = { 0 };
	int r = hub_open(&(struct hub_options){ .path = path }, &hub, e);

	if (r == 0)
		r = hub_write_begin(hub, &w, e);
	if (r == 0)
		r = mint(w.db, email, &made, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r == 0)
		*ret_made = made;
	return r;
}
