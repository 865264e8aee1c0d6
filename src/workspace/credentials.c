/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/credentials.h"

#include "base/file.h"
#include "base/yaml.h"
#include "net/url.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

/* A person knows a handful of hubs; a machine account a few dozen. */
#define CREDENTIALS_BYTES_MAX ((size_t)256 << 10)

void credentials_release(struct credentials *c)
{
	free(c->server);
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	*c = (struct credentials){ 0 };
}

static char *config_folder(void)
{
	const char *given = getenv("LARDER_CONFIG_DIR");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (given && *given)
		return xstrdup(given);
	if (xdg && *xdg)
		return xasprintf("%s/larder", xdg);
	return xasprintf("%s/.config/larder", home && *home ? home : "/nonexistent");
}

static char *config_path(const char *name)
{
	AUTO_FREE char *folder = config_folder();

	return xasprintf("%s/%s", folder, name);
}

/* An absent file leaves the targets as they are. */
static int read_file(const char *name, const struct yaml_field *fields, struct err *e)
{
	AUTO_FREE char *path = config_path(name);
	AUTO_BUF struct buf text = BUF_INIT(CREDENTIALS_BYTES_MAX);

	if (file_read(AT_FDCWD, path, CREDENTIALS_BYTES_MAX, &text, e) < 0)
		return e->code == ERR_NOT_FOUND ? 0 : e->code;
	return yaml_read(buf_bytes(&text), path, fields, e);
}

/* "server account=token" lines; a token has no '=', a URL may. */
static int read_tokens(struct strv *tokens, struct err *e)
{
	const struct yaml_field fields[] = {
		{ .key = "tokens", .kind = YAML_MAP_OF_TEXT, .target = tokens },
		{ .key = NULL },
	};

	return read_file("credentials.yaml", fields, e);
}

/* Is the line of `key`, a server and perhaps an account? */
static bool is_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == '=' && !strchr(line + n + 1, '=');
}

/* Is the line of any account at the server? */
static bool is_at(const char *line, const char *server)
{
	size_t n = strlen(server);

	return strncmp(line, server, n) == 0 && (line[n] == ' ' || is_of(line, server));
}

static char *key_of(const char *server, const char *account)
{
	return account ? xasprintf("%s %s", server, account) : xstrdup(server);
}

static int read_default_server(char **ret_server, struct err *e)
{
	const struct yaml_field fields[] = {
		{ .key = "server", .kind = YAML_TEXT, .target = ret_server },
		{ .key = NULL },
	};

	return read_file("config.yaml", fields, e);
}

static const char *first_given(const char *a, const char *b, const char *c)
{
	return a && *a ? a : b && *b ? b : c && *c ? c : NULL;
}

int credentials_server(const struct credentials_hints *hints, char **ret_server, struct err *e)
{
	AUTO_FREE char *user = NULL;
	const char *server =
		first_given(hints->server, getenv("LARDER_SERVER"), hints->workspace_server);

	if (!server) {
		if (read_default_server(&user, e) < 0)
			return e->code;
		server = user;
	}
	if (!server) {
		(void)err_set(e, ERR_NOT_FOUND, "no hub is known");
		return err_hint(e, "give --server URL, set LARDER_SERVER, or run `larder init DIR "
				   "--server URL --token T`");
	}
	return url_normalise_server(server, ret_server, e);
}

static int no_token(const struct credentials_hints *hints, const char *server,
		    const struct strv *fitting, struct err *e)
{
	AUTO_FREE char *path = config_path("credentials.yaml");

	if (fitting->n > 1) {
		(void)err_set(e, ERR_AUTH, "%zu tokens are known for '%s'", fitting->n, server);
		return err_hint(e, "say which is meant: give --token T or set LARDER_TOKEN");
	}
	(void)err_set(e, ERR_AUTH, "no token is known for %s%s'%s'",
		      hints->account ? hints->account : "", hints->account ? " at " : "", server);
	return err_hint(e, "give --token T or set LARDER_TOKEN; those you gave before are in '%s'",
			path);
}

static int find_token(const struct credentials_hints *hints, const char *server, char **ret_token,
		      struct err *e)
{
	AUTO_STRV struct strv tokens = STRV_INIT;
	AUTO_STRV struct strv fitting = STRV_INIT;
	AUTO_FREE char *key = key_of(server, hints->account);
	const char *token = first_given(hints->token, getenv("LARDER_TOKEN"), NULL);

