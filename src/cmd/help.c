/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"

#include "base/near.h"
#include "cmd/commands.h"

static bool add_name(const struct command *const *table, const struct command *wanted,
		     const char *prefix, struct buf *out)
{
	for (; table && *table; table++) {
		AUTO_FREE char *name = *prefix ? xasprintf("%s %s", prefix, (*table)->name)
					       : xstrdup((*table)->name);

		if (*table == wanted) {
			buf_adds(out, name);
			return true;
		}
		if (add_name((*table)->sub, wanted, name, out))
			return true;
	}
	return false;
}

void help_full_name(const struct command *command, struct buf *out)
{
	(void)add_name(cmd_table, command, "", out); /* an entry outside the table has no name */
}

static void add_list(const struct command *const *table, struct buf *out)
{
	size_t widest = 0;

	for (const struct command *const *c = table; *c; c++)
		widest = strlen((*c)->name) > widest ? strlen((*c)->name) : widest;
	for (const struct command *const *c = table; *c; c++)
		buf_addf(out, "  %-*s  %s\n", (int)widest, (*c)->name, (*c)->summary);
}

/* Examples are lines "command|what it does". */
static void add_examples(const struct command *command, const char *before, const char *between,
			 struct buf *out)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, command->examples, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *bar = strrchr(lines.v[i], '|');
		size_t n = bar ? (size_t)(bar - lines.v[i]) : strlen(lines.v[i]);

		buf_addf(out, "%s%.*s%s%s\n", before, (int)n, lines.v[i], bar ? between : "",
			 bar ? bar + 1 : "");
	}
}

static void add_program_help(struct buf *out)
{
	buf_adds(out, "larder " LARDER_VERSION
		      ": fresh, verified, access-filtered data and knowledge for analysts and "
		      "agents\n\nusage: larder COMMAND [OPTION...] [OPERAND...]\n\ncommands:\n");
	add_list(cmd_table, out);
	buf_adds(out, "\n`larder COMMAND --help` explains one of them, with examples.\n");
}

#define HELP_WIDTH 79

/* Paragraphs of a terminal's width; a line end in the text stays one. */
static void add_wrapped(const char *text, struct buf *out)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " \n");

		if (column > 0 && column + 1 + n > HELP_WIDTH) {
			buf_addc(out, '\n');
			column = 0;
		}
		if (n > 0 && column > 0)
			buf_addc(out, ' ');
		column += n + (n > 0 && column > 0);
		buf_add(out, text, n);
		text += n;
		if (*text == '\n') {
			buf_addc(out, '\n');
			column = 0;
		}
		text += *text != '\0';
	}
	if (column > 0)
		buf_addc(out, '\n');
}

static void add_command_help(const struct command *command, struct buf *out)
{
	AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);

	help_full_name(command, &name);
	buf_addf(out, "larder %s: %s\n\nusage: larder %s %s\n", buf_str(&name), command->summary,
		 buf_str(&name), command->usage ? command->usage : "COMMAND");
	if (command->description) {
		buf_addc(out, '\n');
		add_wrapped(command->description, out);
	}
	if (command->sub) {
		buf_adds(out, "\ncommands:\n");
		add_list(command->sub, out);
	}
	if (command->options && command->options->kind != OPT_KIND_END) {
		buf_adds(out, "\noptions:\n");
		opt_add_help(command->options, out);
	}
	if (command->examples) {
		buf_adds(out, "\nexamples:\n");
		add_examples(command, "  ", "\n      ", out);
	}
}

int help_print(const struct command *command, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (command)
		add_command_help(command, &out);
	else
		add_program_help(&out);
	return cmd_print(&out, e);
}

int help_unknown(const struct command *parent, const char *word, struct err *e)
{
	const struct command *const *table = parent ? parent->sub : cmd_table;
	AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);
	struct near near;

	if (!word) {
		AUTO_BUF struct buf names = BUF_INIT(ERR_MSG_MAX / 2);

		for (; *table; table++)
			buf_addf(&names, "%s%s", names.n ? ", " : "", (*table)->name);
		return err_set(e, ERR_USAGE, "say which: %s", buf_str(&names));
	}
	near = near_to(word);
	for (; *table; table++)
		near_try(&near, (*table)->name);
	(void)err_set(e, ERR_USAGE, "no such command: '%.80s'", word);
	if (near.best)
		return err_hint(e, "did you mean '%s'?", near.best);
	if (parent)
		help_full_name(parent, &name);
	return err_hint(e, "`larder %s%s--help` lists the commands", buf_str(&name),
			parent ? " " : "");
}

/* roff: a leading dot or quote is a request, a backslash an escape. */
static void add_roff(const char *text, struct buf *out)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			buf_adds(out, "\\&");
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, *text);
		line_start = *text == '\n';
	}
}

