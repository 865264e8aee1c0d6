/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the pieces of a Parquet file begin: column chunks, their data pages after the dictionary,
 * bloom filters, page indexes, the footer. A change of one column's values keeps the bytes of the
 * others, so these are where a file is best cut.
 *
 *	AUTO(parquet_cuts_release) struct parquet_cuts cuts = { 0 };
 *	parquet_cuts_read(fd, size, &cuts, e);
 *
 * Only the footer is read: a small reader of Thrift's compact protocol that skips what it does not
 * need. It trusts nothing: lengths are bounded by the bytes that are left, nesting by a limit, and
 * offsets outside the file are passed over. Source: parquet-format, parquet.thrift; Thrift,
 * thrift-compact-protocol.md. The pure half is fuzzed.
 *
 * Errors: ERR_CORRUPT for a footer that is none, ERR_LIMIT over a limit, ERR_IO.
 */
#ifndef LARDER_TABLES_PARQUET_CUTS_H
#define LARDER_TABLES_PARQUET_CUTS_H

#include "base/buf.h"
#include "base/err.h"

/* The largest seen, of a table with 10,000 columns, has a tenth of it. */
#define PARQUET_FOOTER_MAX ((int64_t)64 << 20)
/* Four for each column of each row group: 2,500 columns in 400 row groups. */
#define PARQUET_CUTS_MAX ((size_t)4000000)
/* Several groups where they are small; less than any file has that is cut for an index. */
#define PARQUET_SAMPLE ((int64_t)2 << 20)
/* A shorter dictionary is not worth a piece of its own: it goes with its column. */
#define PARQUET_DICTIONARY_LEAST ((int64_t)16 << 10)

struct parquet_cuts {
	int64_t *v; /* ascending, each once, between 1 and size - 1 */
	size_t n, capacity;
	int64_t data_end; /* of the last column chunk; 0: none */
	/* Of the row groups in the first PARQUET_SAMPLE bytes, or of those that reach half as far;
	 * 0: there is one. */
	int64_t groups_end;
};

void parquet_cuts_release(struct parquet_cuts *cuts);

int parquet_cuts_read(int fd, int64_t size, struct parquet_cuts *ret_cuts, struct err *e);
/* The footer's own bytes, of a file of `size` bytes. */
int parquet_cuts_parse(struct bytes footer, int64_t size, struct parquet_cuts *ret_cuts,
		       struct err *e);

#endif
