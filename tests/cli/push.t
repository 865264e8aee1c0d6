#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# larder push: what of a workspace goes to its hub, when, and what never does.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

new_hub hub || exit 1
bob=$(token_of bob@example.com)
reader=$(token_of bob@example.com --scope read)
export bob reader

# A workspace ./ws whose hub is $HUB_URL; $P is the folder of its transcripts. Nobody's environment counts.
workspace() { # [SERVER]
	unset LARDER_SERVER LARDER_TOKEN
	mkdir -p ws/.larder
	printf 'server: "%s"\n' "${1:-$HUB_URL}" >ws/.larder/config.yaml
	as "$bob" "${1:-$HUB_URL}"
	P=$HOME/.claude/projects/$(printf %s "$(realpath ws)" | sed 's/[^A-Za-z0-9]/-/g')
	mkdir -p "$P"
	cd ws || return 1
	larder pull -q --wait 0 2>/dev/null || :
}

as() { # TOKEN SERVER
	mkdir -p "$HOME/.config/larder"
	printf 'tokens:\n  "%s": "%s"\n' "$2" "$1" >"$HOME/.config/larder/credentials.yaml"
	chmod 600 "$HOME/.config/larder/credentials.yaml"
}

session() { # NAME TEXT...: two lines of a transcript
	printf '{"type":"user","cwd":"%s","text":"%s"}\n{"type":"assistant"}\n' "$(pwd -P)" "$2" >"$P/$1.jsonl"
}

arrived() { # NAME: of bob, on the hub
	cat "$SHARED/hub/sessions/bob@example.com/$1"
}

# Requests to upload that the trace saw.
uploads() { # FILE
	grep -c '"kind":"http".*/api/upload/' "$1" || :
}

ok 'new transcripts arrive whole, and are sent once' '
	workspace
	session a1 hello
	session a2 world
	larder push --json >said
	same "$(json said .sessions)" 2
	same "$(json said .local_md)" false
	same "$(jq -c .errors said)" "[]"
	arrived a1.jsonl | cmp - "$P/a1.jsonl"
	LARDER_TRACE=trace larder push --json >said
	same "$(json said .sessions)/$(json said .requests)" 0/0
	same "$(uploads trace)" 0
	touch "$P/a1.jsonl"
	larder push --json >said
	same "$(json said .requests)" 0
'

ok 'a session that grew is sent again, alone' '
	workspace
	session b1 hello
	session b2 world
	larder push -q
	echo "{\"type\":\"more\"}" >>"$P/b1.jsonl"
	larder push --json >said
	same "$(json said .sessions)/$(json said .requests)" 1/1
	arrived b1.jsonl | cmp - "$P/b1.jsonl"
'

ok 'every encoding of the path is looked in, sub-agents and user/sessions too' '
	mkdir "my.w_s"
	cd my.w_s
	workspace
	cd ..
	rm -rf "$HOME/.claude"
	here=$(cd ws && pwd -P)
	one=$HOME/.claude/projects/$(printf %s "$here" | tr / -)
	two=$HOME/.claude/projects/$(printf %s "$here" | sed "s/[^A-Za-z0-9][^A-Za-z0-9]*/-/g")
	mkdir -p "$one/c1/subagents" "$one/c1/tool-results" "$two" ws/user/sessions
	echo "{}" >"$one/c1.jsonl"
	echo "{\"sub\":1}" >"$one/c1/subagents/agent-7.jsonl"
	echo "{\"no\":1}" >"$one/c1/tool-results/x.jsonl"
	echo "{\"old\":1}" >"$one/c2.jsonl"
	touch -d "1 hour ago" "$one/c2.jsonl"
	echo "{\"new\":1}" >"$two/c2.jsonl"
	echo "{\"user\":1}" >ws/user/sessions/c2.jsonl
	echo "{\"user\":1}" >ws/user/sessions/c3.jsonl
	cd ws
	larder push --dry-run --json >said
	same "$(jq -c .would_upload.sessions said)" "[\"c1.agent-7.jsonl\",\"c1.jsonl\",\"c2.jsonl\",\"c3.jsonl\"]"
	larder push -q
	same "$(arrived c2.jsonl)" "{\"new\":1}"
	same "$(arrived c1.agent-7.jsonl)" "{\"sub\":1}"
	mkdir "$HOME/other"
	rm user/sessions/c2.jsonl
	CLAUDE_CONFIG_DIR=$HOME/other larder push --dry-run --json >said
	same "$(json said .summary.sessions)" 0
'

