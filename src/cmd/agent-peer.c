/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the agents of this machine speak to. */
#include "cmd/agent.h"

void agent_peer_release(struct agent_peer *p)
{
	credentials_release(&p->found);
	free(p->server);
	p->server = NULL;
	p->peer = (struct sync_peer){ 0 };
}

void agent_find_peer(struct agent_peer *p, const char *server, const char *token)
{
	const struct credentials_hints hints = { .server = server, .token = token };

	agent_peer_release(p);
	p->why = (struct err){ 0 };
	if (credentials_find(&hints, &p->found, &p->why) == 0) {
		p->peer = (struct sync_peer){ p->found.server, p->found.token };
		return;
	}
	struct err ignored = { 0 }; /* p->why says what lacks */

	if (credentials_server(&hints, &p->server, &ignored) == 0)
		p->peer.server = p->server;
}
