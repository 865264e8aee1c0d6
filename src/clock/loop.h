/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: one thread, one loop over the hub's answers, the signals, and the time at which the
 * next thing is due. It opens no database and decides nothing: it asks the hub what is due
 * (wire.h), calls it, and sleeps until the hub said it should ask again, which is at the next due
 * time, when a run has ended, or after a third of its lease.
 *
 *	clock_run(&(struct clock_options){ .server = url, .token = t, .table = &table }, e)
 *
 * It ends with 0 at SIGTERM, SIGINT or SIGHUP, at once: the lease is given back, runs go on at the
 * hub. A hub that is away is asked again after 1, 2, 4, ... 10 s. Each run is a line of the log.
 *
 * To be called on the process' only thread. Errors: those of libcurl's start; with `once` also that
 * another scheduler leads (ERR_BUSY), that the hub cannot be asked, and ERR_FAILED when a run did
 * not succeed.
 */
#ifndef LARDER_CLOCK_LOOP_H
#define LARDER_CLOCK_LOOP_H

#include "clock/jobs.h"

struct clock_options {
	const char *server; /* without a trailing slash */
	const char *token;  /* of the hub; NULL: none */
	const struct clock_table *table;
	bool once; /* what is due now, then end; no grace */
};

int clock_run(const struct clock_options *options, struct err *e);

#endif
