/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/google-account.h"

#include "../tools/jws-check.h"
#include "base/time.h"
#include "bigquery-fixture.h"

static struct google_account *read_account(const struct site *s)
{
	struct google_account *account = NULL;
	struct err e = { 0 };

	CHECK_OK(google_account_read(s->account, &account, &e));
	return account;
}

static int get(const struct google_account *account, char **ret_token, struct err *e)
{
	AUTO_HTTP struct http_client *client = http_client_new(NULL);

	return google_account_token(account, client, ret_token, e);
}

TEST(an_account_gets_a_token_once_for_all_who_ask)
{
	SITE("");
	AUTO_GOOGLE_ACCOUNT struct google_account *account = read_account(&site);
	AUTO_GOOGLE_ACCOUNT struct google_account *again = read_account(&site);
	AUTO_FREE char *first = NULL;
	AUTO_FREE char *second = NULL;

	CHECK_STR(google_account_email(account), "larder@stand-in.iam.gserviceaccount.com");
	CHECK_STR(google_account_project(account), "stand-in");
	CHECK_OK(get(account, &first, &e));
	CHECK_OK(get(again, &second, &e));
	CHECK_STR(first, second);
	CHECK_INT(asked(&site, "token"), 1);
	nothing_was_wrong(&site);
}

TEST(a_refused_token_is_not_used_again)
{
	SITE("");
	AUTO_GOOGLE_ACCOUNT struct google_account *account = read_account(&site);
	AUTO_FREE char *first = NULL;
	AUTO_FREE char *second = NULL;
	AUTO_FREE char *third = NULL;

	CHECK_OK(get(account, &first, &e));
	google_account_refused(account, "another one");
	CHECK_OK(get(account, &second, &e));
	CHECK_STR(first, second);
	google_account_refused(account, first);
	CHECK_OK(get(account, &third, &e));
	CHECK(!str_eq(first, third));
	CHECK_INT(asked(&site, "token"), 2);
}

TEST(a_token_that_ends_soon_is_used_and_not_kept)
{
	static const char *const plans[] = { "token - expires:120\n", "token - expires:0\n",
					     "token - expires:-5\n" };

	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		SITE(plans[i]);
		AUTO_GOOGLE_ACCOUNT struct google_account *account = read_account(&site);
		AUTO_FREE char *first = NULL;
		AUTO_FREE char *second = NULL;

		CHECK_OK(get(account, &first, &e));
		CHECK_OK(get(account, &second, &e));
		CHECK(!str_eq(first, second));
	}
}

TEST(a_clock_that_is_wrong_is_seen_and_allowed_for)
{
	static const char *const clocks[] = { "+7200", "-86400" };

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		SITE("");
		AUTO_GOOGLE_ACCOUNT struct google_account *account = read_account(&site);
		AUTO_FREE char *token = NULL;

		(void)setenv("LARDER_NOW", clocks[i], 1);
		CHECK_OK(get(account, &token, &e));
		(void)unsetenv("LARDER_NOW");
		CHECK_INT(asked(&site, "token"), 2);
	}
}

TEST(a_key_that_google_does_not_know_is_refused_with_its_sentence)
{
	SITE("");
	EVP_PKEY *other = jws_new_key();
	AUTO_FREE char *pem = jws_pem(other, NULL);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_GOOGLE_ACCOUNT struct google_account *account = NULL;
	struct json_out o = json_out(&text);
	AUTO_FREE char *uri = xasprintf("%s/token", site.url);
	char *token = NULL;

	json_open(&o, NULL, '{');
	json_add_text(&o, "type", "service_account");
	json_add_text(&o, "client_email", "larder@stand-in.iam.gserviceaccount.com");
	json_add_text(&o, "private_key_id", "key-1");
	json_add_text(&o, "private_key", pem);
	json_add_text(&o, "token_uri", uri);
	json_close(&o);
	CHECK_OK(google_account_parse(buf_bytes(&text), &account, &e));
	CHECK(!google_account_project(account));
	CHECK_ERR(get(account, &token, &e), ERR_DENIED);
	CHECK_HAS(e.msg, "Invalid JWT Signature.");
	CHECK_HAS(e.hint, "make another");
	CHECK(!strstr(e.msg, "PRIVATE KEY"));
	EVP_PKEY_free(other);
}

