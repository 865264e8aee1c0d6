#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# The usage tables: from the transcripts in workspaces to a query in a workspace.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

new_hub hub || exit 1

columns='session_id, user_messages, assistant_messages, tool_calls, tool_errors, skill_calls, subagent_calls,
	mcp_calls, slash_commands, input_tokens, output_tokens'

# A workspace FOLDER of EMAIL; $P is the folder of its transcripts.
workspace_of() { # FOLDER EMAIL
	HOME=$PWD/home-$1
	mkdir -p "$HOME/.config/larder" "$1/.larder"
	printf 'tokens:\n  "%s": "%s"\n' "$HUB_URL" "$(token_of "$2")" >"$HOME/.config/larder/credentials.yaml"
	chmod 600 "$HOME/.config/larder/credentials.yaml"
	printf 'server: "%s"\n' "$HUB_URL" >"$1/.larder/config.yaml"
	P=$HOME/.claude/projects/$(printf %s "$(realpath "$1")" | sed 's/[^A-Za-z0-9]/-/g')
	mkdir -p "$P"
}

# Half of each transcript first, cut in the middle of a line; the rest when the agents have gone on.
half_of_it() { # FROM TO
	for file in "$1"/*.jsonl; do
		head -c $(($(wc -c <"$file") / 2)) "$file" >"$2/${file##*/}"
	done
}

push_as() { # FOLDER
	(
		unset LARDER_SERVER LARDER_TOKEN
		HOME=$PWD/home-$1
		larder push --quiet --workspace "$1"
	)
}

