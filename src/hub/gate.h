/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate of the routes below /v1, which agents' keys use: what the key may do, from where, how often;
 * and errors in the form that clients of that contract read, beside our own members:
 *
 *	401 {"error": "unauthorised", "message"}       403 {"error": "forbidden", "message"}
 *	403 {"error": "ip_not_allowed", "message", "your_ip"}
 *	422 {"error": "validation_failed", "message"}  429 {"error": "rate_limited", "message"}
 *
 * Calls are counted by token in windows of a minute, in memory: a hub that starts anew counts anew.
 * Each answer says X-RateLimit-Limit, -Remaining, -Reset; 429 also Retry-After. Threads: any.
 */
#ifndef LARDER_HUB_GATE_H
#define LARDER_HUB_GATE_H

#include "hub/routes.h"

/* The contract's default for a key that has no rate of its own. */
#define GATE_CALLS_PER_MINUTE 100
/* Tokens whose calls are counted at once; of more, those of the oldest windows are forgotten. */
#define GATE_TOKENS_MAX 4096

struct gate;

struct gate *gate_new(void);
void gate_free(struct gate *gate);

/* Of every other route that has a caller: ERR_DENIED for a key that is not used from there. */
int gate_need_address(const struct caller *caller, struct http_in *in, struct err *e);
/* 0: let through. 1: it was answered. */
int gate_check(struct gate *gate, const struct route *route, const struct caller *caller,
	       struct http_in *in);
/* In place of reply_error(). */
void gate_reply_error(struct http_in *in, const struct err *e);

#endif
