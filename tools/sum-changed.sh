#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#	tools/sum-changed.sh FILE SUM	writes the sum of FILE to SUM, where SUM has another
#
# So what ninja makes of FILE is made again when its bytes are others, whatever its time says.
set -eu
sum=$(sha256sum <"$1")
[ "$sum" = "$(cat "$2" 2>/dev/null)" ] || printf '%s\n' "$sum" >"$2"
