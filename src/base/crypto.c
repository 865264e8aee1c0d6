/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include "base/library.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SYMBOL(member, name)                                                                       \
	{                                                                                          \
		name, offsetof(struct crypto_library, member)                                      \
	}

static struct crypto_library library; /* written inside pthread_once and only read after it */

static void load_once(void)
{
	static const char *const names[] = { "libcrypto.so.3", NULL };
	static const struct library_symbol symbols[] = {
		SYMBOL(init, "OPENSSL_init_crypto"),
		SYMBOL(memory_compare, "CRYPTO_memcmp"),
		SYMBOL(err_clear_error, "ERR_clear_error"),
		SYMBOL(md_fetch, "EVP_MD_fetch"),
		SYMBOL(md_get_size, "EVP_MD_get_size"),
		SYMBOL(md_ctx_new, "EVP_MD_CTX_new"),
		SYMBOL(md_ctx_free, "EVP_MD_CTX_free"),
		SYMBOL(digest_init, "EVP_DigestInit_ex2"),
		SYMBOL(digest_update, "EVP_DigestUpdate"),
		SYMBOL(digest_final, "EVP_DigestFinal_ex"),
		SYMBOL(encode_block, "EVP_EncodeBlock"),
		SYMBOL(decode_block, "EVP_DecodeBlock"),
		SYMBOL(bio_new_mem_buf, "BIO_new_mem_buf"),
		SYMBOL(bio_free, "BIO_free"),
		SYMBOL(pem_read_private_key, "PEM_read_bio_PrivateKey"),
		SYMBOL(pkey_free, "EVP_PKEY_free"),
		SYMBOL(pkey_get_bits, "EVP_PKEY_get_bits"),
		SYMBOL(pkey_get_base_id, "EVP_PKEY_get_base_id"),
		SYMBOL(digest_sign_init, "EVP_DigestSignInit_ex"),
		SYMBOL(digest_sign, "EVP_DigestSign"),
	};
	struct err why = { 0 };

	library_load_inward(names[0]);
	if (library_load(names, symbols, ARRAY_LEN(symbols), &library, &why) < 0) {
		(void)fprintf(stderr, "larder: %s\nlarder: next: install libssl3\n", why.msg);
		exit(1);
	}
	/* Nothing is taken apart at exit, if nobody was before us: the kernel does that better. */
	(void)library.init(OPENSSL_INIT_NO_ATEXIT, NULL);
}

const struct crypto_library *crypto(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load_once);
	return &library;
}
