/* SPDX-License-Identifier: Apache-2.0 */
/* The pure part: what the file says, and what follows from it. */
#include "agents/pace.h"

#include "agents/home.h"
#include "base/file.h"
#include "base/yaml.h"

#define DAY_MS ((int64_t)86400 * 1000)
/* More agents at once than processes a machine has. */
#define LIMIT_MAX 100000

static void add_pool(struct pace_settings *s, const char *pool, struct pace_limits **ret)
{
	for (size_t i = 0; i < s->n; i++) {
		if (str_eq(s->v[i].pool, pool)) {
			*ret = &s->v[i];
			return;
		}
	}
	s->v = xgrow(s->v, &s->capacity, s->n + 1, sizeof(*s->v));
	s->v[s->n] = (struct pace_limits){ .pool = xstrdup(pool), .reset_s = PACE_RESET_S };
	*ret = &s->v[s->n++];
}

void pace_settings_release(struct pace_settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].pool);
		strv_release(&s->v[i].models);
	}
	free(s->v);
	*s = (struct pace_settings){ 0 };
}

const struct pace_limits *pace_of(const struct pace_settings *settings, const char *pool)
{
	static const struct pace_limits none = { .reset_s = PACE_RESET_S };

	for (size_t i = 0; i < settings->n; i++)
		if (str_eq(settings->v[i].pool, pool))
			return &settings->v[i];
	return &none;
}

static int parse_clock(const char *text, int64_t *ret_s, struct err *e)
{
	int hours = 0, minutes = 0, used = 0;

	if (sscanf(text, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[used] || hours < 0 ||
	    hours > 23 || minutes < 0 || minutes > 59)
		return err_set(e, ERR_USAGE, "'%.20s' is no time of day: write 06:00", text);
	*ret_s = (int64_t)hours * 3600 + minutes * 60;
	return 0;
}

static int put_concurrency(struct pace_limits *limits, const char *key, const char *value,
			   struct err *e)
{
	int64_t n = 0;
	int r = parse_int64(value, 0, LIMIT_MAX, &n, e);

	if (r < 0)
		return r;
	if (!key || str_eq(key, "total"))
		limits->total = n;
	else
		strv_addf(&limits->models, "%s=%lld", key, (long long)n);
	return 0;
}

static int put_rate(struct pace_limits *limits, const char *key, const char *value, struct err *e)
{
	const struct {
		const char *key;
		int64_t *target;
		int64_t max;
	} numbers[] = {
		{ "daily_limit", &limits->daily_limit, LIMIT_MAX },
		{ "min_delay", &limits->min_delay_s, 86400 },
		{ "sustained_delay", &limits->sustained_delay_s, 86400 },
		{ "burst_window", &limits->burst_window_h, 24 },
		{ "burst_delay", &limits->burst_delay_s, 86400 },
	};

	if (key && str_eq(key, "reset_utc"))
		return parse_clock(value, &limits->reset_s, e);
	for (size_t i = 0; key && i < ARRAY_LEN(numbers); i++)
		if (str_eq(key, numbers[i].key))
			return parse_int64(value, 0, numbers[i].max, numbers[i].target, e);
	return err_set(e, ERR_USAGE, "there is no rate '%.40s'", key ? key : "");
}

/* "pool<tab>key=value" or "pool=value" lines. */
static int put_all(const struct strv *lines, struct pace_settings *s,
		   int (*put)(struct pace_limits *, const char *, const char *, struct err *),
		   struct err *e)
{
	for (size_t i = 0; i < lines->n; i++) {
		AUTO_FREE char *line = xstrdup(lines->v[i]);
		char *value = strchr(line, '=');
		char *key = strchr(line, '\t');
		struct pace_limits *limits = NULL;

		*value++ = '\0'; /* there is one: base/yaml.h */
		if (key)
			*key++ = '\0';
		add_pool(s, line, &limits);
		if (put(limits, key, value, e) < 0)
			return err_in(e, "%s of '%.40s'", AGENTS_CONFIG, line);
	}
	return 0;
}

int pace_parse(struct bytes text, struct pace_settings *ret, struct err *e)
{
	AUTO_PACE struct pace_settings s = { 0 };
	AUTO_STRV struct strv concurrency = STRV_INIT;
	AUTO_STRV struct strv rates = STRV_INIT;
	const struct yaml_field fields[] = {
		{ .key = "concurrency", .kind = YAML_TREE, .target = &concurrency },
		{ .key = "rates", .kind = YAML_TREE, .target = &rates },
		{ .key = NULL },
	};
	int r = yaml_read(text, AGENTS_CONFIG, fields, e);

	if (r == 0)
		r = put_all(&concurrency, &s, put_concurrency, e);
	if (r == 0)
		r = put_all(&rates, &s, put_rate, e);
	if (r < 0)
		return r;
	pace_settings_release(ret);
	*ret = s;
	s = (struct pace_settings){ 0 };
	return 0;
}

int pace_read(int dirfd, struct pace_settings *ret, struct err *e)
{
	static const char otherwise[] = "concurrency:\n  claude: 1\n  gemini: 3\n";
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);
	int r = file_read(dirfd, AGENTS_CONFIG, YAML_BYTES_MAX, &text, e);

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	*e = (struct err){ 0 };
	return pace_parse(r < 0 ? BYTES_LITERAL(otherwise) : buf_bytes(&text), ret, e);
}

