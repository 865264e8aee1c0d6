/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/home.h"

#include "agents/dispatch.h"
#include "agents/member.h"
#include "agents/pace.h"
#include "agents/sync.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "engine/ledger.h"

#include <fcntl.h>
#include <limits.h>

#define SPACE "agents"
/* Of a host's name in the id: enough to tell machines apart at a glance. */
#define HOST_MAX 40
/* What the contract allows. */
#define SELF_MAX ((size_t)255)

struct agents {
	struct root *root;
	char *self;
	bool self_is_given;
	int64_t queue_max;
};

static const char *set_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static char *agents_find(const char *given)
{
	const char *named = given ? given : set_variable("LARDER_AGENTS");
	const char *home =
		set_variable("CORE_HOME") ? set_variable("CORE_HOME") : set_variable("HOME");
	AUTO_FREE char *core = xasprintf("%s/Code/.core", home ? home : "/nonexistent");
	const char *state = set_variable("XDG_STATE_HOME");

	if (!named)
		named = set_variable("CORE_WORKSPACE");
	if (named)
		return xstrdup(named);
	if (access(core, F_OK) == 0)
		return TAKE(core);
	if (state)
		return xasprintf("%s/larder/agents", state);
	return xasprintf("%s/.local/state/larder/agents", home ? home : "/nonexistent");
}

/* "build-7-1f3a9c02" */
static char *make_self(void)
{
	char host[HOST_NAME_MAX + 1] = "";
	unsigned char random[4];
	char digits[2 * sizeof(random) + 1];

	(void)gethostname(host, sizeof(host)); /* without a name the digits do */
	host[HOST_MAX] = '\0';
	for (char *c = host; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", *c))
			*c = '-';
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), digits);
	return xasprintf("%s-%s", *host ? host : "agent", digits);
}

static int record_self(struct db *db, char **ret_self, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_FREE char *made = make_self();
	int r = db_begin_tx(db, &tx, e);

	if (r == 0)
		r = ledger_get(db, SPACE, "self", ret_self, e); /* of one who was quicker */
	if (r < 0 || *ret_self)
		return r;
	r = ledger_put(db, SPACE, "self", made, e);
	if (r == 0)
		r = db_commit(db, e);
	if (r == 0)
		*ret_self = TAKE(made);
	return r;
}

static int find_self(struct agents *a, const struct agents_options *options, struct err *e)
{
	const char *given = options->self ? options->self : set_variable("AGENT_NAME");
	int r;

	if (given && (strlen(given) > SELF_MAX || !text_is_clean(bytes_of(given)) || !*given))
		return err_set(e, ERR_USAGE, "'%.60s' is no agent id: 1 to %zu characters of text",
			       given, SELF_MAX);
	a->self_is_given = given != NULL;
	if (given) {
		a->self = xstrdup(given);
		return 0;
	}
	r = ledger_get(root_db(a->root), SPACE, "self", &a->self, e);
	if (r == 0 && !a->self && options->read_only)
		a->self = xstrdup("");
	return r < 0 || a->self ? r : record_self(root_db(a->root), &a->self, e);
}

static int find_queue_max(struct agents *a, struct err *e)
{
	const char *given = set_variable("LARDER_AGENT_QUEUE_MAX");
	uint64_t bytes = AGENTS_QUEUE_MAX;
	int r = given ? parse_size(given, INT64_MAX, &bytes, e) : 0;

	a->queue_max = (int64_t)bytes;
	return r < 0 ? err_in(e, "LARDER_AGENT_QUEUE_MAX") : 0;
}

static int no_home(const char *path, struct err *e)
{
	(void)err_set(e, ERR_NOT_FOUND, "no agent has worked in '%s' yet", path);
	return err_hint(e, "`larder agent run` makes it; --home or LARDER_AGENTS names another");
}

int agents_say_restore(struct err *e)
{
	if (*e->hint)
		return e->code;
	return err_hint(e, "restore " ROOT_DB " from a backup, without its -wal and -shm; or move "
			   "all three away: `larder agent reap` takes the work in again from each "
			   "status.json");
}

static int open_root(const char *path, const struct agents_options *options, struct agents *a,
		     struct err *e)
{
	static const struct db_schema *const schemas[] = { &dispatch_schema, &pace_schema,
							   &sync_schema, &member_schema };
	const struct root_options o = {
		.path = path,
		.schemas = schemas,
		.schema_count = ARRAY_LEN(schemas),
		.create = options->create,
		.read_only = options->read_only,
	};
	int r = options->create ? dir_make(AT_FDCWD, path, 0700, e) : 0;

	if (r == 0)
		r = root_open(&o, &a->root, e);
	if (r == ERR_NOT_FOUND)
		return no_home(path, e);
	return r;
}

int agents_open(const struct agents_options *options, struct agents **ret_agents, struct err *e)
{
	AUTO_FREE char *path = agents_find(options->path);
	AUTO_AGENTS struct agents *a = xcalloc(1, sizeof(*a));
	int r = find_queue_max(a, e);

	if (r == 0)
		r = open_root(path, options, a, e);
	if (r == 0)
		r = find_self(a, options, e);
	if (r < 0)
		return r == ERR_CORRUPT ? agents_say_restore(e) : r;
	*ret_agents = TAKE(a);
	return 0;
}

void agents_close(struct agents *a)
{
	if (!a)
		return;
	root_close(a->root);
	free(a->self);
	free(a);
}

struct root *agents_root(const struct agents *a)
{
	return a->root;
}

struct db *agents_db(const struct agents *a)
{
	return root_db(a->root);
}

const char *agents_path(const struct agents *a)
{
	return root_path(a->root);
}

int agents_dirfd(const struct agents *a)
{
	return root_dirfd(a->root);
}

const char *agents_self(const struct agents *a)
{
	return a->self;
}

int64_t agents_queue_max(const struct agents *a)
{
	return a->queue_max;
}

bool agents_self_is_given(const struct agents *a)
{
	return a->self_is_given;
}

char *agents_file(const char *name, const char *file)
{
	return xasprintf(AGENTS_FOLDER "/%s/%s", name, file);
}
