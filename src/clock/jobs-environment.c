/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/jobs-environment.h"

#include "base/str.h"
#include <ctype.h>

/* A hundred years: no sum of such numbers comes near an overflow. */
#define SECONDS_MAX ((int64_t)100 * 366 * 86400)

/* The digits alone, or NULL when it is no whole number. The caller owns it. */
static char *digits_of(const char *text)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	while (n > 0 && isspace((unsigned char)*text)) {
		text++;
		n--;
	}
	if (n > 0 && *text == '-')
		buf_addc(&out, '-');
	if (n > 0 && (*text == '-' || *text == '+')) {
		text++;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		bool between = i > 0 && i + 1 < n && isdigit((unsigned char)text[i - 1]) &&
			       isdigit((unsigned char)text[i + 1]);

		if (isdigit((unsigned char)text[i]))
			buf_addc(&out, text[i]);
		else if (text[i] != '_' || !between)
			return NULL;
	}
	return n > 0 ? buf_take(&out) : NULL;
}

int environment_seconds(const char *name, int64_t otherwise, enum number_rule rule,
			int64_t *ret_value, struct err *e)
{
	const char *text = getenv(name);
	AUTO_FREE char *digits = NULL;
	int64_t value = 0;

	if (!text) {
		*ret_value = otherwise;
		return 0;
	}
	if (!*text) {
		(void)err_set(e, ERR_USAGE, "%s is set but empty", name);
		return err_hint(e, "unset it for the default of %lld", (long long)otherwise);
	}
	digits = digits_of(text);
	if (!digits || parse_int64(digits, -SECONDS_MAX, SECONDS_MAX, &value, e) < 0)
		return err_set(e, ERR_USAGE, "%s: '%.64s' is not a whole number of seconds", name,
			       text);
	if (rule == NUMBER_POSITIVE && value <= 0)
		return err_set(e, ERR_USAGE, "%s must be positive, it is %lld", name,
			       (long long)value);
	if (rule == NUMBER_NOT_NEGATIVE && value < 0)
		return err_set(e, ERR_USAGE, "%s must not be negative, it is %lld", name,
			       (long long)value);
	*ret_value = value;
	return 0;
}
