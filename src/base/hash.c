/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/crypto.h"
#include "base/str.h"
#include <assert.h>
#include <pthread.h>
#include <sys/random.h>

/* Large enough that the call costs nothing beside the work, small enough to stay in the
 * second-level cache. */
#define READ_SIZE ((size_t)256 << 10)

struct hash {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

static EVP_MD *fetched[2];

/* Fetched once: OpenSSL 3's implicit fetch takes a lock and a search at every start of a hash. */
static void fetch_all(void)
{
	fetched[HASH_SHA256] = crypto()->md_fetch(NULL, "SHA256", NULL);
	fetched[HASH_MD5] = crypto()->md_fetch(NULL, "MD5", NULL);
}

static const EVP_MD *algorithm(enum hash_kind kind)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, fetch_all);
	if (!fetched[kind]) {
		(void)fprintf(stderr, "larder: libcrypto offers no %s\n",
			      kind == HASH_MD5 ? "MD5" : "SHA-256");
		abort();
	}
	return fetched[kind];
}

struct hash *hash_new(enum hash_kind kind)
{
	struct hash *h = xcalloc(1, sizeof(*h));

	h->md = algorithm(kind);
	h->ctx = crypto()->md_ctx_new();
	if (!h->ctx)
		abort();
	hash_reset(h);
	return h;
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	crypto()->md_ctx_free(h->ctx);
	free(h);
}

void hash_reset(struct hash *h)
{
	int ok = crypto()->digest_init(h->ctx, h->md, NULL);

	assert(ok == 1);
	(void)ok;
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	int ok = crypto()->digest_update(h->ctx, p, n);

	assert(ok == 1);
	(void)ok;
}

void hash_raw(struct hash *h, unsigned char *out)
{
	int ok = crypto()->digest_final(h->ctx, out, NULL);

	assert(ok == 1);
	(void)ok;
}

void hash_hex(struct hash *h, char out[HASH_HEX_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	int n = crypto()->md_get_size(h->md);

	assert(n > 0 && 2 * n < HASH_HEX_MAX);
	hash_raw(h, digest);
	hex_encode(digest, (size_t)n, out);
}

void hash_text(enum hash_kind kind, struct bytes text, char out[HASH_HEX_MAX])
{
	AUTO_HASH struct hash *h = hash_new(kind);

	hash_add(h, text.p, text.n);
	hash_hex(h, out);
}

int hash_fd(int fd, struct hash *first, struct hash *second, int64_t *ret_size, struct err *e)
{
	AUTO_FREE char *piece = xmalloc(READ_SIZE);
	int64_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece, READ_SIZE, at)) > 0) {
		if (first)
			hash_add(first, piece, (size_t)n);
		if (second)
			hash_add(second, piece, (size_t)n);
		at += n;
	}
	if (n < 0)
		return err_sys(e, "read at byte %lld", (long long)at);
	if (ret_size)
		*ret_size = at;
	return 0;
}

int sha256_fd(int fd, char out[HASH_HEX_MAX], int64_t *ret_size, struct err *e)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	int r = hash_fd(fd, h, NULL, ret_size, e);

	if (r == 0)
		hash_hex(h, out);
	return r;
}

bool secret_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && crypto()->memory_compare(a.p, b.p, a.n) == 0;
}

void random_bytes(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0)
			continue; /* EINTR before the pool is ready: nothing else is possible for a
				     valid pointer */
		at += got;
		n -= (size_t)got;
	}
}

void random_text(size_t n, char out[RANDOM_TEXT_MAX])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char raw[RANDOM_TEXT_MAX];
	size_t chars = (n * 8 + 5) / 6;

	assert(chars < RANDOM_TEXT_MAX);
	random_bytes(raw, chars);
	for (size_t i = 0; i < chars; i++)
		out[i] = digits[raw[i] & 63]; /* 64 divides 256: every digit is equally likely */
	out[chars] = '\0';
}

void base64_add(struct buf *out, struct bytes contents)
{
	size_t n = (contents.n + 2) / 3 * 4;
	char *room = contents.n <= INT32_MAX ? buf_reserve(out, n + 1) : NULL;

	if (!room) {
		out->full = true;
		return;
	}
	(void)crypto()->encode_block((unsigned char *)room, (const unsigned char *)contents.p,
				     (int)contents.n);
	out->n += n;
}

int base64_decode(struct bytes text, struct buf *out)
{
	size_t padding = 0;
	char *room;

	if (text.n % 4 != 0 || text.n > INT32_MAX)
		return -1;
	while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	room = buf_reserve(out, text.n / 4 * 3 + 1);
	if (!room || crypto()->decode_block((unsigned char *)room, (const unsigned char *)text.p,
					    (int)text.n) < 0)
		return -1;
	out->n += text.n / 4 * 3 - padding;
	out->p[out->n] = '\0';
	return 0;
}
