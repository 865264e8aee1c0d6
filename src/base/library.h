/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a shared library into a struct of function pointers, for the libraries that would cost
 * every start of the program milliseconds and are used by few commands.
 *
 *	static const char *const names[] = { "libcurl.so.4", NULL };        tried in order
 *	static const struct library_symbol symbols[] = {
 *		{ "curl_easy_init", offsetof(struct curl_library, easy_init) }, ... };
 *	library_load(names, symbols, ARRAY_LEN(symbols), &table, e)
 *
 * The library stays loaded. Threads: the caller's to order (pthread_once).
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

#endif
