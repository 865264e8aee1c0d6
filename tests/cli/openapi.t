#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The descriptions of the API name the routes there are, and no others.
. "$(dirname "$0")/../lib.sh"

# "GET /api/health", one a line.
sed -n 's|^	{ "\([A-Z]*\)", "\([^"]*\)".*|\1 \2|p' "$SOURCE/src/hub/routes.c" | sort >"$SHARED/routes"

ok 'openapi.yaml has exactly the routes of the hub' '
	awk "/^components:/ { exit }
		/^  \// { path = substr(\$1, 1, length(\$1) - 1) }
		/^    (get|put|post|patch|delete):/ { print toupper(substr(\$1, 1, length(\$1) - 1)) \" \" path }" \
		"$SOURCE/docs/openapi.yaml" | sort >described
	diff "$SHARED/routes" described
	[ "$(wc -l <described)" -gt 30 ]
'

ok 'http-api.md speaks of every path' '
	while read -r method path; do
		shape=$(echo "$path" | sed "s/{[a-z0-9]*}/{[a-z0-9]*}/g")
		grep -qE "(^|[\`| ])$shape([\`?\[ ]|$)" "$SOURCE/docs/http-api.md" || {
			echo "not described: $method $path"
			exit 1
		}
	done <"$SHARED/routes"
'
