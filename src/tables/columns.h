/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a file as the JSON that rows of "object" keep: [{"name":...,"type":...}, ...]. */
#ifndef LARDER_TABLES_COLUMNS_H
#define LARDER_TABLES_COLUMNS_H

#include "duck/duck.h"

/* Names and types of some thousand columns. */
#define COLUMNS_TEXT_MAX ((size_t)1 << 20)

/* The caller owns *ret_text; ERR_LIMIT over COLUMNS_TEXT_MAX. */
int columns_describe(const struct duck_file_info *info, char **ret_text, struct err *e);

#endif
