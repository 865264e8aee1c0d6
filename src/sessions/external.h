/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processors that are programs of the team: one line of the hub's configuration each.
 *
 *	processors:
 *	  - {name: words, command: [/usr/local/bin/count-words]}
 *	  - name: tickets
 *	    command: [/opt/tools/tickets, --strict]
 *	    version: 2          a higher one processes everything again (default 1)
 *	    deadline: 60s       for one session (5m)
 *	    memory: 512M        address space (1G)
 *	    network: true       it may open sockets (false)
 *
 * The program gets one JSON object on stdin: processor, processor_version, session, path, user,
 * name, sha256, size. It prints its items on stdout, one JSON object a line, and exits 0; 75 asks to
 * be tried later; anything else is a failure, with the first line of its stderr as the reason. It
 * may read its own program, the system's programs and that one transcript, and write nothing. Its
 * environment is PATH, HOME and LANG.
 *
 * An item whose "kind" is "knowledge" becomes a proposal (memory/knowledge.h): title, content,
 * domain, category, entities, tags, detection_type, quote, position. All items are kept, the newest
 * run of a session in place of the older: `larder sessions show`.
 *
 * All or nothing: an item that may not be fails its session. Threads: one.
 */
#ifndef LARDER_SESSIONS_EXTERNAL_H
#define LARDER_SESSIONS_EXTERNAL_H

#include "base/json.h"
#include "base/yaml.h"
#include "sessions/processor.h"

/* Of one session: a day's transcript has some thousand turns. */
#define EXTERNAL_ITEMS_MAX ((size_t)10000)
/* Of one item: a page of text, in JSON. */
#define EXTERNAL_ITEM_MAX ((size_t)256 << 10)
/* Of all items of a session: they are kept in the hub's database. */
#define EXTERNAL_OUTPUT_MAX ((size_t)16 << 20)
/* Of all items' kinds: a word. */
#define EXTERNAL_KIND_MAX 64

extern const struct db_schema external_schema;

struct external {
	char *name;
	struct strv command;
	int64_t version, deadline_s, memory_bytes;
	bool network;
};
/* A list of struct external, for the hub's settings. */
extern const struct yaml_map external_map;

/* The processor that is this line of the configuration, which it lends. */
struct processor external_processor(const struct external *x);

/* The items of a session as objects, into an open array. */
int external_items(struct db *db, const char *processor, const char *session, struct json_out *out,
		   struct err *e);

#endif
