/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/settings.h"

#include "base/file.h"
#include "base/yaml.h"
#include "clock/jobs.h"
#include "hub/backup.h"
#include "hub/hub.h"
#include "hub/query-pool.h"
#include "net/url.h"
#include "sessions/external.h"
#include "tables/manifest.h"
#include <fcntl.h>

#define GIB    ((int64_t)1 << 30)
#define DAY    ((int64_t)24 * 3600)
#define FIELDS 25

static const struct hub_settings defaults = {
	.upload_max = 64 * GIB,
	.connections = 4096,
	.threads = 4,
	.convert_memory = GIB,
	.queries = 4,
	.query_memory = GIB,
	.query_bytes = GIB / 16,
	.query_s = 60,
	.remote_scan = 5 * GIB,
	.remote_daily = 50 * GIB,
	.remote_at_once = 5,
	.metadata_s = DAY / 6,
	.versions_keep_s = 7 * DAY,
	.runs_keep_s = 90 * DAY,
	.agents_keep_s = 365 * DAY,
	.purge_s = 30 * DAY, /* as the system before this one, like the next */
	.reap_s = 1800,
	.processors = YAML_MAPS_INIT(&external_map),
	.jobs = YAML_MAPS_INIT(&clock_job_map),
	.backup_keep = BACKUP_KEEP,
};

void hub_settings_release(struct hub_settings *settings)
{
	yaml_maps_release(&settings->processors);
	yaml_maps_release(&settings->jobs);
	free(settings->mirror);
	free(settings->backup_folder);
	strv_release(&settings->collector_users);
	strv_release(&settings->refresh_folders);
}

static void list_fields(struct hub_settings *s, struct yaml_field out[FIELDS])
{
	const struct yaml_field fields[FIELDS] = {
		{ "limits.upload_max", YAML_SIZE, &s->upload_max, 1, 1024 * GIB,
		  "LARDER_HUB_UPLOAD_MAX", "largest single file that may be published" },
		{ "limits.connections", YAML_INT, &s->connections, 16, 65536,
		  "LARDER_HUB_CONNECTIONS", "connections at once" },
		{ "limits.threads", YAML_INT, &s->threads, 1, HTTP_THREADS_MAX,
		  "LARDER_HUB_THREADS", "threads that answer requests" },
		{ "limits.convert_memory", YAML_SIZE, &s->convert_memory, GIB / 16, 1024 * GIB,
		  "LARDER_HUB_CONVERT_MEMORY", "memory of a child that converts an upload" },
		{ "limits.queries", YAML_INT, &s->queries, 1, QUERIES_MAX, "LARDER_HUB_QUERIES",
		  "queries of people at once" },
		{ "limits.query_memory", YAML_SIZE, &s->query_memory, GIB / 16, 1024 * GIB,
		  "LARDER_HUB_QUERY_MEMORY", "memory of one query" },
		{ "limits.query_seconds", YAML_DURATION, &s->query_s, 1, 3600,
		  "LARDER_HUB_QUERY_SECONDS", "time of one query" },
		{ "limits.query_bytes", YAML_SIZE, &s->query_bytes, 1024, GIB,
		  "LARDER_HUB_QUERY_BYTES", "rows of one answer" },
		{ "limits.remote_scan", YAML_SIZE, &s->remote_scan, 0, INT64_MAX,
		  "LARDER_HUB_REMOTE_SCAN", "bytes of remote tables one statement may read" },
		{ "limits.remote_daily", YAML_SIZE, &s->remote_daily, 0, INT64_MAX,
		  "LARDER_HUB_REMOTE_DAILY", "bytes of remote tables of one user in a day" },
		{ "limits.remote_queries", YAML_INT, &s->remote_at_once, 1, 1000,
		  "LARDER_HUB_REMOTE_QUERIES",
		  "statements over remote tables of one user at once" },
		{ "metadata.refresh", YAML_DURATION, &s->metadata_s, 60, 30 * DAY,
		  "LARDER_HUB_METADATA_REFRESH", "how often remote tables are looked at" },
		{ "retention.versions_keep", YAML_DURATION, &s->versions_keep_s, 60, 3650 * DAY,
		  "LARDER_HUB_VERSIONS_KEEP", "how long a replaced version can be fetched" },
		{ "retention.runs_keep", YAML_DURATION, &s->runs_keep_s, 3600, 3650 * DAY,
		  "LARDER_HUB_RUNS_KEEP", "how long the runs of jobs are remembered" },
		{ "retention.agents_keep", YAML_DURATION, &s->agents_keep_s, 3600, 3650 * DAY,
		  "LARDER_HUB_AGENTS_KEEP", "how long records and done tasks of agents are kept" },
		{ "retention.purge_after", YAML_DURATION, &s->purge_s, 0, 3650 * DAY,
		  "LARDER_HUB_PURGE_AFTER",
		  "how long what nobody comes back for is kept, 0s for ever" },
		{ "retention.reap_after", YAML_DURATION, &s->reap_s, 0, 3650 * DAY,
		  "LARDER_HUB_REAP_AFTER", "how long what says that it runs may not, 0s for ever" },
		{ "downloads.mirror", YAML_TEXT, &s->mirror, 0, 0, "LARDER_HUB_MIRROR",
		  "address where objects can be had as well" },
		{ "jobs", YAML_LIST_OF_MAPS, &s->jobs, 0, 0, NULL, "jobs of the scheduler" },
		{ "processors", YAML_LIST_OF_MAPS, &s->processors, 0, 0, NULL,
		  "programs that process sessions" },
		{ "backup.folder", YAML_TEXT, &s->backup_folder, 0, 0, "LARDER_HUB_BACKUP",
		  "where POST /api/admin/run-backup puts snapshots" },
		{ "backup.keep", YAML_INT, &s->backup_keep, 0, 100000, "LARDER_HUB_BACKUP_KEEP",
		  "snapshots to keep, 0 for all" },
		{ "refresh.folders", YAML_LIST, &s->refresh_folders, 0, 0, NULL,
		  "folders of the files that sources may name" },
		{ "collector.users", YAML_MAP_OF_TEXT, &s->collector_users, 0, 0, NULL,
		  "accounts of this machine and their users" },
		{ 0 },
	};

	memcpy(out, fields, sizeof(fields));
}

