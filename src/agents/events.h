/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workspace/events.jsonl: what began and what ended, a JSON line each, appended for tools that follow
 * it. A line may be lost by a kill just after its commit; nothing of ours reads the file.
 */
#ifndef LARDER_AGENTS_EVENTS_H
#define LARDER_AGENTS_EVENTS_H

#include "agents/dispatch.h"
#include "agents/home.h"

void events_add(const struct agents *a, const struct dispatch *d, enum agent_event event);

#endif
