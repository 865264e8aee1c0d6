/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/credentials.h"

#include "base/file.h"
#include "base/yaml.h"
#include "net/url.h"
#include <assert.h>
#include <fcntl.h>

/* A person knows a handful of hubs; a machine account a few dozen. */
#define CREDENTIALS_BYTES_MAX ((size_t)256 << 10)

void credentials_release(struct credentials *c)
{
	free(c->server);
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

/* "server=token" lines; the token has no '=', a URL may. */
static int read_tokens(struct strv *tokens, struct err *e)
{
	const struct yaml_field fields[] = {
		{ .key = "tokens", .kind = YAML_MAP_OF_TEXT, .target = tokens },
		{ .key = NULL },
	};

	return read_file("credentials.yaml", fields, e);
}

static bool is_of(const char *line, const char *server)
{
	size_t n = strlen(server);

	return strncmp(line, server, n) == 0 && line[n] == '=' && !strchr(line + n + 1, '=');
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

static int find_server(const struct credentials_hints *hints, char **ret_server, struct err *e)
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

static int find_token(const struct credentials_hints *hints, const char *server, char **ret_token,
		      struct err *e)
{
	AUTO_STRV struct strv tokens = STRV_INIT;
	const char *token = first_given(hints->token, getenv("LARDER_TOKEN"), NULL);

	if (token) {
		*ret_token = xstrdup(token);
		return 0;
	}
	if (read_tokens(&tokens, e) < 0)
		return e->code;
	for (size_t i = 0; i < tokens.n; i++) {
		if (!is_of(tokens.v[i], server))
			continue;
		*ret_token = xstrdup(strrchr(tokens.v[i], '=') + 1);
		return 0;
	}
	(void)err_set(e, ERR_AUTH, "no token is known for '%s'", server);
	return err_hint(e, "give --token T, set LARDER_TOKEN, or run `larder init` with --token");
}

int credentials_find(const struct credentials_hints *hints, struct credentials *ret_credentials,
		     struct err *e)
{
	AUTO_CREDENTIALS struct credentials found = { 0 };

	if (find_server(hints, &found.server, e) < 0)
		return e->code;
	assert(found.server); /* success means that it was written */
	if (find_token(hints, found.server, &found.token, e) < 0)
		return e->code;
	*ret_credentials = (struct credentials){ TAKE(found.server), TAKE(found.token) };
	return 0;
}

static int write_tokens(const struct strv *tokens, struct err *e)
{
	AUTO_FREE char *folder = config_folder();
	AUTO_FREE char *path = config_path("credentials.yaml");
	AUTO_BUF struct buf text = BUF_INIT(CREDENTIALS_BYTES_MAX);

	buf_adds(&text, "# Tokens by server; keep this file to yourself.\ntokens:\n");
	for (size_t i = 0; i < tokens->n; i++) {
		const char *equals = strrchr(tokens->v[i], '=');
		AUTO_FREE char *server = xstrndup(tokens->v[i], (size_t)(equals - tokens->v[i]));

		buf_adds(&text, "  ");
		yaml_add_text(&text, server, equals + 1);
	}
	if (text.full)
		return err_set(e, ERR_LIMIT, "'%s' would exceed %zu bytes", path,
			       CREDENTIALS_BYTES_MAX);
	if (dir_make(AT_FDCWD, folder, 0700, e) < 0)
		return e->code;
	return file_replace(AT_FDCWD, path, buf_bytes(&text), 0600, e);
}

/* Everything but the line of `server`. */
static int other_tokens(const char *server, struct strv *others, struct err *e)
{
	AUTO_STRV struct strv tokens = STRV_INIT;

	if (read_tokens(&tokens, e) < 0)
		return e->code;
	for (size_t i = 0; i < tokens.n; i++) {
		if (!is_of(tokens.v[i], server))
			strv_add(others, tokens.v[i]);
	}
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

int credentials_save(const char *server, const char *token, struct err *e)
{
	AUTO_STRV struct strv tokens = STRV_INIT;

	if (strchr(token, '=') || !text_is_clean(bytes_of(token)))
		return err_set(e, ERR_USAGE, "the token has characters that no token has");
	if (other_tokens(server, &tokens, e) < 0)
		return e->code;
	strv_addf(&tokens, "%s=%s", server, token);
	if (write_tokens(&tokens, e) < 0)
		return e->code;
	return save_default_server(server, e);
}
