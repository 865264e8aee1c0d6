/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from an attempt: pure. */
#include "engine/outbox.h"

#define SECOND ((int64_t)1000)

/* A blip is over in a second, a restart in fifteen, a lunch break is met within five minutes. */
static const int64_t waits[] = { 1 * SECOND, 5 * SECOND, 15 * SECOND, 60 * SECOND, 300 * SECOND };

/* A quarter more or less, so that a hundred workspaces do not come back in the same second. */
static int64_t jitter(int64_t wait, uint32_t random)
{
	int64_t quarter = wait / 4;

	return wait - quarter + (int64_t)random % (2 * quarter + 1);
}

static struct outbox_verdict later(const struct outbox_attempt *a, unsigned attempts,
				   uint32_t random, const char *word)
{
	size_t step = attempts < ARRAY_LEN(waits) ? attempts : ARRAY_LEN(waits) - 1;
	int64_t wait = jitter(waits[step], random);
	int64_t asked = a->retry_after > 0 ? a->retry_after * SECOND : 0;

	if (asked > OUTBOX_WAIT_MAX_MS)
		asked = OUTBOX_WAIT_MAX_MS;
	return (struct outbox_verdict){
		.state = OUTBOX_WAITING,
		.word = word,
		.wait_ms = wait > asked ? wait : asked,
		.holds_all = a->status == 0 || a->status == 429 || a->status == 503,
	};
}

struct outbox_verdict outbox_judge(const struct outbox_attempt *a, unsigned attempts,
				   uint32_t random)
{
	long s = a->status;

	if (a->unneeded)
		return (struct outbox_verdict){ .state = OUTBOX_DELIVERED, .word = "unneeded" };
	if (a->unsendable)
		return (struct outbox_verdict){ .state = OUTBOX_DEAD, .word = "unsendable" };
	if (s >= 200 && s < 300 && a->as_expected)
		return (struct outbox_verdict){ .state = OUTBOX_DELIVERED, .word = "delivered" };
	if (s == 401 || s == 403)
		return (struct outbox_verdict){ .state = OUTBOX_PAUSED, .word = "refused" };
	if (s == 0)
		return later(a, attempts, random, "offline");
	if (s == 408 || s == 425 || s == 429 || s == 503)
		return later(a, attempts, random, "busy");
	if (s >= 500)
		return later(a, attempts, random, "server");
	if (s < 400)
		return later(a, attempts, random, s < 300 ? "unexpected" : "redirect");
	return (struct outbox_verdict){ .state = OUTBOX_DEAD, .word = "rejected" };
}
