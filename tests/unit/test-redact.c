/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/redact.h"

#include "base/str.h"
#include "test.h"

/* Put together here, so that no scanner of repositories takes them for real. */
#define RUN20 "a1B2c3D4e5F6g7H8i9J0"
#define RUN40 RUN20 RUN20
#define GITHUB                                                                                     \
	"gh"                                                                                       \
	"p_" RUN40
#define JWT                                                                                        \
	"ey"                                                                                       \
	"JhbGciOiJI.ey"                                                                            \
	"JzdWIiOiIx." RUN20

static void becomes(const char *text, const char *wanted)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	(void)redact_text(bytes_of(text), &out);
	CHECK_STR(buf_str(&out), wanted);
}

TEST(each_shape_is_found)
{
	static const char *const tokens[][2] = {
		{ "lr"
		  "d_abcdefghijkl_" RUN40 "abc",
		  "larder" },
		{ GITHUB, "github" },
		{ "github_"
		  "pat_" RUN20 "_" RUN20,
		  "github" },
		{ "gl"
		  "pat-" RUN20,
		  "gitlab" },
		{ "sk"
		  "-ant-api03-" RUN40,
		  "anthropic" },
		{ "sk"
		  "-proj-" RUN40,
		  "openai" },
		{ "xo"
		  "xb-123456789012-" RUN20,
		  "slack" },
		{ "AK"
		  "IAABCDEFGHIJ123456",
		  "aws" },
		{ "AI"
		  "za" RUN20 "abcdefghijklmno",
		  "google" },
		{ "sk_"
		  "live_" RUN20,
		  "stripe" },
		{ "np"
		  "m_" RUN20 "abcdefghijklmnop",
		  "npm" },
		{ "h"
		  "f_" RUN40,
		  "huggingface" },
		{ JWT, "jwt" },
	};

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		AUTO_FREE char *text =
			xasprintf("{\"k\":\"a %s\\n%s.\"}", tokens[i][0], tokens[i][0]);
		AUTO_FREE char *wanted = xasprintf("{\"k\":\"a [redacted:%s]\\n[redacted:%s].\"}",
						   tokens[i][1], tokens[i][1]);

		becomes(text, wanted);
	}
}

