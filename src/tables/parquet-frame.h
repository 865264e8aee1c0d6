/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a Parquet file: "PAR1" at both ends, and before the last the length of the footer,
 * which must fit between them. Says nothing of what is inside; costs two small reads.
 * Source: parquet-format, README, "File format".
 */
#ifndef LARDER_TABLES_PARQUET_FRAME_H
#define LARDER_TABLES_PARQUET_FRAME_H

#include "base/buf.h"
#include "base/err.h"

/* ERR_CORRUPT when it is not there. The fd's offset is untouched. */
int parquet_frame_check(int fd, int64_t size, struct err *e);
/* Of one that is in memory, whole. */
int parquet_frame_check_bytes(struct bytes file, struct err *e);

#endif
