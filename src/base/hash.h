/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (content identity), MD5 (what older peers' manifests carry), random bytes, constant-time
 * comparison. OpenSSL is behind it and seen only by hash.c.
 *
 *	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
 *	hash_add(h, p, n);
 *	hash_hex(h, hex);	ends the computation; hash_reset() starts another
 *
 * Threads: the algorithms are fetched once, at the first hash_new(); a struct hash belongs to one
 * thread at a time. Errors: hashing cannot fail once the algorithm is there; a libcrypto without it
 * ends the process with a message.
 */
#ifndef LARDER_BASE_HASH_H
#define LARDER_BASE_HASH_H

#include "base/buf.h"
#include "base/err.h"

enum hash_kind { HASH_SHA256, HASH_MD5 };

#define SHA256_HEX   64
#define MD5_HEX      32
#define HASH_HEX_MAX (SHA256_HEX + 1)

struct hash;

struct hash *hash_new(enum hash_kind kind);
void hash_free(struct hash *h);
static inline void hash_auto_(struct hash **p)
{
	hash_free(*p);
}
#define AUTO_HASH AUTO(hash_auto_)

void hash_add(struct hash *h, const void *p, size_t n);
void hash_hex(struct hash *h, char out[HASH_HEX_MAX]); /* lower case, NUL-terminated */
/* The digest itself, 32 bytes of SHA-256 or 16 of MD5; ends the computation like hash_hex(). */
void hash_raw(struct hash *h, unsigned char *out);
void hash_reset(struct hash *h);

void hash_text(enum hash_kind kind, struct bytes text, char out[HASH_HEX_MAX]);
/* From the fd's offset 0 to its end, with pread: the offset is untouched. Either hash may be NULL.
 */
int hash_fd(int fd, struct hash *first, struct hash *second, int64_t *ret_size, struct err *e);
/* The SHA-256 of that, as text. ret_size may be NULL. */
int sha256_fd(int fd, char out[HASH_HEX_MAX], int64_t *ret_size, struct err *e);

/* Time taken does not depend on where the first difference is. Lengths are not secret. */
bool secret_equal(struct bytes a, struct bytes b);
void random_bytes(void *p, size_t n);
/* RFC 4648, with padding. */
void base64_add(struct buf *out, struct bytes contents);
/* Appends what the text stands for; -1 when it is no base64. */
int base64_decode(struct bytes text, struct buf *out);

/* n random bytes in base64url without padding; out holds RANDOM_TEXT_MAX. */
#define RANDOM_TEXT_MAX 64
void random_text(size_t n, char out[RANDOM_TEXT_MAX]);

#endif
