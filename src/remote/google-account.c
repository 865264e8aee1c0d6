/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/google-account.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/jws.h"
#include "base/time.h"
#include "net/http-range.h"
#include "net/url.h"

#include <fcntl.h>
#include <pthread.h>

#define SCOPE "https://www.googleapis.com/auth/bigquery"
/* RFC 7523 section 2.1. */
#define GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"
/* Header and claims are a few hundred bytes, the signature a thousand at most. */
#define ASSERTION_MAX ((size_t)16 << 10)

struct google_account {
	char *email, *project, *key_id, *token_uri;
	struct rsa_key *key;
	char hash[HASH_HEX_MAX]; /* of the text it was read from */
};

/* Tokens by the account they are of: an engine is opened for each question, but a token is asked for
 * once an hour. */
#define TOKENS_KEPT 16
static struct {
	pthread_mutex_t lock;
	struct held {
		char of[HASH_HEX_MAX];
		char *token;
		int64_t until_ms; /* monotonic */
	} v[TOKENS_KEPT];
} tokens = { .lock = PTHREAD_MUTEX_INITIALIZER };

void google_account_free(struct google_account *account)
{
	if (!account)
		return;
	free(account->email);
	free(account->project);
	free(account->key_id);
	free(account->token_uri);
	rsa_key_free(account->key);
	free(account);
}

const char *google_account_email(const struct google_account *account)
{
	return account->email;
}

const char *google_account_project(const struct google_account *account)
{
	return account->project;
}

static int take_text(const struct json *doc, const char *key, char **ret_text, struct err *e)
{
	const char *text = json_text(json_get(doc, key));

	if (!text || !*text)
		return err_set(e, ERR_USAGE, "it has no text '%s'", key);
	if (!text_is_clean(bytes_of(text)))
		return err_set(e, ERR_USAGE, "its '%s' holds control characters", key);
	*ret_text = xstrdup(text);
	return 0;
}

/* Of another kind are the files of a person's log-in (authorized_user) and of other clouds. */
static int check_type(const struct json *doc, struct err *e)
{
	const char *type = json_text(json_get(doc, "type"));
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	if (str_eq(type, "service_account"))
		return 0;
	text_add_clean(&clean, bytes_of(type ? type : ""));
	return err_set(e, ERR_USAGE, "its type is '%.40s', not 'service_account'", buf_str(&clean));
}

/* What is sent there would serve whoever listens for an hour. */
static int check_address(const char *uri, struct err *e)
{
	static const char *const own[] = { "http://127.0.0.1:", "http://127.0.0.1/",
					   "http://localhost:", "http://localhost/",
					   "http://[::1]:",     "http://[::1]/" };

	if (strlen(uri) > URL_MAX)
		return err_set(e, ERR_USAGE, "its 'token_uri' is longer than %zu bytes", URL_MAX);
	if (str_starts(uri, "https://"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_starts(uri, own[i]))
			return 0;
	return err_set(e, ERR_USAGE, "its 'token_uri' is not https");
}

static int take_key(const struct json *doc, struct rsa_key **ret_key, struct err *e)
{
	struct bytes pem = json_bytes(json_get(doc, "private_key"));
	int r;

	if (pem.n == 0)
		return err_set(e, ERR_USAGE, "it has no text 'private_key'");
	r = rsa_key_read(pem, ret_key, e);
	/* The document is ours and about to go; its interface only lends. */
	secret_wipe((void *)(uintptr_t)pem.p, pem.n);
	return r;
}

static int parse(struct bytes text, struct google_account *a, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };
	int r = 0;

	/* The parser's sentence might quote what it stumbled over. */
	if (json_parse(text, GOOGLE_ACCOUNT_MAX, &doc, &ignored) < 0)
		return err_set(e, ERR_USAGE, "it is no JSON");
	if (json_kind(doc) != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "it is no JSON object");
	if (check_type(doc, e) < 0 || take_key(doc, &a->key, e) < 0 ||
	    take_text(doc, "client_email", &a->email, e) < 0 ||
	    take_text(doc, "token_uri", &a->token_uri, e) < 0 || check_address(a->token_uri, e) < 0)
		return e->code;
	if (json_get(doc, "project_id"))
		r = take_text(doc, "project_id", &a->project, e);
	if (r == 0 && json_get(doc, "private_key_id"))
		r = take_text(doc, "private_key_id", &a->key_id, e);
	return r;
}

