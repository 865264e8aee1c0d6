#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What is printed from the command table: --help, man pages, completion, and help with what was mistyped.
. "$(dirname "$0")/../lib.sh"

larder help --list >"$SHARED/commands"
export COMMANDS="$SHARED/commands"

# Evaluates the commands with $1 as each command in turn.
each() { # COMMANDS
	[ "$(wc -l <"$COMMANDS")" -gt 25 ]
	while read -r command; do
		echo "at: larder $command"
		eval "$1" # not in an "or", where set -e would be off
	done <"$COMMANDS"
}

ok 'the program says what it is, and its commands in order' '
	larder --help >out
	has out "usage: larder COMMAND"
	sed -n "s/^  \([a-z-]*\)  .*/\1/p" out >names
	sort names | cmp - names
	grep -v " " $COMMANDS | cmp - names
	larder --version >version
	grep -qx "larder [0-9.]*" version
	larder -V | cmp - version
	exits 2 larder >out2
	cmp out out2
'

ok 'every command explains itself with --help, -h and help, exit 0, in 80 columns' '
	each "
		larder \$command --help >a 2>err
		[ ! -s err ]
		has a \"usage: larder \$command \"
		larder \$command -h | cmp - a
		larder help \$command | cmp - a
		! grep -n \".\\{100\\}\" a
	"
'

ok 'every command that runs has examples that begin with it' '
	each "
		larder \$command --help >a
		grep -q ^commands: a || {
			sed -n \"/^examples:/,\\\$p\" a >examples
			grep -q \"^  .*larder \$command\" examples
		}
	"
'

ok 'every option has words that explain it' '
	each "
		larder \$command --help | sed -n \"/^options:/,/^\\\$/p\" | grep -E \"^  (-.,)? *--\" >o || :
		! grep -E \"^ *(-.,)? *--[a-z-]+( [A-Z:]+)? *\\\$\" o || [ -z \"\$(cat o)\" ] ||
			larder \$command --help | grep -A 1 -E \"^ *(-.,)? *--[a-z-]+( [A-Z:]+)? *\\\$\" | grep -q \"^        \"
	"
'

ok 'commands about a workspace take -w, and those that report take -j' '
	for c in pull status query verify doctor; do
		larder $c --help >out
		has out "-w, --workspace DIR"
		has out "-j, --json"
	done
	has out "-q, --quiet"
	larder init --help >out
	has out "-j, --json"
	larder publish --help >out
	has out "--json"
	each "
		case \$command in
		*\ list) larder \$command --help >out && has out \"-j, --json\" ;;
		esac
	"
'

ok 'every command has a man page with its parts' '
	each "
		larder help --man \$command >page
		grep -q \"^.TH LARDER-\" page
		for part in NAME SYNOPSIS \"EXIT STATUS\" ENVIRONMENT; do has page \".SH \$part\"; done
		! grep -nE \"^[.]([^A-Znf]|\\\$)\" page
	"
	larder help --man >page
	has page ".SH COMMANDS"
	for c in $(grep -v " " $COMMANDS); do grep -qx "\.B $c" page; done
'

ok 'man pages are good roff' '
	if command -v groff >/dev/null; then
		each "
			larder help --man \$command >page
			groff -man -Tutf8 -ww page >text 2>warnings
			[ ! -s warnings ] || { cat warnings; false; }
			[ -s text ]
		"
	else
		skip "no groff here"
	fi
'

ok 'completion scripts are accepted by their shells, and know every command and option' '
	larder completion bash >bash
	bash -n bash
	for c in $(tr " " "\n" <$COMMANDS | sort -u); do grep -qw -e "$c" bash; done
	has bash "--workspace"
	larder completion fish >fish
	! command -v fish >/dev/null || fish --no-execute fish
	has fish "complete -c larder"
	larder completion zsh >zsh
	has zsh bashcompinit
	! command -v zsh >/dev/null || zsh -n zsh
	exits 2 larder completion tcsh 2>err
	has err "bash, zsh or fish"
'

complete_in_bash() { # WORDS...: what bash would offer for the last of them
	cat >try <<-'END'
		. ./bash
		COMP_WORDS=(larder "$@")
		COMP_CWORD=$#
		_larder
		printf '%s\n' "${COMPREPLY[@]}"
	END
	bash try "$@" 2>/dev/null
}

ok 'bash completes commands, commands below them, and options' '
	larder completion bash >bash
	same "$(complete_in_bash ver)" verify
	same "$(complete_in_bash admin tok)" token
	complete_in_bash admin token "" >out
	for c in create list revoke; do grep -qx $c out; done
	same "$(complete_in_bash query --form)" --format
	same "$(complete_in_bash admin token create --us)" --user
	same "$(complete_in_bash query -w here --lim)" --limit
	same "$(complete_in_bash nonsense | head -n 1)" ""
'

ok 'a mistyped command is told its neighbour, exit 2, on stderr' '
	exits 2 larder stauts >out 2>err
	same "$(cat out)" ""
	has err "no such command: '\''stauts'\''"
	has err "did you mean '\''status'\''?"
	exits 2 larder admin usr list 2>err
	has err "larder: admin: no such command: '\''usr'\''"
	has err "did you mean '\''user'\''?"
	exits 2 larder admin member zzzzzzzzzz 2>err
	has err "larder admin member --help"
	exits 2 larder zzzzzzzzzz 2>err
	has err "larder --help"
	exits 2 larder help zzzzzzzzzz 2>err
	exits 2 larder admin 2>err
	has err "say which: "
	has err user
'

ok 'a mistyped option is told its neighbour, exit 2' '
	exits 2 larder status --jsn 2>err
	has err "--json"
	exits 2 larder pull -Z 2>err
	has err "unknown option '\''-Z'\''"
	exits 2 larder query --limit 2>err
	has err "--limit"
	exits 2 larder status --json=yes 2>err
'

ok 'an error names the whole command once, and the next step once' '
	exits 1 larder admin user list 2>err
	same "$(grep -c "^larder: admin user list: " err)" 1
	same "$(grep -c "^larder: next: " err)" 1
	same "$(wc -l <err)" 2
'

# What is hashed, signed or sent brings them; each costs a start more than all the rest of it.
ok 'no large library is loaded to print this' '
	case $LARDER_TEST_SANITIZER in none) ;; *) skip "a sanitizer brings its own" ;; esac
	LD_DEBUG=libs larder --version 2>libs
	has libs libjson-c
	! grep -E "lib(crypto|ssl|curl|microhttpd|pq)" libs
'

ok 'what was typed cannot command the terminal' '
	exits 2 larder "$(printf "a\033[2Jb")" 2>err
	! grep -q "$(printf "\033")" err
	exits 2 larder status "--$(printf "a\033[2Jb")" 2>err
	! grep -q "$(printf "\033")" err
'

ok 'output that cannot be written is an error' '
	[ -c /dev/full ] || skip "no /dev/full"
	exits 1 larder --help >/dev/full 2>err
	exits 1 larder completion bash >/dev/full 2>err
	has err "No space left"
'
