/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of BigQuery, over its REST interface, as a service account. Members of a table's spec:
 *
 *	dataset, table       of the table; both required
 *	project              of the table; absent: the one that pays
 *	billing_project      that pays; absent: the service account's
 *	location             of its jobs; absent: where BigQuery finds the tables to be
 *	key_file, key_env    the service account's JSON: a file, or a variable that holds it
 */
#include "base/jws.h"
#include "net/url.h"
#include "remote/bigquery-internal.h"

static const struct far_member members[] = {
	{ "dataset", JSON_TEXT, true },   { "table", JSON_TEXT, true },
	{ "project", JSON_TEXT, false },  { "billing_project", JSON_TEXT, false },
	{ "location", JSON_TEXT, false }, { "key_file", JSON_TEXT, false },
	{ "key_env", JSON_TEXT, false },  { 0 },
};

static const char *text_of(const struct json *spec, const char *key)
{
	return json_text(json_get(spec, key));
}

/* Letters that mean something in a path of BigQuery's, or of a URL; a '*' stands for many tables. */
static int check_name(const struct json *spec, const char *key, const char *not_these,
		      struct err *e)
{
	const char *name = text_of(spec, key);
	size_t n = name ? strcspn(name, not_these) : 0;

	if (!name || !name[n])
		return 0;
	if (name[n] == '*') {
		(void)err_set(e, ERR_USAGE, "'%s' is one table, not a pattern", key);
		return err_hint(e, "make a view of the pattern in BigQuery and name that");
	}
	return err_set(e, ERR_USAGE, "'%s' cannot hold '%c'", key, name[n]);
}

static int check(const struct json *spec, struct err *e)
{
	int r = far_check_members(spec, members, e);

	if (r == 0)
		r = check_name(spec, "dataset", "`\\'\"/.*:", e);
	if (r == 0)
		r = check_name(spec, "table", "`\\'\"/.*:$@", e);
	if (r == 0)
		r = check_name(spec, "project", "`\\'\"/*", e);
	if (r == 0)
		r = check_name(spec, "billing_project", "`\\'\"/*", e);
	if (r == 0 && !text_of(spec, "key_file") == !text_of(spec, "key_env"))
		return err_set(e, ERR_USAGE, "one of 'key_file' and 'key_env' must be there");
	return r;
}

static void add_part(struct buf *out, const struct json *spec, const char *key)
{
	const char *text = text_of(spec, key);

	buf_addf(out, "%s=%s\n", key, text ? text : "");
}

/* One job has one place, one payer and one account. */
static char *source(const struct json *spec)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	add_part(&out, spec, "key_file");
	add_part(&out, spec, "key_env");
	add_part(&out, spec, "billing_project");
	add_part(&out, spec, "location");
	return buf_take(&out);
}

static char *path(const struct json *spec)
{
	const char *project = text_of(spec, "project");

	return xasprintf("%s%s%s.%s", project ? project : "", project ? "." : "",
			 text_of(spec, "dataset"), text_of(spec, "table"));
}

/* GoogleSQL's escapes are those of C, in names as in strings. */
static void add_quoted(struct buf *out, struct bytes text, char quote)
{
	buf_addc(out, quote);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\\' || c == (unsigned char)quote)
			buf_addf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, quote);
}

/* What has a dot in it would be read as a path even in backticks, and so name another table. */
static void add_name(struct buf *out, const char *name)
{
	AUTO_FREE char *plain = xstrdup(name);

	for (char *p = plain; *p; p++)
		if (*p == '.' || *p == ':')
			*p = '_';
	add_quoted(out, bytes_of(plain), '`');
}

static void add_string(struct buf *out, struct bytes text)
{
	add_quoted(out, text, '\'');
}

static int add_path(struct buf *out, const struct json *spec, struct err *e)
{
	const char *project = text_of(spec, "project");

	(void)e;
	if (project) {
		add_quoted(out, bytes_of(project), '`');
		buf_addc(out, '.');
	}
	add_quoted(out, bytes_of(text_of(spec, "dataset")), '`');
	buf_addc(out, '.');
	add_quoted(out, bytes_of(text_of(spec, "table")), '`');
	return 0;
}

