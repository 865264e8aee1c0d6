#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/agents-contract.md names tests that there are.
. "$(dirname "$0")/../lib.sh"

ok 'each promise of the contract is a test that is there' '
	grep -o "\`[a-z/-]*\.[tc]\` \"[^\"]*\"" "$SOURCE/docs/agents-contract.md" | tr -d "\`\"" | sort -u >named
	[ "$(wc -l <named)" -gt 70 ]
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
	! grep -E "^\| " "$SOURCE/docs/agents-contract.md" | grep -vE "^\| *(promise|situation| \|)" | grep -v "\`"
'
