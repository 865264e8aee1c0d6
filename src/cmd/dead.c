/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/dead.h"

#include "base/str.h"
#include "base/time.h"
#include "cmd/cmd.h"

struct listing {
	struct buf *out;
	struct json_out json;
	bool as_json;
	dead_name_fn add_name;
};

static int add_dead(void *ctx, const struct outbox_row *row, struct err *e)
{
	struct listing *l = ctx;
	char since[TIME_TEXT_MAX];

	(void)e;
	(void)time_format_iso(row->created_ms, since);
	if (!l->as_json) {
		buf_addf(l->out, "%s  since %s: ", row->item.subject, since);
		text_add_clean(l->out, bytes_of(row->error ? row->error : ""));
		buf_addc(l->out, '\n');
		return 0;
	}
	json_open(&l->json, NULL, '{');
	l->add_name(&l->json, &row->item);
	json_add_text(&l->json, "class", row->word);
	json_add_text(&l->json, "error", row->error);
	json_add_int(&l->json, "attempts", row->item.attempts);
	json_add_text(&l->json, "since", since);
	json_close(&l->json);
	return 0;
}

int cmd_list_dead(struct db *db, bool as_json, dead_name_fn add_name, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct listing l = { &out, json_out(&out), as_json, add_name };
	int r;

	if (as_json)
		json_open(&l.json, NULL, '[');
	r = outbox_visit(db, OUTBOX_DEAD, add_dead, &l, e);
	if (as_json) {
		json_close(&l.json);
		buf_addc(&out, '\n');
	} else if (out.n == 0) {
		buf_adds(&out, "There is nothing the hub would not take.\n");
	}
	return r < 0 ? r : cmd_print(&out, e);
}
