/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/redact-shape.h"

#include "base/str.h"
#include <ctype.h>

/*
 * A token is its prefix and at least `least` more characters; what follows of the same run belongs
 * to it. With `digit` one of those must be a digit, where the prefix alone is too much like words
 * that people write (sk-loading-spinner).
 */
static const struct shape {
	const char *prefix;
	size_t least;
	bool digit;
	const char *kind;
} shapes[] = {
	{ "lrd_", 40, false, "larder" },        { "ghp_", 30, false, "github" },
	{ "gho_", 30, false, "github" },        { "ghu_", 30, false, "github" },
	{ "ghs_", 30, false, "github" },        { "ghr_", 30, false, "github" },
	{ "github_pat_", 20, false, "github" }, { "glpat-", 20, false, "gitlab" },
	{ "gldt-", 20, false, "gitlab" },       { "glrt-", 20, false, "gitlab" },
	{ "sk-ant-", 20, false, "anthropic" },  { "sk-", 20, true, "openai" },
	{ "xoxb-", 10, true, "slack" },         { "xoxp-", 10, true, "slack" },
	{ "xoxa-", 10, true, "slack" },         { "xoxr-", 10, true, "slack" },
	{ "xoxs-", 10, true, "slack" },         { "xapp-", 10, true, "slack" },
	{ "AIza", 35, false, "google" },        { "ya29.", 20, false, "google" },
	{ "GOCSPX-", 20, false, "google" },     { "sk_live_", 16, false, "stripe" },
	{ "sk_test_", 16, false, "stripe" },    { "rk_live_", 16, false, "stripe" },
	{ "rk_test_", 16, false, "stripe" },    { "whsec_", 20, false, "stripe" },
	{ "npm_", 36, false, "npm" },           { "pypi-", 50, false, "pypi" },
	{ "hf_", 30, false, "huggingface" },    { "dop_v1_", 40, false, "digitalocean" },
	{ "dapi", 32, true, "databricks" },     { "shpat_", 32, false, "shopify" },
	{ "shpss_", 32, false, "shopify" },     { "SG.", 40, false, "sendgrid" },
	{ "hvs.", 24, false, "vault" },         { "lin_api_", 30, false, "linear" },
	{ "ntn_", 40, false, "notion" },        { "tskey-", 20, false, "tailscale" },
};

/* AKIA and its kin: four letters and exactly sixteen capitals or digits. */
#define AWS_LENGTH 20
/* Shorter parts are no JSON of a token's head or body. */
#define JWT_PART_MIN 10

bool shape_is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* The end of a sentence is not the token's. */
static size_t without_dots(struct bytes text)
{
	size_t n = text.n;

	while (n > 0 && text.p[n - 1] == '.')
		n--;
	return n;
}

static size_t match_prefix(struct bytes text, const struct shape *s)
{
	size_t n = strlen(s->prefix);
	bool digit = !s->digit;
	size_t end = without_dots(text);

	if (end < n + s->least || memcmp(text.p, s->prefix, n) != 0)
		return 0;
	for (size_t i = n; i < end && !digit; i++)
		digit = isdigit((unsigned char)text.p[i]);
	return digit ? end : 0;
}

static size_t match_aws(struct bytes text)
{
	if (text.n < AWS_LENGTH ||
	    (memcmp(text.p, "AKIA", 4) != 0 && memcmp(text.p, "ASIA", 4) != 0))
		return 0;
	for (size_t i = 4; i < AWS_LENGTH; i++)
		if (!isdigit((unsigned char)text.p[i]) && !(text.p[i] >= 'A' && text.p[i] <= 'Z'))
			return 0;
	return text.n == AWS_LENGTH || !isalnum((unsigned char)text.p[AWS_LENGTH]) ? AWS_LENGTH : 0;
}

static size_t part_length(struct bytes text)
{
	const char *dot = text.n ? memchr(text.p, '.', text.n) : NULL;

	return dot ? (size_t)(dot - text.p) : text.n;
}

/* eyJ is '{"' in base64: a head, a body and a signature, which may be empty. */
static size_t match_jwt(struct bytes text)
{
	size_t head;
	size_t body;

	if (text.n < 3 || memcmp(text.p, "eyJ", 3) != 0)
		return 0;
	head = part_length(text);
	if (head < JWT_PART_MIN || head == text.n)
		return 0;
	body = part_length((struct bytes){ text.p + head + 1, text.n - head - 1 });
	if (body < JWT_PART_MIN)
		return 0;
	return without_dots(text);
}

size_t shape_match(struct bytes text, const char **ret_kind)
{
	size_t n = match_jwt(text);

	*ret_kind = "jwt";
	if (n == 0) {
		n = match_aws(text);
		*ret_kind = "aws";
	}
	for (size_t i = 0; n == 0 && i < ARRAY_LEN(shapes); i++) {
		n = shapes[i].prefix[0] == *text.p ? match_prefix(text, &shapes[i]) : 0;
		*ret_kind = shapes[i].kind;
	}
	return n;
}
