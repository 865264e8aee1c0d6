/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd is told of a service of Type=notify: "READY=1", "STOPPING=1", one datagram to the
 * socket that NOTIFY_SOCKET names. Nothing happens without that variable, and nothing when it
 * cannot be sent: who does not listen does not need it. Source: sd_notify(3).
 */
#ifndef LARDER_HUB_NOTIFY_H
#define LARDER_HUB_NOTIFY_H

void notify_supervisor(const char *state);

#endif
