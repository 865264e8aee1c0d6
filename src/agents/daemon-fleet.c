/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's part for a machine that is a member of a fleet (agents/member.h). */
#include "agents/daemon-internal.h"

#include "agents/member.h"
#include "base/log.h"
#include "base/time.h"

#include <signal.h>

/* Between two streams, by how many failed in a row: the contract's. */
static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 30000 };

static void look_at(int64_t *next, int64_t monotonic)
{
	int64_t at = time_now() + monotonic - time_monotonic();

	if (*next < 0 || at < *next)
		*next = at;
}

/* A hub that cannot be reached is no error of a round: it is tried again, later and later. */
static int beat(struct fleet_turn *t, const struct sync_peer *peer, const struct member *m,
		int64_t *next, struct err *e)
{
	struct err why = { 0 };
	int64_t wait = MEMBER_BEAT_MS;
	int r = 0;

	if (m->registered_ms == 0)
		return 0; /* it is in the outbox */
	if (time_monotonic() >= t->beat_ms) {
		r = member_beat(t->a, peer, m, &why);
		if (r < 0 && t->beats_lost++ == 0)
			log_event(LOG_WARN, "heartbeat", "error=%s", why.msg);
		if (r == 0)
			t->beats_lost = 0;
		else if (t->beats_lost <= ARRAY_LEN(waits))
			wait = waits[t->beats_lost - 1];
		t->beat_ms = time_monotonic() + wait;
	}
	look_at(next, t->beat_ms);
	if (r == ERR_IO || r == ERR_CORRUPT) { /* ours, not the hub's */
		*e = why;
		return r;
	}
	return 0;
}

static int poll(struct fleet_turn *t, const struct sync_peer *peer, struct err *e)
{
	AUTO_MEMBER struct member m = { 0 };
	struct err why = { 0 };
	int r = member_load(agents_db(t->a), &m, e);
	int64_t room = m.capacity - m.open;

	if (r <= 0)
		return r;
	for (r = 1; r > 0 && room > 0; room--)
		r = member_poll(t->a, peer, &m, &why);
	if (r < 0)
		log_event(LOG_WARN, "poll", "error=%s", why.msg);
	return 0;
}

/* The token goes by the environment, which others cannot read. */
static int start_listener(struct fleet_turn *t, const struct sync_peer *peer, struct err *e)
{
	const char *argv[] = { "larder",          "agent",    "listen",     "--quiet", "--home",
			       agents_path(t->a), "--server", peer->server, NULL };
	AUTO_FREE char *token = xasprintf("LARDER_TOKEN=%s", peer->token);
	const char *const environment[] = { token, NULL };
	int r = proc_detach(argv, environment, e);

	explicit_bzero(token, strlen(token));
	return r;
}

static int launch(struct fleet_turn *t, const struct sync_peer *peer, const struct member *m,
		  struct err *e)
{
	size_t step = (size_t)m->failures;
	int64_t wait = waits[step < ARRAY_LEN(waits) ? step : ARRAY_LEN(waits) - 1];
	int r = m->failures >= MEMBER_FAILURES || t->once ? poll(t, peer, e) : 0;

	t->listen_ms = time_monotonic() + wait;
	return r < 0 || t->once ? r : start_listener(t, peer, e);
}

static int listen(struct fleet_turn *t, const struct sync_peer *peer, const struct member *m,
		  int64_t *next, struct err *e)
{
	int r = lease_owner(agents_db(t->a), MEMBER_LEASE, &t->listener, e);

	if (r > 0)
		return watch_process(t->watch, t->listener, e);
	t->listener = 0;
	if (r < 0 || m->open >= m->capacity) /* the end of a task wakes us */
		return r;
	if (time_monotonic() >= t->listen_ms)
		r = launch(t, peer, m, e);
	look_at(next, t->listen_ms);
	return r;
}

int fleet_turn(struct fleet_turn *t, const struct sync_peer *peer, int64_t *ret_next_ms,
	       struct err *e)
{
	AUTO_MEMBER struct member m = { 0 };
	int64_t next = -1;
	int r = member_load(agents_db(t->a), &m, e);

	if (r <= 0)
		return r;
	r = member_start(t->a, e);
	if (r < 0 || !peer->server || !peer->token)
		return r;
	r = sync_check_server(peer->server, e);
	if (r == 0)
		r = beat(t, peer, &m, &next, e);
	if (r == 0)
		r = listen(t, peer, &m, &next, e);
	*ret_next_ms = next;
	return r;
}

void fleet_turn_end(struct fleet_turn *t)
{
	struct err ignored = { 0 };

	/* It holds nothing but a connection; one that is not ended so ends itself. */
	if (t->a && lease_owner(agents_db(t->a), MEMBER_LEASE, &t->listener, &ignored) > 0)
		(void)kill(t->listener, SIGTERM);
}
