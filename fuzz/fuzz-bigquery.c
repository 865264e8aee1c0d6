/* SPDX-License-Identifier: Apache-2.0 */
/* What BigQuery answers: a page of a result, a table, an error; and the file of a service account. */
#include "remote/bigquery-internal.h"
#include "remote/bigquery-value.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What leaves must be what was announced: as many values as columns, each within the text. */
static void read_page(const struct json *page)
{
	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
	AUTO_BIGQUERY_ROW struct bigquery_row row = BIGQUERY_ROW_INIT;
	AUTO_BUF struct buf type = BUF_INIT(BUF_OWN_MAX);
	const struct json *rows = json_get(page, "rows");
	struct err e = { 0 };

	if (bigquery_fields_read(json_get(page, "schema"), &fields, &e) < 0)
		return;
	for (size_t i = 0; i < fields.n; i++)
		bigquery_type(&fields.v[i], &type);
	for (size_t i = 0; i < json_size(rows); i++) {
		if (bigquery_row_read(&fields, json_at(rows, i), &row, &e) < 0)
			continue;
		if (row.n != fields.n)
			abort();
		for (size_t k = 0; k < row.n; k++)
			if (row.v[k].p && (row.v[k].p < row.text.p ||
					   row.v[k].p + row.v[k].n > row.text.p + row.text.n))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct bytes text = { (const char *)p, n };
	AUTO(far_found_release) struct far_found found = { 0 };
	AUTO_GOOGLE_ACCOUNT struct google_account *account = NULL;
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	(void)google_account_parse(text, &account, &e);
	if (json_parse_deep(text, BIGQUERY_ANSWER_MAX, BIGQUERY_JSON_DEPTH, &doc, &e) < 0)
		return 0;
	read_page(doc);
	(void)bigquery_found(doc, &found, &e);
	if (bigquery_explain(json_get(doc, "error"), 400, &e) >= 0 || !*e.msg)
		abort();
	return 0;
}
