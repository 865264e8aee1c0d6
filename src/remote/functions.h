/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which functions a statement over remote tables may call. A source has thousands, and among them some
 * that read files, run other statements, change settings or wait; so those that are known to compute from
 * their arguments alone are listed, and others are refused. Names are those of DuckDB's parse, in small
 * letters; operators are spelt by their signs. Threads: no state.
 */
#ifndef LARDER_REMOTE_FUNCTIONS_H
#define LARDER_REMOTE_FUNCTIONS_H

#include "base/err.h"
#include "base/str.h"

/* ERR_USAGE names the first that is not. */
int far_check_functions(const struct strv *functions, struct err *e);

#endif
