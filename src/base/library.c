/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include "base/log.h"
#include "base/time.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>

/* A sanitizer wants every malloc to be its own, and says so to who opens a library like this. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ITSELF_FIRST 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ITSELF_FIRST 0
#endif
#endif
#ifndef ITSELF_FIRST
#define ITSELF_FIRST RTLD_DEEPBIND
#endif

/*
 * A file of ours that was not written to its end would not fail to load: the process would end when the loader
 * touches what is not there. The table of sections is the last thing in it.
 */
static bool is_cut(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ElfW(Ehdr) head;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || read(fd, &head, sizeof(head)) != sizeof(head))
		return false; /* the loader says what it is instead */
	return (uint64_t)st.st_size < head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize;
}

static int load(const char *name, const struct library_symbol *symbols, size_t n, void *ret_table,
		struct err *e)
{
	void *library = NULL;

	if (strchr(name, '/') && is_cut(name))
		return err_set(e, ERR_FAILED, "load library '%s': it is cut short", name);
	/* NOW: a symbol missing in a dependency shows here, not in the middle of a transfer. */
	library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return err_set(e, ERR_FAILED, "load library '%s': %s", name, dlerror());
	for (size_t i = 0; i < n; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol) {
			(void)dlclose(library); /* which nobody has used */
			return err_set(e, ERR_FAILED, "load library '%s': it has no '%s'", name,
				       symbols[i].name);
		}
		memcpy((char *)ret_table + symbols[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}

int library_load(const char *const *names, const struct library_symbol *symbols, size_t n,
		 void *ret_table, struct err *e)
{
	int64_t started = time_monotonic();
	struct err why = { 0 };
	int r = ERR_FAILED;

	for (; *names && r < 0; names++)
		r = load(*names, symbols, n, ret_table, &why);
	if (r < 0)
		*e = why;
	else
		trace_event("library", started, "\"file\":\"%s\"", library_file(ret_table));
	return r;
}

const char *library_file(const void *table)
{
	Dl_info info;
	void *symbol;

	memcpy(&symbol, table, sizeof(symbol));
	return symbol && dladdr(symbol, &info) ? info.dli_fname : NULL;
}

const char *library_locate(const char *name)
{
	void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
	struct link_map *map = NULL;

	if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map) < 0)
		return NULL;
	return map->l_name;
}

void library_load_inward(const char *name)
{
	(void)dlopen(name, RTLD_NOW | RTLD_LOCAL | ITSELF_FIRST); /* who needs it says so */
}