	if (token) {
		*ret_token = xstrdup(token);
		return 0;
	}
	if (read_tokens(&tokens, e) < 0)
		return e->code;
	for (size_t i = 0; i < tokens.n; i++) {
		if (hints->account ? is_of(tokens.v[i], key) : is_at(tokens.v[i], server))
			strv_add(&fitting, tokens.v[i]);
	}
	if (fitting.n != 1)
		return no_token(hints, server, &fitting, e);
	*ret_token = xstrdup(strrchr(fitting.v[0], '=') + 1);
	return 0;
}

int credentials_find(const struct credentials_hints *hints, struct credentials *ret_credentials,
		     struct err *e)
{
	AUTO_CREDENTIALS struct credentials found = { 0 };

	if (credentials_server(hints, &found.server, e) < 0)
		return e->code;
	assert(found.server); /* success means that it was written */
	if (find_token(hints, found.server, &found.token, e) < 0)
		return e->code;
	*ret_credentials = (struct credentials){ TAKE(found.server), TAKE(found.token) };
	return 0;
}

static int write_tokens(const struct strv *tokens, struct err *e)
{
	AUTO_FREE char *path = config_path("credentials.yaml");
	AUTO_BUF struct buf text = BUF_INIT(CREDENTIALS_BYTES_MAX);

	buf_adds(&text, "# Tokens by server and account; keep this file to yourself.\ntokens:\n");
	for (size_t i = 0; i < tokens->n; i++) {
		const char *equals = strrchr(tokens->v[i], '=');
		AUTO_FREE char *server = xstrndup(tokens->v[i], (size_t)(equals - tokens->v[i]));

		buf_adds(&text, "  ");
		yaml_add_text(&text, server, equals + 1);
	}
	if (text.full)
		return err_set(e, ERR_LIMIT, "'%s' would exceed %zu bytes", path,
			       CREDENTIALS_BYTES_MAX);
	return file_replace(AT_FDCWD, path, buf_bytes(&text), 0600, e);
}

/* Held until it is closed: reading and writing the tokens is one step then. */
static int lock_folder(int *ret_fd, struct err *e)
{
	AUTO_FREE char *folder = config_folder();
	AUTO_FD int fd = -1;

	if (dir_make(AT_FDCWD, folder, 0700, e) < 0)
		return e->code;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_sys(e, "lock '%s'", folder);
	}
	if (fd < 0)
		return err_sys(e, "open '%s'", folder);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int save_default_server(const char *server, struct err *e)
{
	AUTO_FREE char *path = config_path("config.yaml");
	AUTO_FREE char *known = NULL;
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);

	if (read_default_server(&known, e) < 0)
		return e->code;
	if (known && *known)
		return 0;
	yaml_add_text(&text, "server", server);
	return file_replace(AT_FDCWD, path, buf_bytes(&text), 0644, e);
}

static int remove_leftover(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	const int *folder = ctx;

	(void)st;
	if (!str_starts(path, "credentials.yaml.tmp-") && !str_starts(path, "config.yaml.tmp-"))
		return 0;
	return file_remove(*folder, path, e);
}

static int put_token(const char *key, const char *token, struct err *e)
{
	AUTO_STRV struct strv old = STRV_INIT;
	AUTO_STRV struct strv tokens = STRV_INIT;

	if (read_tokens(&old, e) < 0)
		return e->code;
	for (size_t i = 0; i < old.n; i++) {
		if (!is_of(old.v[i], key))
			strv_add(&tokens, old.v[i]);
	}
	strv_addf(&tokens, "%s=%s", key, token);
	return write_tokens(&tokens, e);
}

int credentials_save(const struct credentials *c, const char *account, struct err *e)
{
	AUTO_FREE char *key = key_of(c->server, account);
	AUTO_FD int lock = -1;

	if (strchr(key, '='))
		return err_set(e, ERR_USAGE, "'%s' cannot be remembered: it has a '='", key);
	if (strchr(c->token, '=') || !text_is_clean(bytes_of(c->token)))
		return err_set(e, ERR_USAGE, "the token has characters that no token has");
	/* What a kill left of file_replace(), tokens in it: nobody else is writing now. */
	if (lock_folder(&lock, e) < 0 || tree_visit(lock, ".", remove_leftover, &lock, e) < 0 ||
	    put_token(key, c->token, e) < 0)
		return e->code;
	return save_default_server(c->server, e);
}

int credentials_exposed(char **ret_path, struct err *e)
{
	AUTO_FREE char *path = config_path("credentials.yaml");
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at '%s'", path);
	*ret_path = TAKE(path);
	return (st.st_mode & 077) != 0;
}

char *credentials_path(void)
{
	return config_path("credentials.yaml");
}
