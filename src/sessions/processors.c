/* SPDX-License-Identifier: Apache-2.0 */
/* The table of built-in processors, and those of the configuration beside it. */
#include "sessions/external.h"
#include "sessions/usage.h"
#include "sessions/verification.h"

static const struct processor *const built_in[] = { &usage_processor, &verification_processor,
						    NULL };

static const struct processor *find_built_in(const char *name)
{
	for (const struct processor *const *p = built_in; *p; p++)
		if (str_eq((*p)->name, name))
			return *p;
	return NULL;
}

bool processor_is_built_in(const char *name)
{
	return find_built_in(name) != NULL;
}

void processor_names(const struct yaml_maps *configured, struct strv *out)
{
	for (const struct processor *const *p = built_in; *p; p++)
		strv_add(out, (*p)->name);
	for (size_t i = 0; i < configured->n; i++) {
		const struct external *x = yaml_maps_at(configured, i);

		strv_add(out, x->name);
	}
}

static int unknown(const struct yaml_maps *configured, const char *name, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv names = STRV_INIT;

	processor_names(configured, &names);
	for (size_t i = 0; i < names.n; i++)
		buf_addf(&text, "%s%s", i ? ", " : "", names.v[i]);
	/* With a capital: clients of the contract look for these words. */
	return err_set(e, ERR_USAGE, "Unknown processor '%.100s'; there are: %s", name,
		       buf_str(&text));
}

int processor_find(const struct yaml_maps *configured, const char *name,
		   struct processor *ret_processor, struct err *e)
{
	const struct processor *p = find_built_in(name);

	if (p) {
		*ret_processor = *p;
		return 0;
	}
	for (size_t i = 0; i < configured->n; i++) {
		const struct external *x = yaml_maps_at(configured, i);

		if (str_eq(x->name, name)) {
			*ret_processor = external_processor(x);
			return 0;
		}
	}
	return unknown(configured, name, e);
}
