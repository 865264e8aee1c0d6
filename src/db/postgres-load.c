/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres-load.h"

#include "base/library.h"
#include <pthread.h>

#define PQ_SYMBOL(member)                                                                          \
	{                                                                                          \
		"PQ" #member, offsetof(struct postgres_library, member)                            \
	}

/* The result of the one attempt, written inside pthread_once and only read after it. */
static struct {
	struct postgres_library library;
	struct err error;
} loaded;

static void load_once(void)
{
	static const char *const names[] = { "libpq.so.5", NULL };
	static const struct library_symbol symbols[] = {
		PQ_SYMBOL(connectdbParams),
		PQ_SYMBOL(conninfoParse),
		PQ_SYMBOL(conninfoFree),
		PQ_SYMBOL(finish),
		PQ_SYMBOL(status),
		PQ_SYMBOL(errorMessage),
		PQ_SYMBOL(exec),
		PQ_SYMBOL(prepare),
		PQ_SYMBOL(describePrepared),
		PQ_SYMBOL(resultStatus),
		PQ_SYMBOL(resultErrorField),
		PQ_SYMBOL(ntuples),
		PQ_SYMBOL(nfields),
		PQ_SYMBOL(fname),
		PQ_SYMBOL(ftype),
		PQ_SYMBOL(fmod),
		PQ_SYMBOL(getvalue),
		PQ_SYMBOL(getisnull),
		PQ_SYMBOL(clear),
		PQ_SYMBOL(getCopyData),
		PQ_SYMBOL(getResult),
		PQ_SYMBOL(freemem),
		PQ_SYMBOL(setNoticeProcessor),
		PQ_SYMBOL(socket),
		PQ_SYMBOL(consumeInput),
		PQ_SYMBOL(sendQueryParams),
		PQ_SYMBOL(setSingleRowMode),
		PQ_SYMBOL(isBusy),
		PQ_SYMBOL(getlength),
		PQ_SYMBOL(getCancel),
		PQ_SYMBOL(cancel),
		PQ_SYMBOL(freeCancel),
	};

	if (library_load(names, symbols, ARRAY_LEN(symbols), &loaded.library, &loaded.error) < 0)
		(void)err_hint(&loaded.error, "install libpq5");
}

int postgres_library_load(const struct postgres_library **ret_library, struct err *e)
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
