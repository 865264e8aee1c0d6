/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a shared library into a struct of function pointers, for the libraries that would cost
 * every start of the program milliseconds and are used by few commands.
 *
 *	static const char *const names[] = { "libpq.so.5", NULL };          tried in order
 *	static const struct library_symbol symbols[] = {
 *		{ "PQfinish", offsetof(struct postgres_library, finish) }, ... };
 *	library_load(names, symbols, ARRAY_LEN(symbols), &table, e)
 *
 * One that is cut short (a path, with a "/") or lacks a symbol is passed over like one that is not
 * there; the error is about the last of them. The library stays loaded. The trace has a line of it.
 * Threads: the caller's to order (pthread_once).
 */
#ifndef LARDER_BASE_LIBRARY_H
#define LARDER_BASE_LIBRARY_H

#include "base/err.h"

struct library_symbol {
	const char *name;
	size_t offset; /* of its pointer in the table */
};

int library_load(const char *const *names, const struct library_symbol *symbols, size_t n,
		 void *ret_table, struct err *e);
/* The file that `table`, whose first member is a symbol, was filled from; NULL when it was not. */
const char *library_file(const void *table);
/* The file that `name` stands for on this system, found by loading it; NULL when there is none. */
const char *library_locate(const char *name);

/*
 * Loads a library that looks for what it wants in itself first, and only then in the program and all that is loaded. For
 * one of thousands of references to itself, before it is wanted: to look for each of them everywhere costs more than the
 * rest of its loading. Not for one that an LD_PRELOAD should reach (sockets, files). Without it nothing happens.
 */
void library_load_inward(const char *name);

#endif
