/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that speaks with the hub: which hub, as whom, one request and its JSON, lists printed.
 *
 *	struct user_args { struct remote_args remote; const char *name; };
 *	static const struct opt options[] = {
 *		..., REMOTE_OPTIONS(struct user_args, remote), OPT_END };
 *
 *	AUTO_REMOTE struct remote *remote = NULL;
 *	AUTO_JSON struct json *reply = NULL;
 *	if (remote_open(&args.remote, &remote, e) < 0 ||
 *	    remote_ask(remote, &(struct remote_call){ "GET", "/api/admin/users" }, &reply, e) < 0)
 *		...
 *	return remote_print_list(&args.remote, reply, "users", columns, e);
 *
 * Server and token: the flags, then as workspace/credentials.h says. Errors: those of the request
 * and of the hub's answer, with its sentence. Threads: one.
 */
#ifndef LARDER_CMD_REMOTE_H
#define LARDER_CMD_REMOTE_H

#include "base/json.h"
#include "base/opt.h"
#include "net/http-client.h"

struct remote_args {
	const char *server;
	const char *token;
	bool json;
};

#define REMOTE_OPTIONS(type, member)                                                               \
	OPT_TEXT(0, "server", type, member.server, "URL", "the hub (default LARDER_SERVER)"),      \
		OPT_TEXT(0, "token", type, member.token, "TOKEN",                                  \
			 "who asks (default LARDER_TOKEN)"),                                       \
		OPT_FLAG('j', "json", type, member.json, "JSON on stdout")

/* A list of 10,000 users or tables is some MB. */
#define REMOTE_REPLY_MAX ((size_t)64 << 20)

struct remote;

int remote_open(const struct remote_args *args, struct remote **ret_remote, struct err *e);
void remote_close(struct remote *remote);
static inline void remote_auto_(struct remote **p)
{
	remote_close(*p);
}
#define AUTO_REMOTE AUTO(remote_auto_)

/* For requests of another shape (a publish). Lent. */
const char *remote_server(const struct remote *remote); /* without a trailing slash */
const char *remote_token(const struct remote *remote);

struct remote_call {
	const char *method;
	const char *path;  /* encoded, with its query: see net/url.h */
	struct bytes body; /* JSON; none: no body */
};
/* Every 2xx is fine. ret_reply may be NULL; a reply without a body gives NULL. */
int remote_ask(struct remote *remote, const struct remote_call *call, struct json **ret_reply,
	       struct err *e);
/* For commands of one request: opens, asks, closes. */
int remote_ask_once(const struct remote_args *args, const struct remote_call *call,
		    struct json **ret_reply, struct err *e);

/* "/api/admin/groups/" + "a b" -> "/api/admin/groups/a%20b"; the caller owns it. */
char *remote_path(const char *base, const char *segment);

struct remote_column {
	const char *title; /* "EMAIL" */
	const char *key;   /* its member of each element */
};
/* The array at reply[key] (key NULL: the reply itself) as an aligned table, or the reply as it is
 * with --json. Columns end with a NULL title. */
int remote_print_list(const struct remote_args *args, const struct json *reply, const char *key,
		      const struct remote_column *columns, struct err *e);
/* The reply with --json, else the sentence ("user added"). reply may be NULL. */
int remote_print_done(const struct remote_args *args, const struct json *reply, struct err *e,
		      const char *fmt, ...) PRINTF(4, 5);

#endif
