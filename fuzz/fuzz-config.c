/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: a refused one changes nothing, an accepted one keeps to the table; any text
 * that is written is read back as what a configuration can hold of it.
 */
#include "base/yaml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
	char *server;
	int64_t jobs, body, keep;
	bool verify;
	struct strv tables, labels;
	struct yaml_maps list;
};

struct job {
	char *name;
	int64_t timeout;
	struct strv columns;
};

static void list_job_fields(void *item, struct yaml_field *ret_fields)
{
	struct job *job = item;
	const struct yaml_field fields[] = {
		{ "name", YAML_TEXT, &job->name },
		{ "call.timeout", YAML_DURATION, &job->timeout, .min = 1, .max = 60 },
		{ "columns", YAML_LIST, &job->columns },
		{ 0 },
	};

	memcpy(ret_fields, fields, sizeof(fields));
}

static void release_job(void *item)
{
	struct job *job = item;

	free(job->name);
	strv_release(&job->columns);
}

static const struct yaml_map job_map = { sizeof(struct job), "name", list_job_fields, NULL,
					 release_job };

static void settings_release(struct settings *s)
{
	free(s->server);
	strv_release(&s->tables);
	strv_release(&s->labels);
	yaml_maps_release(&s->list);
}

#define AUTO_SETTINGS AUTO(settings_release)

static int read_into(struct settings *s, struct bytes text, struct err *e)
{
	const struct yaml_field fields[] = {
		{ "server", YAML_TEXT, &s->server },
		{ "verify", YAML_BOOL, &s->verify },
		{ "limits.jobs", YAML_INT, &s->jobs, .min = 1, .max = 64 },
		{ "limits.body", YAML_SIZE, &s->body },
		{ "limits.times.keep", YAML_DURATION, &s->keep, .min = 10, .max = 86400 },
		{ "tables", YAML_LIST, &s->tables },
		{ "labels", YAML_MAP_OF_TEXT, &s->labels },
		{ "jobs", YAML_LIST_OF_MAPS, &s->list },
		{ NULL },
	};

	return yaml_read(text, "config.yaml", fields, e);
}

static void check_read(struct bytes text)
{
	AUTO_SETTINGS struct settings s = { .jobs = 1, .keep = 10, .list.map = &job_map };
	struct err e = { 0 };

	if (read_into(&s, text, &e) < 0) {
		assert(e.msg[0] && text_is_clean(bytes_of(e.msg)));
		assert(!s.server && !s.verify && !s.body && !s.tables.n && !s.labels.n &&
		       !s.list.n);
		assert(s.jobs == 1 && s.keep == 10);
		return;
	}
	assert(s.jobs >= 1 && s.jobs <= 64 && s.body >= 0 && s.keep >= 10 && s.keep <= 86400);
	assert(!s.server || text_is_clean(bytes_of(s.server)));
	assert(s.tables.n <= YAML_ENTRIES_MAX && s.labels.n <= YAML_ENTRIES_MAX);
	for (size_t i = 0; i < s.labels.n; i++)
		assert(strchr(s.labels.v[i], '='));
	for (size_t i = 0; i < s.list.n; i++) {
		const struct job *job = yaml_maps_at(&s.list, i);

		assert(job->name && *job->name && job->timeout >= 0 && job->timeout <= 60);
	}
}

static void check_written(struct bytes text)
{
	AUTO_SETTINGS struct settings s = { .list.map = &job_map };
	AUTO_FREE char *value = xstrndup(text.p, text.n);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };
	int r;

	if (text_is_clean(bytes_of(value)))
		buf_adds(&clean, value);
	else
		text_add_clean(&clean, bytes_of(value));
	yaml_add_text(&out, "server", value);
	buf_adds(&out, "verify: true\n");
	r = read_into(&s, buf_bytes(&out), &e);
	assert(r == 0 && s.verify && str_eq(s.server, buf_str(&clean)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };

	check_read(text);
	if (size < YAML_BYTES_MAX / 16) /* written, a byte can take ten */
		check_written(text);
	return 0;
}
