/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/time.h"

/* What a workspace tells of a pull when it is done; only that it was done is kept. */
int api_pull_confirm(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	int r = request_write(q, &w, e);

	if (r == 0)
		r = user_note_pull(w.db, q->caller, time_now(), e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	buf_adds(&body, "{\"recorded\":true}");
	return r < 0 ? r : reply_json(q, 200, &body, e);
}
