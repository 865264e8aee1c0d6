#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Session processors: as a command, and as what the hub starts for the scheduler.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

new_hub hub || exit 1
bob=$(token_of bob@example.com)
export bob

# Asks the hub to run the processor NAME, prints the status; the reply is in reply.json.
run_processor() { # NAME [TOKEN]
	status POST "/api/admin/run-session-processor?processor=$1" "${2:-$LARDER_TOKEN}"
}

ok 'the endpoint is for admins, and tells which processors there are' '
	same "$(status POST "/api/admin/run-session-processor?processor=usage")" 401
	same "$(run_processor usage "$bob")" 403
	same "$(run_processor nonsense)" 400
	has reply.json "Unknown processor"
	same "$(status POST /api/admin/run-session-processor "$LARDER_TOKEN")" 400
	exits 2 larder process nonsense --data "$SHARED/hub" 2>err
	has err "unknown processor"
'
