/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/routes.h"

#include "hub/api.h"
#include "memory/items.h"

const struct route hub_routes[] = {
	{ "GET", "/api/health", NEEDS_NOTHING, 0, api_health },
	{ "GET", "/health/live", NEEDS_NOTHING, 0, api_live },
	{ "GET", "/health/ready", NEEDS_NOTHING, 0, api_health },

	{ "GET", "/auth/tokens", NEEDS_TOKEN, 0, api_tokens_list },
	{ "POST", "/auth/tokens", NEEDS_TOKEN, ROUTE_BODY_MAX, api_tokens_create },
	{ "DELETE", "/auth/tokens/{id}", NEEDS_TOKEN, 0, api_tokens_revoke },

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
	{ "GET", "/api/welcome", NEEDS_TOKEN, 0, api_welcome },
	{ "POST", "/api/sync/pull-confirm", NEEDS_TOKEN, ROUTE_BODY_MAX, api_pull_confirm },
	{ "GET", "/api/memory/bundle", NEEDS_TOKEN, 0, api_bundle },
	{ "GET", "/api/admin/rules", NEEDS_ADMIN, 0, api_rules_list },
	{ "POST", "/api/admin/rules", NEEDS_ADMIN, RULE_BODY_MAX, api_rules_put },
	{ "GET", "/api/admin/rules/{id}", NEEDS_ADMIN, 0, api_rules_get },
	{ "DELETE", "/api/admin/rules/{id}", NEEDS_ADMIN, 0, api_rules_remove },
	{ "GET", "/api/sync/manifest", NEEDS_TOKEN, 0, api_manifest },
	{ "GET", "/api/catalog/tables", NEEDS_TOKEN, 0, api_catalog_tables },
	{ "GET", "/api/data/{table}/download", NEEDS_TOKEN, 0, api_download },
	{ "GET", "/api/data/{table}/chunks", NEEDS_TOKEN, 0, api_chunks },
	{ "GET", "/api/data/{table}/check-access", NEEDS_TOKEN, 0, api_check_access },

	{ "POST", "/api/upload/sessions", NEEDS_USER, 0, api_upload_session },
	{ "POST", "/api/upload/artifacts", NEEDS_USER, 0, api_upload_artifact },
	{ "POST", "/api/upload/local-md", NEEDS_USER, LOCAL_MD_BODY_MAX, api_upload_local_md },

	{ "GET", "/api/admin/registry", NEEDS_ADMIN, 0, api_registry_list },
	{ "POST", "/api/admin/registry", NEEDS_ADMIN, ROUTE_BODY_MAX, api_registry_add },
	{ "GET", "/api/admin/registry/{id}", NEEDS_ADMIN, 0, api_registry_get },
	{ "PATCH", "/api/admin/registry/{id}", NEEDS_ADMIN, ROUTE_BODY_MAX, api_registry_change },
	{ "DELETE", "/api/admin/registry/{id}", NEEDS_ADMIN, 0, api_registry_remove },
	{ "GET", "/api/admin/registry/{id}/versions", NEEDS_ADMIN, 0, api_versions_list },
	{ "POST", "/api/admin/registry/{id}/versions", NEEDS_ADMIN, VERSIONS_BODY_MAX,
	  api_versions_add },
	{ "GET", "/api/admin/objects/{sha256}", NEEDS_ADMIN, 0, api_objects_get },
	{ "PUT", "/api/admin/objects/{sha256}", NEEDS_ADMIN, 0, api_objects_put },
	{ "POST", "/api/admin/run-session-processor", NEEDS_ADMIN, 0, api_run_processor },
	{ "GET", "/api/admin/audit", NEEDS_ADMIN, 0, api_audit },

	{ 0 },
};
