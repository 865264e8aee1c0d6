/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a knowledge base, for kb.c only; docs/format-kb.md describes them. */
#ifndef LARDER_KB_SCHEMA_H
#define LARDER_KB_SCHEMA_H

#include "db/db.h"

extern const struct db_schema kb_schema;

#endif