TEST(what_only_looks_a_little_like_one_stays)
{
	static const char *const texts[] = {
		"sk-loading-spinner-with-a-long-class-name",
		"AKIA is a prefix",
		"AKIAabcdefghij123456",
		"eyJ.short.x",
		"gh"
		"p_short",
		"Bearer of good news",
		"the bearer token is long",
		"x"
		"gh"
		"p_" RUN40,
		"0123456789abcdef0123456789abcdef01234567",
		"-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
		"",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		becomes(texts[i], texts[i]);
}

TEST(tokens_inside_other_text_are_found)
{
	becomes("https://u:" GITHUB "@github.com/x", "https://u:[redacted:github]@github.com/x");
	becomes("TOKEN=" GITHUB "&x", "TOKEN=[redacted:github]&x");
	becomes("\\t" GITHUB "\\u0041" GITHUB, "\\t[redacted:github]\\u0041[redacted:github]");
	becomes("x-" GITHUB, "x-[redacted:github]");
}

TEST(passwords_are_known_by_their_names)
{
	static const char *const pairs[][2] = {
		{ "password=hunter2 x", "password=[redacted:password] x" },
		{ "export PGPASSWORD='my pass'\n", "export PGPASSWORD='[redacted:password]'\n" },
		{ "db_password: hunter2\n", "db_password: [redacted:password]\n" },
		{ "{\"password\": \"hunter\", \"a\":1}",
		  "{\"password\": \"[redacted:password]\", \"a\":1}" },
		{ "{\"t\":\"{\\\"Password\\\":\\\"hunter\\\"}\"}",
		  "{\"t\":\"{\\\"Password\\\":\\\"[redacted:password]\\\"}\"}" },
		{ "mysql --password hunter2 -h x", "mysql --password [redacted:password] -h x" },
		{ "mysql --password=hunter2", "mysql --password=[redacted:password]" },
		{ "X-Api-Key: 0123456789ab", "X-Api-Key: [redacted:password]" },
		{ "CLIENT_SECRET=abcd1234", "CLIENT_SECRET=[redacted:password]" },
		{ "Server=x;Uid=u;Pwd=hunter2;Port=1",
		  "Server=x;Uid=u;Pwd=[redacted:password];Port=1" },
		{ "postgres://bob:hunter2@db/x", "postgres://bob:[redacted:password]@db/x" },
		{ "\"https://a:b@c\"", "\"https://a:[redacted:password]@c\"" },
		{ "?api_key=abcdefgh1&x=1", "?api_key=[redacted:password]&x=1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		becomes(pairs[i][0], pairs[i][1]);
		becomes(pairs[i][1], pairs[i][1]);
	}
}

TEST(what_only_names_a_password_stays)
{
	static const char *const texts[] = {
		"password = $DB_PASSWORD",
		"password=${PASSWORD}",
		"{\"password\": null, \"pwd\": 12345678}",
		"PWD=/work/p OLDPWD=/work",
		"password: string",
		"the password: please enter it",
		"password=abc",
		"{\"input_tokens\":12345678}",
		"[\"password=\", 12345678, \"x\"]",
		"[\"password=\",12345678,\"x\"]",
		"api_key=deployments",
		"http://host:8080/path@x",
		"https://bob@host/a:b",
		"PASSWORD",
		"password=",
		"a://b:",
		"https://u:$TOKEN@h",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		becomes(texts[i], texts[i]);
}

TEST(what_follows_bearer_goes)
{
	becomes("Authorization: Bearer abc+def/ghi_jkl=mno==\"",
		"Authorization: Bearer [redacted:bearer]\"");
	becomes("\\nbearer 0123456789abcdef", "\\nbearer [redacted:bearer]");
	becomes("Bearer\",\"0123456789abcdef", "Bearer\",\"0123456789abcdef");
}

TEST(private_keys_go_and_json_stays_json)
{
	becomes("\"-----BEGIN RSA PRIVATE KEY-----\\nMIIE/+ab\\ncd==\\n-----END RSA PRIVATE KEY-----\\n\"",
		"\"-----BEGIN RSA PRIVATE KEY-----[redacted:private-key]-----END RSA PRIVATE KEY-----\\n\"");
	becomes("-----BEGIN PRIVATE KEY-----\nMIIE\nAB",
		"-----BEGIN PRIVATE KEY-----[redacted:private-key]");
	becomes("{\"a\":\"\\\"-----BEGIN PRIVATE KEY-----\\nMIIE\\\"\",\"b\":1}",
		"{\"a\":\"\\\"-----BEGIN PRIVATE KEY-----[redacted:private-key]\\\"\",\"b\":1}");
}

TEST(a_run_without_end_is_passed_on_in_bounded_memory)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < 3 * REDACT_WORD_MAX; i++)
		buf_addc(&text, 'a');
	buf_adds(&text, "-" GITHUB);
	CHECK_INT(redact_text(buf_bytes(&text), &out), 1);
	CHECK_INT(out.n, 3 * REDACT_WORD_MAX + strlen("-[redacted:github]"));
}

TEST(a_token_longer_than_the_window_goes_as_a_whole)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&text, "a " GITHUB);
	for (size_t i = 0; i < 3 * REDACT_WORD_MAX; i++)
		buf_addc(&text, 'b');
	buf_adds(&text, " c");
	becomes(buf_str(&text), "a [redacted:github] c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_shape_is_found),
		CASE(what_only_looks_a_little_like_one_stays),
		CASE(tokens_inside_other_text_are_found),
		CASE(passwords_are_known_by_their_names),
		CASE(what_only_names_a_password_stays),
		CASE(what_follows_bearer_goes),
		CASE(private_keys_go_and_json_stays_json),
		CASE(a_run_without_end_is_passed_on_in_bounded_memory),
		CASE(a_token_longer_than_the_window_goes_as_a_whole),
	};

	return RUN(tests);
}
