/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-server-load.h"

#include "base/library.h"
#include <pthread.h>

#define MHD_SYMBOL(member)                                                                         \
	{                                                                                          \
		"MHD_" #member, offsetof(struct mhd_library, member)                               \
	}

/* The result of the one attempt, written inside pthread_once and only read after it. */
static struct {
	struct mhd_library library;
	struct err error;
} loaded;

static void load_once(void)
{
	static const char *const names[] = { "libmicrohttpd.so.12", NULL };
	static const struct library_symbol symbols[] = {
		MHD_SYMBOL(start_daemon),
		MHD_SYMBOL(quiesce_daemon),
		MHD_SYMBOL(stop_daemon),
		MHD_SYMBOL(get_connection_info),
		MHD_SYMBOL(lookup_connection_value),
		MHD_SYMBOL(get_connection_values),
		MHD_SYMBOL(create_response_from_buffer),
		MHD_SYMBOL(create_response_from_buffer_with_free_callback_cls),
		MHD_SYMBOL(create_response_from_callback),
		MHD_SYMBOL(create_response_from_fd_at_offset64),
		MHD_SYMBOL(add_response_header),
		MHD_SYMBOL(queue_response),
		MHD_SYMBOL(destroy_response),
		MHD_SYMBOL(suspend_connection),
		MHD_SYMBOL(resume_connection),
	};

	if (library_load(names, symbols, ARRAY_LEN(symbols), &loaded.library, &loaded.error) < 0)
		(void)err_hint(&loaded.error, "install libmicrohttpd12 (0.9.75 or newer)");
}

int mhd_library_load(const struct mhd_library **ret_library, struct err *e)
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
