/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

#include "base/log.h"
#include "cmd/help.h"
#include <stdarg.h>

int cmd_print(const struct buf *text, struct err *e)
{
	if (text->full)
		return err_set(e, ERR_LIMIT, "the output exceeds %zu bytes", text->max);
	if (fwrite(buf_str(text), 1, text->n, stdout) != text->n || fflush(stdout) != 0)
		return err_sys(e, "write the output");
	return 0;
}

static void say(const char *start, const char *fmt, va_list ap) PRINTF(2, 0);
static void say(const char *start, const char *fmt, va_list ap)
{
	AUTO_BUF struct buf raw = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	buf_vaddf(&raw, fmt, ap);
	buf_adds(&clean, start);
	text_add_clean(&clean, buf_bytes(&raw));
	buf_addc(&clean, '\n');
	(void)fputs(buf_str(&clean), stderr); /* nowhere is left to report that to */
}

void cmd_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("larder: warning: ", fmt, ap);
	va_end(ap);
}

void cmd_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("larder: ", fmt, ap);
	va_end(ap);
}

int cmd_operands(const struct command *command, const struct strv *operands, size_t min, size_t max,
		 struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);

	if (operands->n >= min && operands->n <= max)
		return 0;
	help_full_name(command, &name);
	(void)err_set(e, ERR_USAGE, "%s",
		      operands->n < min ? "an operand is missing" : "too many operands");
	return err_hint(e, "larder %s %s", buf_str(&name), command->usage);
}

int cmd_log_format(const char *word, struct err *e)
{
	if (word && !str_eq(word, "text") && !str_eq(word, "json"))
		return err_set(e, ERR_USAGE, "--log-format '%s' is neither text nor json", word);
	log_set_format(str_eq(word, "json") ? LOG_JSON : LOG_TEXT);
	return 0;
}
