/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/mirror-check.h"

#include "base/time.h"
#include "tables/fetch-internal.h"
#include "tables/mirrored.h"
#include "tables/objects.h"

/* Of each end of a file that is too large to be read whole. */
#define END_BYTES ((int64_t)64 << 10)

/* The hash of no file. */
static const char nothing[] = "0000000000000000000000000000000000000000000000000000000000000000";

struct checking {
	const char *mirror;
	struct http_client *http;
	const struct manifest_table *table;
	const struct manifest_file *file; /* NULL: there is none to ask for */
	struct http_request request;
	struct hash *hash;
	int64_t left; /* of the range that comes */
	int64_t deadline;
	bool taken;
	bool faulty; /* what failed is its answer, not the way to it */
};

static bool is_better(const struct manifest_file *file, const struct manifest_file *than)
{
	return *file->sha256 && file->size_bytes > MIRRORED_ABOVE &&
	       (!than || file->size_bytes < than->size_bytes);
}

static void choose_file(const struct manifest *m, struct checking *c)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct manifest_table *table = &m->tables[i];
		size_t n = table->mirrored && !table->unusable ? table->file_count : 0;

		for (size_t k = 0; k < n; k++) {
			if (!is_better(&table->files[k], c->file))
				continue;
			c->file = &table->files[k];
			c->table = table;
		}
	}
}

static int fail(struct checking *c, const char *why, struct err *e)
{
	c->faulty = true;
	return err_set(e, ERR_REMOTE, "%s", why);
}

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct checking *c = ctx;
	const char *fault;

	if (reply->status != 200 && reply->status != 206)
		return 0;
	fault = c->file ? fetch_mirror_fault(&c->request, c->file->size_bytes, reply)
			: "it has a file that is none";
	if (fault)
		return fail(c, fault, e);
	c->taken = true;
	return 1;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct checking *c = ctx;

	if ((int64_t)n > c->left)
		return fail(c, "it sends more than was asked for", e);
	if (time_monotonic() > c->deadline)
		return fail(c, "it is too slow to be tried", e);
	hash_add(c->hash, p, n);
	c->left -= (int64_t)n;
	return 0;
}

static void add_found(struct mirror_check *check, enum mirror_state state, const char *mirror,
		      const char *why)
{
	check->state = state;
	(void)snprintf(check->text, sizeof(check->text), "%.200s: %.250s", mirror, why);
}

/* False when that has told the state, or there is nothing more to ask. */
static bool get_range(struct checking *c, int64_t first, int64_t n, struct mirror_check *check)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };
	int r;

	c->request.range_first = first;
	c->request.range_last = first + n - 1;
	c->left = n;
	c->taken = false;
	r = http_request(c->http, &c->request, &reply, &e);
	if (r == 0 && !c->taken && fetch_mirror_lacks(reply.status)) {
		check->state = MIRROR_LACKS;
		(void)snprintf(check->text, sizeof(check->text),
			       "%.200s: it does not have '%.80s' (HTTP %ld)", c->mirror,
			       c->request.url + strlen(c->mirror) + 1, reply.status);
		return false;
	}
	if (r == 0 && !c->taken) {
		r = http_expect(&reply, 206, &e);
		c->faulty = true;
	}
	if (r == 0 && c->left > 0)
		r = fail(c, "it sends less than was asked for", &e);
	/* what is no HTTP, or has headers without an end, is an answer too */
	c->faulty = c->faulty || c->taken || r == ERR_REMOTE || r == ERR_LIMIT;
	if (r < 0)
		add_found(check, c->faulty ? MIRROR_FAULTY : MIRROR_AWAY, c->mirror, e.msg);
	return r == 0;
}

static void check_file(struct checking *c, struct mirror_check *check)
{
	int64_t size = c->file->size_bytes;
	bool whole = size <= MIRROR_CHECK_MAX;
	int64_t n = whole ? size / 2 : END_BYTES;
	char text[FORMAT_SIZE_MAX];
	char hex[HASH_HEX_MAX];

	if (!get_range(c, 0, n, check) ||
	    !get_range(c, whole ? n : size - n, whole ? size - n : n, check))
		return;
	hash_hex(c->hash, hex);
	check->state = !whole || str_eq(hex, c->file->sha256) ? MIRROR_GOOD : MIRROR_WRONG;
	(void)snprintf(check->text, sizeof(check->text), "%.200s: a file of table '%.80s' (%s) %s",
		       c->mirror, c->table->name, format_size(size, text),
		       check->state == MIRROR_WRONG ? "has other bytes there"
		       : whole                      ? "came in ranges, and is right"
			       : "comes in ranges; it is too large to be tried whole");
}

/* Does it say of what cannot be there that it has it not? */
static void check_answer(struct checking *c, struct mirror_check *check)
{
	(void)get_range(c, 0, 1, check);
	if (check->state != MIRROR_LACKS)
		return;
	check->state = MIRROR_GOOD;
	(void)snprintf(check->text, sizeof(check->text),
		       "%.200s answers; no table has a file that would come from there", c->mirror);
}

void mirror_check(const struct manifest *manifest, const char *server,
		  struct mirror_check *ret_check)
{
	AUTO_HTTP struct http_client *http = fetch_mirror_client(NULL);
	AUTO_HASH struct hash *hash = hash_new(HASH_SHA256);
	AUTO_FREE char *url = NULL;
	struct fetch_mirror mirror = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct checking c = { .mirror = manifest->mirror,
			      .http = http,
			      .hash = hash,
			      .deadline = time_monotonic() + MIRROR_CHECK_MS };
	char path[OBJECT_PATH_MAX];

	*ret_check = (struct mirror_check){ 0 };
	fetch_mirror_begin(&mirror, manifest->mirror, server);
	if (manifest->mirror_fault)
		add_found(ret_check, MIRROR_UNUSED, "the hub's mirror is passed over",
			  manifest->mirror_fault);
	else if (*mirror.why)
		add_found(ret_check, MIRROR_UNUSED, manifest->mirror, mirror.why);
	if (!*mirror.url)
		return;
	choose_file(manifest, &c);
	url = xasprintf("%s%s", mirror.url,
			object_path(c.file ? c.file->sha256 : nothing, path) +
				strlen(OBJECTS_FOLDER));
	c.request = (struct http_request){
		.method = "GET", .url = url, .ctx = &c, .on_head = on_head, .on_body = on_body
	};
	if (c.file)
		check_file(&c, ret_check);
	else
		check_answer(&c, ret_check);
}
