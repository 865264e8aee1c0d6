/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opt.h"

#include "base/near.h"

/* What is parsed into what, and where the parser stands. */
struct parser {
	const struct opt *options;
	char *args; /* the command's struct */
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

static int set_int(const struct opt *o, int64_t *target, const char *value, struct err *e)
{
	if (parse_int64(value, o->min, o->max, target, e) == 0)
		return 0;
	e->code = ERR_USAGE;
	return err_in(e, "option '--%s'", o->name);
}

static int set_value(const struct parser *p, const struct opt *o, const char *value, struct err *e)
{
	void *target = p->args + o->offset;

	switch (o->kind) {
	case OPT_KIND_TEXT:
		*(const char **)target = value;
		return 0;
	case OPT_KIND_INT:
		return set_int(o, target, value, e);
	case OPT_KIND_LIST:
		strv_add(target, value);
		return 0;
	case OPT_KIND_FLAG:
	case OPT_KIND_END:
		break;
	}
	return err_set(e, ERR_USAGE, "option '--%s' takes no value", o->name);
}

/* `attached` is the value written in the same word, NULL when there is none. */
static int take_option(struct parser *p, const struct opt *o, const char *attached, struct err *e)
{
	if (o->kind == OPT_KIND_FLAG && !attached) {
		*(bool *)(p->args + o->offset) = true;
		return 0;
	}
	if (!attached && p->at == p->argc)
		return err_set(e, ERR_USAGE, "option '--%s' needs a value (%s)", o->name,
			       o->value_name);
	return set_value(p, o, attached ? attached : p->argv[p->at++], e);
}

static int take_long(struct parser *p, const char *word, struct err *e)
{
	size_t n = strcspn(word, "=");
	const struct opt *o = find_name(p->options, (struct bytes){ word, n });

	if (!o)
		return refuse_unknown(p->options, (struct bytes){ word, n }, e);
	return take_option(p, o, word[n] ? word + n + 1 : NULL, e);
}

/* Letters of one word: flags, the last of which may be an option with its value behind it. */
static int take_letters(struct parser *p, const char *word, struct err *e)
{
	for (; *word; word++) {
		const struct opt *o = find_letter(p->options, *word);

		if (!o)
			return err_set(e, ERR_USAGE, "unknown option '-%c'", *word);
		if (o->kind != OPT_KIND_FLAG)
			return take_option(p, o, word[1] ? word + 1 : NULL, e);
		*(bool *)(p->args + o->offset) = true;
	}
	return 0;
}

int opt_parse(const struct opt *options, void *args, int argc, char **argv, struct strv *operands,
	      struct err *e)
{
	struct parser p = { options, args, argc, argv, 1 };
	bool ended = false;

	while (p.at < argc) {
		const char *word = argv[p.at++];
		int r = 0;

		if (ended || word[0] != '-' || !word[1])
			strv_add(operands, word);
		else if (str_eq(word, "--"))
			ended = true;
		else if (word[1] == '-')
			r = take_long(&p, word + 2, e);
		else
			r = take_letters(&p, word + 1, e);
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
