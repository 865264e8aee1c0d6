/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/parquet-frame.h"

#define MAGIC      "PAR1"
#define MAGIC_SIZE 4
/* Four bytes of length, least significant first, and the magic. */
#define TAIL_SIZE 8

static int no_parquet(const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "it is no Parquet file: %s", why);
}

/* `size` is enough for both. */
static int check(const unsigned char *head, const unsigned char *tail, int64_t size, struct err *e)
{
	int64_t footer = 0;

	if (memcmp(head, MAGIC, MAGIC_SIZE) != 0)
		return no_parquet("it does not begin as one", e);
	if (memcmp(tail + TAIL_SIZE - MAGIC_SIZE, MAGIC, MAGIC_SIZE) != 0)
		return no_parquet("it has no footer", e);
	for (int i = 3; i >= 0; i--)
		footer = footer << 8 | tail[i];
	if (footer == 0 || footer > size - MAGIC_SIZE - TAIL_SIZE)
		return no_parquet("its footer is longer than the file", e);
	return 0;
}

int parquet_frame_check(int fd, int64_t size, struct err *e)
{
	unsigned char head[MAGIC_SIZE];
	unsigned char tail[TAIL_SIZE];

	if (size < MAGIC_SIZE + TAIL_SIZE)
		return no_parquet("it is too short", e);
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    pread(fd, tail, sizeof(tail), size - TAIL_SIZE) != (ssize_t)sizeof(tail))
		return err_sys(e, "read it");
	return check(head, tail, size, e);
}

int parquet_frame_check_bytes(struct bytes file, struct err *e)
{
	const unsigned char *p = (const unsigned char *)file.p;

	if (file.n < MAGIC_SIZE + TAIL_SIZE)
		return no_parquet("it is too short", e);
	return check(p, p + file.n - TAIL_SIZE, (int64_t)file.n, e);
}