ok 'a week of 200 sessions: what jq counts in the transcripts is what a query in a workspace finds' '
	admin_home=$HOME
	for user in 1 2 3 4; do
		mkdir made-$user
		awk -v sessions=50 -v turns=6 -v pad=10 -v seed=$user -v folder=made-$user -f "$SOURCE/tests/transcripts.awk"
		workspace_of ws$user u$user@example.com
		half_of_it made-$user "$P"
		push_as ws$user
		cp made-$user/* "$P/"
	done
	larder process usage --data "$SHARED/hub" --json >first
	same "$(jq -c "[.processed, .errors]" first)" "[240,0]"
	for user in 1 2 3 4; do
		push_as ws$user
	done
	larder process usage --data "$SHARED/hub" --json >second
	same "$(jq -c "[.processed, .errors, .capped]" second)" "[240,0,0]"
	same "$(larder process usage --data "$SHARED/hub" --json | jq -c "[.scanned, .processed, .skipped]")" "[0,0,0]"

	HOME=$admin_home
	larder admin group add analysts
	larder admin member add analysts u1@example.com
	for table in usage_events usage_sessions usage_tools_daily; do
		larder admin grant add analysts $table
	done
	unset LARDER_SERVER LARDER_TOKEN
	HOME=$PWD/home-ws1
	cd ws1
	larder pull --quiet
	cd ..
	for user in 1 2 3 4; do
		sed -s -i "\$a\\" made-$user/*.jsonl # jq would join a torn line with the next file
		jq -n -R -c -f "$SOURCE/tests/usage-totals.jq" made-$user/*.jsonl | sort >wanted-$user
		larder query --workspace ws1 --format json "SELECT $columns FROM usage_sessions
			WHERE username = '"'u\$user@example.com'"' ORDER BY 1" | jq -c ".rows[]" >found-$user
		diff wanted-$user found-$user
	done
	[ "$(cat found-* | wc -l)" = 200 ]
	larder query --workspace ws1 --format csv "SELECT
		(SELECT sum(tool_calls) FROM usage_sessions) = (SELECT count(*) FROM usage_events WHERE tool_name IS NOT NULL),
		(SELECT sum(tool_calls) FROM usage_sessions) = (SELECT sum(invocations) FROM usage_tools_daily),
		(SELECT sum(tool_errors) FROM usage_sessions) = (SELECT sum(error_count) FROM usage_tools_daily),
		(SELECT count(DISTINCT id) = count(*) FROM usage_events)" >equal
	same "$(tail -n 1 equal | tr -d "\r")" true,true,true,true
'

# Sends stdin as a transcript of bob's named NAME.
send() { # NAME
	cat >sent
	[ -n "${bob:-}" ] || bob=$(token_of bob@example.com)
	curl --silent --fail --output /dev/null --header "Authorization: Bearer $bob" --form "file=@sent;filename=$1" \
		"$HUB_URL/api/upload/sessions"
}

# A hub of its own with what is sent between this and `figures`.
own_hub() {
	new_hub own
	bob=$(token_of bob@example.com)
}

# COLUMNS of TABLE, as rows of JSON.
figures() { # TABLE COLUMNS
	larder process usage --data own --quiet >/dev/null
	status GET "/api/data/$1/download" "$LARDER_TOKEN" >/dev/null
	mv reply.json "$1.parquet"
	jq -n --arg sql "SELECT $2 FROM t ORDER BY ALL" --arg file "$1.parquet" \
		"{op: \"query\", sql: \$sql, tables: [{name: \"t\", files: [\$file]}]}" | larder-duck | grep "^\["
}

ok 'odd lines cost themselves and nothing else' '
	own_hub
	{
		printf "\357\273\277"
		echo "{\"type\":\"user\",\"uuid\":\"1\",\"message\":{\"role\":\"user\",\"content\":\"first\"}}"
		echo "no JSON"
		echo "{\"type\":\"of-next-year\",\"uuid\":\"2\"}"
		printf "{\"type\":\"user\",\"uuid\":\"3\",\"message\":{\"role\":\"user\",\"content\":\"bad \377\376 bytes\"}}\n"
		printf "{\"type\":\"user\",\"uuid\":\"4\",\"message\":{\"role\":\"user\",\"content\":\"a tab\there, lone \\\\ud83d\"}}\n"
		printf "{\"type\":\"user\",\"uuid\":\"5\",\"message\":{\"role\":\"user\",\"content\":\""
		head -c 9000000 /dev/zero | tr "\0" x
		printf "\"}}\r\n\n"
		printf "{\"type\":\"user\",\"uuid\":\"6\",\"message\":{\"role\":\"user\",\"content\":\"a \037 separator\"}}\n"
		echo "[1,2]"
		echo "{\"type\":\"assistant\",\"uuid\":\"7\",\"requestId\":\"r\",\"message\":{\"role\":\"assistant\",\"usage\":{\"input_tokens\":\"many\",\"output_tokens\":-5}}}"
		echo "{\"type\":\"assistant\",\"uuid\":\"8\",\"requestId\":\"s\",\"message\":{\"role\":\"assistant\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1e99}}}"
		printf "{\"type\":\"user\",\"uuid\":\"torn"
	} | send odd.jsonl
	: | send empty.jsonl
	echo "nothing of ours" | send prose.jsonl
	same "$(figures usage_sessions "session_id, user_messages, assistant_messages, input_tokens, output_tokens")" \
		"[\"odd\",5,2,5,0]"
'

ok 'usage counts once for each request, with its last line' '
	own_hub
	for n in 1 2 3; do
		echo "{\"type\":\"assistant\",\"uuid\":\"u$n\",\"requestId\":\"r1\",\"message\":{\"id\":\"m1\",\"role\":\"assistant\",\"model\":\"m\",\"usage\":{\"input_tokens\":10,\"output_tokens\":$((40 - n))}}}"
	done | send a.jsonl
	same "$(figures usage_sessions "assistant_messages, input_tokens, output_tokens, primary_model")" "[1,10,37,\"m\"]"
'

ok 'an error is joined to its call, also when it comes later, in a grown file' '
	own_hub
	call="{\"type\":\"assistant\",\"uuid\":\"1\",\"timestamp\":\"2026-11-20T10:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Bash\",\"input\":{}}]}}"
	echo "$call" | send a.jsonl
	same "$(figures usage_events "event_type, tool_name, is_error, event_uuid")" "[\"tool_use\",\"Bash\",false,\"1\"]"
	{
		echo "$call"
		echo "{\"type\":\"user\",\"uuid\":\"2\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"is_error\":true}]}}"
	} | send a.jsonl
	same "$(figures usage_events "event_type, tool_name, is_error, event_uuid")" "[\"tool_use\",\"Bash\",true,\"1\"]"
	same "$(figures usage_tools_daily "day, tool, source, invocations, error_count, distinct_users, distinct_sessions")" \
		"[\"2026-11-20\",\"Bash\",\"builtin\",1,1,1,1]"
	echo "{}" | send a.jsonl
	same "$(figures usage_events "*")" ""
'

ok 'sub-agents belong to their parent, a resumed file repeats nothing, and users do not mix' '
	own_hub
	line() { # UUID SESSION
		echo "{\"type\":\"user\",\"uuid\":\"$1\",\"sessionId\":\"$2\",\"message\":{\"role\":\"user\",\"content\":\"x\"}}"
	}
	{ line 1 old; line 2 old; } | send old.jsonl
	{ line 1 old; line 2 old; line 3 new; } | send new.jsonl
	{ line 4 old; line 5 old; } | send old.agent-a.jsonl
	bob=$(token_of carol@example.com)
	{ line 1 old; line 2 old; } | send old.jsonl
	same "$(figures usage_sessions "username, session_id, user_messages")" \
"[\"bob@example.com\",\"new\",1]
[\"bob@example.com\",\"old\",4]
[\"carol@example.com\",\"old\",2]"
'

ok 'a build that a kill prevented is made up for, many extracts become one' '
	own_hub
	# A child that does everything but build tables.
	cat >half <<-"END"
		#!/bin/sh
		cat >request.$$
		! grep -q "VIEW extracted" request.$$ || exit 1
		exec larder-duck <request.$$
	END
	chmod +x half
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
		echo "{\"type\":\"user\",\"uuid\":\"$n\",\"message\":{\"role\":\"user\",\"content\":\"x\"}}" | send $n.jsonl
		exits 1 env LARDER_DUCK="$PWD/half" larder process usage --data own --quiet 2>err
	done
	has err "usage tables"
	same "$(find own/usage -type f | wc -l)" 18
	same "$(figures usage_sessions "count(*), sum(user_messages)")" "[18,\"18\"]"
	same "$(find own/usage -type f | wc -l)" 1
	echo "{\"type\":\"user\",\"uuid\":\"a\",\"message\":{\"role\":\"user\",\"content\":\"x\"}}" | send 1.jsonl
	same "$(figures usage_sessions "count(*), sum(user_messages)")" "[18,\"18\"]"
'

ok 'what cannot be, in one transcript, spoils the tables of nobody' '
	own_hub
	long=$(head -c 100000 /dev/zero | tr "\0" y)
	{
		for time in infinity -infinity 290000-01-01T00:00:00Z 0001-01-01T00:00:00Z nonsense 2026-11-20T10:00:00Z; do
			for n in 1 2; do
				echo "{\"type\":\"assistant\",\"uuid\":\"$time$n\",\"requestId\":\"$time$n\",\"timestamp\":\"$time\",\"cwd\":\"$long\",\"message\":{\"role\":\"assistant\",\"model\":\"$long\",\"content\":[{\"type\":\"tool_use\",\"id\":\"$time$n\",\"name\":\"$long\",\"input\":[]}],\"usage\":{\"input_tokens\":9223372036854775807,\"output_tokens\":1}}}"
			done
		done
	} | send odd.jsonl
	same "$(figures usage_sessions "assistant_messages, tool_calls, output_tokens, started_at, ended_at, length(primary_model)")" \
		"[12,12,12,\"2026-11-20 10:00:00\",\"2026-11-20 10:00:00\",200]"
	same "$(figures usage_events "max(length(tool_name)), max(length(cwd)), count(occurred_at)")" "[200,1000,2]"
'

ok 'a session that is taken away is in the tables no longer, nor in what they are made of' '
	own_hub
	for n in 1 2; do
		echo "{\"type\":\"assistant\",\"uuid\":\"$n\",\"cwd\":\"/secret$n\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t$n\",\"name\":\"Bash\",\"input\":{}}]}}" | send $n.jsonl
	done
	same "$(figures usage_events "session_id, cwd" | tr "\n" " ")" "[\"1\",\"/secret1\"] [\"2\",\"/secret2\"] "
	cp own/sessions/bob@example.com/1.jsonl kept
	rm own/sessions/bob@example.com/1.jsonl
	same "$(larder process usage --data own --json | jq -c "[.scanned, .forgotten]")" "[0,1]"
	same "$(figures usage_events "session_id, cwd")" "[\"2\",\"/secret2\"]"
	same "$(find own/usage -type f | wc -l)" 1
	same "$(jq -n --arg file "$(find "$PWD/own/usage" -type f)" "{op: \"query\", sql: \"SELECT DISTINCT session FROM t\", tables: [{name: \"t\", files: [\$file]}]}" |
		larder-duck | grep "^\[")" "[\"bob@example.com/2.jsonl\"]"
	same "$(larder process usage --data own --json | jq -c "[.scanned, .forgotten]")" "[0,0]"
	cp kept own/sessions/bob@example.com/1.jsonl
	same "$(figures usage_events "session_id, cwd" | tr "\n" " ")" "[\"1\",\"/secret1\"] [\"2\",\"/secret2\"] "
	mv own/sessions own/elsewhere
	same "$(larder process usage --data own --json | jq .forgotten)" 0
'