const struct far_dialect bigquery_dialect = {
	.add_name = add_name, .add_string = add_string, .add_path = add_path, .as = "AS"
};

static void close_session(struct far_session *s)
{
	if (!s)
		return;
	http_client_free(s->client);
	google_account_free(s->account);
	free(s->url);
	free(s->project);
	free(s->location);
	free(s);
}
DEFINE_AUTO(struct far_session, session_auto, close_session);

static int read_account(const struct json *spec, struct google_account **ret, struct err *e)
{
	char *text = NULL;
	int r = far_secret(spec, "key", &text, e);

	if (r < 0)
		return r;
	if (!text)
		return err_set(e, ERR_CONFLICT, "the table says no 'key_file'");
	r = google_account_parse(bytes_of(text), ret, e);
	secret_wipe(text, strlen(text));
	free(text);
	if (r < 0) { /* of the hub's set-up, not of who asks */
		(void)err_in(e, "the service account's key");
		e->code = ERR_CONFLICT;
	}
	return r < 0 ? e->code : 0;
}

static int choose_project(const struct json *spec, struct far_session *s, struct err *e)
{
	const char *project = text_of(spec, "billing_project");

	if (!project)
		project = google_account_project(s->account);
	if (!project)
		return err_set(e, ERR_CONFLICT,
			       "neither the table nor the service account's key "
			       "names a project that pays");
	s->project = xstrdup(project);
	return 0;
}

static int choose_url(struct far_session *s, struct err *e)
{
	const char *url = getenv(BIGQUERY_URL_ENV);

	if (url_normalise_server(url && *url ? url : BIGQUERY_URL, &s->url, e) == 0)
		return 0;
	(void)err_in(e, BIGQUERY_URL_ENV);
	return e->code = ERR_CONFLICT;
}

static int open_session(const struct far_open *open, struct far_session **ret_session,
			struct err *e)
{
	AUTO(session_auto) struct far_session *s = xcalloc(1, sizeof(*s));
	const struct http_client_options o = { .cancel = &s->stop };
	const char *location = text_of(open->spec, "location");

	s->guard = open->guard;
	if (read_account(open->spec, &s->account, e) < 0 || choose_project(open->spec, s, e) < 0 ||
	    choose_url(s, e) < 0)
		return e->code;
	s->location = location ? xstrdup(location) : NULL;
	s->client = http_client_new(&o);
	*ret_session = TAKE(s);
	return 0;
}

struct description {
	struct far_session *session;
	const struct json *spec;
	struct json *doc;
};

static int describe_step(void *ctx, struct err *e)
{
	struct description *d = ctx;
	const char *project = text_of(d->spec, "project");
	AUTO_BUF struct buf path = BUF_INIT(URL_MAX);
	struct bigquery_call call = { .method = "GET" };

	url_add_segment(&path, project ? project : d->session->project);
	buf_adds(&path, "/datasets/");
	url_add_segment(&path, text_of(d->spec, "dataset"));
	buf_adds(&path, "/tables/");
	url_add_segment(&path, text_of(d->spec, "table"));
	if (path.full)
		return err_set(e, ERR_LIMIT, "the table's names are too long for an address");
	call.path = buf_str(&path);
	return bigquery_call(d->session, &call, &d->doc, e);
}

/* tables.get rather than queries of INFORMATION_SCHEMA: the same facts, at one moment, free of charge. */
static int describe(struct far_session *session, const struct json *spec,
		    struct far_found *ret_found, struct err *e)
{
	struct description d = { .session = session, .spec = spec };
	int r = bigquery_persist(session, describe_step, &d, e);

	if (r == 0)
		r = bigquery_found(d.doc, ret_found, e);
	json_free(d.doc);
	return r;
}

const struct far_engine far_bigquery = {
	.name = "bigquery",
	.title = "BigQuery",
	.sql_flavor = "bigquery",
	.kind_prefix = "bq_",
	.check = check,
	.source = source,
	.path = path,
	.open = open_session,
	.close = close_session,
	.estimate = bigquery_estimate,
	.run = bigquery_run,
	.describe = describe,
};
