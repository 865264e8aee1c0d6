/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers behind the routes (routes.h says what a handler is), one file of api-*.c for each
 * block. What they take and answer is in docs/http-api.md.
 */
#ifndef LARDER_HUB_API_H
#define LARDER_HUB_API_H

#include "hub/cache.h"
#include "hub/routes.h"

/* api-health.c */
int api_health(struct request *q, struct err *e);
int api_live(struct request *q, struct err *e);
int api_ready(struct request *q, struct err *e);
int api_health_detailed(struct request *q, struct err *e);
/* api-metrics.c */
int api_metrics(struct request *q, struct err *e);

/* api-tokens.c */
int api_tokens_list(struct request *q, struct err *e);
int api_tokens_create(struct request *q, struct err *e);
int api_tokens_revoke(struct request *q, struct err *e);

/* api-access.c */
int api_users_list(struct request *q, struct err *e);
int api_users_add(struct request *q, struct err *e);
int api_users_remove(struct request *q, struct err *e);
int api_groups_list(struct request *q, struct err *e);
int api_groups_add(struct request *q, struct err *e);
int api_groups_remove(struct request *q, struct err *e);
int api_members_add(struct request *q, struct err *e);
int api_members_remove(struct request *q, struct err *e);

/* api-grants.c */
int api_grants_list(struct request *q, struct err *e);
int api_grants_add(struct request *q, struct err *e);
int api_grants_remove(struct request *q, struct err *e);

/* api-audit.c */
int api_audit(struct request *q, struct err *e);

/* api-pulls.c, api-welcome.c */
int api_pull_confirm(struct request *q, struct err *e);
int api_welcome(struct request *q, struct err *e);

/* api-memory.c */
int api_memory_list(struct request *q, struct err *e);
int api_memory_propose(struct request *q, struct err *e);
int api_memory_show(struct request *q, struct err *e);
int api_memory_pending(struct request *q, struct err *e);
int api_memory_stats(struct request *q, struct err *e);
int api_memory_step(struct request *q, struct err *e);
int api_memory_contradictions(struct request *q, struct err *e);
int api_memory_resolve_contradiction(struct request *q, struct err *e);
int api_memory_duplicates(struct request *q, struct err *e);
int api_memory_resolve_duplicate(struct request *q, struct err *e);

/* api-scheduler.c, api-jobs.c */
int api_scheduler_claim(struct request *q, struct err *e);
int api_scheduler_release(struct request *q, struct err *e);
int api_jobs_list(struct request *q, struct err *e);
int api_jobs_runs(struct request *q, struct err *e);

/* api-rules.c */
int api_bundle(struct request *q, struct err *e);
/* What api_bundle() would send, inside a read transaction: the manifest carries its ETag. */
int api_find_bundle(struct request *q, struct cached *c, struct err *e);
int api_rules_list(struct request *q, struct err *e);
int api_rules_get(struct request *q, struct err *e);
int api_rules_put(struct request *q, struct err *e);
int api_rules_remove(struct request *q, struct err *e);
/* api-manifest.c */
int api_manifest(struct request *q, struct err *e);
/* api-tables.c */
int api_catalog_tables(struct request *q, struct err *e);
int api_download(struct request *q, struct err *e);
int api_chunks(struct request *q, struct err *e);
int api_patch(struct request *q, struct err *e);
/* api-batch.c */
int api_batch(struct request *q, struct err *e);
int api_check_access(struct request *q, struct err *e);

/* api-refresh.c */
/* A statement in JSON, where a byte takes up to six. */
#define SOURCE_BODY_MAX ((size_t)512 << 10)
int api_source_get(struct request *q, struct err *e);
int api_source_put(struct request *q, struct err *e);
int api_source_remove(struct request *q, struct err *e);
int api_sources_list(struct request *q, struct err *e);
int api_sync_status(struct request *q, struct err *e);
int api_sync_trigger(struct request *q, struct err *e);

/* api-remote.c */
int api_place_get(struct request *q, struct err *e);
int api_place_put(struct request *q, struct err *e);
int api_place_remove(struct request *q, struct err *e);