ok 'a dry run says what would go, in the shape of the contract, and writes nothing' '
	workspace
	session d1 hello
	echo "# mine" >CLAUDE.local.md
	snapshot . | grep -v "state.db-" >before
	LARDER_TRACE=../trace larder push --dry-run --json >../said
	snapshot . | grep -v "state.db-\|before" >../after
	grep -v before before | cmp - ../after
	same "$(jq -c "{dry_run,would_upload}" ../said)" "{\"dry_run\":true,\"would_upload\":{\"artifacts\":[],\"local_md\":true,\"sessions\":[\"d1.jsonl\"]}}"
	same "$(json ../said .summary.sessions)" 1
	same "$(uploads ../trace)" 0
	[ ! -e user/sessions ]
'

ok 'CLAUDE.local.md and artifacts go, and only when they changed' '
	workspace
	echo "# mine" >CLAUDE.local.md
	printf "a\000b" >data.bin
	larder push data.bin --json >said
	same "$(json said .local_md)/$(json said .artifacts)" true/1
	same "$(cat "$SHARED/hub/local-md/bob@example.com/CLAUDE.local.md")" "# mine"
	cmp data.bin "$SHARED/hub/artifacts/bob@example.com/data.bin"
	larder push data.bin --json >said
	same "$(json said .requests)" 0
	cp data.bin "no name"
	exits 2 larder push "no name"
	exits 1 larder push absent
'

ok 'tokens are taken out before anything leaves, and --preview shows it' '
	workspace
	secret=gh""p_a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8
	session e1 "my key is $secret, and $bob"
	larder push --preview >shown
	has shown "[redacted:github]"
	hasnt shown "$secret"
	[ ! -e "$SHARED/hub/sessions/bob@example.com/e1.jsonl" ]
	larder push --json >said
	same "$(json said .redacted)" 2
	arrived e1.jsonl >got
	hasnt got "$secret"
	hasnt got "$bob"
	jq -e . got >/dev/null
	has "$P/e1.jsonl" "$secret"
'

ok 'private sessions and excluded folders never go' '
	workspace
	session f1 listed
	session f2 open
	session f3 elsewhere
	mkdir secret marked
	sed -i "s|\"cwd\":\"[^\"]*\"|\"cwd\":\"$(pwd -P)/secret/deep\"|" "$P/f3.jsonl"
	session f4 marked
	touch marked/.larder-private
	sed -i "s|\"cwd\":\"[^\"]*\"|\"cwd\" : \"$(pwd -P)/marked\"|" "$P/f4.jsonl"
	printf "push:\n  private: [f1]\n  exclude: [secret]\n" >>.larder/config.yaml
	larder push --dry-run --json >said
	same "$(jq -c .would_upload.sessions said)" "[\"f2.jsonl\"]"
	LARDER_TRACE=trace larder push --json >said
	same "$(json said .sessions)/$(json said .private)" 1/3
	same "$(uploads trace)" 1
	for n in 1 3 4; do [ ! -e "$SHARED/hub/sessions/bob@example.com/f$n.jsonl" ]; done
	session f5 all
	echo mine >CLAUDE.local.md
	touch .larder-private
	larder push --json >said
	same "$(json said .requests)" 0
'

