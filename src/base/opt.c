/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opt.h"

#include "base/near.h"

#include <inttypes.h>

/* Where the parser stands in argv. */
struct cursor {
	int argc;
	char **argv;
	int at;
};

static const struct opt *find_name(const struct opt *options, struct bytes name)
{
	for (const struct opt *o = options; o->kind != OPT_KIND_END; o++)
		if (bytes_equal(bytes_of(o->name), name))
			return o;
	return NULL;
}

static const struct opt *find_letter(const struct opt *options, char letter)
{
	for (const struct opt *o = options; o->kind != OPT_KIND_END; o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

static int refuse_unknown(const struct opt *options, struct bytes name, struct err *e)
{
	AUTO_FREE char *given = xstrndup(name.p, name.n);
	struct near near = near_to(given);

	for (const struct opt *o = options; o->kind != OPT_KIND_END; o++)
		near_try(&near, o->name);
	(void)err_set(e, ERR_USAGE, "unknown option '--%s'", given);
	return near.best ? err_hint(e, "did you mean '--%s'?", near.best) : e->code;
}

static int set_int(const struct opt *o, const char *value, struct err *e)
{
	if (parse_int64(value, o->min, o->max, o->target, e) == 0)
		return 0;
	e->code = ERR_USAGE;
	return err_in(e, "option '--%s'", o->name);
}

static int set_value(const struct opt *o, const char *value, struct err *e)
{
	switch (o->kind) {
	case OPT_KIND_TEXT:
		*(const char **)o->target = value;
		return 0;
	case OPT_KIND_INT:
		return set_int(o, value, e);
	case OPT_KIND_LIST:
		strv_add(o->target, value);
		return 0;
	case OPT_KIND_FLAG:
	case OPT_KIND_END:
		break;
	}
	return err_set(e, ERR_USAGE, "option '--%s' takes no value", o->name);
}

/* `attached` is the value written in the same word, NULL when there is none. */
static int take_option(struct cursor *c, const struct opt *o, const char *attached, struct err *e)
{
	if (o->kind == OPT_KIND_FLAG && !attached) {
		*(bool *)o->target = true;
		return 0;
	}
	if (!attached && c->at == c->argc)
		return err_set(e, ERR_USAGE, "option '--%s' needs a value (%s)", o->name,
			       o->value_name);
	return set_value(o, attached ? attached : c->argv[c->at++], e);
}

static int take_long(const struct opt *options, struct cursor *c, const char *word, struct err *e)
{
	size_t n = strcspn(word, "=");
	const struct opt *o = find_name(options, (struct bytes){ word, n });

	if (!o)
		return refuse_unknown(options, (struct bytes){ word, n }, e);
	return take_option(c, o, word[n] ? word + n + 1 : NULL, e);
}

/* Letters of one word: flags, the last of which may be an option with its value behind it. */
static int take_letters(const struct opt *options, struct cursor *c, const char *word,
			struct err *e)
{
	for (; *word; word++) {
		const struct opt *o = find_letter(options, *word);

		if (!o)
			return err_set(e, ERR_USAGE, "unknown option '-%c'", *word);
		if (o->kind != OPT_KIND_FLAG)
			return take_option(c, o, word[1] ? word + 1 : NULL, e);
		*(bool *)o->target = true;
	}
	return 0;
}

int opt_parse(const struct opt *options, int argc, char **argv, struct strv *operands,
	      struct err *e)
{
	struct cursor c = { .argc = argc, .argv = argv, .at = 1 };
	bool ended = false;

	while (c.at < argc) {
		const char *word = argv[c.at++];
		int r = 0;

		if (ended || word[0] != '-' || !word[1])
			strv_add(operands, word);
		else if (str_eq(word, "--"))
			ended = true;
		else if (word[1] == '-')
			r = take_long(options, &c, word + 2, e);
		else
			r = take_letters(options, &c, word + 1, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_usage(const struct opt *o, struct buf *out)
{
	if (o->letter)
		buf_addf(out, "  -%c, --%s", o->letter, o->name);
	else
		buf_addf(out, "      --%s", o->name);
	if (o->value_name)
		buf_addf(out, " %s", o->value_name);
}

void opt_add_help(const struct opt *options, struct buf *out)
{
	size_t widest = 0;

	for (const struct opt *o = options; o->kind != OPT_KIND_END; o++) {
		size_t n = strlen(o->name) + (o->value_name ? strlen(o->value_name) + 1 : 0);

		widest = n > widest ? n : widest;
	}
	for (const struct opt *o = options; o->kind != OPT_KIND_END; o++) {
		AUTO_BUF struct buf usage = BUF_INIT(BUF_OWN_MAX);

		add_usage(o, &usage);
		buf_addf(out, "%-*s  %s\n", (int)widest + 8, buf_str(&usage), o->help);
	}
}
