/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/time.h"

/* One page of the record; ?before=ID asks for the next. */
#define AUDIT_PAGE 200

/* A time, or how long ago. */
static int read_time(struct request *q, const char *key, int64_t *ret_ms, struct err *e)
{
	const char *text = http_query(q->in, key);
	struct err ignored = { 0 };
	int64_t seconds = 0;

	*ret_ms = 0;
	if (!text || time_parse_iso(text, ret_ms, &ignored) == 0)
		return 0;
	if (parse_duration(text, &seconds, &ignored) < 0)
		return err_set(e, ERR_USAGE,
			       "%s: '%.40s' is neither a time (2026-11-20T12:00:00Z) nor how long "
			       "ago (24h)",
			       key, text);
	*ret_ms = time_now() - seconds * 1000;
	return 0;
}

static int read_number(struct request *q, const char *key, int64_t otherwise, int64_t max,
		       int64_t *ret, struct err *e)
{
	const char *text = http_query(q->in, key);

	*ret = otherwise;
	return text && parse_int64(text, 1, max, ret, e) < 0 ? err_in(e, "%s", key) : 0;
}

int api_audit(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct audit_query query = {
		.action = http_query(q->in, "action"),
		.user = http_query(q->in, "user"),
		.resource = http_query(q->in, "resource"),
	};
	int r = read_number(q, "before", 0, INT64_MAX, &query.before_id, e);

	if (r == 0)
		r = read_number(q, "limit", AUDIT_PAGE, AUDIT_PAGE_MAX, &query.limit, e);
	if (r == 0)
		r = read_time(q, "since", &query.since_ms, e);
	if (r == 0)
		r = read_time(q, "until", &query.until_ms, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_open(&o, "audit", '[');
	r = audit_list(q->db, &query, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}
