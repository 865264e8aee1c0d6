/* SPDX-License-Identifier: Apache-2.0 */
/* What a report counts, for statistics that outlive its folder. */
#include "agents/record.h"

/* Severities are five, tools and categories a dozen; the rest of a flood of names is "other". */
#define NAMES_MAX    32
#define NAME_LEN_MAX 64

struct tally {
	const char *names[NAMES_MAX];
	int64_t counts[NAMES_MAX];
	size_t n;
	int64_t other;
};

static void count(struct tally *t, const char *name)
{
	if (!name || !*name || strlen(name) > NAME_LEN_MAX) {
		t->other++;
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (str_eq(t->names[i], name)) {
			t->counts[i]++;
			return;
		}
	}
	if (t->n == NAMES_MAX) {
		t->other++;
		return;
	}
	t->names[t->n] = name;
	t->counts[t->n++] = 1;
}

static void add_tally(struct json_out *o, const char *key, const struct json *findings)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < json_size(findings); i++)
		count(&t, json_text(json_get(json_at(findings, i), key)));
	json_open(o, key, '{');
	for (size_t i = 0; i < t.n; i++)
		json_add_int(o, t.names[i], t.counts[i]);
	if (t.other)
		json_add_int(o, "other", t.other);
	json_close(o);
}

/* A count, or how many there are. */
static int64_t number_of(const struct json *report, const char *key)
{
	const struct json *v = json_get(report, key);

	return json_kind(v) == JSON_ARRAY ? (int64_t)json_size(v) : json_int(v, 0);
}

void record_stats(const struct json *report, struct buf *out)
{
	static const char *const clusters[] = { "clusters", "new", "resolved", "persistent" };
	static const char *const changes[] = { "files_changed", "insertions", "deletions" };
	const struct json *findings = json_get(report, "findings");
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_int(&o, "findings",
		     json_kind(findings) == JSON_ARRAY ? (int64_t)json_size(findings) : 0);
	add_tally(&o, "severity", findings);
	add_tally(&o, "tool", findings);
	add_tally(&o, "category", findings);
	for (size_t i = 0; i < ARRAY_LEN(clusters); i++)
		json_add_int(&o, clusters[i], number_of(report, clusters[i]));
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		json_add_int(&o, changes[i],
			     json_int(json_get(json_get(report, "changes"), changes[i]), 0));
	json_close(&o);
}
