/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large file verified on all cores: its blocks of 1 MiB against the hashes of its chunk index.
 *
 *	r = blocks_check(fd, chunks, jobs, e);	1 all fit, 0 not, negative: it cannot be read
 *
 * The index must be one that was kept with a file that came out right (held.h): by its own SHA-256, or by these
 * blocks and the hash of the index that the manifest told (docs/format-chunks.md). Where
 * a block does not fit, the file's SHA-256 decides: an index is a help, never the judge.
 *
 * Threads: the call blocks; blocks are read by threads of the engine's pipeline.
 */
#ifndef LARDER_TABLES_BLOCKS_H
#define LARDER_TABLES_BLOCKS_H

#include "tables/chunks.h"

int blocks_check(int fd, const struct chunks *chunks, unsigned jobs, struct err *e);

#endif
