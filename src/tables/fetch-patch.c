/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part from the one before it and the rows in which they differ (docs/format-patch.md): few bytes come,
 * and DuckDB writes the part anew. Where the link is quick, bytes are; where it is slow, that is.
 */
#include "tables/fetch-internal.h"

#include "base/fault.h"
#include "base/time.h"
#include "engine/journal.h"

#include <fcntl.h>

static bool has_part_before(const struct fetch_common *common, const struct fetch_item *item)
{
	AUTO_FREE char *path = local_version_path(item->want->patch_from);

	return faccessat(root_dirfd(common->root), path, R_OK, 0) == 0;
}

bool fetch_patch_is_quicker(const struct fetch_worker *w, const struct fetch_item *item,
			    int64_t missing)
{
	const struct fetch_common *common = w->common;
	const struct manifest_file *want = item->want;
	const struct delta_choice choice = { .missing = missing,
					     .patch = want->patch_bytes,
					     .part = want->size_bytes,
					     .rate = common->rate,
					     .rebuild_rate = common->rebuild_rate };

	if (!*want->patch_sha256 || common->patches == PATCHES_NEVER ||
	    !has_part_before(common, item))
		return false;
	return common->patches == PATCHES_ALWAYS || delta_patch_pays(&choice);
}

static int get_patch(struct fetch_worker *w, struct fetch_item *item, struct http_reply *reply,
		     struct err *e)
{
	const struct fetch_ask ask = {
		.what = FETCH_PATCH,
		.http = { .method = "GET", .max_body = (size_t)item->want->patch_bytes + 1 },
	};
	int r = fetch_request(w, item, &ask, reply, e);

	if (r < 0)
		return r;
	fetch_count(w, item, reply->bytes_received, 0);
	fetch_show(w, reply->bytes_received);
	return 0;
}

int fetch_start_rebuilder(const struct fetch_common *common, int64_t file_bytes,
			  struct duck_rebuilder **ret_rebuilder, struct err *e)
{
	AUTO_FREE char *versions = xasprintf("%s/" LOCAL_VERSIONS, root_path(common->root));
	AUTO_FREE char *staging = xasprintf("%s/" ROOT_STAGING, root_path(common->root));
	const struct duck_rebuilder_options options = { .versions = versions,
							.staging = staging,
							.file_bytes = file_bytes };

	return duck_rebuilder_start(&options, ret_rebuilder, e);
}

/* By the child that all share; when that has ended over another part, by one of its own. */
static int rebuild_locked(struct fetch_common *common, const struct duck_rebuild *q,
			  int64_t file_bytes, struct err *e)
{
	AUTO_DUCK_REBUILDER struct duck_rebuilder *own = NULL;
	int r;

	if (!common->rebuilder && fetch_start_rebuilder(common, file_bytes, &own, e) < 0)
		return e->code;
	r = duck_rebuild(own ? own : common->rebuilder, q, e);
	if (r < 0)
		duck_rebuilder_free(TAKE(common->rebuilder));
	return r;
}

/* One after the other: DuckDB takes all cores by itself, and its memory is counted once. */
static int rebuild(struct fetch_worker *w, struct fetch_item *item, const char *patch,
		   struct err *e)
{
	struct fetch_common *common = w->common;
	AUTO_FREE char *version = local_version_path(item->want->patch_from);
	AUTO_FREE char *before = xasprintf("%s/%s", root_path(common->root), version);
	AUTO_FREE char *patch_path = journal_stage_path(common->root, patch);
	AUTO_FREE char *output = journal_stage_path(common->root, item->staged);
	const struct duck_rebuild q = { .before = before, .patch = patch_path, .output = output };
	int64_t begun;
	int r;

	(void)pthread_mutex_lock(&common->rebuilding);
	begun = time_monotonic_us();
	r = rebuild_locked(common, &q, item->want->size_bytes, e);
	(void)atomic_fetch_add(&common->rebuild_us, time_monotonic_us() - begun);
	(void)pthread_mutex_unlock(&common->rebuilding);
	if (r == 0)
		(void)atomic_fetch_add(&common->rebuilt_bytes, item->want->size_bytes);
	return r;
}

/* 0 whether it came to something or was given up; negative for what another attempt may mend. */
static int apply(struct fetch_worker *w, struct fetch_item *item, const struct http_reply *reply,
		 struct err *e)
{
	AUTO_FREE char *patch = xasprintf("%s.patch", item->want->patch_sha256);
	struct err why = { 0 };
	char hex[HASH_HEX_MAX];
	int r;

	if (reply->status != 200)
		return fetch_give_up(item, "its patch did not come (status %ld)", reply->status);
	hash_text(HASH_SHA256, buf_bytes(&reply->body), hex);
	if (!str_eq(hex, item->want->patch_sha256))
		return fetch_give_up(item, "its patch has other bytes than the manifest says");
	r = journal_stage(w->common->root, patch, buf_bytes(&reply->body), e);
	if (r < 0)
		return r;
	if (fault_step("write", item->staged) < 0)
		return err_sys(e, "write '%s'", item->staged);
	r = rebuild(w, item, patch, &why);
	(void)journal_stage_remove(w->common->root, patch, e); /* else litter for the next run */
	if (r < 0)
		return fetch_give_up(item, "its patch cannot be applied: %.300s", why.msg);
	r = fetch_check_whole(w, item, "what was made by its patch has another hash", e);
	return r < 0 ? r : 0;
}

int fetch_patch(struct fetch_worker *w, struct fetch_item *item, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int r = 0;

	if (!atomic_load(&item->whole)) {
		r = get_patch(w, item, &reply, e);
		if (r == ERR_LIMIT)
			r = fetch_give_up(item, "its patch is longer than the manifest says");
		else if (r == 0)
			r = apply(w, item, &reply, e);
	}
	if (r < 0)
		return r;
	if (atomic_load(&item->whole)) {
		atomic_store(&w->common->patch_failed, true);
		return fetch_come_whole(w, item, e);
	}
	fetch_count(w, item, 0, item->want->size_bytes - item->want->patch_bytes);
	fetch_show(w, item->want->size_bytes - item->want->patch_bytes);
	return 0;
}
