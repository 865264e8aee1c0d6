/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jws.h"

#include "../tools/jws-check.h"
#include "test.h"

static EVP_PKEY *pair;

static int make_pair(void **state)
{
	(void)state;
	pair = jws_new_key();
	return 0;
}

static int free_pair(void **state)
{
	(void)state;
	EVP_PKEY_free(pair);
	return 0;
}

static struct rsa_key *key_of(EVP_PKEY *pkey)
{
	AUTO_FREE char *pem = jws_pem(pkey, NULL);
	struct rsa_key *key = NULL;
	struct err e = { 0 };

	CHECK_OK(rsa_key_read(bytes_of(pem), &key, &e));
	return key;
}

TEST(base64url_is_that_of_the_rfc)
{
	/* RFC 4648 section 10, without the padding; and the two letters that differ. */
	static const char *const known[][2] = { { "", "" },           { "f", "Zg" },
						{ "fo", "Zm8" },      { "foo", "Zm9v" },
						{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" },
						{ "\xfb\xff", "-_8" } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		AUTO_BUF struct buf out = BUF_INIT(100), back = BUF_INIT(100);

		base64url_add(&out, bytes_of(known[i][0]));
		CHECK_STR(buf_str(&out), known[i][1]);
		CHECK(jws_decode(buf_bytes(&out), &back));
		CHECK_STR(buf_str(&back), known[i][0]);
	}
}

TEST(a_signature_is_that_of_the_key_and_of_nothing_else)
{
	AUTO_RSA_KEY struct rsa_key *key = key_of(pair);
	AUTO_BUF struct buf token = BUF_INIT(4096), header = BUF_INIT(4096),
			    claims = BUF_INIT(4096);
	EVP_PKEY *other = jws_new_key();
	struct err e = { 0 };

	CHECK_OK(jws_sign(key, BYTES_LITERAL("{\"alg\":\"RS256\"}"), BYTES_LITERAL("{\"a\":1}"),
			  &token, &e));
	CHECK(jws_check(pair, buf_bytes(&token), &header, &claims));
	CHECK_STR(buf_str(&header), "{\"alg\":\"RS256\"}");
	CHECK_STR(buf_str(&claims), "{\"a\":1}");
	CHECK(!jws_check(other, buf_bytes(&token), &header, &claims));
	token.p[5] ^= 1;
	CHECK(!jws_check(pair, buf_bytes(&token), &header, &claims));
	EVP_PKEY_free(other);
}

TEST(what_is_no_key_is_refused_and_never_asked_for)
{
	AUTO_FREE char *good = jws_pem(pair, NULL);
	AUTO_FREE char *locked = jws_pem(pair, EVP_aes_128_cbc());
	AUTO_FREE char *cut = xstrndup(good, strlen(good) / 2);
	EVP_PKEY *curve = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024);
	AUTO_FREE char *curve_pem = jws_pem(curve, NULL);
	AUTO_FREE char *small_pem = jws_pem(small, NULL);
	AUTO_FREE char *huge = xcalloc(RSA_PEM_MAX + 2, 1);
	const struct {
		const char *pem, *why;
	} cases[] = {
		{ "", "no PEM" },         { "geheim", "no PEM" },       { cut, "no PEM" },
		{ locked, "encrypted" },  { curve_pem, "not for RSA" }, { small_pem, "1024 bits" },
		{ huge, "the limit is" },
	};

	memset(huge, 'x', RSA_PEM_MAX + 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rsa_key *key = NULL;
		struct err e = { 0 };

		CHECK_ERR(rsa_key_read(bytes_of(cases[i].pem), &key, &e), ERR_USAGE);
		CHECK_HAS(e.msg, cases[i].why);
		CHECK(!strstr(e.msg, "geheim"));
		CHECK(!key);
	}
	EVP_PKEY_free(curve);
	EVP_PKEY_free(small);
}

TEST(a_token_that_does_not_fit_is_an_error)
{
	AUTO_RSA_KEY struct rsa_key *key = key_of(pair);

	for (size_t max = 1; max < 400; max += 40) {
		AUTO_BUF struct buf token = BUF_INIT(max);
		struct err e = { 0 };
		int r = jws_sign(key, BYTES_LITERAL("{}"), BYTES_LITERAL("{\"a\":1}"), &token, &e);

		CHECK_INT(r, max < 356 ? ERR_LIMIT : 0);
	}
}

TEST(wiping_leaves_nothing)
{
	char secret[] = "geheim";

	secret_wipe(secret, 6);
	for (size_t i = 0; i < 6; i++)
		CHECK_INT(secret[i], 0);
	rsa_key_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(base64url_is_that_of_the_rfc),
		CASE(a_signature_is_that_of_the_key_and_of_nothing_else),
		CASE(what_is_no_key_is_refused_and_never_asked_for),
		CASE(a_token_that_does_not_fit_is_an_error),
		CASE(wiping_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make_pair, free_pair);
}
