/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/transcript.h"

/*
 * Each line is parsed once. DuckDB would push a filter on the result below it, and so parse for every
 * member that is asked for: unnest is what it does not push through. What is no
 * JSON is found first, since TRY does a whole vector again, row by row, when one of its rows fails.
 */
static const char first_try[] = "CREATE TEMP MACRO json_of(text, shape) AS TRY(json_transform("
				"CASE WHEN json_valid(text) THEN text END, shape))";
static const char second_try[] =
	"CREATE TEMP MACRO line_of(text, shape) AS unnest([coalesce(json_of(text, shape),"
	" json_of(regexp_replace(regexp_replace(text, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}',"
	" '\\\\ufffd', 'g'), '[\\x00-\\x1f]', ' ', 'g'), shape))])";

void transcript_add(const struct session_source *files, size_t n, struct strv *setup,
		    struct strv *texts)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "CREATE TEMP TABLE file AS SELECT * FROM (VALUES ");
	for (size_t i = 0; i < n; i++) {
		buf_addf(&sql, "%s(%zu::BIGINT, ", i ? ", " : "", i);
		sql_quote_text(&sql, files[i].session);
		buf_adds(&sql, ", ");
		sql_quote_text(&sql, files[i].email);
		buf_adds(&sql, ")");
		strv_add(texts, files[i].path);
	}
	buf_adds(&sql, ") v(file, session, username)");
	strv_add(setup, buf_str(&sql));
	strv_add(setup, first_try);
	strv_add(setup, second_try);
}

struct reading {
	transcript_read_fn read;
	void *ctx;
};

static void read_or_halve(const struct reading *r, const struct session_source *files, size_t n,
			  struct session_outcome *outcomes)
{
	struct err why = { 0 };

	if (r->read(r->ctx, files, n, &why) == 0)
		return;
	if (n == 1) {
		outcomes[0].error = why;
		return;
	}
	read_or_halve(r, files, n / 2, outcomes);
	read_or_halve(r, files + n / 2, n - n / 2, outcomes + n / 2);
}

void transcript_read(const struct session_source *files, size_t n, struct session_outcome *outcomes,
		     transcript_read_fn read, void *ctx)
{
	const struct reading r = { read, ctx };
	size_t from = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && outcomes[i].error.code == 0)
			continue;
		if (i > from)
			read_or_halve(&r, files + from, i - from, outcomes + from);
		from = i + 1;
	}
}
