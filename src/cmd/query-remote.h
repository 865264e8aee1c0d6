/* SPDX-License-Identifier: Apache-2.0 */
/* A statement asked of the hub instead of the workspace: POST /api/query, its rows to a printer. */
#ifndef LARDER_CMD_QUERY_REMOTE_H
#define LARDER_CMD_QUERY_REMOTE_H

#include "cmd/printer.h"

struct query_remote {
	const char *server, *token; /* NULL: as the workspace or the user has them */
	const char *workspace;      /* NULL: the nearest, if there is one */
	const char *sql;
	int64_t limit; /* 0: as many as the hub gives */
};
struct query_remote_result {
	int64_t rows;
	bool truncated;
	char cut_by[16]; /* "rows" or "bytes" when truncated */
};
int query_remote(const struct query_remote *query, struct printer *printer,
		 struct query_remote_result *ret_result, struct err *e);

#endif
