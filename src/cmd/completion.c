/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/help.h"

static const struct opt options[] = { OPT_END };

static void add_words(const struct command *command, struct buf *out)
{
	for (const struct command *const *c = command ? command->sub : cmd_table; c && *c; c++)
		buf_addf(out, "%s ", (*c)->name);
	for (const struct opt *o = command ? command->options : NULL; o && o->kind != OPT_KIND_END;
	     o++)
		buf_addf(out, "--%s ", o->name);
	buf_adds(out, "--help");
}

/* One line per command: the words that may follow it. */
static void add_cases(const struct command *const *table, struct buf *out)
{
	for (; table && *table; table++) {
		buf_adds(out, "\t\t\"");
		help_full_name(*table, out);
		buf_adds(out, "\") words=\"");
		add_words(*table, out);
		buf_adds(out, "\" ;;\n");
		add_cases((*table)->sub, out);
	}
}

static void add_bash(struct buf *out)
{
	buf_adds(out, "# bash completion of larder\n_larder() {\n\tlocal words= path= w i\n"
		      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tw=${COMP_WORDS[i]}\n"
		      "\t\tcase $w in -*) continue ;; esac\n"
		      "\t\tpath=\"${path:+$path }$w\"\n\tdone\n"
		      "\twhile :; do\n\t\tcase $path in\n\t\t\"\") words=\"");
	add_words(NULL, out);
	buf_adds(out, "\" ;;\n");
	add_cases(cmd_table, out);
	buf_adds(
		out,
		"\t\tesac\n\t\t[ -n \"$words\" ] || [ -z \"$path\" ] && break\n"
		"\t\tcase $path in *' '*) path=${path% *} ;; *) path= ;; esac\n\tdone\n"
		"\tcase ${COMP_WORDS[COMP_CWORD]} in\n"
		"\t-*) ;;\n\t*) compopt -o default 2>/dev/null ;;\n\tesac\n"
		"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
		"}\ncomplete -F _larder larder\n");
}

static void add_fish_cases(const struct command *const *table, struct buf *out)
{
	for (; table && *table; table++) {
		AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);

		help_full_name(*table, &name);
		buf_addf(out, "complete -c larder -n '__larder_at %s' -a '", buf_str(&name));
		add_words(*table, out);
		buf_adds(out, "'\n");
		add_fish_cases((*table)->sub, out);
	}
}

static void add_fish(struct buf *out)
{
	buf_adds(out, "# fish completion of larder\nfunction __larder_at\n"
		      "\tset -l given (commandline -opc | string match -v -- '-*')\n"
		      "\ttest (count $given) -eq (math (count $argv) + 1); or return 1\n"
		      "\ttest -z \"$argv\"; or test \"$given[2..-1]\" = \"$argv\"\nend\n"
		      "complete -c larder -n __larder_at -a '");
	add_words(NULL, out);
	buf_adds(out, "'\n");
	add_fish_cases(cmd_table, out);
}

static int run(int argc, char **argv, struct err *e)
{
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (opt_parse(options, NULL, argc, argv, &operands, e) < 0 ||
	    cmd_operands(&cmd_completion, &operands, 1, 1, e) < 0)
		return e->code;
	if (str_eq(operands.v[0], "bash"))
		add_bash(&out);
	else if (str_eq(operands.v[0], "zsh")) {
		buf_adds(&out, "autoload -U +X bashcompinit && bashcompinit\n");
		add_bash(&out);
	} else if (str_eq(operands.v[0], "fish"))
		add_fish(&out);
	else
		return err_set(e, ERR_USAGE, "unknown shell '%s': bash, zsh or fish",
			       operands.v[0]);
	return cmd_print(&out, e);
}

const struct command cmd_completion = {
	.name = "completion",
	.usage = "bash|zsh|fish",
	.summary = "print a script that completes commands and options in a shell",
	.examples = "source <(larder completion bash)|complete in this shell\n"
		    "larder completion fish > ~/.config/fish/completions/larder.fish|in every fish",
	.options = options,
	.run = run,
};
