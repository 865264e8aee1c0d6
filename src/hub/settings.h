/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <data>/config.yaml, all of it optional; LARDER_HUB_... variables override single keys. Read once,
 * when the hub is opened, and frozen before the first thread.
 *
 *	limits:
 *	  upload_max: 64G          largest single file that may be published
 *	  connections: 4096
 *	  threads: 4
 *	  convert_memory: 1G       of the child that converts or checks an upload
 *	  queries: 4               at once; one user has half of them
 *	  query_memory: 1G         of one
 *	  query_seconds: 60s       from the question to the last row
 *	  query_bytes: 64M         of the rows of one answer
 *	metadata:
 *	  refresh: 4h              how often remote tables are looked at
 *	retention:
 *	  versions_keep: 7d        how long a replaced version can still be fetched
 *	  runs_keep: 90d           how long the runs of jobs are remembered
 *	  agents_keep: 365d        how long records of agents and tasks that are done are kept
 *	  purge_after: 30d         what nobody came back for (hub/work.h); 0s: it stays
 *	  reap_after: 30m          what says that it runs and does not; 0s: it goes on saying so
 *	downloads:
 *	  mirror: https://...      where objects can be had as well (docs/mirror.md); "": nowhere
 *	refresh:
 *	  folders: [/srv/export]  where files lie that sources may name; none: anywhere
 *	jobs:                      of the scheduler (clock/jobs.h)
 *	  - {name: data-refresh, schedule: daily 02:30}
 *	processors:                programs that process sessions (sessions/external.h)
 *	  - {name: words, command: [/usr/local/bin/count-words]}
 */
#ifndef LARDER_HUB_SETTINGS_H
#define LARDER_HUB_SETTINGS_H

#include "base/err.h"
#include "base/json.h"
#include "base/yaml.h"

#define HUB_CONFIG "config.yaml"

struct hub_settings {
	int64_t upload_max; /* bytes */
	int64_t connections;
	int64_t threads;
	int64_t convert_memory;            /* bytes */
	int64_t queries;                   /* at once */
	int64_t query_memory, query_bytes; /* bytes */
	int64_t query_s;                   /* seconds */
	int64_t remote_scan, remote_daily; /* bytes; 0: no limit */
	int64_t remote_at_once;            /* of a user */
	int64_t metadata_s;                /* seconds */
	int64_t versions_keep_s;           /* seconds */
	int64_t runs_keep_s;               /* seconds */
	int64_t agents_keep_s;             /* seconds */
	int64_t purge_s, reap_s;           /* seconds; 0: never */
	struct yaml_maps processors;       /* struct external */
	struct yaml_maps jobs;             /* struct clock_job */
	char *mirror;                      /* NULL or "": none; no slash at its end */
	char *backup_folder;               /* NULL or "": none */
	int64_t backup_keep;
	struct strv collector_users; /* "account=email" */
	struct strv refresh_folders; /* absolute; none: any */
};
void hub_settings_release(struct hub_settings *settings);
#define AUTO_HUB_SETTINGS AUTO(hub_settings_release)

/* Defaults where the file or the key is absent; ERR_USAGE with the line for what is wrong in it. */
int hub_settings_read(int dirfd, struct hub_settings *ret_settings, struct err *e);

/* The same from a file of any name, which must be there. */
int hub_settings_read_file(const char *path, struct hub_settings *ret_settings, struct err *e);

/* Every key with the value in force, in bytes and seconds, of lists their lengths, into an open
 * object. */
void hub_settings_add(const struct hub_settings *settings, struct json_out *out);

#endif
