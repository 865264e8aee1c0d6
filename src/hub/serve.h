/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hub that serves until it is told to stop: SIGTERM or SIGINT lets running replies finish (for
 * SERVE_DRAIN_MS), a second signal ends the process at once.
 *
 *	serve_run(&(struct serve_options){ .data = "hub", .listen = "127.0.0.1:0", ... }, e)
 *
 * on_ready is called once, when requests are being answered. To be called on the process' first
 * thread, before there are others: it decides which thread takes the signals. Errors: of hub_open()
 * and http_server_start(); ERR_BUSY when the lease on the data folder was lost.
 */
#ifndef LARDER_HUB_SERVE_H
#define LARDER_HUB_SERVE_H

#include "base/err.h"

#define SERVE_DRAIN_MS 10000
#define SERVE_LISTEN   "127.0.0.1:8765"

struct serve_options {
	const char *data;
	const char *listen;   /* "ADDRESS:PORT", the address numeric; "[::1]:8765" for v6 */
	const char *tls_cert; /* files of PEM; both or neither */
	const char *tls_key;
	bool with_scheduler; /* as a child, which is looked after (hub/supervise.h) */
	void *ctx;
	int (*on_ready)(void *ctx, const char *data, const char *url, struct err *e);
};

int serve_run(const struct serve_options *options, struct err *e);

#endif
