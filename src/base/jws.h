/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON web tokens signed with RS256 (RFC 7515, RFC 7518 section 3.3), as service accounts prove
 * who they are. OpenSSL is behind it and seen only by jws.c.
 *
 *	AUTO_RSA_KEY struct rsa_key *key = NULL;
 *	r = rsa_key_read(pem, &key, e);              a private key in PEM
 *	r = jws_sign(key, header, claims, &out, e);  base64url(header).base64url(claims).signature
 *
 * Header and claims are JSON the caller wrote; they are signed as they are. What is secret is in
 * the key object alone, and wiped when it is freed; the caller wipes the text it read it from
 * (secret_wipe). No error message holds any of it.
 *
 * Threads: a key may be used by several at once. Errors: ERR_USAGE for what is no usable key,
 * ERR_FAILED when libcrypto refuses.
 */
#ifndef LARDER_BASE_JWS_H
#define LARDER_BASE_JWS_H

#include "base/buf.h"
#include "base/err.h"

/* Less is broken, and Google's are 2048; each signature with more takes seconds. */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
/* Of a key of that size, with room for comments. */
#define RSA_PEM_MAX ((size_t)16 << 10)

struct rsa_key;

/* An encrypted key is ERR_USAGE: nobody is asked for a password. */
int rsa_key_read(struct bytes pem, struct rsa_key **ret_key, struct err *e);
void rsa_key_free(struct rsa_key *key);
static inline void rsa_key_auto_(struct rsa_key **p)
{
	rsa_key_free(*p);
}
#define AUTO_RSA_KEY AUTO(rsa_key_auto_)

int jws_sign(const struct rsa_key *key, struct bytes header, struct bytes claims, struct buf *out,
	     struct err *e);

/* RFC 4648 section 5, without padding; appended. */
void base64url_add(struct buf *out, struct bytes text);

/* So that it is not found in what was freed. */
void secret_wipe(void *p, size_t n);
static inline void secret_wipe_buf(struct buf *b)
{
	if (b->p)
		secret_wipe(b->p, b->capacity);
	buf_release(b);
}
#define AUTO_SECRET_BUF AUTO(secret_wipe_buf)

#endif
