/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/file.h"
#include "base/str.h"
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define EMPTY_MD5    "d41d8cd98f00b204e9800998ecf8427e"
/* FIPS 180-2 appendix B.1 and RFC 1321 appendix A.5 */
#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_MD5    "900150983cd24fb0d6963f7d28e17f72"

TEST(known_texts_have_their_known_hashes)
{
	char hex[HASH_HEX_MAX];

	hash_text(HASH_SHA256, bytes_of(""), hex);
	CHECK_STR(hex, EMPTY_SHA256);
	hash_text(HASH_SHA256, bytes_of("abc"), hex);
	CHECK_STR(hex, ABC_SHA256);
	hash_text(HASH_MD5, bytes_of(""), hex);
	CHECK_STR(hex, EMPTY_MD5);
	hash_text(HASH_MD5, bytes_of("abc"), hex);
	CHECK_STR(hex, ABC_MD5);
}

TEST(pieces_hash_like_the_whole_and_reset_starts_anew)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	char hex[HASH_HEX_MAX];

	hash_add(h, "a", 1);
	hash_add(h, "", 0);
	hash_add(h, "bc", 2);
	hash_hex(h, hex);
	CHECK_STR(hex, ABC_SHA256);
	hash_reset(h);
	hash_add(h, "abc", 3);
	hash_hex(h, hex);
	CHECK_STR(hex, ABC_SHA256);
}

TEST(a_file_is_hashed_from_its_start_and_keeps_its_offset)
{
	AUTO_FD int fd = memfd_create("x", MFD_CLOEXEC);
	AUTO_HASH struct hash *sha = hash_new(HASH_SHA256);
	AUTO_HASH struct hash *md5 = hash_new(HASH_MD5);
	struct err e = { 0 };
	char hex[HASH_HEX_MAX];
	int64_t size = 0;

	CHECK_OK(file_write_all(fd, bytes_of("abc"), "x", &e));
	CHECK_OK(hash_fd(fd, sha, md5, &size, &e));
	CHECK_INT(size, 3);
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 3);
	hash_hex(sha, hex);
	CHECK_STR(hex, ABC_SHA256);
	hash_hex(md5, hex);
	CHECK_STR(hex, ABC_MD5);
	CHECK_OK(hash_fd(fd, NULL, NULL, NULL, &e));
}

TEST(a_file_over_one_read_is_hashed_whole)
{
	size_t n = (1 << 20) + 7;
	AUTO_FREE char *p = xcalloc(n, 1);
	AUTO_FD int fd = memfd_create("x", MFD_CLOEXEC);
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	struct err e = { 0 };
	char whole[HASH_HEX_MAX];
	char read[HASH_HEX_MAX];
	int64_t size = 0;

	p[n - 1] = 'x';
	CHECK_OK(file_write_all(fd, (struct bytes){ p, n }, "x", &e));
	CHECK_OK(hash_fd(fd, h, NULL, &size, &e));
	hash_hex(h, read);
	hash_text(HASH_SHA256, (struct bytes){ p, n }, whole);
	CHECK_INT(size, n);
	CHECK_STR(read, whole);
	CHECK_OK(sha256_fd(fd, read, NULL, &e));
	CHECK_STR(read, whole);
}

TEST(a_file_that_cannot_be_read_is_an_error)
{
	AUTO_FD int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = { 0 };
	char hex[HASH_HEX_MAX];
	int64_t size = 7;

	CHECK_ERR(hash_fd(fd, NULL, NULL, &size, &e), ERR_IO);
	CHECK_INT(size, 7);
	CHECK_ERR(sha256_fd(fd, hex, &size, &e), ERR_IO);
}

TEST(secrets_compare_whole)
{
	CHECK(secret_equal(bytes_of("token"), bytes_of("token")));
	CHECK(secret_equal(bytes_of(""), bytes_of(NULL)));
	CHECK(!secret_equal(bytes_of("token"), bytes_of("tokeN")));
	CHECK(!secret_equal(bytes_of("token"), bytes_of("toke")));
	CHECK(!secret_equal(bytes_of("token"), bytes_of("")));
}

TEST(random_text_is_url_safe_and_does_not_repeat)
{
	char a[RANDOM_TEXT_MAX];
	char b[RANDOM_TEXT_MAX];

	random_text(32, a);
	random_text(32, b);
	CHECK_INT(strlen(a), 43); /* 32 bytes are 256 bits, 6 of them a digit */
	CHECK_INT(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		  43);
	CHECK(!str_eq(a, b));
}

TEST(random_bytes_fill_all_that_was_asked)
{
	unsigned char p[4096] = { 0 };
	size_t zeros = 0;

	random_bytes(p, sizeof(p));
	for (size_t i = 0; i < sizeof(p); i++)
		zeros += p[i] == 0;
	CHECK(zeros < 100); /* 16 are to be expected; 100 come once in 10^40 */
}

TEST(freeing_nothing_is_fine)
{
	hash_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(known_texts_have_their_known_hashes),
		CASE(pieces_hash_like_the_whole_and_reset_starts_anew),
		CASE(a_file_is_hashed_from_its_start_and_keeps_its_offset),
		CASE(a_file_over_one_read_is_hashed_whole),
		CASE(a_file_that_cannot_be_read_is_an_error),
		CASE(secrets_compare_whole),
		CASE(random_text_is_url_safe_and_does_not_repeat),
		CASE(random_bytes_fill_all_that_was_asked),
		CASE(freeing_nothing_is_fine),
	};

	return RUN(tests);
}