int64_t pace_window(const struct pace_limits *limits, int64_t now)
{
	int64_t since = (now - limits->reset_s * 1000) % DAY_MS;

	return now - (since < 0 ? since + DAY_MS : since);
}

static int64_t model_limit(const struct pace_limits *limits, const char *model)
{
	size_t n = strlen(model);
	struct err ignored = { 0 };
	int64_t limit = 0;

	for (size_t i = 0; i < limits->models.n; i++) {
		const char *line = limits->models.v[i];

		if (strncmp(line, model, n) == 0 && line[n] == '=')
			(void)parse_int64(line + n + 1, 0, LIMIT_MAX, &limit, &ignored); /* ours */
	}
	return limit;
}

/* Between two starts, at this time of the window. */
static int64_t delay_ms(const struct pace_limits *limits, int64_t now)
{
	int64_t left = pace_window(limits, now) + DAY_MS - now;
	bool burst = left <= limits->burst_window_h * 3600 * 1000;
	int64_t delay = burst ? limits->burst_delay_s : limits->sustained_delay_s;

	if (limits->sustained_delay_s <= 0)
		return 0;
	return (delay > limits->min_delay_s ? delay : limits->min_delay_s) * 1000;
}

struct pace_verdict pace_judge(const struct pace_limits *limits, const char *model,
			       const struct pace_state *state, int64_t now)
{
	int64_t of_model = model_limit(limits, model);
	int64_t window = pace_window(limits, now);
	int64_t delay = delay_ms(limits, now);

	if (limits->total > 0 && state->running >= limits->total)
		return (struct pace_verdict){ false, "pool_full", 0 };
	if (of_model > 0 && state->running_of_model >= of_model)
		return (struct pace_verdict){ false, "model_full", 0 };
	/* A pause that a stepped clock has put out of reach is over. */
	if (state->paused_until_ms > now && state->paused_until_ms <= now + PACE_PAUSE_MS)
		return (struct pace_verdict){ false, "paused", state->paused_until_ms };
	if (limits->daily_limit > 0 && state->started_in_window >= limits->daily_limit)
		return (struct pace_verdict){ false, "daily_limit", window + DAY_MS };
	if (state->last_start_ms <= now && state->last_start_ms + delay > now)
		return (struct pace_verdict){ false, "delay", state->last_start_ms + delay };
	return (struct pace_verdict){ true, "free", 0 };
}