TEST(what_the_token_server_does_wrong_is_an_error)
{
	static const struct {
		const char *plan;
		int code;
	} cases[] = {
		{ "token - nonsense\n", ERR_REMOTE },   { "token - torn\n", ERR_REMOTE },
		{ "token - status:503\n", ERR_BUSY },   { "token - status:500\n", ERR_REMOTE },
		{ "token - status:429\n", ERR_BUSY },   { "token - status:401\n", ERR_DENIED },
		{ "token - status:302\n", ERR_REMOTE },
	};
	SITE("");
	AUTO_GOOGLE_ACCOUNT struct google_account *account = read_account(&site);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *token = NULL;

		plan(&site, cases[i].plan);
		CHECK_ERR(get(account, &token, &e), cases[i].code);
		CHECK_HAS(e.msg, "get a token at 'http://127.0.0.1:");
		CHECK(!token);
	}
}

/* The account's file with one member replaced by JSON; "" takes it away. */
static int parse_changed(const struct site *s, const char *key, const char *value, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX), out = BUF_INIT(BUF_OWN_MAX);
	AUTO_GOOGLE_ACCOUNT struct google_account *account = NULL;
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&out);
	struct json_iter it;

	*e = (struct err){ 0 };
	(void)file_read(AT_FDCWD, s->account, BUF_OWN_MAX, &text, e);
	(void)json_parse(buf_bytes(&text), BUF_OWN_MAX, &doc, e);
	json_open(&o, NULL, '{');
	for (it = json_iter(doc); json_next(&it);) {
		if (!str_eq(it.key, key))
			json_add_bytes(&o, it.key, json_bytes(it.value));
		else if (*value)
			json_add_raw(&o, key, bytes_of(value));
	}
	json_close(&o);
	return google_account_parse(buf_bytes(&out), &account, e);
}

TEST(a_file_that_is_no_account_is_refused_and_says_why)
{
	static const char *const cases[][3] = {
		{ "type", "", "type" },
		{ "type", "\"authorized_user\"", "'authorized_user', not 'service_account'" },
		{ "private_key", "", "no text 'private_key'" },
		{ "private_key", "7", "no text 'private_key'" },
		{ "private_key", "\"geheim\"", "no PEM" },
		{ "client_email", "", "no text 'client_email'" },
		{ "client_email", "\"a\\u0007b\"", "control characters" },
		{ "token_uri", "", "no text 'token_uri'" },
		{ "token_uri", "\"http://oauth2.example.com/token\"", "not https" },
		{ "token_uri", "\"http://127.0.0.1.example.com/token\"", "not https" },
		{ "project_id", "7", "no text 'project_id'" },
		{ "private_key_id", "\"\"", "no text 'private_key_id'" },
	};
	SITE("");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_ERR(parse_changed(&site, cases[i][0], cases[i][1], &e), ERR_USAGE);
		CHECK_HAS(e.msg, cases[i][2]);
		CHECK(!strstr(e.msg, "geheim"));
	}
	CHECK_INT(parse_changed(&site, "private_key_id", "", &e), 0);
	CHECK_INT(parse_changed(&site, "token_uri", "\"https://oauth2.googleapis.com/token\"", &e),
		  0);
}

TEST(an_account_cut_anywhere_is_refused)
{
	SITE("");
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	CHECK_OK(file_read(AT_FDCWD, site.account, BUF_OWN_MAX, &text, &e));
	for (size_t n = 0; n + 1 < text.n; n += 37) {
		struct google_account *account = NULL;

		CHECK_ERR(google_account_parse((struct bytes){ text.p, n }, &account, &e),
			  ERR_USAGE);
	}
}

TEST(a_file_that_is_not_there_or_too_large_says_which)
{
	SITE("");
	struct google_account *account = NULL;
	AUTO_FREE char *text = xcalloc(GOOGLE_ACCOUNT_MAX + 2, 1);
	AUTO_FREE char *path = xasprintf("%s/large", site.folder);

	CHECK_ERR(google_account_read("/nowhere/key.json", &account, &e), ERR_NOT_FOUND);
	CHECK_HAS(e.msg, "/nowhere/key.json");
	memset(text, ' ', GOOGLE_ACCOUNT_MAX + 1);
	scratch_write(site.folder, "large", text);
	CHECK_ERR(google_account_read(path, &account, &e), ERR_LIMIT);
	google_account_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(an_account_gets_a_token_once_for_all_who_ask),
		CASE(a_refused_token_is_not_used_again),
		CASE(a_token_that_ends_soon_is_used_and_not_kept),
		CASE(a_clock_that_is_wrong_is_seen_and_allowed_for),
		CASE(a_key_that_google_does_not_know_is_refused_with_its_sentence),
		CASE(what_the_token_server_does_wrong_is_an_error),
		CASE(a_file_that_is_no_account_is_refused_and_says_why),
		CASE(an_account_cut_anywhere_is_refused),
		CASE(a_file_that_is_not_there_or_too_large_says_which),
	};

	return RUN(tests);
}
