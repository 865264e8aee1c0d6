/* SPDX-License-Identifier: Apache-2.0 */
/* What both ways of finding share: the list, domains, entities. */
#include "sessions/findings.h"

#include "sessions/sentences.h"
#include <ctype.h>

/* A name of a table or a product; longer runs are identifiers of machines. */
#define ENTITY_MAX   60
#define ENTITIES_MAX 20

const char *const finding_domains[] = { "finance",    "engineering",    "product", "data",
					"operations", "infrastructure", NULL };

void findings_release(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].title);
		free(f->v[i].content);
		free(f->v[i].quote);
		strv_release(&f->v[i].entities);
	}
	free(f->v);
	*f = (struct findings){ 0 };
}

struct finding *findings_next(struct findings *f)
{
	if (f->n == FINDINGS_MAX)
		return NULL;
	f->v = xgrow(f->v, &f->capacity, f->n + 1, sizeof(*f->v));
	f->v[f->n] = (struct finding){ 0 };
	return &f->v[f->n++];
}

const char *finding_domain(const char *word)
{
	for (size_t i = 0; word && finding_domains[i]; i++) {
		if (str_eq(word, finding_domains[i]))
			return finding_domains[i];
	}
	return NULL;
}

/* The domain whose words are most; the first of equals. */
const char *finding_guess_domain(const char *text)
{
	static const struct {
		const char *domain;
		const char *words[16];
	} tells[] = {
		{ "finance",
		  { "revenue", "mrr", "arr", "margin", "cost", "costs", "price", "invoice",
		    "invoices", "budget", "profit", "tax", "churn", "ebitda", "fiscal", NULL } },
		{ "engineering",
		  { "api", "function", "library", "compiler", "test", "tests", "branch", "release",
		    "repository", "code", "module", "endpoint", "build", "bug", NULL } },
		{ "product",
		  { "feature", "customer", "customers", "user", "users", "onboarding", "trial",
		    "conversion", "retention", "plan", "signup", "subscription", NULL } },
		{ "operations",
		  { "shipment", "shipments", "warehouse", "support", "ticket", "tickets", "vendor",
		    "delivery", "inventory", "sla", "flight", "flights", "airport", NULL } },
		{ "infrastructure",
		  { "server", "servers", "cluster", "kubernetes", "deployment", "network", "backup",
		    "disk", "dns", "container", "region", "host", NULL } },
	};
	const char *best = "data";
	int most = 0;

	for (size_t i = 0; i < ARRAY_LEN(tells); i++) {
		int found = 0;

		for (const char *const *w = tells[i].words; *w; w++)
			found += sentence_find(text, *w) != NULL;
		if (found > most) {
			most = found;
			best = tells[i].domain;
		}
	}
	return best;
}

static void add_entity(const char *p, size_t n, struct strv *out)
{
	AUTO_FREE char *name = xstrndup(p, n);

	if (n < 2 || n > ENTITY_MAX || out->n == ENTITIES_MAX)
		return;
	for (size_t i = 0; i < out->n; i++) {
		if (strcasecmp(out->v[i], name) == 0)
			return;
	}
	strv_adopt(out, TAKE(name));
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

/* A name by its shape: an underscore or dot inside, capitals inside, or a capital where no sentence
 * begins. */
static bool is_name(const char *p, size_t n, bool first)
{
	size_t capitals = 0;

	for (size_t i = 0; i < n; i++) {
		if ((p[i] == '_' || p[i] == '.') && i > 0 && i + 1 < n)
			return true;
		capitals += isupper((unsigned char)p[i]) != 0;
	}
	if (isupper((unsigned char)p[0]))
		return capitals > 1 || !first;
	return capitals > 0;
}

void finding_add_entities(const char *text, struct strv *out)
{
	bool first = true;

	while (*text) {
		size_t n = 0;

		if (*text == '`') {
			n = strcspn(text + 1, "`\n");
			if (text[n + 1] == '`') {
				add_entity(text + 1, n, out);
				text += n + 2;
				first = false;
				continue;
			}
			n = 0;
		}
		while (is_name_byte(text[n]))
			n++;
		if (n == 0) {
			first = first || *text == '\n';
			text++;
			continue;
		}
		size_t inner = n;

		while (inner > 0 && text[inner - 1] == '.')
			inner--;
		if (inner > 0 && is_name(text, inner, first))
			add_entity(text, inner, out);
		first = inner < n;
		text += n;
	}
}
