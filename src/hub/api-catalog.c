/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog for people and agents, and how fresh what it says of remote tables is. */
#include "hub/api.h"

#include "base/time.h"
#include "hub/child.h"
#include "hub/excerpts.h"
#include "tables/catalog.h"
#include "tables/metadata.h"
#include "tables/registry.h"

/* 10,000 tables with a paragraph each. */
#define CATALOG_MAX ((size_t)64 << 20)
/* Whoever asks for one table waits for it; its source has half a minute. */
#define METADATA_DEADLINE_MS 60000

static struct catalog_wish wish_of(const struct request *q)
{
	return (struct catalog_wish){ .caller = q->caller,
				      .now_ms = time_now(),
				      .interval_s = hub_settings(q->hub)->metadata_s };
}

static void add_server_time(struct json_out *o, int64_t now_ms)
{
	char iso[TIME_TEXT_MAX];

	json_add_text(o, "server_time", time_format_iso(now_ms, iso));
}

static int read_words(struct request *q, struct strv *words, struct err *e)
{
	const char *search = http_query(q->in, "search");

	strv_split(words, search ? search : "", ' ');
	if (words->n > CATALOG_WORDS_MAX)
		return err_set(e, ERR_LIMIT, "a search has at most %d words", CATALOG_WORDS_MAX);
	return 0;
}

int api_catalog(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CATALOG_MAX);
	AUTO_STRV struct strv words = STRV_INIT;
	struct catalog_wish wish = wish_of(q);
	struct json_out o = json_out(&text);
	int r = read_words(q, &words, e);

	wish.words = &words;
	json_open(&o, NULL, '{');
	json_open(&o, "tables", '[');
	if (r == 0)
		r = catalog_list(q->db, &wish, &o, e);
	json_close(&o);
	add_server_time(&o, wish.now_ms);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}

int api_schema(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CATALOG_MAX);
	struct catalog_wish wish = wish_of(q);
	struct json_out o = json_out(&text);
	int r = excerpts_first(q, q->params[0], e);

	if (r != 0)
		return r < 0 ? r : 0;
	json_open(&o, NULL, '{');
	r = catalog_describe(q->db, &wish, q->params[0], &o, e);
	add_server_time(&o, wish.now_ms);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}

int api_metadata_status(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CATALOG_MAX);
	const struct metadata_when when = { time_now(), hub_settings(q->hub)->metadata_s };
	struct json_out o = json_out(&text);
	int r;

	json_open(&o, NULL, '{');
	json_add_int(&o, "scheduler_interval_seconds", when.interval_s);
	json_add_int(&o, "fresh_threshold_seconds", 2 * when.interval_s);
	add_server_time(&o, when.now_ms);
	json_open(&o, "tables", '[');
	r = metadata_status(q->db, q->caller, &when, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}

static int find_remote(struct request *q, struct table *ret_table, struct err *e)
{
	const char *name = http_query(q->in, "table");
	int r = name ? registry_find(q->db, NULL, name, ret_table, e)
		     : err_set(e, ERR_USAGE, "which one? say ?table=ID");

	if (r == 0 && !str_eq(ret_table->query_mode, "remote"))
		r = err_set(e, ERR_USAGE, "table '%s' is not remote: its files say all",
			    ret_table->id);
	return r;
}

int api_metadata_refresh(struct request *q, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	const char *argv[] = { "metadata", NULL, NULL };
	const struct child_job job = { .argv = argv,
				       .action = "metadata.refresh",
				       .resource = "job:bq-metadata-refresh",
				       .deadline_ms = METADATA_DEADLINE_MS };
	int r = find_remote(q, &t, e);

	argv[1] = t.id;
	return r < 0 ? r : child_run(q, &job, e);
}
