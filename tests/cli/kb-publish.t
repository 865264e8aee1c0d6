#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# Pages of a knowledge base on their way to the workspaces of a hub.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"
. "$SOURCE/tests/kb.sh"

ok 'pages are proposed, approved, and pulled; said again only what is new is' '
	new_hub hub
	new_kb k
	write_docs docs
	larder kb add docs -q
	larder kb publish concepts/write-ahead-log entities --dry-run --json >plan
	json plan "[.pages[].page] | join(\" \")" | grep -q concepts/write-ahead-log.md
	larder kb publish concepts/write-ahead-log --json >out
	same "$(json out .proposed)" 1
	id=$(json out ".pages[0].id")
	curl -sf -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/memory/$id" >item
	same "$(json item .title)" "Write-ahead log"
	json item .content | grep -q "From \[\[summaries/a\]\]"
	larder kb publish concepts/write-ahead-log --json | json .proposed | grep -qx 0
	echo "A line of mine." >>k/wiki/concepts/write-ahead-log.md
	larder kb publish concepts/write-ahead-log --json | json .proposed | grep -qx 1
	exits 1 larder kb publish concepts/nosuch 2>err
	has err "there is no page"
	curl -sf -X POST -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/memory/admin/approve?item_id=$id" >approved
	larder init ws --server $HUB_URL --token $LARDER_TOKEN -q
	grep -rq "write-ahead log is a file" ws/.claude/rules
	stop_hub
	exits 75 larder kb publish entities -q
'
