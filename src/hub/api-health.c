/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/log.h"

static int reply_health(struct request *q, int status, const char *word, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);

	json_open(&o, NULL, '{');
	json_add_text(&o, "status", word);
	json_add_text(&o, "version", LARDER_VERSION);
	json_close(&o);
	return reply_json(q, status, &body, e);
}

int api_live(struct request *q, struct err *e)
{
	return reply_health(q, 200, "ok", e);
}

/* Ready is who can read the database: the table it reads is the one every request needs. */
int api_health(struct request *q, struct err *e)
{
	struct err why = { 0 };
	int64_t ignored;

	if (q->db && generation_get(q->db, "access", &ignored, &why) == 0)
		return reply_health(q, 200, "ok", e);
	log_event(LOG_ERROR, "health", "error=%s", q->db ? why.msg : "cannot open the database");
	return reply_health(q, 503, "unhealthy", e);
}
