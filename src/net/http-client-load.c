/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-client-load.h"

#include "base/library.h"
#include <pthread.h>

#define CURL_SYMBOL(member)                                                                        \
	{                                                                                          \
		"curl_" #member, offsetof(struct curl_library, member)                             \
	}

/* The result of the one attempt, written inside pthread_once and only read after it. */
static struct {
	struct curl_library library;
	struct err error;
} loaded;

static void load_once(void)
{
	/* The second is the same interface over another TLS library, on systems without the first.
	 */
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
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

	if (library_load(names, symbols, ARRAY_LEN(symbols), &loaded.library, &loaded.error) < 0) {
		(void)err_hint(&loaded.error, "install libcurl4");
		return;
	}
	if (loaded.library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
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
