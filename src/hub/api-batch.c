/* SPDX-License-Identifier: Apache-2.0 */
/* Many small files in one reply: at a distance the round trips of 2,000 requests take longer than
 * their bytes. */
#include "hub/api.h"

#include "tables/batch.h"
#include "tables/locate.h"
#include "tables/objects.h"

#include <fcntl.h>
#include <sys/stat.h>

static void add_length(struct buf *out, uint64_t length)
{
	for (int i = 0; i < BATCH_LENGTH_BYTES; i++)
		buf_addc(out, (char)(length >> (8 * i) & 0xff));
}

static int open_file(struct request *q, const struct json *file, int *ret_fd, struct err *e)
{
	const char *table = json_text(json_get(file, "table"));
	const struct wanted wanted = { .table = table,
				       .version = json_text(json_get(file, "v")),
				       .part = json_text(json_get(file, "part")) };
	enum locate_answer answer = LOCATE_NO_TABLE;
	struct located found;
	char path[OBJECT_PATH_MAX];
	int r = table ? locate(q->db, q->caller, &wanted, &answer, &found, e) : 0;

	if (r == 0 && answer == LOCATE_FOUND)
		*ret_fd = openat(hub_dirfd(q->hub), object_path(found.sha256, path),
				 O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return r;
}

/* What is not there for this caller, or has no room here, is said to be absent: it is asked for alone. */
static int add_file(struct request *q, const struct json *file, struct buf *out, struct err *e)
{
	AUTO_FD int fd = -1;
	struct stat st = { 0 };
	char *room;
	int r = open_file(q, file, &fd, e);

	if (r < 0)
		return r;
	if (fd < 0 || fstat(fd, &st) < 0 ||
	    st.st_size > (int64_t)(BATCH_BYTES_MAX - BATCH_LENGTH_BYTES) - (int64_t)out->n) {
		add_length(out, BATCH_ABSENT);
		return 0;
	}
	add_length(out, (uint64_t)st.st_size);
	room = buf_reserve(out, (size_t)st.st_size);
	if (!room || pread(fd, room, (size_t)st.st_size, 0) != st.st_size)
		return err_set(e, ERR_IO, "an object cannot be read");
	out->n += (size_t)st.st_size;
	return 0;
}

int api_batch(struct request *q, struct err *e)
{
	const struct json *files = json_get(q->json, "files");
	AUTO_BUF struct buf out =
		BUF_INIT(BATCH_BYTES_MAX + BATCH_FILES_MAX * BATCH_LENGTH_BYTES + 1);
	struct http_blob *blob;
	int r = 0;

	if (json_kind(files) != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "'files' must be a list");
	if (json_size(files) > BATCH_FILES_MAX)
		return err_set(e, ERR_LIMIT, "%zu files, the limit is %d", json_size(files),
			       BATCH_FILES_MAX);
	r = request_read(q, e); /* the body may have taken its time */
	for (size_t i = 0; r == 0 && i < json_size(files); i++)
		r = add_file(q, json_at(files, i), &out, e);
	db_rollback(q->db);
	if (r < 0)
		return r;
	blob = http_blob_new(&out, false);
	http_reply_add(q->in, "Cache-Control", "private, no-store");
	http_reply_blob(q->in, 200, "application/octet-stream", blob);
	http_blob_unref(blob);
	return 0;
}
