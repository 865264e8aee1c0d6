# The totals of transcripts, computed apart from the hub: per session
# [id, user messages, answers, tool calls, tool errors, skills, sub-agents, MCP calls, commands, tokens in, tokens out].
# Run with jq -n -R -f this FILE...: the lines of all files of one user, one after the other.
def content: (.message.content // .content);
def blocks: content | if type == "array" then . else [] end;
def results: [blocks[] | select(.type == "tool_result")];
def mine: .j.sessionId == .owner;
# Of those that are the same, the one at home in its own file, else the first; the last line of that file.
def pick: (map(select(mine)) | last) // (.[0].f as $f | map(select(.f == $f)) | last);

[inputs | {f: input_filename, j: (gsub("\\\\ud83d"; "") | fromjson? // empty)} # jq takes no half pairs
	| select((.j | type) == "object") | .role = (.j.message.role // .j.role // .j.type)
	| select(.role == "user" or .role == "assistant")
	| select((.j.type // "user") as $t | $t == "user" or $t == "assistant")
	| .owner = (.f | sub(".*/"; "") | sub("\\.jsonl$"; "") | sub("\\.agent-.*$"; ""))]
| to_entries | map(.value + {key: (.value.j.uuid // "line \(.key)")})
| [group_by(.key)[] | pick] as $lines
| ([$lines[].j | results[]] | map({key: .tool_use_id, value: (.is_error // false)})
	| reduce .[] as $r ({}; .[$r.key] = (.[$r.key] or $r.value))) as $failed
| [$lines | to_entries[] | .key as $n | .value | select(.role == "assistant"
	and .j.isApiErrorMessage != true) | .group = [.j.requestId, .j.message.id, if .j.requestId then null else $n end]]
| [group_by(.group)[] | sort_by(.j.timestamp, .key) | last] as $answers
| [$lines[] | .owner as $owner | .j | blocks[] | select(.type == "tool_use") | . + {owner: $owner}] as $calls
| [$lines[] | select(.role == "user" and .j.isMeta != true and (.j | results == []))] as $said
| ($lines | map(.owner) | unique)[] as $id
| [$id,
	([$said[] | select(.owner == $id and .j.isSidechain != true)] | length),
	([$answers[] | select(.owner == $id)] | length),
	([$calls[] | select(.owner == $id)] | length),
	([$calls[] | select(.owner == $id and $failed[.id])] | length),
	([$calls[] | select(.owner == $id and .name == "Skill")] | length),
	([$calls[] | select(.owner == $id and .name == "Task")] | length),
	([$calls[] | select(.owner == $id and (.name | startswith("mcp__")))] | length),
	([$said[] | select(.owner == $id and (.j | content | type == "string" and contains("<command-name>")))] | length),
	([$answers[] | select(.owner == $id) | (.j.message.usage // .j.usage).input_tokens] | add // 0),
	([$answers[] | select(.owner == $id) | (.j.message.usage // .j.usage).output_tokens] | add // 0)]
