/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many small files in one request (docs/http-api.md, "Batch"): what both sides know of it. The reply is,
 * for each file that was asked for, in that order, its length in eight bytes, least significant
 * first, and its bytes; BATCH_ABSENT instead of a length: it is to be asked for alone.
 */
#ifndef LARDER_TABLES_BATCH_H
#define LARDER_TABLES_BATCH_H

#include <stdint.h>

#define BATCH_LENGTH_BYTES 8
#define BATCH_ABSENT       UINT64_MAX
#define BATCH_FILES_MAX    256
/* Of a reply: as long as a range (delta.h); what is cut off is asked for again. */
#define BATCH_BYTES_MAX ((size_t)8 << 20)
/* As many bytes keep a connection busy when the server is near; further away a batch has its share of all. */
#define BATCH_BYTES_NEAR ((int64_t)2 << 20)
/* Larger files gain nothing: their bytes take longer than their round trip. */
#define BATCH_FILE_MAX ((int64_t)256 << 10)
/* 256 files with long paths. */
#define BATCH_BODY_MAX ((size_t)256 << 10)

#endif
