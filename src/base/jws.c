/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jws.h"

#include "base/crypto.h"
#include <string.h>

struct rsa_key {
	EVP_PKEY *pkey;
};

static void free_bio(BIO **bio)
{
	(void)crypto()->bio_free(*bio);
}

static void free_md_ctx(EVP_MD_CTX **ctx)
{
	crypto()->md_ctx_free(*ctx);
}

/* Without it libcrypto asks at the terminal, and a hub would wait for an answer. */
static int no_password(char *p, int n, int writing, void *ctx)
{
	bool *asked = ctx;

	(void)p;
	(void)n;
	(void)writing;
	*asked = true;
	return -1;
}

static int check_key(const EVP_PKEY *pkey, struct err *e)
{
	int bits = crypto()->pkey_get_bits(pkey);

	if (crypto()->pkey_get_base_id(pkey) != EVP_PKEY_RSA)
		return err_set(e, ERR_USAGE, "the private key is not for RSA");
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(e, ERR_USAGE,
			       "the private key has %d bits, it must be %d to %d of RSA", bits,
			       RSA_BITS_MIN, RSA_BITS_MAX);
	return 0;
}

int rsa_key_read(struct bytes pem, struct rsa_key **ret_key, struct err *e)
{
	AUTO_RSA_KEY struct rsa_key *key = xcalloc(1, sizeof(*key));
	AUTO(free_bio) BIO *bio = NULL;
	bool asked = false;
	int r;

	if (pem.n > RSA_PEM_MAX)
		return err_set(e, ERR_USAGE, "the private key has %zu bytes, the limit is %zu",
			       pem.n, RSA_PEM_MAX);
	bio = crypto()->bio_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
	if (!bio)
		abort(); /* out of memory */
	key->pkey = crypto()->pem_read_private_key(bio, NULL, no_password, &asked);
	crypto()->err_clear_error(); /* the queue is the thread's; its sentences help nobody */
	if (!key->pkey)
		return err_set(e, ERR_USAGE,
			       asked ? "the private key is encrypted"
				     : "the private key is no PEM that libcrypto can read");
	r = check_key(key->pkey, e);
	if (r == 0)
		*ret_key = TAKE(key);
	return r;
}

void rsa_key_free(struct rsa_key *key)
{
	if (!key)
		return;
	crypto()->pkey_free(key->pkey); /* wipes its numbers */
	free(key);
}

static bool sign(const struct rsa_key *key, struct bytes text, unsigned char *out, size_t *n)
{
	AUTO(free_md_ctx) EVP_MD_CTX *ctx = crypto()->md_ctx_new();
	bool ok =
		ctx &&
		crypto()->digest_sign_init(ctx, NULL, "SHA256", NULL, NULL, key->pkey, NULL) == 1 &&
		crypto()->digest_sign(ctx, out, n, (const unsigned char *)text.p, text.n) == 1;

	crypto()->err_clear_error();
	return ok;
}

int jws_sign(const struct rsa_key *key, struct bytes header, struct bytes claims, struct buf *out,
	     struct err *e)
{
	unsigned char signature[RSA_BITS_MAX / 8];
	size_t n = sizeof(signature), start = out->n;

	base64url_add(out, header);
	buf_addc(out, '.');
	base64url_add(out, claims);
	if (out->full)
		return err_set(e, ERR_LIMIT, "the token to sign is over %zu bytes", out->max);
	if (!sign(key, (struct bytes){ out->p + start, out->n - start }, signature, &n))
		return err_set(e, ERR_FAILED, "libcrypto refuses to sign with the private key");
	buf_addc(out, '.');
	base64url_add(out, (struct bytes){ (const char *)signature, n });
	return out->full ? err_set(e, ERR_LIMIT, "the token is over %zu bytes", out->max) : 0;
}

void base64url_add(struct buf *out, struct bytes text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < text.n; i++) {
		bits = (bits << 8 | (unsigned char)text.p[i]) & 0xffff;
		for (held += 8; held >= 6; held -= 6)
			buf_addc(out, digits[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		buf_addc(out, digits[bits << (6 - held) & 63]);
}

void secret_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}
