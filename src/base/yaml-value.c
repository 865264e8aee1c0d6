/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml-internal.h"

#include <assert.h>

static int check_range(const struct yaml_field *f, int64_t value, struct err *e)
{
	int64_t max = f->min || f->max ? f->max : INT64_MAX;

	if (value < f->min || value > max)
		return err_set(e, ERR_USAGE, "must be %lld to %lld", (long long)f->min,
			       (long long)max);
	return 0;
}

static int parse_number(const struct yaml_field *f, const char *text, int64_t *ret, struct err *e)
{
	int64_t value = 0;
	uint64_t bytes = 0;
	int r = 0;

	if (f->kind == YAML_SIZE)
		r = parse_size(text, INT64_MAX, &bytes, e);
	else if (f->kind == YAML_DURATION)
		r = parse_duration(text, &value, e);
	else
		r = parse_int64(text, INT64_MIN, INT64_MAX, &value, e);
	if (f->kind == YAML_SIZE)
		value = (int64_t)bytes;
	if (r < 0 || check_range(f, value, e) < 0)
		return e->code;
	*ret = value;
	return 0;
}

static int set_bool(const struct yaml_field *f, const char *text, bool assign, struct err *e)
{
	bool value = str_eq(text, "true");

	if (!value && !str_eq(text, "false"))
		return err_set(e, ERR_USAGE, "'%.64s' is neither true nor false", text);
	if (assign)
		*(bool *)f->target = value;
	return 0;
}

static int set_number(const struct yaml_field *f, const char *text, bool assign, struct err *e)
{
	int64_t value = 0;

	if (parse_number(f, text, &value, e) < 0)
		return e->code;
	if (assign)
		*(int64_t *)f->target = value;
	return 0;
}

int yaml_set_scalar(const struct yaml_field *f, const char *text, bool assign, struct err *e)
{
	char **owned = f->target;

	if (f->kind == YAML_BOOL)
		return set_bool(f, text, assign, e);
	if (f->kind != YAML_TEXT)
		return set_number(f, text, assign, e);
	if (assign) {
		free(*owned);
		*owned = xstrdup(text);
	}
	return 0;
}

void yaml_set_texts(const struct yaml_field *f, struct strv *texts, bool assign)
{
	struct strv *owned = f->target;

	if (!assign)
		return;
	strv_release(owned);
	*owned = *texts;
	*texts = (struct strv)STRV_INIT;
}

static int set_from_environment(const struct yaml_field *f, const char *text, struct err *e)
{
	AUTO_STRV struct strv texts = STRV_INIT;

	assert(f->kind != YAML_LIST_OF_MAPS);
	if (f->kind != YAML_LIST && f->kind != YAML_MAP_OF_TEXT)
		return yaml_set_scalar(f, text, true, e);
	strv_split(&texts, text, ',');
	for (size_t i = 0; i < texts.n && f->kind == YAML_MAP_OF_TEXT; i++)
		if (!strchr(texts.v[i], '=') || texts.v[i][0] == '=')
			return err_set(e, ERR_USAGE, "'%.64s' is not key=value", texts.v[i]);
	yaml_set_texts(f, &texts, true);
	return 0;
}

int yaml_environment(const struct yaml_field *fields, struct err *e)
{
	for (const struct yaml_field *f = fields; f->key; f++) {
		const char *text = f->environment ? getenv(f->environment) : NULL;

		if (text && *text && set_from_environment(f, text, e) < 0)
			return err_in(e, "%s in the environment", f->environment);
	}
	return 0;
}
