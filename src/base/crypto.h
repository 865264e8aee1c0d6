/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto, loaded when something is first hashed, signed or decoded: mapped and relocated it costs each start of
 * the program 1.6 ms of three, and many commands hash nothing. Only hash.c and jws.c include this.
 *
 *	const struct crypto_library *c = crypto();
 *	c->md_ctx_free(ctx);
 *
 * Loaded once, never unloaded. Without it the process ends, as it would if it were linked: nothing can be done that was
 * asked for. Threads: any.
 */
#ifndef LARDER_BASE_CRYPTO_H
#define LARDER_BASE_CRYPTO_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct crypto_library {
	__typeof__(OPENSSL_init_crypto) *init;
	__typeof__(CRYPTO_memcmp) *memory_compare;
	__typeof__(ERR_clear_error) *err_clear_error;
	__typeof__(EVP_MD_fetch) *md_fetch;
	__typeof__(EVP_MD_get_size) *md_get_size;
	__typeof__(EVP_MD_CTX_new) *md_ctx_new;
	__typeof__(EVP_MD_CTX_free) *md_ctx_free;
	__typeof__(EVP_DigestInit_ex2) *digest_init;
	__typeof__(EVP_DigestUpdate) *digest_update;
	__typeof__(EVP_DigestFinal_ex) *digest_final;
	__typeof__(EVP_EncodeBlock) *encode_block;
	__typeof__(EVP_DecodeBlock) *decode_block;
	__typeof__(BIO_new_mem_buf) *bio_new_mem_buf;
	__typeof__(BIO_free) *bio_free;
	__typeof__(PEM_read_bio_PrivateKey) *pem_read_private_key;
	__typeof__(EVP_PKEY_free) *pkey_free;
	__typeof__(EVP_PKEY_get_bits) *pkey_get_bits;
	__typeof__(EVP_PKEY_get_base_id) *pkey_get_base_id;
	__typeof__(EVP_DigestSignInit_ex) *digest_sign_init;
	__typeof__(EVP_DigestSign) *digest_sign;
};

const struct crypto_library *crypto(void);

#endif