ok 'what is written while the hub is away arrives when it is back' '
	T=$(larder hub init other --admin bob@example.com)
	start_hub other
	bob=$T
	workspace
	stop_hub
	session g1 offline
	exits 75 larder push --json >said
	same "$(json said .waiting)/$(json said .sessions)" 1/0
	same "$(jq -r ".errors[0].class" said)" offline
	echo "{\"grown\":1}" >>"$P/g1.jsonl"
	port=${HUB_URL##*:}
	cd ..
	start again larder serve --data other --listen 127.0.0.1:$port
	wait_for "grep -q http again.out"
	cd ws
	larder push --json >said
	same "$(json said .waiting)/$(json said .sessions)/$(json said .duplicates)" 0/1/0
	cmp "$P/g1.jsonl" ../other/sessions/bob@example.com/g1.jsonl
'

ok 'killed between sending and the answer, it arrives once' '
	workspace
	session h1 once
	for at in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		session h$at once
		code=0
		LARDER_CRASH_AT=$at larder push -q || code=$?
		larder push --json >said
		same "$(json said .waiting)" 0
		arrived h$at.jsonl | cmp - "$P/h$at.jsonl"
		[ $code = 99 ] || break
	done
	[ $at -gt 3 ] && [ $at -lt 20 ]
'

ok 'two at once send each thing once' '
	workspace
	for n in 1 2 3 4 5 6 7 8; do session i$n "number $n"; done
	LARDER_TRACE=one larder push -q &
	LARDER_TRACE=two larder push -q
	wait
	same "$(($(uploads one) + $(uploads two)))" 8
'

ok 'a refused token is asked about once, and another one sends all' '
	workspace
	as "$reader" "$HUB_URL"
	session j1 a
	session j2 b
	LARDER_TRACE=trace exits 4 larder push -q 2>said
	has said "refuses this token"
	same "$(uploads trace)" 1
	LARDER_TRACE=trace2 exits 4 larder push -q
	same "$(uploads trace2)" 0
	as "$bob" "$HUB_URL"
	larder push --json >said
	same "$(json said .sessions)/$(json said .paused)" 2/0
'

ok 'what the hub will not take is set aside, shown and sent again when asked' '
	mkdir files
	start_faulty files
	workspace "$FAULTY_URL"
	session k1 big
	session k2 other
	printf "/api/upload/sessions status:413 1\n/api/upload/sessions status:500\n" >../files.plan
	exits 1 larder push --json >said
	same "$(json said .dead)/$(json said .waiting)" 1/1
	larder push --dead --json >dead
	same "$(jq -r ".[0].path" dead)" "$P/k1.jsonl"
	same "$(jq -r ".[0].class" dead)" rejected
	exits 75 larder push --redrive --json >said
	same "$(json said .dead)" 0
'

ok 'a redirect and an answer of another shape are no delivery' '
	mkdir files
	start_faulty files
	workspace "$FAULTY_URL"
	session l1 a
	printf "/api/upload/sessions redirect:$HUB_URL/api/upload/sessions\n" >../files.plan
	exits 75 larder push --json >said
	same "$(jq -r ".errors[0].class" said)" redirect
	[ ! -e "$SHARED/hub/sessions/bob@example.com/l1.jsonl" ]
	printf "/api/upload/sessions status:200\n" >../files.plan
	session l2 b
	exits 75 larder push --json >said
	same "$(jq -r ".errors[-1].class" said)" unexpected
'

ok 'a hook returns before the hub has answered, and the transcript arrives' '
	workspace
	session m1 hook
	larder push --detach --quiet --workspace "$(pwd)" >said
	[ ! -s said ]
	wait_for "[ -e $SHARED/hub/sessions/bob@example.com/m1.jsonl ]"
	mkdir ../files
	cd ..
	start_faulty files
	cd ws
	printf "/api/upload/sessions hang\n" >../files.plan
	printf "server: \"$FAULTY_URL\"\n" >.larder/config.yaml
	as "$bob" "$FAULTY_URL"
	session m2 hangs
	start=$(date +%s%N)
	larder push --detach --quiet
	took=$((($(date +%s%N) - start) / 1000000))
	skip_if_sanitized
	[ $took -lt 500 ] || { echo "$took ms"; exit 1; }
'

ok 'a workspace without anything to send makes no request and no folder' '
	workspace
	rm -rf "$HOME/.claude"
	LARDER_TRACE=trace larder push >said
	has said "Nothing is new"
	same "$(uploads trace)" 0
	[ ! -e user/sessions ]
	exits 1 larder push --workspace /nonexistent
'

ok 'of a session that grew only the rest is sent, packed; what changed before it goes as a whole' '
	workspace
	session a1 first
	larder push -q
	seq 1 20000 | sed "s/.*/{\"type\":\"user\",\"n\":\"&\"}/" >>"$P/a1.jsonl"
	larder push --json >said
	same "$(json said .tails)/$(json said .requests)" 1/1
	[ "$(json said .sent_bytes)" -lt $(($(json said .bytes) / 3)) ]
	arrived a1.jsonl | cmp - "$P/a1.jsonl"
	session a1 other
	larder push --json >said
	same "$(json said .tails)/$(json said .requests)" 0/1
	arrived a1.jsonl | cmp - "$P/a1.jsonl"
	echo "{\"more\":1}" >>"$P/a1.jsonl"
	echo damaged >"$SHARED/hub/sessions/bob@example.com/a1.jsonl"
	larder push --json >said
	same "$(json said .sessions)/$(json said .tails)/$(json said .requests)" 1/0/2
	arrived a1.jsonl | cmp - "$P/a1.jsonl"
'

ok 'the hook waits neither for the hub nor for the disk' '
	workspace
	session a1 hello
	larder push -q
	echo "{\"more\":1}" >>"$P/a1.jsonl"
	LARDER_TRACE=$PWD/trace larder push --detach --quiet
	jq -c "select(.kind == \"transaction\") | [.pid, .synced]" trace >all
	head -n 1 trace | json .pid >pid
	same "$(grep -c "^\[$(cat pid),true\]" all)" 0
	grep -q "^\[$(cat pid),false\]" all
	wait_for "arrived a1.jsonl | cmp -s - $P/a1.jsonl"
'

# Processes that push in the background for the workspace here.
pushing() {
	grep -lsa "^larder.push.--background" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r pid; do
		tr "\000" "\n" <"/proc/$pid/cmdline" | grep -qxF "$(pwd -P)" && echo "$pid"
	done
}

ok 'sixty hooks while the hub hangs leave one process, and what they noted goes along' '
	mkdir files
	start_faulty files
	printf "/api/upload/sessions hang\n" >files.plan
	workspace "$FAULTY_URL"
	session a0 first
	larder push --detach --quiet
	wait_for "grep -q /api/upload/sessions ../files.log"
	for n in $(seq 60); do
		session a$n "number $n"
		larder push --detach --quiet
	done
	same "$(pushing | wc -l)" 1
	kill "$(pushing)"
	printf "server: \"$HUB_URL\"\n" >.larder/config.yaml
	as "$bob" "$HUB_URL"
	session a61 last
	larder push --json >said
	same "$(json said .waiting)/$(find "$SHARED/hub/sessions/bob@example.com" -name "a*.jsonl" | wc -l)" 0/62
'

ok 'a reply that counts otherwise, or bears another name, is no delivery; Retry-After counts up to an hour' '
	mkdir files
	start_faulty files
	workspace "$FAULTY_URL"
	session n1 abc
	size=$(wc -c <"$P/n1.jsonl")
	for body in "{\"status\":\"ok\",\"filename\":\"n1.jsonl\",\"size\":$((size - 1))}" \
		"{\"status\":\"ok\",\"filename\":\"n2.jsonl\",\"size\":$size}" "{\"status\":\"no\",\"filename\":\"n1.jsonl\",\"size\":$size}" \
		"{\"status\":\"ok\",\"filename\":\"n1.jsonl\"}" "<html>ok</html>" "[]" "null" "{\"status\":\"ok\""; do
		printf "/api/upload/sessions body:%s\n" "$body" >../files.plan
		larder push --redrive --json >said && exit 1
		same "$body $(jq -c "[.sessions, .waiting, .errors[0].class]" said)" "$body [0,1,\"unexpected\"]"
		rm -f .larder/state.db*
	done
	for after in 31536000 99999999999999999999 soon -5 "Fri,"; do
		printf "/api/upload/sessions status:503:%s\n" "$after" >../files.plan
		rm -f .larder/state.db*
		exits 75 larder push --json >said
		same "$after $(jq -c "[.waiting, .dead, .errors[0].class]" said)" "$after [1,0,\"busy\"]"
	done
	LARDER_NOW=+3601s larder push --json >said || :
	same "$(json said .requests)" 1
	printf "/api/upload/sessions body:{\"status\":\"ok\",\"filename\":\"n1.jsonl\",\"size\":%s}\n" "$size" >../files.plan
	LARDER_NOW=+7300s larder push --json >said
	same "$(json said .sessions)/$(json said .waiting)" 1/0
'

ok 'the start of a session sends what an end left behind, also weeks later' '
	workspace
	cd ..
	larder init ws -q --no-pull
	hook() { (cd / && CLAUDE_PROJECT_DIR=$HOME/ws sh -c "$(json "$HOME/ws/.claude/settings.json" ".hooks.$1[0].hooks[0].command")"); }
	cp ws/.larder/config.yaml config.yaml
	cp .config/larder/credentials.yaml credentials.yaml
	cd ws
	session o1 ended
	printf "server: \"http://127.0.0.1:9\"\n" >.larder/config.yaml # nobody answers there
	as "$bob" http://127.0.0.1:9
	hook SessionEnd
	wait_for "pushing | xargs -r kill 2>/dev/null; [ -z \"\$(pushing)\" ]" # the lid is closed
	[ ! -e "$SHARED/hub/sessions/bob@example.com/o1.jsonl" ]
	cp ../config.yaml .larder/config.yaml
	cp ../credentials.yaml "$HOME/.config/larder/credentials.yaml"
	LARDER_NOW=+1209600s hook SessionStart
	wait_for "[ -e $SHARED/hub/sessions/bob@example.com/o1.jsonl ]"
'

ok 'names and bytes of any kind stop nothing: what cannot go is named, what is no transcript stays' '
	workspace
	printf "{\"type\":\"user\"}\n\377\376\000{\"a\":\"\\\\ud800\"}\n" >"$P/p1.jsonl"
	for name in "sp ace" "$(printf "nl\nx")" "$(printf "\377")" "$(printf "%0210d" 0)"; do
		echo "{}" >"$P/$name.jsonl"
	done
	mkdir "$P/dir.jsonl"
	mkfifo "$P/pipe.jsonl"
	ln -s "$P/p1.jsonl" "$P/link.jsonl"
	ln -s loop.jsonl "$P/loop.jsonl"
	head -c 52428801 /dev/zero >"$P/p2.jsonl"
	exits 1 larder push --json >said
	same "$(jq -c "[.sessions, .waiting, .dead, .errors[0].class]" said)" "[1,0,1,\"unsendable\"]"
	arrived p1.jsonl | cmp - "$P/p1.jsonl"
	larder push >said
	has said "Nothing is new."
	has said "1 the hub will not take: see "
	larder doctor >said || :
	has said "1 things the hub would not take"
'
