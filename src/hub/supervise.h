/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler as a child of the hub (`larder serve --with-scheduler`): started when requests are
 * answered, started again when it ends. One that ends at once is started again after 1, 2, 4, ...
 * 60 s. It is killed with the hub, however that ends, and has nothing to lose: its state is here.
 *
 *	AUTO_SUPERVISED struct supervised *s = supervise_new(url, data, secret);
 *	next = supervise(s)              starts it when its time has come; ms until that, or -1
 *
 * To be called on the first thread, at SIGCHLD and when the time is over. Errors are logged.
 */
#ifndef LARDER_HUB_SUPERVISE_H
#define LARDER_HUB_SUPERVISE_H

#include "base/base.h"

struct supervised;

struct supervised *supervise_new(const char *url, const char *data, const char *secret);
int64_t supervise(struct supervised *s);
void supervise_free(struct supervised *s);
static inline void supervise_auto_(struct supervised **p)
{
	supervise_free(*p);
}
#define AUTO_SUPERVISED AUTO(supervise_auto_)

#endif
