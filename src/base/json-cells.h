/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row as a JSON array whose values may each have so many bytes of text: what is longer is cut.
 *
 *	AUTO_BUF struct buf out = BUF_INIT(row.n + 1000);
 *	n = json_cut_cells(row, 16384, &out);       how many values were cut
 *
 * A cut text ends in "... (N bytes)", N being what it was; a cut list or object becomes a text with its
 * beginning. Cuts are between letters. `row` is JSON that json_out wrote. Pure.
 */
#ifndef LARDER_BASE_JSON_CELLS_H
#define LARDER_BASE_JSON_CELLS_H

#include "base/buf.h"

int64_t json_cut_cells(struct bytes row, size_t cell_max, struct buf *out);

#endif
