/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/events.h"

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"

void events_add(const struct agents *a, const struct dispatch *d, enum agent_event event)
{
	AUTO_BUF struct buf line = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&line);
	struct err ignored = { 0 }; /* as the header says */
	char at[TIME_TEXT_MAX];
	AUTO_FD int fd = -1;

	if (event != AGENT_SPAWN && !agent_is_terminal(d->status))
		return;
	json_open(&o, NULL, '{');
	json_add_text(&o, "type", event == AGENT_SPAWN ? "agent_started" : "agent_completed");
	json_add_text(&o, "agent", d->agent);
	json_add_text(&o, "workspace", d->name);
	json_add_text(&o, "status", agent_status_word(d->status));
	json_add_text(&o, "timestamp", time_format_iso(d->updated_ms, at));
	json_add_text(&o, "dispatch_id", d->id);
	json_close(&o);
	buf_addc(&line, '\n');
	if (file_open_append(agents_dirfd(a), AGENTS_EVENTS, 0600, &fd, &ignored) == 0)
		(void)file_write_all(fd, buf_bytes(&line), AGENTS_EVENTS, &ignored);
}
