/* SPDX-License-Identifier: Apache-2.0 */
/* Many small files in one reply: at a distance the round trips of 2,000 requests take longer than
 * their bytes. What is in it is settled first, by name and size; the bytes are read as they are sent. */
#include "hub/api.h"

#include "tables/batch.h"
#include "tables/locate.h"
#include "tables/objects.h"

#include <fcntl.h>
#include <sys/stat.h>

struct batch_file {
	char sha256[SHA256_HEX + 1]; /* "": it is absent */
	int64_t size;
};

struct batch {
	const struct hub *hub;
	struct batch_file files[BATCH_FILES_MAX];
	size_t n, at;
	int64_t bytes; /* of the reply */
	int64_t done;  /* of file `at`, its length included */
	int fd;        /* of that file, when it is open */
};

static void batch_free(void *ctx)
{
	struct batch *b = ctx;

	auto_fd_(&b->fd);
	free(b);
}

static int64_t length_of(const struct batch_file *file)
{
	return BATCH_LENGTH_BYTES + (*file->sha256 ? file->size : 0);
}

/* The length that stands before a file's bytes, from byte `done` of it on. */
static size_t read_length(const struct batch *b, char *out, size_t max)
{
	const struct batch_file *file = &b->files[b->at];
	uint64_t length = *file->sha256 ? (uint64_t)file->size : BATCH_ABSENT;
	size_t n = 0;

	for (int64_t i = b->done; i < BATCH_LENGTH_BYTES && n < max; i++)
		out[n++] = (char)(length >> (8 * i) & 0xff);
	return n;
}

static ssize_t read_file(struct batch *b, char *out, size_t max)
{
	const struct batch_file *file = &b->files[b->at];
	int64_t at = b->done - BATCH_LENGTH_BYTES;
	size_t want = file->size - at < (int64_t)max ? (size_t)(file->size - at) : max;
	char path[OBJECT_PATH_MAX];

	if (b->fd < 0)
		b->fd = openat(hub_dirfd(b->hub), object_path(file->sha256, path),
			       O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return b->fd < 0 ? -1 : pread(b->fd, out, want, at);
}

/* Fills what it is given, so that small files do not go out in small pieces. */
static ssize_t batch_read(void *ctx, char *out, size_t max)
{
	struct batch *b = ctx;
	size_t filled = 0;

	while (filled < max && b->at < b->n) {
		bool in_length = b->done < BATCH_LENGTH_BYTES;
		ssize_t n = in_length ? (ssize_t)read_length(b, out + filled, max - filled)
				      : read_file(b, out + filled, max - filled);

		if (n <= 0)
			return -1; /* it was there a moment ago: the client asks again */
		filled += (size_t)n;
		b->done += n;
		if (b->done < length_of(&b->files[b->at]))
			continue;
		auto_fd_(&b->fd);
		b->fd = -1;
		b->done = 0;
		b->at++;
	}
	return (ssize_t)filled;
}

/* What is not there for this caller, or has no room here, is said to be absent: it is asked for alone. */
static int add_file(struct request *q, const struct json *file, struct batch *b, struct err *e)
{
	const struct wanted wanted = { .table = json_text(json_get(file, "table")),
				       .version = json_text(json_get(file, "v")),
				       .part = json_text(json_get(file, "part")) };
	struct batch_file *to = &b->files[b->n++];
	enum locate_answer answer = LOCATE_NO_TABLE;
	struct located found;
	char path[OBJECT_PATH_MAX];
	struct stat st;
	int r = wanted.table ? locate(q->db, q->caller, &wanted, &answer, &found, e) : 0;

	b->bytes += BATCH_LENGTH_BYTES;
	if (r < 0 || answer != LOCATE_FOUND ||
	    fstatat(hub_dirfd(q->hub), object_path(found.sha256, path), &st, AT_SYMLINK_NOFOLLOW) <
		    0 ||
	    !S_ISREG(st.st_mode) || st.st_size > (int64_t)BATCH_BYTES_MAX - b->bytes)
		return r;
	(void)snprintf(to->sha256, sizeof(to->sha256), "%s", found.sha256);
	to->size = st.st_size;
	b->bytes += st.st_size;
	return 0;
}

int api_batch(struct request *q, struct err *e)
{
	const struct json *files = json_get(q->json, "files");
	struct http_source source = { .read = batch_read, .free = batch_free };
	struct batch *b;
	int r;

	if (json_kind(files) != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "'files' must be a list");
	if (json_size(files) > BATCH_FILES_MAX)
		return err_set(e, ERR_LIMIT, "%zu files, the limit is %d", json_size(files),
			       BATCH_FILES_MAX);
	b = xcalloc(1, sizeof(*b));
	b->hub = q->hub;
	b->fd = -1;
	r = request_read(q, e); /* the body may have taken its time */
	for (size_t i = 0; r == 0 && i < json_size(files); i++)
		r = add_file(q, json_at(files, i), b, e);
	db_rollback(q->db);
	if (r < 0) {
		batch_free(b);
		return r;
	}
	http_reply_add(q->in, "Cache-Control", "private, no-store");
	source.ctx = b;
	source.size = b->bytes;
	http_reply_source(q->in, 200, "application/octet-stream", &source);
	return 0;
}
