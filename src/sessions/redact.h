/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes out what has the shape of a token, before a text leaves the machine. Pure, one pass, memory
 * bounded by REDACT_WORD_MAX whatever comes.
 *
 *	AUTO_REDACT struct redact *r = redact_new(sink, ctx);
 *	redact_add(r, piece) ...
 *	redact_end(r)               what was still held back
 *	redact_count(r)             how many were taken out
 *
 * Found: JSON web tokens, private keys in PEM, what follows "Bearer", and the tokens whose makers
 * gave them a shape of their own (redact.c has the table: ours, GitHub, GitLab, Anthropic, OpenAI,
 * Slack, AWS, Google, Stripe, ...), each of which becomes [redacted:<kind>]; and what stands in the
 * place of a password (redact-pairs.h: password=..., "api_key": "...", user:password@host). Not found:
 * a secret without a shape in prose. A text in JSON stays JSON, as nothing is taken out but characters that mean
 * themselves there, and whole escapes. Redacting twice gives the same text, and how the text is
 * cut into pieces makes no difference. Threads: one.
 */
#ifndef LARDER_SESSIONS_REDACT_H
#define LARDER_SESSIONS_REDACT_H

#include "base/buf.h"

/* No token with a shape is longer; a longer run is looked at where it starts. */
#define REDACT_WORD_MAX ((size_t)8192)

struct redact;

typedef void (*redact_sink_fn)(void *ctx, struct bytes piece);

struct redact *redact_new(redact_sink_fn sink, void *ctx);
void redact_free(struct redact *r);
static inline void redact_auto_(struct redact **p)
{
	redact_free(*p);
}
#define AUTO_REDACT AUTO(redact_auto_)

void redact_add(struct redact *r, struct bytes piece);
void redact_end(struct redact *r);
size_t redact_count(const struct redact *r);

/* The whole text at once, appended; gives the count. */
size_t redact_text(struct bytes text, struct buf *out);

#endif
