/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where does the body of a request end? The library takes heads of which a proxy in front may think
 * otherwise (measured with 0.9.75: of two lengths it takes the first, an encoding beside a length
 * wins, and `Content-Length : 5` is no length). What the two disagree about would be the next
 * request of somebody else, so such a head is refused and its connection closed (RFC 9112, 6.3).
 */
#include "net/http-server-internal.h"

struct framing {
	unsigned lengths, encodings;
	bool other_encoding; /* than "chunked": the library would read until the client closes */
	bool bad_name;
};

static bool is_token(const char *name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (const char *p = name; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
		    !(*p >= '0' && *p <= '9') && !strchr(others, *p))
			return false;
	return *name != '\0';
}

static enum MHD_Result look(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = ctx;

	(void)kind;
	if (strcasecmp(name, "Content-Length") == 0) {
		f->lengths++;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		f->encodings++;
		f->other_encoding |= !value || strcasecmp(value, "chunked") != 0;
	} else if (!is_token(name)) {
		f->bad_name = true;
	}
	return MHD_YES;
}

bool http_framing_is_clear(const struct http_in *in)
{
	struct framing f = { 0 };

	(void)in->server->mhd->get_connection_values(in->connection, MHD_HEADER_KIND, look, &f);
	return f.lengths + f.encodings <= 1 && !f.other_encoding && !f.bad_name;
}
