/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a schedule, up to the first NUL, and a zone file behind it: whatever is taken has
 * slots that go forward, and deciding ends.
 */
#include "base/str.h"
#include "engine/schedule.h"
#include "engine/zone.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW ((int64_t)1790000000000)

static void check_slots(const struct schedule *s)
{
	int64_t slot = NOW;

	for (int i = 0; i < 5 && slot != SCHEDULE_NEVER; i++) {
		int64_t next = schedule_next(s, NOW - 1000, slot);

		assert(next > slot);
		slot = next;
	}
}

static void check_judged(const struct schedule *s)
{
	struct schedule_state state = { NOW + 1, NOW, NOW + 100, false };
	struct schedule_verdict v = schedule_judge(s, &state, NOW - ((int64_t)1 << 40));

	assert(!v.due && v.covered_ms <= state.covered_ms);
	v = schedule_judge(s, &state, NOW + ((int64_t)1 << 42));
	assert(v.due || v.next_ms > NOW + ((int64_t)1 << 42));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	size_t n = strlen(text);
	struct bytes file = { (const char *)data + n, size - n };
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule s;
	struct err e = { 0 };

	if (file.n > 0)
		file = (struct bytes){ file.p + 1, file.n - 1 };
	if (zone_parse(file, &zone, &e) < 0)
		assert(e.code == ERR_CORRUPT && !zone);
	if (schedule_parse(text, zone, &s, &e) < 0) {
		assert(e.code == ERR_USAGE && e.msg[0]);
		return 0;
	}
	check_slots(&s);
	check_judged(&s);
	return 0;
}