int google_account_parse(struct bytes text, struct google_account **ret_account, struct err *e)
{
	AUTO_GOOGLE_ACCOUNT struct google_account *a = xcalloc(1, sizeof(*a));
	int r;

	hash_text(HASH_SHA256, text, a->hash);
	r = parse(text, a, e);
	if (r == 0)
		*ret_account = TAKE(a);
	return r;
}

int google_account_read(const char *path, struct google_account **ret_account, struct err *e)
{
	AUTO_SECRET_BUF struct buf text = BUF_INIT(GOOGLE_ACCOUNT_MAX);
	int r;

	(void)buf_reserve(&text, GOOGLE_ACCOUNT_MAX); /* grown later, it would leave copies */
	r = file_read(AT_FDCWD, path, GOOGLE_ACCOUNT_MAX, &text, e);
	if (r == 0)
		r = google_account_parse(buf_bytes(&text), ret_account, e);
	if (r == 0)
		return 0;
	(void)err_in(e, "the service account's file '%s'", path);
	return err_hint(e, "it is the JSON file that Google's console makes for a key");
}

/* What is signed: who we are, for whom, until when (RFC 7523 section 3). */
static int sign(const struct google_account *a, int64_t now_s, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf header = BUF_INIT(ASSERTION_MAX), claims = BUF_INIT(ASSERTION_MAX);
	struct json_out h = json_out(&header), c = json_out(&claims);

	json_open(&h, NULL, '{');
	json_add_text(&h, "alg", "RS256");
	json_add_text(&h, "typ", "JWT");
	if (a->key_id)
		json_add_text(&h, "kid", a->key_id);
	json_close(&h);
	json_open(&c, NULL, '{');
	json_add_text(&c, "iss", a->email);
	json_add_text(&c, "scope", SCOPE);
	json_add_text(&c, "aud", a->token_uri);
	json_add_int(&c, "iat", now_s);
	json_add_int(&c, "exp", now_s + GOOGLE_TOKEN_S);
	json_close(&c);
	return jws_sign(a->key, buf_bytes(&header), buf_bytes(&claims), out, e);
}

static int exchange(const struct google_account *a, struct http_client *client, int64_t now_s,
		    struct http_reply *reply, struct err *e)
{
	AUTO_SECRET_BUF struct buf assertion = BUF_INIT(ASSERTION_MAX), form = { .max = URL_MAX };
	struct http_request q = { .method = "POST",
				  .url = a->token_uri,
				  .content_type = "application/x-www-form-urlencoded" };
	int r = sign(a, now_s, &assertion, e);

	if (r < 0)
		return r;
	buf_adds(&form, "grant_type=");
	url_add_segment(&form, GRANT);
	buf_adds(&form, "&assertion="); /* its letters need no escapes */
	buf_add(&form, assertion.p, assertion.n);
	if (form.full)
		return err_set(e, ERR_LIMIT, "the signed token is over %zu bytes", form.max);
	q.body = buf_bytes(&form);
	return http_request(client, &q, reply, e);
}

/* 0: the server's clock is about ours, or it does not tell. */
static int64_t skew_s(const struct http_reply *reply, int64_t now_s)
{
	const char *date = http_reply_header(reply, "date");
	int64_t ms = 0;

	if (!date || !http_date_parse(date, &ms))
		return 0;
	ms = ms / 1000 - now_s;
	return ms > GOOGLE_SKEW_S || ms < -GOOGLE_SKEW_S ? ms : 0;
}

/* {"error": "invalid_grant", "error_description": "Invalid JWT Signature."} */
static int explain(const struct google_account *a, const struct http_reply *reply, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);
	struct err ignored = { 0 };
	const char *word, *sentence;
	int code = http_expect(reply, 200, e);

	if (err_is_passing(code) || reply->status < 400)
		return code;
	(void)json_parse(buf_bytes(&reply->body), HTTP_SMALL_BODY_MAX, &doc, &ignored);
	word = json_text(json_get(doc, "error"));
	sentence = json_text(json_get(doc, "error_description"));
	text_add_clean(&said, bytes_of(word ? word : "no reason given"));
	if (sentence) {
		buf_adds(&said, ": ");
		text_add_clean(&said, bytes_of(sentence));
	}
	(void)err_set(e, ERR_DENIED, "'%s' is refused: %.300s (HTTP %ld)", a->email, buf_str(&said),
		      reply->status);
	return e->code;
}

