# SPDX-License-Identifier: Apache-2.0
#
# Writes the transcripts of a working week, as agents leave them. Same parameters, same bytes.
#
#	awk -v sessions=200 -v turns=10 -v folder=out -v pad=200 -f transcripts.awk
#
# Each session is <folder>/<uuid>.jsonl in the nested shape; every 10th is in the flat shape of older
# ones. In each turn a person asks, the agent answers in several lines that repeat the usage of one
# request (the last one counts), uses a tool, whose result may be an error. Sprinkled in: slash commands,
# skills, MCP calls, unknown types, lines that are no JSON, lone surrogates, error answers, torn last
# lines (every 7th session), sub-agents in files of their own (every 5th), and resumed sessions that
# repeat the history of the one before (every 11th).

function hex(n, digits) { return sprintf("%0" digits "x", n) }

function uuid(kind, s, t, i) {
	return hex(kind, 8) "-" hex(s, 4) "-4000-8000-" hex(t * 100 + i, 12)
}

function iso(seconds) {
	day = int(seconds / 86400)
	rest = seconds % 86400
	return sprintf("2026-11-%02dT%02d:%02d:%02d.%03dZ", 16 + day, int(rest / 3600), int(rest % 3600 / 60), rest % 60, 7)
}

function random(n) {
	seed = (seed * 1103515245 + 12345) % 2147483648
	return int(seed / 65536) % n
}

function head(type, id, parent, seconds, side) {
	return "{\"parentUuid\":" (parent == "" ? "null" : "\"" parent "\"") ",\"isSidechain\":" (side ? "true" : "false") \
		",\"userType\":\"external\",\"cwd\":\"/work/p" s % 3 "\",\"sessionId\":\"" session "\",\"version\":\"2.1.0\"" \
		",\"gitBranch\":\"main\",\"type\":\"" type "\",\"uuid\":\"" id "\",\"timestamp\":\"" iso(seconds) "\""
}

function usage(input, output) {
	return "\"usage\":{\"input_tokens\":" input ",\"cache_creation_input_tokens\":" input * 2 \
		",\"cache_read_input_tokens\":" input * 3 ",\"output_tokens\":" output ",\"service_tier\":\"standard\"}"
}

function put(line) {
	print line >>file
	if (history != "")
		print line >>history
}

function tool(n, t) {
	n = n % 6
	if (n == 0) return "\"name\":\"Skill\",\"input\":{\"skill\":\"docs:write\"}"
	if (n == 1) return "\"name\":\"Task\",\"input\":{\"subagent_type\":\"reviewer\",\"prompt\":\"look\"}"
	if (n == 2) return "\"name\":\"mcp__larder__query\",\"input\":{\"sql\":\"SELECT 1\"}"
	return "\"name\":\"" (n == 3 ? "Read" : "Bash") "\",\"input\":{\"command\":\"ls -l " t "\",\"text\":\"" padding "\"}"
}

function turn(t, side,    at, i, request, input, id, fails, lines) {
	at = start + t * 95
	id = uuid(kind, s, t, 0)
	put(head("user", id, "", at, side) ",\"message\":{\"role\":\"user\",\"content\":\"" \
		(t % 9 == 4 ? "<command-name>/review</command-name> now" : "please do " t) "\"}}")
	request = "req_" kind "_" s "_" t
	input = 100 + random(900)
	lines = 1 + random(3)
	for (i = 1; i <= lines; i++)
		put(head("assistant", uuid(kind, s, t, i), id, at + i, side) ",\"requestId\":\"" request \
			"\",\"message\":{\"id\":\"msg_" kind "_" s "_" t "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"" \
			(s % 4 ? "claude-large" : "claude-small") "\",\"content\":[" (i < lines ? "{\"type\":\"text\",\"text\":\"" \
			padding "\"}" : "{\"type\":\"tool_use\",\"id\":\"toolu_" kind "_" s "_" t "\"," tool(s + t, t) "}") "]," \
			usage(input, 10 * i + t) "}}")
	fails = random(10) == 0
	put(head("user", uuid(kind, s, t, 50), id, at + 10, side) ",\"message\":{\"role\":\"user\",\"content\":[{\"tool_use_id\":\"toolu_" \
		kind "_" s "_" t "\",\"type\":\"tool_result\",\"content\":\"" padding "\"" (fails ? ",\"is_error\":true" : "") \
		"}]},\"toolUseResult\":{\"stdout\":\"x\"}}")
	if (t % 8 == 3)
		put(head("assistant", uuid(kind, s, t, 60), id, at + 20, side) ",\"isApiErrorMessage\":true,\"message\":{\"id\":\"e" s "_" t \
			"\",\"role\":\"assistant\",\"model\":\"<synthetic>\",\"content\":[{\"type\":\"text\",\"text\":\"API Error\"}]," usage(9999, 9999) "}}")
}

function nested(t) {
	put("{\"type\":\"summary\",\"summary\":\"Session " s "\",\"leafUuid\":\"x\"}")
	for (t = 0; t < turns; t++) {
		turn(t, 0)
		if (t % 10 == 5) {
			put("{\"type\":\"brand-new-type\",\"uuid\":\"" uuid(9, s, t, 0) "\",\"payload\":[1,{\"a\":null}]}")
			put("this is no JSON at all {")
			put(head("user", uuid(8, s, t, 0), "", start + t * 95 + 30, 0) ",\"message\":{\"role\":\"user\",\"content\":\"half \\ud83d a pair\"}}")
		}
	}
	if (s % 7 == 3)
		printf "{\"parentUuid\":null,\"type\":\"user\",\"uuid\":\"torn" >>file
}

function flat(t) {
	for (t = 0; t < turns; t++) {
		put("{\"role\":\"user\",\"content\":\"flat question " t "\",\"timestamp\":\"" iso(start + t * 95) "\"}")
		put("{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"" padding "\"}],\"model\":\"claude-old\"," \
			usage(10 + t, 20 + t) ",\"timestamp\":\"" iso(start + t * 95 + 5) "\"}")
	}
}

BEGIN {
	if (!seed) seed = 1
	if (!turns) turns = 10
	for (i = 0; i < pad; i++)
		padding = padding "word" (i % 10) (i % 20 == 19 ? "\\n" : " ")
	for (s = 0; s < sessions; s++) {
		session = uuid(1, s, 0, 0)
		file = folder "/" session ".jsonl"
		start = (s % 7) * 86400 + 8 * 3600 + int(s / 7) * 60
		kind = 2
		resumed = s % 11 == 10
		history = ""
		if (!resumed && (s + 1) % 11 == 10 && s + 1 < sessions && s % 10 != 9)
			history = folder "/" uuid(1, s + 1, 0, 0) ".jsonl"
		if (s % 10 == 9)
			flat()
		else if (resumed) {
			kind = 4
			start += 7200
			nested()
		} else
			nested()
		close(file)
		if (history != "")
			close(history)
		history = ""
		if (s % 5 == 2 && s % 10 != 9) {
			kind = 5
			file = folder "/" session ".agent-" s ".jsonl"
			for (t = 0; t < 2; t++)
				turn(t, 1)
			close(file)
		}
	}
}
