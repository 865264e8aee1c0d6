/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder that open a knowledge base. */
#ifndef LARDER_KB_KB_INTERNAL_H
#define LARDER_KB_KB_INTERNAL_H

#include "kb/kb.h"

int kb_open_root(const char *path, bool create, bool read_only, struct root **ret_root,
		 struct err *e);
/* Inside a transaction that moves staged files: they are still ours. Renews the lease. */
int kb_check_staging(struct kb *kb, struct err *e);

#endif
