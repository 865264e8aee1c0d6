/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/routes.h"

#include "agents/fleet.h"
#include "agents/inbox.h"
#include "clock/wire.h"
#include "hub/api.h"
#include "memory/items.h"
#include "tables/batch.h"

/* Of a key: access/token.h. */
#define READ_SYNC   "sync.read"
#define WRITE_SYNC  "sync.write"
#define READ_FLEET  "fleet.read"
#define WRITE_FLEET "fleet.write"

const struct route hub_routes[] = {
	{ "GET", "/api/health", NEEDS_NOTHING, 0, api_health },
	{ "GET", "/health/live", NEEDS_NOTHING, 0, api_live },
	{ "GET", "/health/ready", NEEDS_NOTHING, 0, api_ready },
	{ "GET", "/api/health/detailed", NEEDS_TOKEN, 0, api_health_detailed },
	{ "GET", "/metrics", NEEDS_ADMIN, 0, api_metrics },

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
	{ "GET", "/api/memory", NEEDS_TOKEN, 0, api_memory_list },
	{ "POST", "/api/memory", NEEDS_USER, RULE_BODY_MAX, api_memory_propose },
	{ "GET", "/api/memory/{id}", NEEDS_TOKEN, 0, api_memory_show },
	{ "GET", "/api/memory/admin/pending", NEEDS_ADMIN, 0, api_memory_pending },
	{ "GET", "/api/memory/admin/stats", NEEDS_ADMIN, 0, api_memory_stats },
	{ "GET", "/api/memory/admin/contradictions", NEEDS_ADMIN, 0, api_memory_contradictions },
	{ "POST", "/api/memory/admin/contradictions/{a}/{b}", NEEDS_ADMIN, ROUTE_BODY_MAX,
	  api_memory_resolve_contradiction },
	{ "GET", "/api/memory/admin/duplicate-candidates", NEEDS_ADMIN, 0, api_memory_duplicates },
	{ "POST", "/api/memory/admin/duplicate-candidates/{a}/{b}", NEEDS_ADMIN, ROUTE_BODY_MAX,
	  api_memory_resolve_duplicate },
	{ "POST", "/api/memory/admin/{step}", NEEDS_ADMIN, RULE_BODY_MAX, api_memory_step, true },
	{ "GET", "/api/admin/rules", NEEDS_ADMIN, 0, api_rules_list },
	{ "POST", "/api/admin/rules", NEEDS_ADMIN, RULE_BODY_MAX, api_rules_put },
	{ "GET", "/api/admin/rules/{id}", NEEDS_ADMIN, 0, api_rules_get },
	{ "DELETE", "/api/admin/rules/{id}", NEEDS_ADMIN, 0, api_rules_remove },
	{ "GET", "/api/sync/manifest", NEEDS_TOKEN, 0, api_manifest },
	{ "GET", "/api/catalog/tables", NEEDS_TOKEN, 0, api_catalog_tables },
	{ "GET", "/api/data/{table}/download", NEEDS_TOKEN, 0, api_download },
	{ "GET", "/api/data/{table}/chunks", NEEDS_TOKEN, 0, api_chunks },
	{ "POST", "/api/data/batch", NEEDS_TOKEN, BATCH_BODY_MAX, api_batch },
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
	{ "GET", "/api/admin/registry/{id}/source", NEEDS_ADMIN, 0, api_source_get },
	{ "PUT", "/api/admin/registry/{id}/source", NEEDS_ADMIN, SOURCE_BODY_MAX, api_source_put },
	{ "DELETE", "/api/admin/registry/{id}/source", NEEDS_ADMIN, 0, api_source_remove },
	{ "GET", "/api/admin/sources", NEEDS_ADMIN, 0, api_sources_list },
	{ "GET", "/api/sync/status", NEEDS_NOTHING, 0, api_sync_status },
	{ "POST", "/api/sync/trigger", NEEDS_ADMIN, ROUTE_BODY_MAX, api_sync_trigger,
	  .any_json = true },
	{ "GET", "/api/admin/objects/{sha256}", NEEDS_ADMIN, 0, api_objects_get },
	{ "PUT", "/api/admin/objects/{sha256}", NEEDS_ADMIN, 0, api_objects_put },
	{ "POST", "/api/admin/run-corporate-memory", NEEDS_ADMIN, 0, api_run_corporate_memory },
	{ "POST", "/api/admin/run-session-processor", NEEDS_ADMIN, 0, api_run_processor },
	{ "POST", "/api/scheduler/claim", NEEDS_ADMIN, CLOCK_CLAIM_MAX, api_scheduler_claim },
	{ "POST", "/api/scheduler/release", NEEDS_ADMIN, ROUTE_BODY_MAX, api_scheduler_release },
	{ "GET", "/api/admin/jobs", NEEDS_ADMIN, 0, api_jobs_list },
	{ "GET", "/api/admin/jobs/{name}/runs", NEEDS_ADMIN, 0, api_jobs_runs },
	{ "GET", "/api/admin/audit", NEEDS_ADMIN, 0, api_audit },

	{ "POST", "/v1/agent/sync", NEEDS_USER, INBOX_BODY_MAX, api_agent_sync,
	  .permission = WRITE_SYNC },
	{ "POST", "/v1/agent/sync/push", NEEDS_USER, INBOX_BODY_MAX, api_agent_sync,
	  .permission = WRITE_SYNC },
	{ "GET", "/v1/agent/sync/pull", NEEDS_TOKEN, 0, api_agent_context,
	  .permission = READ_SYNC },
	{ "GET", "/v1/agent/context", NEEDS_TOKEN, 0, api_agent_context, .permission = READ_SYNC },
	{ "GET", "/v1/agent/status", NEEDS_TOKEN, 0, api_agent_status, .permission = READ_SYNC },
	{ "POST", "/v1/fleet/register", NEEDS_USER, FLEET_BODY_MAX, api_fleet_register,
	  .permission = WRITE_FLEET },
	{ "POST", "/v1/fleet/heartbeat", NEEDS_USER, FLEET_BODY_MAX, api_fleet_heartbeat,
	  .permission = WRITE_FLEET },
	{ "POST", "/v1/fleet/deregister", NEEDS_USER, FLEET_BODY_MAX, api_fleet_deregister,
	  .permission = WRITE_FLEET },
	{ "GET", "/v1/fleet/nodes", NEEDS_TOKEN, 0, api_fleet_nodes, .permission = READ_FLEET },
	{ "GET", "/v1/fleet/stats", NEEDS_TOKEN, 0, api_fleet_stats, .permission = READ_FLEET },
	{ "POST", "/v1/fleet/dispatch", NEEDS_USER, FLEET_BODY_MAX, api_fleet_dispatch,
	  .permission = WRITE_FLEET },
	{ "POST", "/v1/fleet/task/assign", NEEDS_USER, FLEET_BODY_MAX, api_fleet_assign,
	  .permission = WRITE_FLEET },
	{ "GET", "/v1/fleet/task/next", NEEDS_TOKEN, 0, api_fleet_next, .permission = READ_FLEET },
	{ "POST", "/v1/fleet/task/ack", NEEDS_USER, FLEET_BODY_MAX, api_fleet_ack,
	  .permission = WRITE_FLEET },
	{ "POST", "/v1/fleet/task/complete", NEEDS_USER, FLEET_BODY_MAX, api_fleet_complete,
	  .permission = WRITE_FLEET },
	{ "GET", "/v1/fleet/events", NEEDS_TOKEN, 0, api_fleet_events, .permission = READ_FLEET },
	{ "GET", "/v1/fleet/stream", NEEDS_TOKEN, 0, api_fleet_events, .permission = READ_FLEET },

	{ 0 },
};
