#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run by `meson install`: man pages and completion come from the program itself, so they cannot be of
# another version than it.
#
#	packaging/install-docs.sh LARDER	(meson sets MESON_INSTALL_DESTDIR_PREFIX)
set -eu
larder=$1
share=$MESON_INSTALL_DESTDIR_PREFIX/share

man=$share/man/man1
mkdir -p "$man"
"$larder" help --man >"$man/larder.1"
"$larder" help --list | while read -r command; do
	# shellcheck disable=SC2086 # `admin user` is two words to help, one name to man
	"$larder" help --man $command </dev/null >"$man/larder-$(printf '%s' "$command" | tr ' ' -).1"
done

mkdir -p "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
"$larder" completion bash >"$share/bash-completion/completions/larder"
"$larder" completion zsh >"$share/zsh/site-functions/_larder"
"$larder" completion fish >"$share/fish/vendor_completions.d/larder.fish"
