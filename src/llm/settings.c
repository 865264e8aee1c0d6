/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/llm-internal.h"

#include "net/url.h"

/* A model that thinks for long sends nothing meanwhile. */
#define TIMEOUT_S 300

static const char *given(const char *name)
{
	const char *text = getenv(name);

	return text && *text ? text : NULL;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

bool llm_configured(void)
{
	return given("LARDER_LLM_MODEL") &&
	       (given("LARDER_LLM_URL") ||
		(given("LARDER_LLM_RECORD") && given("LARDER_LLM_REPLAY")));
}

static int choose_dialect(const char *url, struct llm_settings *s, struct err *e)
{
	const char *kind = given("LARDER_LLM_KIND");

	if (kind && !str_eq(kind, "openai") && !str_eq(kind, "anthropic"))
		return err_set(e, ERR_USAGE, "LARDER_LLM_KIND '%s' is neither openai nor anthropic",
			       kind);
	if (kind)
		s->dialect = str_eq(kind, "anthropic") ? &llm_anthropic : &llm_openai;
	else if (url && (strstr(url, "anthropic") || str_ends(url, "/messages")))
		s->dialect = &llm_anthropic;
	else
		s->dialect = &llm_openai;
	return 0;
}

/* "https://host" + "/v1/messages"; "https://host/v1" + "/messages"; or all of it is there. */
static char *complete_url(char *base, const char *path)
{
	AUTO_FREE char *owned = base;
	const char *call = strchr(path + 1, '/'); /* behind "/v1" */
	const char *host = strstr(base, "://") + 3;

	if (str_ends(base, call))
		return TAKE(owned);
	return xasprintf("%s%s", base, strchr(host, '/') ? call : path);
}

static int read_url(struct llm_settings *s, struct err *e)
{
	const char *url = given("LARDER_LLM_URL");
	char *base = NULL;
	int r = choose_dialect(url, s, e);

	if (r < 0 || !url)
		return r;
	r = url_normalise_server(url, &base, e);
	if (r < 0) {
		(void)err_in(e, "LARDER_LLM_URL");
		e->code = ERR_USAGE;
		return ERR_USAGE;
	}
	s->url = complete_url(base, s->dialect->path);
	return 0;
}

static int read_json_way(struct llm_settings *s, struct err *e)
{
	static const char *const words[] = { "schema", "object", "prompt" };
	const char *word = given("LARDER_LLM_JSON");

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!word || str_eq(word, words[i])) {
			s->json = (enum llm_json)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "LARDER_LLM_JSON '%s' is not schema, object or prompt", word);
}

static int read_dollars(const char *name, const char *text, double *ret, struct err *e)
{
	char *end = NULL;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value < 1e9))
		return err_set(e, ERR_USAGE, "%s: '%s' is no amount of dollars", name, text);
	*ret = value;
	return 0;
}

/* Cached tokens cost what all others do until it is said. */
static int read_price(struct llm_settings *s, struct err *e)
{
	const char *text = given("LARDER_LLM_PRICE");
	AUTO_STRV struct strv parts = STRV_INIT;
	int r = 0;

	if (!text)
		return 0;
	strv_split(&parts, text, ',');
	if (parts.n < 2 || parts.n > 4)
		return err_set(e, ERR_USAGE,
			       "LARDER_LLM_PRICE '%s' is not IN,OUT[,CACHE_READ[,CACHE_WRITE]]",
			       text);
	for (size_t i = 0; r == 0 && i < 4; i++) {
		if (i < parts.n)
			r = read_dollars("LARDER_LLM_PRICE", parts.v[i], &s->price[i], e);
		else
			s->price[i] = s->price[0];
	}
	s->has_price = true;
	return r;
}

static int read_number(const char *name, int64_t otherwise, int64_t *ret, struct err *e)
{
	const char *text = given(name);

	*ret = otherwise;
	if (text && parse_int64(text, 1, INT64_MAX / 2, ret, e) < 0)
		return err_in(e, "%s", name);
	return 0;
}

static int read_budget(struct llm_settings *s, struct err *e)
{
	const char *cost = given("LARDER_LLM_BUDGET_COST");
	int r = read_number("LARDER_LLM_BUDGET_TOKENS", 0, &s->budget_tokens, e);

	if (r == 0)
		r = read_number("LARDER_LLM_BUDGET_CALLS", 0, &s->budget_calls, e);
	if (r == 0)
		r = read_number("LARDER_LLM_TIMEOUT", TIMEOUT_S, &s->timeout_s, e);
	if (r == 0 && cost)
		r = read_dollars("LARDER_LLM_BUDGET_COST", cost, &s->budget_cost, e);
	return r;
}

static int read_all(struct llm_settings *s, struct err *e)
{
	int r;

	if (!llm_configured()) {
		(void)err_set(e, ERR_USAGE, "no language model is configured");
		return err_hint(e, "set LARDER_LLM_URL and LARDER_LLM_MODEL (docs/models.md)");
	}
	s->key = copy(given("LARDER_LLM_KEY"));
	s->model = copy(given("LARDER_LLM_MODEL"));
	s->record = copy(given("LARDER_LLM_RECORD"));
	s->replay_only = s->record && given("LARDER_LLM_REPLAY");
	r = read_url(s, e);
	if (r == 0)
		r = read_json_way(s, e);
	if (r == 0)
		r = read_price(s, e);
	return r < 0 ? r : read_budget(s, e);
}

int llm_settings_read(struct llm_settings *ret, struct err *e)
{
	AUTO(llm_settings_release) struct llm_settings s = { 0 };
	int r = read_all(&s, e);

	if (r < 0)
		return r;
	*ret = s;
	s = (struct llm_settings){ 0 };
	return 0;
}

void llm_settings_release(struct llm_settings *s)
{
	free(s->url);
	if (s->key)
		explicit_bzero(s->key, strlen(s->key));
	free(s->key);
	free(s->model);
	free(s->record);
	*s = (struct llm_settings){ 0 };
}

bool llm_settings_price(const struct llm_settings *s, const struct llm_usage *u, double *ret_cost)
{
	int64_t plain = u->input_tokens - u->cache_read_tokens - u->cache_write_tokens;

	if (!s->has_price)
		return false;
	*ret_cost = ((double)plain * s->price[0] + (double)u->output_tokens * s->price[1] +
		     (double)u->cache_read_tokens * s->price[2] +
		     (double)u->cache_write_tokens * s->price[3]) /
		    1e6;
	return true;
}