static void man_options(const struct opt *options, struct buf *out)
{
	buf_adds(out, ".SH OPTIONS\n");
	for (const struct opt *o = options; o->kind != OPT_KIND_END; o++) {
		buf_adds(out, ".TP\n.B ");
		if (o->letter)
			buf_addf(out, "\\-%c, ", o->letter);
		buf_adds(out, "\\-\\-");
		add_roff(o->name, out);
		if (o->value_name)
			buf_addf(out, " \\fI%s\\fP", o->value_name);
		buf_addc(out, '\n');
		add_roff(o->help, out);
		buf_addc(out, '\n');
	}
}

static void man_examples(const struct command *command, struct buf *out)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	add_examples(command, "", "\n    ", &text);
	buf_adds(out, ".SH EXAMPLES\n.nf\n");
	add_roff(buf_str(&text), out);
	buf_adds(out, ".fi\n");
}

static void man_list(const struct command *const *table, struct buf *out)
{
	buf_adds(out, ".SH COMMANDS\n");
	for (; *table; table++) {
		buf_addf(out, ".TP\n.B %s\n", (*table)->name);
		add_roff((*table)->summary, out);
		buf_addc(out, '\n');
	}
}

static void man_tail(struct buf *out)
{
	buf_adds(out,
		 ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nfailed, or partly failed\n.TP\n2\nwrong "
		 "usage\n.TP\n3\na person must decide: a conflict, a set\\-up half done\n.TP\n4\n"
		 "not allowed\n.TP\n75\nnot now: offline or busy; try again later\n"
		 ".SH ENVIRONMENT\n.TP\nLARDER_SERVER, LARDER_TOKEN, LARDER_WORKSPACE\n"
		 "the hub, the token and the workspace, when no option names them\n"
		 ".TP\nLARDER_TRACE\na file that receives one JSON line per command, request and "
		 "transaction\n");
}

void help_man(const struct command *command, struct buf *out)
{
	AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);

	if (command)
		help_full_name(command, &name);
	buf_adds(out, ".TH LARDER");
	if (command)
		buf_addc(out, '-');
	for (const char *p = buf_str(&name); *p; p++)
		buf_addc(out, *p == ' ' ? '-' : *p);
	buf_adds(out, " 1 \"\" \"larder " LARDER_VERSION "\"\n.SH NAME\nlarder");
	buf_addf(out, "%s%s \\- ", command ? " " : "", buf_str(&name));
	add_roff(command ? command->summary : "data and knowledge for analysts and agents", out);
	buf_addf(out, "\n.SH SYNOPSIS\n.B larder %s\n", buf_str(&name));
	add_roff(command && command->usage ? command->usage : "COMMAND [OPTION...]", out);
	buf_addc(out, '\n');
	if (command && command->description) {
		buf_adds(out, ".SH DESCRIPTION\n");
		add_roff(command->description, out);
		buf_addc(out, '\n');
	}
	if (!command || command->sub)
		man_list(command ? command->sub : cmd_table, out);
	if (command && command->options)
		man_options(command->options, out);
	if (command && command->examples)
		man_examples(command, out);
	man_tail(out);
}

struct help_args {
	bool man, list;
};

static const struct opt options[] = {
	OPT_FLAG(0, "man", struct help_args, man, "print the man page's source"),
	OPT_FLAG(0, "list", struct help_args, list, "print the name of every command, one a line"),
	OPT_END,
};

static const struct command *walk(const struct strv *words, struct err *e)
{
	const struct command *const *table = cmd_table;
	const struct command *found = NULL;

	for (size_t i = 0; i < words->n; i++) {
		const struct command *const *c = table;

		while (c && *c && strcmp((*c)->name, words->v[i]) != 0)
			c++;
		if (!c || !*c) {
			(void)help_unknown(table ? found : NULL, words->v[i], e);
			return NULL;
		}
		found = *c;
		table = found->sub;
	}
	return found;
}

static void add_names(const struct command *const *table, struct buf *out)
{
	for (; table && *table; table++) {
		help_full_name(*table, out);
		buf_addc(out, '\n');
		add_names((*table)->sub, out);
	}
}

static int run(int argc, char **argv, struct err *e)
{
	struct help_args args = { 0 };
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const struct command *command;

	if (opt_parse(options, &args, argc, argv, &words, e) < 0)
		return e->code;
	command = walk(&words, e);
	if (words.n > 0 && !command)
		return e->code;
	if (args.list)
		add_names(cmd_table, &out);
	else if (args.man)
		help_man(command, &out);
	else
		return help_print(command, e);
	return cmd_print(&out, e);
}

const struct command cmd_help = {
	.name = "help",
	.usage = "[--man] [--list] [COMMAND...]",
	.summary = "explain a command",
	.examples = "larder help pull|what `larder pull --help` prints\n"
		    "larder help --man pull|the source of its man page",
	.options = options,
	.run = run,
};