/* A header cannot carry other letters, and a token has none (RFC 6750 section 2.1). */
static bool is_token(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return false;
	return text.n > 0 && text.n <= GOOGLE_TOKEN_MAX;
}

static void wipe(char **token)
{
	if (*token)
		secret_wipe(*token, strlen(*token));
	free(*token);
	*token = NULL;
}

/* The place of an account's token; when there is none, that of the token that ends first. */
static struct held *place_of(const struct google_account *a)
{
	struct held *first = &tokens.v[0];

	for (size_t i = 0; i < TOKENS_KEPT; i++) {
		struct held *h = &tokens.v[i];

		if (h->token && str_eq(h->of, a->hash))
			return h;
		if (first->token && (!h->token || h->until_ms < first->until_ms))
			first = h;
	}
	return first;
}

static char *kept_token(const struct google_account *a)
{
	char *token = NULL;
	const struct held *h;

	pthread_mutex_lock(&tokens.lock);
	h = place_of(a);
	if (h->token && str_eq(h->of, a->hash) && time_monotonic() < h->until_ms)
		token = xstrdup(h->token);
	pthread_mutex_unlock(&tokens.lock);
	return token;
}

static void keep_token(const struct google_account *a, const char *token, int64_t seconds)
{
	struct held *h;

	pthread_mutex_lock(&tokens.lock);
	h = place_of(a);
	wipe(&h->token);
	memcpy(h->of, a->hash, sizeof(h->of));
	h->token = xstrdup(token);
	h->until_ms = time_monotonic() + seconds * 1000;
	pthread_mutex_unlock(&tokens.lock);
}

static int take_reply(const struct google_account *a, const struct http_reply *reply,
		      char **ret_token, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };
	const struct json *token;
	int64_t seconds;

	if (reply->status != 200)
		return explain(a, reply, e);
	if (json_parse(buf_bytes(&reply->body), HTTP_SMALL_BODY_MAX, &doc, &ignored) < 0)
		return err_set(e, ERR_REMOTE, "the answer is no JSON");
	token = json_get(doc, "access_token");
	if (!json_text(token) || !is_token(json_bytes(token)))
		return err_set(e, ERR_REMOTE, "the answer holds no token that can be sent");
	seconds = json_int(json_get(doc, "expires_in"), 0);
	if (seconds > GOOGLE_TOKEN_S)
		seconds = GOOGLE_TOKEN_S;
	/* One that is over at once serves the request it was got for. */
	if (seconds > GOOGLE_TOKEN_EARLY_S)
		keep_token(a, json_text(token), seconds - GOOGLE_TOKEN_EARLY_S);
	*ret_token = xstrdup(json_text(token));
	return 0;
}

static int get_token(const struct google_account *a, struct http_client *client, char **ret_token,
		     struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int64_t now_s = time_now() / 1000, skew;
	int r = exchange(a, client, now_s, &reply, e);

	if (r < 0)
		return r;
	skew = reply.status == 400 ? skew_s(&reply, now_s) : 0;
	if (skew)
		r = exchange(a, client, now_s + skew, &reply, e);
	if (r == 0)
		r = take_reply(a, &reply, ret_token, e);
	if (reply.body.p)
		secret_wipe(reply.body.p, reply.body.n);
	if (r == ERR_DENIED && skew)
		return err_hint(e, "this machine's clock is %lld s from theirs: set it",
				(long long)(skew < 0 ? -skew : skew));
	return r == ERR_DENIED ? err_hint(e, "if the key was withdrawn, make another") : r;
}

int google_account_token(const struct google_account *account, struct http_client *client,
			 char **ret_token, struct err *e)
{
	char *kept = kept_token(account);
	int r = 0;

	if (kept)
		*ret_token = kept;
	else
		r = get_token(account, client, ret_token, e);
	return r < 0 ? err_in(e, "get a token at '%.200s'", account->token_uri) : 0;
}

void google_account_refused(const struct google_account *account, const char *token)
{
	struct held *h;

	pthread_mutex_lock(&tokens.lock);
	h = place_of(account);
	if (h->token && str_eq(h->of, account->hash) &&
	    secret_equal(bytes_of(h->token), bytes_of(token)))
		wipe(&h->token);
	pthread_mutex_unlock(&tokens.lock);
}
