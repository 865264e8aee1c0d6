/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests know of signed tokens, by OpenSSL alone and nothing of the product: a key to sign with,
 * and whether a token is signed with it.
 */
#ifndef LARDER_TEST_JWS_CHECK_H
#define LARDER_TEST_JWS_CHECK_H

#include "base/buf.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static inline EVP_PKEY *jws_new_key(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);

	if (!key)
		abort();
	return key;
}

static inline char *jws_pem(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL, *text;
	long n;

	if (PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, "geheim", 6, NULL, NULL) != 1)
		abort();
	n = BIO_get_mem_data(bio, &p);
	text = xstrndup(p, (size_t)n);
	(void)BIO_free(bio);
	return text;
}

/* base64url without padding; false when it is none. */
static inline bool jws_decode(struct bytes text, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned bits = 0, held = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *at = memchr(digits, text.p[i], 64);

		if (!at)
			return false;
		bits = (bits << 6 | (unsigned)(at - digits)) & 0xfff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			buf_addc(out, (char)(bits >> held));
		}
	}
	return held < 6 && (bits & ((1U << held) - 1)) == 0;
}

/* Is the token's signature that of the key? Its header and claims are appended. */
static inline bool jws_check(EVP_PKEY *key, struct bytes token, struct buf *header,
			     struct buf *claims)
{
	const char *dot = memchr(token.p, '.', token.n), *second;
	AUTO_BUF struct buf signature = BUF_INIT(BUF_OWN_MAX);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = dot != NULL;

	second = dot ? memchr(dot + 1, '.', token.n - (size_t)(dot + 1 - token.p)) : NULL;
	ok = second && jws_decode((struct bytes){ token.p, (size_t)(dot - token.p) }, header) &&
	     jws_decode((struct bytes){ dot + 1, (size_t)(second - dot - 1) }, claims) &&
	     jws_decode((struct bytes){ second + 1, token.n - (size_t)(second + 1 - token.p) },
			&signature) &&
	     EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
			      (const unsigned char *)token.p, (size_t)(second - token.p)) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

#endif
