/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include <dlfcn.h>

static void *open_first(const char *const *names)
{
	for (; *names; names++) {
		/* NOW: a symbol missing in a dependency shows here, not in the middle of a
		 * transfer. */
		void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);

		if (library)
			return library;
	}
	return NULL;
}

int library_load(const char *const *names, const struct library_symbol *symbols, size_t n,
		 void *ret_table, struct err *e)
{
	void *library = open_first(names);

	if (!library)
		return err_set(e, ERR_FAILED, "load library '%s': %s", names[0], dlerror());
	for (size_t i = 0; i < n; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol)
			return err_set(e, ERR_FAILED, "load library '%s': it has no '%s'", names[0],
				       symbols[i].name);
		memcpy((char *)ret_table + symbols[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}
