#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The contracts in docs/ (agents-contract.md, ...) name tests that there are.
. "$(dirname "$0")/../lib.sh"

ok 'each promise of the contract is a test that is there' '
	grep -ho "\`[a-z/-]*\.[tc]\` \"[^\"]*\"" "$SOURCE"/docs/*-contract.md | tr -d "\`\"" | sort -u >named
	[ "$(wc -l <named)" -gt 230 ]
	while read -r file name; do
		case $file in
		test-*.c) grep -q "^	\?TEST($(echo "$name" | tr " " _))" "$SOURCE/tests/unit/$file" ;;
		tests/*) grep -qF "ok '"'"'$name'"'"'" "$SOURCE/$file" ;;
		*) grep -qF "ok '"'"'$name'"'"'" "$SOURCE/tests/cli/$file" ;;
		esac || {
			echo "there is no such test: $file: $name"
			missing=1
		}
	done <named
	[ -z "${missing:-}" ]
	# ... and a row without one is none.
	! grep -hE "^\| " "$SOURCE"/docs/*-contract.md | grep -vE "^\| *(promise|situation|there \|| \|)" | grep -v "\`"
'
