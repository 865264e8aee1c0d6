/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For people: the sessions of a hub and what each processor made of them.
 *
 *	const struct session_list_options o = { .configured = &settings->processors };
 *	sessions_list(root, &o, &out, e)          one object for each (session, processor)
 *	sessions_show(root, &o, "bo@x.org/1.jsonl", &out, e)     with the items that were kept
 *
 * Errors: ERR_NOT_FOUND for a session that is not there, ERR_USAGE for a word that means nothing;
 * the db's. Threads: as the root.
 */
#ifndef LARDER_SESSIONS_LIST_H
#define LARDER_SESSIONS_LIST_H

#include "base/json.h"
#include "base/yaml.h"
#include "engine/root.h"

struct session_list_options {
	const struct yaml_maps *configured; /* of the hub's settings */
	const char *processor;              /* NULL: each */
	const char *state;                  /* a word of session_verdict_word(); NULL: any */
	const char *user;                   /* an email; NULL: any */
};

/* Elements into an open array. */
int sessions_list(const struct root *root, const struct session_list_options *options,
		  struct json_out *out, struct err *e);
/* Members into an open object. */
int sessions_show(const struct root *root, const struct session_list_options *options,
		  const char *session, struct json_out *out, struct err *e);

#endif