/* api-scripts.c; a source in JSON, where a byte takes up to six. */
#define SCRIPT_BODY_MAX ((size_t)2 << 20)
int api_scripts_list(struct request *q, struct err *e);
int api_scripts_get(struct request *q, struct err *e);
int api_scripts_deploy(struct request *q, struct err *e);
int api_scripts_remove(struct request *q, struct err *e);
int api_scripts_run(struct request *q, struct err *e);
int api_scripts_run_source(struct request *q, struct err *e);
int api_scripts_run_due(struct request *q, struct err *e);

/* api-work.c */
int api_run_backup(struct request *q, struct err *e);
int api_run_collector(struct request *q, struct err *e);
int api_run_metadata(struct request *q, struct err *e);
int api_run_purge(struct request *q, struct err *e);
int api_run_reap(struct request *q, struct err *e);

/* api-catalog.c */
int api_catalog(struct request *q, struct err *e);
int api_schema(struct request *q, struct err *e);
int api_metadata_status(struct request *q, struct err *e);
int api_metadata_refresh(struct request *q, struct err *e);

/* api-query.c; in JSON a byte takes up to six. */
#define QUERY_SQL_MAX  ((size_t)1 << 20)
#define QUERY_BODY_MAX (6 * QUERY_SQL_MAX + 4096)
int api_query(struct request *q, struct err *e);
int api_sample(struct request *q, struct err *e);

/* api-scan.c */
int api_scan(struct request *q, struct err *e);
int api_scan_estimate(struct request *q, struct err *e);

/* api-registry.c */
int api_registry_list(struct request *q, struct err *e);
int api_registry_add(struct request *q, struct err *e);
int api_registry_get(struct request *q, struct err *e);
int api_registry_change(struct request *q, struct err *e);
int api_registry_remove(struct request *q, struct err *e);
int api_versions_list(struct request *q, struct err *e);
int api_version_get(struct request *q, struct err *e);
struct table;
/* The members of a table, into an open object. */
void api_add_table(struct json_out *o, const struct table *t);

/* api-objects.c */
int api_objects_get(struct request *q, struct err *e);
int api_objects_put(struct request *q, struct err *e);

/* api-versions.c; PUBLISH_PARTS_MAX parts with long paths. */
#define VERSIONS_BODY_MAX ((size_t)8 << 20)
int api_versions_add(struct request *q, struct err *e);

/* api-mcp.c */
int api_mcp(struct request *q, struct err *e);

/* api-process.c */
int api_run_processor(struct request *q, struct err *e);
int api_run_corporate_memory(struct request *q, struct err *e);

/* api-uploads.c; in JSON a byte takes up to six. */
#define LOCAL_MD_BODY_MAX (((size_t)6 << 20) + 4096)
int api_upload_session(struct request *q, struct err *e);
int api_upload_artifact(struct request *q, struct err *e);
int api_upload_local_md(struct request *q, struct err *e);

/* api-agents.c, api-fleet.c, api-fleet-events.c: what agents' keys use, behind the gate. */
int api_agent_sync(struct request *q, struct err *e);
int api_agent_context(struct request *q, struct err *e);
int api_agent_status(struct request *q, struct err *e);
int api_fleet_register(struct request *q, struct err *e);
int api_fleet_heartbeat(struct request *q, struct err *e);
int api_fleet_deregister(struct request *q, struct err *e);
int api_fleet_nodes(struct request *q, struct err *e);
int api_fleet_stats(struct request *q, struct err *e);
int api_fleet_assign(struct request *q, struct err *e);
int api_fleet_dispatch(struct request *q, struct err *e);
int api_fleet_next(struct request *q, struct err *e);
int api_fleet_ack(struct request *q, struct err *e);
int api_fleet_complete(struct request *q, struct err *e);
int api_fleet_events(struct request *q, struct err *e);
/* Who asks for tasks, from the query: agent_id, lease. */
struct fleet_claim;
int api_read_lease(struct request *q, struct fleet_claim *claim, struct err *e);

#endif
