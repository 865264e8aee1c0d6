/* SPDX-License-Identifier: Apache-2.0 */
/* What must be known before a workspace is written: what the folder is, and what the hub says. */
#include "workspace/init-internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "net/http-client.h"
#include "net/url.h"
#include "workspace/workspace.h"

#define CATALOG_BYTES_MAX ((size_t)64 << 20) /* as large as a manifest: one entry per table */

/* The longest email address there is (RFC 5321 section 4.5.3.1.3). */
#define ACCOUNT_MAX 254

static const char welcome_otherwise[] =
	"# Data workspace\n\nTables of the team are in `server/parquet/`; query them with `larder query "
	"\"SELECT ...\"`.\nRules are in `.claude/rules/`. `larder pull` brings what is new, `larder status` "
	"says how fresh it is.\n";

void init_answer_release(struct init_answer *answer)
{
	credentials_release(&answer->who);
	buf_release(&answer->welcome);
	free(answer->account);
}

/* The token is tried before anything is saved. */
static int check_token(struct http_client *client, const struct credentials *who, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s/api/catalog/tables", who->server);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.token = who->token,
		.max_body = CATALOG_BYTES_MAX,
		.accept_gzip = true,
	};

	if (http_request(client, &request, &reply, e) < 0 || http_expect(&reply, 200, e) < 0) {
		(void)err_in(e, e->code == ERR_AUTH ? "auth_failed: hub '%s'" : "hub '%s'",
			     who->server);
		return err_hint(e, e->code == ERR_AUTH
					   ? "ask the hub's administrator for a new token"
					   : "check the address; is `larder serve` running there?");
	}
	return 0;
}

/* Hubs of older protocols do not say whose a token is: then it stands for itself. */
static char *account_of(const char *token)
{
	char hash[HASH_HEX_MAX];

	hash_text(HASH_SHA256, bytes_of(token), hash);
	return xasprintf("token-%.12s", hash);
}

static int ask_welcome(struct http_client *client, const struct credentials *who,
		       struct json **ret_doc, struct err *e)
{
	AUTO_BUF struct buf url = BUF_INIT(INIT_TEXT_MAX);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	buf_addf(&url, "%s/api/welcome", who->server);
	url_add_query(&url, "server_url", who->server);
	const struct http_request request = {
		.method = "GET",
		.url = buf_str(&url),
		.token = who->token,
		.max_body = INIT_TEXT_MAX,
	};

	if (http_request(client, &request, &reply, e) < 0 || http_expect(&reply, 200, e) < 0)
		return e->code;
	return json_parse(buf_bytes(&reply.body), INIT_TEXT_MAX, ret_doc, e);
}

/* A name goes into two configuration files: a word without what they could not hold. */
static bool is_account(const char *name)
{
	return name && *name && strlen(name) <= ACCOUNT_MAX && !strpbrk(name, " =\n") &&
	       text_is_clean(bytes_of(name));
}

/* A hub without a welcome, or whose template fails, is no reason to stop. */
static void fetch_welcome(struct http_client *client, const struct credentials *who,
			  struct init_answer *ret_answer)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };
	const char *text, *user;

	(void)ask_welcome(client, who, &doc, &ignored); /* see above */
	text = json_text(json_get(doc, "content"));
	user = json_text(json_get(doc, "user"));
	buf_adds(&ret_answer->welcome, text ? text : welcome_otherwise);
	ret_answer->is_named = is_account(user);
	ret_answer->account = ret_answer->is_named ? xstrdup(user) : account_of(who->token);
}

/* A home folder or "/" would put every file of a person under an agent's eyes. */
static int check_place(const char *absolute, struct err *e)
{
	const char *home = getenv("HOME");
	AUTO_FREE char *resolved = NULL;
	struct err ignored = { 0 };

	if (home && *home)
		(void)path_resolve(home, &resolved, &ignored); /* no such folder: not this one */
	if (strcmp(absolute, "/") != 0 && !str_eq(resolved, absolute))
		return 0;
	(void)err_set(e, ERR_CONFLICT, "'%s' is no place for a workspace", absolute);
	return err_hint(e, "name a folder of its own: larder init DIR ...");
}

/* The workspace that is already there, if any, says what is meant by what was not given. */
struct present {
	char *server;  /* NULL: none */
	char *account; /* NULL: none, or not recorded */
};

static void present_release(struct present *present)
{
	free(present->server);
	free(present->account);
}

static int look_at_folder(const struct init_options *options, struct present *ret_present,
			  struct err *e)
{
	AUTO_FREE char *absolute = NULL;

	if (path_resolve(options->path, &absolute, e) < 0)
		return e->code == ERR_NOT_FOUND ? 0 : e->code; /* it will be made */
	if (!options->force && check_place(absolute, e) < 0)
		return e->code;
	return workspace_peek(absolute, &ret_present->server, &ret_present->account, e);
}

static int check_server(const struct init_options *options, const struct present *present,
			const char *server, struct err *e)
{
	if (options->force || !present->server || str_eq(present->server, server))
		return 0;
	(void)err_set(e, ERR_CONFLICT, "partial_state: '%s' is a workspace of '%s'", options->path,
		      present->server);
	return err_hint(e, "use another folder, or --force to move this one to the new hub");
}

/* The tables of one user would give way to those of another. */
static int check_account(const struct init_options *options, const struct present *present,
			 const struct init_answer *answer, struct err *e)
{
	if (options->force || !answer->is_named || !present->account ||
	    str_starts(present->account, "token-") || str_eq(present->account, answer->account))
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "partial_state: '%s' is a workspace of %s, the token is of %s", options->path,
		      present->account, answer->account);
	return err_hint(e, "use another folder, or --force to hand this one over");
}

/* Whom to ask and as whom; nothing is sent to a hub that the folder is not of. */
static int find_hub(const struct init_options *options, const struct present *present,
		    struct credentials *ret_who, struct err *e)
{
	const struct credentials_hints hints = {
		.server = options->server,
		.token = options->token,
		.workspace_server = present->server,
		.account = present->account,
	};
	AUTO_FREE char *server = NULL;

	if (credentials_server(&hints, &server, e) < 0 ||
	    check_server(options, present, server, e) < 0)
		return e->code;
	return credentials_find(&hints, ret_who, e);
}

int init_ask(const struct init_options *options, struct init_answer *ret_answer, struct err *e)
{
	AUTO(present_release) struct present present = { 0 };
	AUTO_HTTP struct http_client *client = http_client_new(NULL);

	if (look_at_folder(options, &present, e) < 0 ||
	    find_hub(options, &present, &ret_answer->who, e) < 0 ||
	    check_token(client, &ret_answer->who, e) < 0)
		return e->code;
	fetch_welcome(client, &ret_answer->who, ret_answer);
	return check_account(options, &present, ret_answer, e);
}
