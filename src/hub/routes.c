/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/routes.h"

#include "hub/api.h"
#include "memory/items.h"

const struct route hub_routes[] = {
	{ "GET", "/api/health", NEEDS_NOTHING, 0, api_health },
	{ "GET", "/health/live", NEEDS_NOTHING, 0, api_live },
	{ "GET", "/health/ready", NEEDS_NOTHING, 0, api_health },

	{ "GET", "/auth/tokens", NEEDS_READ, 0, api_tokens_list },
	{ "POST", "/auth/tokens", NEEDS_READ, ROUTE_BODY_MAX, api_tokens_create },
	{ "DELETE", "/auth/tokens/{id}", NEEDS_READ, 0, api_tokens_revoke },

	{ "GET", "/api/admin/users", NEEDS_ADMIN, 0, api_users_list },
	{ "POST", "/api/admin/users", NEEDS_ADMIN, ROUTE_BODY_MAX, api_users_add },
	{ "DELETE", "/api/admin/users/{email}", NEEDS_ADMIN, 0, api_users_remove },
	{ "GET", "/api/admin/groups", NEEDS_ADMIN, 0, api_groups_list },
	{ "POST", "/api/admin/groups", NEEDS_ADMIN, ROUTE_BODY_MAX, api_groups_add },
	{ "DELETE", "/api/admin/groups/{id}", NEEDS_ADMIN, 0, api_groups_remove },
	{ "POST", "/api/admin/groups/{id}/members", NEEDS_ADMIN, ROUTE_BODY_MAX, api_members_add },
	{ "DELETE", "/api/admin/groups/{id}/members/{email}", NEEDS_ADMIN, 0, api_members_remove },
	{ "GET", "/api/admin/grants", NEEDS_ADMIN, 0, api_grants_list },
	{ "POST", "/api/admin/grants", NEEDS_ADMIN, ROUTE_BODY_MAX, api_grants_add },
	{ "DELETE", "/api/admin/grants/{id}", NEEDS_ADMIN, 0, api_grants_remove },
	{ "GET", "/api/memory/bundle", NEEDS_READ, 0, api_bundle },
	{ "GET", "/api/admin/rules", NEEDS_ADMIN, 0, api_rules_list },
	{ "POST", "/api/admin/rules", NEEDS_ADMIN, RULE_BODY_MAX, api_rules_put },
	{ "GET", "/api/admin/rules/{id}", NEEDS_ADMIN, 0, api_rules_get },
	{ "DELETE", "/api/admin/rules/{id}", NEEDS_ADMIN, 0, api_rules_remove },
	{ "GET", "/api/admin/audit", NEEDS_ADMIN, 0, api_audit },

	{ 0 },
};
