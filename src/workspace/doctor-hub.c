/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/doctor-internal.h"

#include "base/time.h"
#include "net/http-client.h"
#include "tables/mirror-check.h"

/* Larger, and "how fresh is it" becomes a guess. */
#define CLOCK_SKEW_MAX_S 120

#define HEALTH_BYTES_MAX ((size_t)64 << 10)

/* Our clock against the Date of a reply (RFC 9110 section 6.6.1). */
static void check_clock(const struct http_reply *reply, struct doctor *d)
{
	const char *date = http_reply_header(reply, "date");
	struct tm tm = { 0 };
	int64_t skew;

	if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return;
	skew = time_now() / 1000 - (int64_t)timegm(&tm);
	if (skew > CLOCK_SKEW_MAX_S || skew < -CLOCK_SKEW_MAX_S)
		doctor_add(d, FINDING_BAD, "clock",
			   xasprintf("%lld s off the hub's", (long long)skew),
			   "set this machine's clock; what is fresh is judged by it");
	else
		doctor_add(d, FINDING_OK, "clock", xstrdup("agrees with the hub's"), NULL);
}

/* The hub has whatever a mirror should have, so that none of this is bad. */
static void check_mirror(const struct manifest *manifest, const char *server, struct doctor *d)
{
	static const char *const next[] = {
		[MIRROR_UNUSED] = "files come from the hub; who runs it mends the setting "
				  "downloads.mirror (docs/mirror.md)",
		[MIRROR_AWAY] = "can this machine reach it? Meanwhile files come from the hub",
		[MIRROR_FAULTY] = "files come from the hub; who runs the mirror finds in "
				  "docs/mirror.md what it has to do",
		[MIRROR_LACKS] = "files come from the hub until they are copied there: "
				 "`larder hub objects` lists them",
		[MIRROR_WRONG] = "files come from the hub until that one is copied there again: "
				 "`larder hub objects` lists them",
	};
	struct mirror_check found;

	mirror_check(manifest, server, &found);
	if (found.state == MIRROR_GOOD)
		doctor_add(d, FINDING_OK, "mirror", xstrdup(found.text), NULL);
	else if (found.state != MIRROR_NONE)
		doctor_add(d, FINDING_NOTE, "mirror", xstrdup(found.text), next[found.state]);
}

static int ask(struct http_client *client, const struct http_request *request,
	       struct http_reply *reply, struct err *e)
{
	return http_request(client, request, reply, e) < 0 ? e->code : http_expect(reply, 200, e);
}

/* What a pull would ask for, with what a pull would say of it. */
static void check_manifest(struct http_client *client, const struct credentials *who,
			   struct doctor *d)
{
	AUTO_MANIFEST struct manifest *manifest = NULL;
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FREE char *url = xasprintf("%s/api/sync/manifest", who->server);
	const struct http_request request = { .method = "GET",
					      .url = url,
					      .token = who->token,
					      .accept_gzip = true,
					      .max_body = MANIFEST_BYTES_MAX };
	static const char no_hub[] = "is that the address of a hub?";
	struct err e = { 0 };

	if (ask(client, &request, &reply, &e) < 0) {
		if (e.code == ERR_AUTH || e.code == ERR_DENIED)
			doctor_add_error(d, "token", &e,
					 "get a new one, then: larder init --token T");
		else
			doctor_add_error(d, "manifest", &e, no_hub);
		return;
	}
	doctor_add(d, FINDING_OK, "token", xstrdup("accepted"), NULL);
	if (manifest_parse(buf_bytes(&reply.body), &manifest, &e) < 0)
		doctor_add_error(d, "manifest", &e, no_hub);
	else
		check_mirror(manifest, who->server, d);
}

void doctor_check_hub(struct workspace *ws, struct doctor *d)
{
	AUTO_CREDENTIALS struct credentials who = { 0 };
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply health = HTTP_REPLY_INIT;
	struct err e = { 0 };

	if (workspace_credentials(ws, &who, &e) < 0) {
		doctor_add_error(d, "hub", &e, NULL);
		return;
	}
	AUTO_FREE char *url = xasprintf("%s/api/health", who.server);
	const struct http_request request = { .method = "GET",
					      .url = url,
					      .max_body = HEALTH_BYTES_MAX };

	if (ask(client, &request, &health, &e) < 0) {
		doctor_add_error(d, "hub", &e,
				 "is `larder serve` running there? Queries go on working offline");
		return;
	}
	doctor_add(d, FINDING_OK, "hub", xasprintf("%s answers", who.server), NULL);
	check_clock(&health, d);
	check_manifest(client, &who, d);
}
