/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health by audience: /health/live for who restarts a dead process, /health/ready for who sends
 * requests, /api/health as the contract has it, /api/health/detailed for people.
 */
#include "hub/api.h"

#include "base/log.h"
#include "base/time.h"
#include "hub/health.h"

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

static int reply_unhealthy(struct request *q, const char *why, struct err *e)
{
	log_event(LOG_ERROR, "health", "error=%s id=%s", why, http_request_id(q->in));
	return reply_health(q, 503, "unhealthy", e);
}

int api_live(struct request *q, struct err *e)
{
	return reply_health(q, 200, "ok", e);
}

/* The table it reads is the one every request needs. */
static int check_read(struct request *q, struct err *e)
{
	int64_t ignored;

	if (!q->db)
		return err_set(e, ERR_IO, "cannot open the database");
	return generation_get(q->db, "access", &ignored, e);
}

int api_health(struct request *q, struct err *e)
{
	struct err why = { 0 };

	return check_read(q, &why) < 0 ? reply_unhealthy(q, why.msg, e)
				       : reply_health(q, 200, "ok", e);
}

/* A hub that can only read still serves pulls, but whoever sends work is to send it elsewhere. */
int api_ready(struct request *q, struct err *e)
{
	struct err why = { 0 };

	if (check_read(q, &why) < 0 || hub_check_write(q->hub, &why) < 0)
		return reply_unhealthy(q, why.msg, e);
	return reply_health(q, 200, "ok", e);
}

struct report {
	struct json_out o;
	bool for_operators;
	enum health_level worst;
};

static void add_finding(void *ctx, const struct health_finding *f)
{
	struct report *report = ctx;

	if (f->for_operators && !report->for_operators)
		return;
	if (f->level > report->worst)
		report->worst = f->level;
	json_open(&report->o, f->part, '{');
	json_add_text(&report->o, "level", health_level_word(f->level));
	json_add_text(&report->o, "audience", f->for_operators ? "operator" : "everybody");
	json_add_text(&report->o, "detail", f->text);
	if (f->lag_s > 0)
		json_add_int(&report->o, "lag_seconds", f->lag_s);
	if (f->stuck_file)
		json_add_text(&report->o, "stuck_file", f->stuck_file);
	json_close(&report->o);
}

int api_health_detailed(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_HEALTH struct health h = { 0 };
	struct report report = { .o = json_out(&body),
				 .for_operators =
					 q->caller->is_admin && q->caller->scope == SCOPE_ADMIN };
	char now[TIME_TEXT_MAX];
	int r = health_take(q->hub, q->db, &h, e);

	if (r == 0 && report.for_operators) /* a look at every session */
		r = health_take_sessions(q->hub, q->db, &h, e);
	if (r < 0)
		return r;
	json_open(&report.o, NULL, '{');
	json_open(&report.o, "services", '{');
	health_list(&h, add_finding, &report);
	json_close(&report.o);
	json_add_text(&report.o, "status", health_word(report.worst));
	json_add_text(&report.o, "caller_role", report.for_operators ? "admin" : "user");
	json_add_text(&report.o, "version", LARDER_VERSION);
	json_add_int(&report.o, "uptime_s", hub_uptime_ms(q->hub) / 1000);
	json_add_text(&report.o, "timestamp", time_format_iso(h.now, now));
	json_close(&report.o);
	return reply_json(q, 200, &body, e);
}
