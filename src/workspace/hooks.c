/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/hooks.h"

#include "base/json.h"

static const struct hook {
	const char *event;
	const char *command;
} hooks[] = {
	/* The folder is named, since hooks may run from a changed or deleted one. A hook never
	   fails a session. */
	{ "SessionStart",
	  "larder pull --quiet --workspace \"$CLAUDE_PROJECT_DIR\" 2>/dev/null;"
	  " larder push --detach --quiet --workspace \"$CLAUDE_PROJECT_DIR\" 2>/dev/null || true" },
	{ "SessionEnd",
	  "larder push --detach --quiet --workspace \"$CLAUDE_PROJECT_DIR\" 2>/dev/null || true" },
};

/* Ours, and those of the systems that Larder replaces: both at once would do everything twice. */
static const char *const replaced[] = { "larder pull", "larder push", "agnes pull", "agnes push",
					"da sync" };

static bool is_replaced(const char *command)
{
	for (size_t i = 0; command && i < ARRAY_LEN(replaced); i++) {
		if (strstr(command, replaced[i]))
			return true;
	}
	return false;
}

/* A group is ours when all of its commands are: one with a foreign command beside ours is
 * somebody's own. */
static bool group_is_ours(const struct json *group)
{
	const struct json *entries = json_get(group, "hooks");
	size_t n = json_size(entries);

	for (size_t i = 0; i < n; i++) {
		if (!is_replaced(json_text(json_get(json_at(entries, i), "command"))))
			return false;
	}
	return n > 0;
}

static struct json *new_group(const char *command)
{
	struct json *entry = json_new_object();
	struct json *entries = json_new_array();
	struct json *group = json_new_object();

	json_put(entry, "type", json_new_text("command"));
	json_put(entry, "command", json_new_text(command));
	json_append(entries, entry);
	json_put(group, "hooks", entries);
	return group;
}

static struct json *member(struct json *object, const char *key, enum json_kind kind,
			   struct json *(*make)(void), struct err *e)
{
	if (!json_get(object, key))
		json_put(object, key, make());
	if (json_kind(json_get(object, key)) != kind) {
		(void)err_set(e, ERR_CORRUPT, "settings: '%s' has an unexpected shape", key);
		return NULL;
	}
	return json_get_mutable(object, key);
}

static int install(struct json *events, const struct hook *hook, struct err *e)
{
	struct json *groups = member(events, hook->event, JSON_ARRAY, json_new_array, e);

	if (!groups)
		return e->code;
	for (size_t i = json_size(groups); i > 0; i--) {
		if (group_is_ours(json_at(groups, i - 1)))
			json_remove_at(groups, i - 1);
	}
	json_append(groups, new_group(hook->command));
	return 0;
}

/* What a workspace starts with: tools that read, the shell for `larder query`. */
static struct json *fresh_settings(void)
{
	static const char *const allowed[] = { "Read", "Bash", "Grep", "Glob" };
	struct json *settings = json_new_object();
	struct json *permissions = json_new_object();
	struct json *allow = json_new_array();

	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		json_append(allow, json_new_text(allowed[i]));
	json_put(permissions, "allow", allow);
	json_put(settings, "model", json_new_text("sonnet"));
	json_put(settings, "permissions", permissions);
	return settings;
}

static int read_settings(struct bytes old, struct json **ret_settings, struct err *e)
{
	AUTO_JSON struct json *settings = NULL;

	if (old.n == 0) {
		*ret_settings = fresh_settings();
		return 0;
	}
	if (json_parse(old, HOOKS_SETTINGS_MAX, &settings, e) < 0)
		return err_in(e, "settings");
	if (json_kind(settings) != JSON_OBJECT)
		return err_set(e, ERR_CORRUPT, "settings: not a JSON object");
	*ret_settings = TAKE(settings);
	return 0;
}

int hooks_merge(struct bytes old, struct buf *out, struct err *e)
{
	AUTO_JSON struct json *settings = NULL;
	struct json *events;

	if (read_settings(old, &settings, e) < 0)
		return e->code;
	events = member(settings, "hooks", JSON_OBJECT, json_new_object, e);
	if (!events)
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		if (install(events, &hooks[i], e) < 0)
			return e->code;
	}
	json_print(settings, out, true);
	if (out->full)
		return err_set(e, ERR_LIMIT, "settings exceed %zu bytes", out->max);
	return 0;
}

int hooks_merge_mcp(struct bytes old, struct buf *out, struct err *e)
{
	AUTO_JSON struct json *file = NULL;
	struct json *servers, *server, *arguments;

	if (old.n == 0)
		file = json_new_object();
	else if (read_settings(old, &file, e) < 0)
		return e->code;
	servers = member(file, "mcpServers", JSON_OBJECT, json_new_object, e);
	if (!servers)
		return e->code;
	server = json_new_object();
	arguments = json_new_array();
	json_append(arguments, json_new_text("mcp"));
	json_put(server, "command", json_new_text("larder"));
	json_put(server, "args", arguments);
	json_put(servers, "larder", server);
	json_print(file, out, true);
	return out->full ? err_set(e, ERR_LIMIT, "settings exceed %zu bytes", out->max) : 0;
}

static size_t count_ours(const struct json *groups, const char *command)
{
	size_t n = 0;

	for (size_t i = 0; i < json_size(groups); i++) {
		const struct json *entries = json_get(json_at(groups, i), "hooks");

		for (size_t k = 0; k < json_size(entries); k++) {
			const char *text = json_text(json_get(json_at(entries, k), "command"));

			n += text && strcmp(text, command) == 0;
		}
	}
	return n;
}

bool hooks_present(struct bytes settings)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored;

	if (json_parse(settings, HOOKS_SETTINGS_MAX, &doc, &ignored) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		const struct json *groups = json_get(json_get(doc, "hooks"), hooks[i].event);

		if (count_ours(groups, hooks[i].command) != 1)
			return false;
	}
	return true;
}
