/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the names of a statement mean for one caller: tables of the registry that this caller may see,
 * and the files that are, for this caller, those tables.
 *
 *	AUTO(query_plan_release) struct query_plan plan = { 0 };
 *	query_resolve(db, caller, &names, &plan, e)      in a read transaction: one moment for all
 *	... plan.tables[i].lacks_excerpt: make it (excerpt.h), resolve again ...
 *	... plan.tables[i].remote: not for DuckDB's files ...
 *	query_fill(&plan, root, room, e)                 links the files into the room
 *
 * Names are those of tables, or ids, capitals aside; "a.b" is the table of that name, "main.b" the
 * table b. What the caller may not see is not there: ERR_NOT_FOUND. Threads: as the db.
 */
#ifndef LARDER_TABLES_QUERY_H
#define LARDER_TABLES_QUERY_H

#include "duck/room.h"
#include "tables/registry.h"
#include "tables/room.h"

struct query_table {
	char *name;         /* as the statement means it: what the worker is to know it by */
	struct table table; /* figures and version are those that the caller sees */
	bool remote, lacks_excerpt;
	bool by_place;       /* the statement has it by a path of its source (duck_name.id) */
	struct strv parts;   /* names of its files in the table */
	struct strv objects; /* their hashes */
	struct strv files;   /* where they lie in the room, once filled */
};

struct query_plan {
	struct query_table *tables;
	size_t count;
};
void query_plan_release(struct query_plan *plan);

/* One name, with its dots: of a table or its id, capitals aside. */
int query_find_table(struct db *db, const struct caller *caller, const char *name,
		     struct table *ret_table, struct err *e);
int query_resolve(struct db *db, const struct caller *caller, const struct duck_names *names,
		  struct query_plan *ret_plan, struct err *e);
int query_fill(struct query_plan *plan, const struct root *root, struct room *room, struct err *e);
/* Bytes of all files of the plan's tables: as much as it can read. */
int64_t query_bytes(const struct query_plan *plan);

#endif
