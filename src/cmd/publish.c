/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "cmd/remote.h"
#include "tables/publish-client.h"

struct publish_args {
	struct remote_args remote;
	const char *name, *description, *format, *key;
	struct strv sort;
	int64_t jobs, retries;
	bool quiet;
};

static const struct opt options[] = {
	OPT_TEXT(0, "description", struct publish_args, description, "TEXT",
		 "what the table holds, for the catalog"),
	OPT_TEXT(0, "name", struct publish_args, name, "NAME",
		 "the name users see (default: the table's id)"),
	OPT_LIST(0, "sort", struct publish_args, sort, "COL",
		 "order the rows by COL, or -COL for descending; may be repeated"),
	OPT_TEXT(0, "key", struct publish_args, key, "COL[,COL]",
		 "kept in parts by these columns, which tell each row"),
	OPT_TEXT(0, "format", struct publish_args, format, "FORMAT",
		 "parquet, csv, tsv, json or ndjson (default: by extension)"),
	OPT_INT(0, "jobs", struct publish_args, jobs, 1, 16, "N", "uploads at once (default 4)"),
	OPT_INT(0, "retries", struct publish_args, retries, 0, 100, "N",
		"tries again when the hub is busy or away (default 3)"),
	OPT_FLAG('q', "quiet", struct publish_args, quiet, "no progress"),
	REMOTE_OPTIONS(struct publish_args, remote),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e);

const struct command cmd_publish = {
	.name = "publish",
	.usage = "TABLE FILE...",
	.summary = "make files the current version of a table at the hub",
	.description =
		"Uploads what the hub has not, then switches the table TABLE to it in one step; "
		"the table is made when there is none. Parquet is taken as it is; CSV, TSV, JSON and "
		"NDJSON are converted at the hub. A folder, or several files, make one table in "
		"parts, their paths relative to the folder. With --key (columns that tell each row, "
		"remembered like --sort) all files together are ordered by it and kept in parts of "
		"about 123,000 rows whose borders stay from version to version, so that a refresh "
		"of a large table is a small pull. Publishing the same again changes "
		"nothing; after a kill, run it again: only what is missing is sent. Needs a token "
		"of scope admin.",
	.examples =
		"larder publish flights flights.parquet|one file\n"
		"larder publish orders orders/ --sort order_date|a folder, ordered by a column\n"
		"larder publish events events.csv --key id|kept in parts: a refresh changes few of them\n"
		"larder publish stocks stocks.csv --description 'Closing prices'|converted",
	.options = options,
	.run = run,
};

static int64_t number(const struct json *reply, const char *key)
{
	return json_int(json_get(reply, key), 0);
}

static const char *text(const struct json *reply, const char *key)
{
	const char *s = json_text(json_get(reply, key));

	return s ? s : "";
}

static int print_json(const struct published *done, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	struct json_iter it = json_iter(done->reply);

	json_open(&o, NULL, '{');
	while (json_next(&it)) {
		AUTO_BUF struct buf value = BUF_INIT(BUF_OWN_MAX);

		json_print(it.value, &value, false);
		json_add_raw(&o, it.key, buf_bytes(&value));
	}
	json_add_int(&o, "files_uploaded", (int64_t)done->uploaded);
	json_add_int(&o, "files_known", (int64_t)done->known);
	json_add_int(&o, "bytes_sent", done->bytes_sent);
	json_close(&o);
	buf_addc(&out, '\n');
	return cmd_print(&out, e);
}

/* What a pull of it need not fetch, for who has the version before. */
static void add_shared(const struct json *reply, struct buf *out)
{
	int64_t size = number(reply, "size_bytes");
	double percent = 100.0 * (double)number(reply, "bytes_shared") / (double)(size ? size : 1);

	buf_addf(out, ", %.1f %% of it as before", percent);
	if (number(reply, "parts") > 1)
		buf_addf(out, " (%lld parts)", (long long)number(reply, "parts_shared"));
}

static int print_text(const struct published *done, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const struct json *reply = done->reply;
	char size[FORMAT_SIZE_MAX];
	char sent[FORMAT_SIZE_MAX];
	bool unchanged = json_flag(json_get(reply, "unchanged"), false);

	buf_addf(&out, "%s: %s, %lld rows, %s, version %.12s", text(reply, "table"),
		 unchanged ? "unchanged" : "published", (long long)number(reply, "rows"),
		 format_size(number(reply, "size_bytes"), size), text(reply, "version"));
	if (number(reply, "parts") > 1)
		buf_addf(&out, ", %lld parts", (long long)number(reply, "parts"));
	if (!unchanged && json_get(reply, "bytes_shared"))
		add_shared(reply, &out);
	buf_addf(&out, " (%s sent, %zu of %zu files were there)\n",
		 format_size(done->bytes_sent, sent), done->known, done->known + done->uploaded);
	return cmd_print(&out, e);
}

static int publish(const struct publish_args *args, const char *table,
		   const struct publish_files *files, struct published *ret_done, struct err *e)
{
	AUTO_REMOTE struct remote *remote = NULL;
	AUTO_STRV struct strv key = STRV_INIT;
	struct publish_order order = { .table = table,
				       .name = args->name,
				       .description = args->description,
				       .sort = &args->sort,
				       .key = &key,
				       .jobs = (unsigned)args->jobs,
				       .retries = (unsigned)args->retries };
	int r = remote_open(&args->remote, &remote, e);

	if (r < 0)
		return r;
	strv_split(&key, args->key ? args->key : "", ',');
	order.server = remote_server(remote);
	order.token = remote_token(remote);
	order.progress =
		progress_begin("publish", files->bytes, files->n, args->quiet || args->remote.json);
	r = publish_run(&order, files, ret_done, e);
	progress_end(order.progress);
	return r;
}

static int check_table(const char *id, struct err *e)
{
	if (name_is_table(id))
		return 0;
	(void)err_set(e, ERR_USAGE, "'%.*s' cannot be the id of a table", NAME_MAX_LEN, id);
	return err_hint(
		e, "letters, digits, '_', '.' and '-' can; what it is goes into --description");
}

static int run_parsed(const struct publish_args *args, const struct strv *operands, struct err *e)
{
	AUTO_PUBLISH_FILES struct publish_files files = { 0 };
	AUTO_PUBLISHED struct published done = { 0 };
	int r = cmd_operands(&cmd_publish, operands, 2, PUBLISH_PARTS_MAX, e);

	if (r == 0)
		r = check_table(operands->v[0], e);
	for (size_t i = 1; r == 0 && i < operands->n; i++)
		r = publish_files_add(&files, operands->v[i], args->format, e);
	if (r == 0)
		r = publish_files_settle(&files, e);
	if (r == 0)
		r = publish(args, operands->v[0], &files, &done, e);
	if (r < 0)
		return r;
	return args->remote.json ? print_json(&done, e) : print_text(&done, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct publish_args args = { .jobs = 4, .retries = 3 };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = run_parsed(&args, &operands, e);
	strv_release(&args.sort);
	return r;
}
