/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder that open a knowledge base. */
#ifndef LARDER_KB_KB_INTERNAL_H
#define LARDER_KB_KB_INTERNAL_H

#include "kb/kb.h"

int kb_open_root(const char *path, bool create, bool read_only, struct root **ret_root,
		 struct err *e);
/* Inside a transaction that moves staged files: they are still ours. Renews the lease. */
int kb_check_staging(struct kb *kb, struct err *e);

/* All of kb_create() but kb.yaml, with which the folder becomes a knowledge base. */
int kb_make(const struct kb_new *how, struct root **ret_root, bool *ret_made, struct err *e);
int kb_write_config(struct root *root, const char *language, struct err *e);

/* A kb of a root that has no kb.yaml yet; takes the root over. Default settings. */
struct kb *kb_adopt_root(struct root *root);

#endif
