/* SPDX-License-Identifier: Apache-2.0 */
/* The table of built-in processors. */
#include "sessions/processor.h"

static const struct processor *const processors[] = { NULL };

const struct processor *processor_find(const char *name)
{
	for (const struct processor *const *p = processors; *p; p++)
		if (str_eq((*p)->name, name))
			return *p;
	return NULL;
}

void processor_names(struct buf *out)
{
	for (const struct processor *const *p = processors; *p; p++)
		buf_addf(out, "%s%s", p == processors ? "" : ", ", (*p)->name);
}
