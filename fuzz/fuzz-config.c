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
};

static void settings_release(struct settings *s)
{
	free(s->server);
	strv_release(&s->tables);
	strv_release(&s->labels);
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
		{ NULL },
	};

	return yaml_read(text, "config.yaml", fields, e);
}

static void check_read(struct bytes text)
{
	AUTO_SETTINGS struct settings s = { .jobs = 1, .keep = 10 };
	struct err e = { 0 };

	if (read_into(&s, text, &e) < 0) {
		assert(e.msg[0] && text_is_clean(bytes_of(e.msg)));
		assert(!s.server && !s.verify && !s.body && !s.tables.n && !s.labels.n);
		assert(s.jobs == 1 && s.keep == 10);
		return;
	}
	assert(s.jobs >= 1 && s.jobs <= 64 && s.body >= 0 && s.keep >= 10 && s.keep <= 86400);
	assert(!s.server || text_is_clean(bytes_of(s.server)));
	assert(s.tables.n <= YAML_ENTRIES_MAX && s.labels.n <= YAML_ENTRIES_MAX);
	for (size_t i = 0; i < s.labels.n; i++)
		assert(strchr(s.labels.v[i], '='));
}

static void check_written(struct bytes text)
{
	AUTO_SETTINGS struct settings s = { 0 };
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
