/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/hub-objects.h"

#include "hub/hub.h"
#include "tables/mirrored.h"
#include "tables/objects.h"

/* A million files of 75 letters. */
#define LIST_MAX ((size_t)96 << 20)

struct objects_args {
	bool json;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct objects_args, json, "one JSON object on stdout"),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e);

const struct command hub_objects = {
	.name = "objects",
	.usage = "DIR",
	.summary = "list the files that a mirror may have",
	.description =
		"Prints the files below DIR/objects that may be copied to another server "
		"(docs/mirror.md), one a line: those of all versions that are kept, without small "
		"ones and without what people with limited rights see. The hub may be serving "
		"meanwhile.",
	.examples = "larder hub objects hub|which files\n"
		    "larder hub objects hub | rclone copy --files-from - hub/objects store:team|"
		    "to a bucket\n",
	.options = options,
	.run = run,
};

static void print_list(const struct objects_args *args, const struct mirrored *m, struct buf *out)
{
	struct json_out o = json_out(out);

	for (size_t i = 0; !args->json && i < m->paths.n; i++)
		buf_addf(out, "%s\n", m->paths.v[i]);
	if (!args->json)
		return;
	json_open(&o, NULL, '{');
	json_add_texts(&o, "objects", &m->paths);
	json_add_int(&o, "count", (int64_t)m->paths.n);
	json_add_int(&o, "bytes", m->bytes);
	json_close(&o);
	buf_addc(out, '\n');
}

static int list(const struct objects_args *args, const char *path, struct mirrored *m,
		struct err *e)
{
	const struct hub_options o = { .path = path };
	AUTO_BUF struct buf out = BUF_INIT(LIST_MAX);
	AUTO_HUB struct hub *hub = NULL;
	int r = hub_open(&o, &hub, e);

	if (r == 0)
		r = mirrored_list(root_db(hub_root(hub)), m, e);
	if (r < 0)
		return r;
	print_list(args, m, &out);
	if (out.full)
		return err_set(e, ERR_LIMIT, "the list is over %zu bytes", LIST_MAX);
	return cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct objects_args args = { 0 };
	struct mirrored m = { .paths = STRV_INIT };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&hub_objects, &operands, 1, 1, e);
	if (r == 0)
		r = list(&args, operands.v[0], &m, e);
	strv_release(&m.paths);
	return r;
}
