/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-client-load.h"

#include "base/library.h"
#include "base/proc.h"
#include "net/http-client.h"
#include <pthread.h>
#include <sys/stat.h>

#define SYSTEM_LIBRARY "libcurl.so.4"

#define CURL_SYMBOL(member)                                                                        \
	{                                                                                          \
		"curl_" #member, offsetof(struct curl_library, member)                             \
	}

/* The result of the one attempt, written inside pthread_once and only read after it. */
static struct {
	struct curl_library library;
	struct err error;
	bool ours;   /* it is that of this installation, or what LARDER_LIBCURL names */
	bool missed; /* it is not, and should be */
} loaded;

static int load(const char *const *names, struct err *e)
{
	static const struct library_symbol symbols[] = {
		CURL_SYMBOL(global_init),         CURL_SYMBOL(easy_init),
		CURL_SYMBOL(easy_cleanup),        CURL_SYMBOL(easy_reset),
		CURL_SYMBOL(easy_setopt),         CURL_SYMBOL(easy_perform),
		CURL_SYMBOL(easy_getinfo),        CURL_SYMBOL(easy_strerror),
		CURL_SYMBOL(slist_append),        CURL_SYMBOL(slist_free_all),
		CURL_SYMBOL(multi_init),          CURL_SYMBOL(multi_cleanup),
		CURL_SYMBOL(multi_setopt),        CURL_SYMBOL(multi_add_handle),
		CURL_SYMBOL(multi_remove_handle), CURL_SYMBOL(multi_socket_action),
		CURL_SYMBOL(multi_info_read),     CURL_SYMBOL(multi_strerror),
	};

	return library_load(names, symbols, ARRAY_LEN(symbols), &loaded.library, e);
}

/* Ours (curl-unused.c) is asked for only where it was built: one that another build left is not taken. */
static void load_ours(void)
{
#ifdef LARDER_CURL_SMALL
	AUTO_FREE char *own = proc_companion("LARDER_LIBCURL", "libcurl-http.so");
	const char *const names[] = { own, NULL };
	struct err passed_over = { 0 }; /* what is wrong with it keeps nobody from working */

	loaded.ours = load(names, &passed_over) == 0;
	loaded.missed = !loaded.ours;
#endif
}

static void load_once(void)
{
	/* The second is the same interface over another TLS library, on systems without the first.
	 */
	static const char *const names[] = { SYSTEM_LIBRARY, "libcurl-gnutls.so.4", NULL };

	library_load_inward("libcrypto.so.3"); /* which each of them brings along */
	load_ours();
	if (!loaded.ours && load(names, &loaded.error) < 0)
		(void)err_hint(&loaded.error, "install libcurl4");
	else if (loaded.library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		(void)err_set(&loaded.error, ERR_FAILED, "start libcurl: it refuses");
}

int curl_library_load(const struct curl_library **ret_library, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load_once);
	if (loaded.error.code < 0) {
		*e = loaded.error;
		return e->code;
	}
	*ret_library = &loaded.library;
	return 0;
}

/* Was the system's made after ours, so that it may have a fault less? What was made before and installed after does
 * not show. */
static bool is_newer(const char *theirs, const char *ours)
{
	struct stat a, b;

	return theirs && stat(theirs, &a) == 0 && stat(ours, &b) == 0 &&
	       a.st_mtim.tv_sec > b.st_mtim.tv_sec;
}

int http_library(struct http_library *ret, struct err *e)
{
	const struct curl_library *library = NULL;

	if (curl_library_load(&library, e) < 0)
		return e->code;
	ret->file = library_file(library);
	ret->missed = loaded.missed;
	ret->outdated = loaded.ours && is_newer(library_locate(SYSTEM_LIBRARY), ret->file);
	return 0;
}