static int check_folders(const struct strv *folders, const char *path, struct err *e)
{
	for (size_t i = 0; i < folders->n; i++)
		if (folders->v[i][0] != '/')
			return err_set(e, ERR_USAGE,
				       "%s: refresh.folders: '%s' is no absolute path", path,
				       folders->v[i]);
	return 0;
}

static int check_mirror(char **mirror, const char *path, struct err *e)
{
	AUTO_FREE char *given = TAKE(*mirror);
	int r;

	if (!given || !*given)
		return 0;
	if (strlen(given) > MANIFEST_MIRROR_MAX)
		r = err_set(e, ERR_USAGE, "the address is over %d bytes", MANIFEST_MIRROR_MAX);
	else
		r = url_normalise_server(given, mirror, e);
	return r < 0 ? err_in(e, "%s: downloads.mirror", path) : 0;
}

static int read_settings(int dirfd, const char *path, bool must_exist,
			 struct hub_settings *ret_settings, struct err *e)
{
	AUTO_HUB_SETTINGS struct hub_settings s = defaults;
	struct yaml_field fields[FIELDS];
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);
	int r = file_read(dirfd, path, YAML_BYTES_MAX, &text, e);

	list_fields(&s, fields);
	if (r == 0)
		r = yaml_read(buf_bytes(&text), path, fields, e);
	else if (r == ERR_NOT_FOUND && !must_exist)
		r = 0;
	if (r == 0)
		r = yaml_environment(fields, e);
	if (r == 0)
		r = check_folders(&s.refresh_folders, path, e);
	if (r == 0)
		r = check_mirror(&s.mirror, path, e);
	if (r == 0) {
		*ret_settings = s;
		s = defaults;
	}
	return r;
}

int hub_settings_read(int dirfd, struct hub_settings *ret_settings, struct err *e)
{
	return read_settings(dirfd, HUB_CONFIG, false, ret_settings, e);
}

int hub_settings_read_file(const char *path, struct hub_settings *ret_settings, struct err *e)
{
	return read_settings(AT_FDCWD, path, true, ret_settings, e);
}

static void add_field(const struct yaml_field *f, struct json_out *out)
{
	const struct yaml_maps *maps = f->target;
	const struct strv *map = f->target;
	char *const *text = f->target;

	if (f->kind == YAML_LIST_OF_MAPS)
		json_add_int(out, f->key, (int64_t)maps->n);
	else if (f->kind == YAML_MAP_OF_TEXT || f->kind == YAML_LIST)
		json_add_int(out, f->key, (int64_t)map->n);
	else if (f->kind == YAML_TEXT)
		json_add_text(out, f->key, *text);
	else
		json_add_int(out, f->key, *(const int64_t *)f->target);
}

void hub_settings_add(const struct hub_settings *settings, struct json_out *out)
{
	struct hub_settings s = *settings;
	struct yaml_field fields[FIELDS];

	list_fields(&s, fields);
	for (const struct yaml_field *f = fields; f->key; f++)
		add_field(f, out);
}
