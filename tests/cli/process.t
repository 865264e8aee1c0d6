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
	has err "Unknown processor"
'

# Sends FILE as a transcript of bob's named NAME.
send() { # NAME FILE
	curl --silent --fail --output /dev/null --header "Authorization: Bearer $bob" --form "file=@$2;filename=$1" \
		"$HUB_URL/api/upload/sessions"
}

# Makes CONFIG of a copy of the hub's data with a processor "words", whose program is on stdin.
with_program() { # FOLDER [FURTHER KEYS]
	cp -r "$SHARED/hub" "$1"
	cat >"$PWD/program"
	chmod +x "$PWD/program"
	printf 'processors:\n  - {name: words, command: [%s]%s}\n' "$PWD/program" "${2:+, $2}" >"$1/config.yaml"
}

# The ids of `larder process` on the data of this promise.
pgrep_larder() { # SUBCOMMAND
	grep -lsaz "^$PWD/[d]ata$" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r pid; do
		tr "\000" " " <"/proc/$pid/cmdline" | grep " $1 "
	done | grep .
}

printf '{"type":"user"}\n' >"$SHARED/s"
for n in 1 2 3; do
	send $n.jsonl "$SHARED/s" || exit 1
done
stop_hub || exit 1

count_lines='#!/bin/sh
read -r request
path=${request#*\"path\":\"} path=${path%%\"*}
printf "{\"kind\":\"count\",\"lines\":%d}\n" "$(wc -l <"$path")"'

ok 'an external processor is a line of configuration; a second run finds nothing to do' '
	echo "$count_lines" | with_program data
	larder process words --data data --json >first
	same "$(jq -c "[.processor, .scanned, .processed, .skipped, .errors, .items_extracted, .errors_detail, .capped]" first)" \
		"[\"words\",3,3,0,0,3,[],0]"
	same "$(larder process words --data data --json | jq -c "[.scanned, .processed, .skipped, .items_extracted]")" "[0,0,0,0]"
	same "$(larder sessions show --processor words --data data bob@example.com/1.jsonl | jq -c ".processors[] | [.processor, .state, .items, .kept]")" \
		"[\"words\",\"done\",1,[{\"kind\":\"count\",\"lines\":1}]]"
'

ok 'a hub that starts while a processor runs leaves its staged files, and takes them away when it is gone' '
	printf "#!/bin/sh\nexec sleep 1000.625\n" | with_program data
	start working larder process words --data data
	working=$STARTED_PID
	wait_for "pgrep -f \"sleep 1000.625\" >/dev/null"
	echo half >data/.larder/staging/of-somebody
	start_hub data
	[ -e data/.larder/staging/of-somebody ]
	stop_hub
	kill -KILL $working
	wait_for "gone $working"
	pkill -f "sleep 1000.625" || :
	start_hub data
	[ ! -e data/.larder/staging/of-somebody ]
	stop_hub
'

ok 'a grown session is processed again, a touched one is only looked at' '
	echo "$count_lines" | with_program data
	larder process words --data data
	echo more >>data/sessions/bob@example.com/1.jsonl
	touch -d @1700000000 data/sessions/bob@example.com/2.jsonl
	same "$(larder process words --data data --json | jq -c "[.scanned, .processed, .skipped]")" "[2,1,1]"
	same "$(larder sessions show --processor words --data data bob@example.com/1.jsonl | json ".processors[0].kept[0].lines")" 2
	same "$(larder process words --data data --json | json .scanned)" 0
'

ok 'a stable session is not opened, one that is only touched counts against no limit, and a budget ends a run' '
	echo "$count_lines" | with_program data
	touch -d @1700000000 data/sessions/bob@example.com/*.jsonl
	larder process words --data data
	touch -a -d @1600000000 data/sessions/bob@example.com/*.jsonl
	larder process words --data data
	same "$(stat -c %X data/sessions/bob@example.com/1.jsonl)" 1600000000 # a read would have moved it
	touch -d @1700000001 data/sessions/bob@example.com/1.jsonl data/sessions/bob@example.com/2.jsonl
	echo more >>data/sessions/bob@example.com/3.jsonl
	same "$(larder process words --data data --limit 1 --json | jq -c "[.processed, .skipped, .capped]")" "[1,2,0]"
	printf "#!/bin/sh\nexec sleep 1.1\n" >program
	sed -i "s/name: words/name: words, version: 2/" data/config.yaml
	same "$(larder process words --data data --budget 1s --json | jq -c "[.processed, .errors, .capped]")" "[1,0,2]"
	rm -r data/sessions
	same "$(larder process words --data data --json | jq -c "[.scanned, .errors, .forgotten]")" "[0,0,0]"
'

ok 'a new version of a processor processes all of them again' '
	echo "$count_lines" | with_program data
	larder process words --data data
	sed -i "s/name: words/name: words, version: 2/" data/config.yaml
	same "$(larder process words --data data --json | json .processed)" 3
'

ok 'an append while it is being processed is seen by the next run' '
	with_program data <<-"END"
		#!/bin/sh
		echo "{}"
		sleep 0.2
	END
	larder process words --data data --limit 1 --json >first &
	first=$!
	wait_for "grep -qsa \"$PWD/[p]rogram\" /proc/[0-9]*/cmdline"
	echo late >>data/sessions/bob@example.com/1.jsonl
	wait $first
	same "$(json first .processed)" 1
	same "$(larder process words --data data --json | json .processed)" 3
'

ok 'one that fails is reported, retried, set aside after five attempts, and holds up nobody' '
	with_program data <<-"END"
		#!/bin/sh
		read -r request
		case $request in */1.jsonl*) echo "no good" >&2; exit 3 ;; esac
		echo "{}"
	END
	exits 1 larder process words --data data --json >report
	same "$(jq -c "[.processed, .errors, .errors_detail]" report)" \
		"[2,1,[{\"error\":\"'"'words'"' ended with 3: no good\",\"session\":\"bob@example.com/1.jsonl\"}]]"
	exits 1 larder process words --data data --json >report
	same "$(jq -c "[.scanned, .errors]" report)" "[1,1]"
	same "$(larder process words --data data --json | jq -c "[.scanned, .waiting]")" "[0,1]"
	for later in 2 20 200; do
		exits 1 env LARDER_NOW=+${later}000 larder process words --data data --json >report
		same "$(json report .errors)" 1
	done
	same "$(LARDER_NOW=+90000000 larder process words --data data --json | jq -c "[.scanned, .set_aside]")" "[0,1]"
	larder sessions list --data data --state aside --json >list
	same "$(jq -c ".sessions[] | [.session, .attempts, .error]" list)" \
		"[\"bob@example.com/1.jsonl\",5,\"'"'words'"' ended with 3: no good\"]"
	larder sessions retry --data data bob@example.com/1.jsonl
	exits 1 larder process words --data data --json >report
	same "$(json report .errors)" 1
	exits 1 larder sessions retry --data data bob@example.com/2.jsonl
'

ok 'a program that asks to come later is not counted as failing' '
	with_program data <<-"END"
		#!/bin/sh
		exit 75
	END
	for at in 0 1000 2000 3000 4000 5000 6000; do
		exits 1 env LARDER_NOW=+$at larder process words --data data --json >report
		same "$(jq -c "[.errors, .set_aside]" report)" "[3,0]"
	done
'

ok 'limit and budget leave the rest to the next run, failed ones come last' '
	with_program data <<-"END"
		#!/bin/sh
		read -r request
		case $request in */1.jsonl*) exit 1 ;; esac
		echo "{}"
	END
	exits 1 larder process words --data data --limit 1 --json >report
	same "$(jq -c "[.processed, .errors, .capped]" report)" "[0,1,2]"
	same "$(larder process words --data data --limit 1 --json | jq -c "[.processed, .errors, .capped]")" "[1,0,2]"
	same "$(larder process words --data data --limit 1 --json | jq -c "[.processed, .errors, .capped]")" "[1,0,1]"
	exits 1 larder process words --data data --json >report
	same "$(jq -c "[.processed, .errors, .capped]" report)" "[0,1,0]"
'

ok 'what a program prints is checked and limited: all of a session or nothing' '
	with_program data "deadline: 2s" <<-"END"
		#!/bin/sh
		read -r request
		echo "{\"kind\":\"fine\"}"
		case $request in
		*/1.jsonl*) echo "no json" ;;
		*/2.jsonl*) yes "{}" ;;
		*/3.jsonl*) exec sleep 1000 ;;
		esac
	END
	exits 1 larder process words --data data --json >report
	same "$(json report .errors)" 3
	same "$(jq -r ".errors_detail[].error" report | grep -c -e "item 2" -e "more than 10000 items" -e "was stopped")" 3
	same "$(larder sessions show --processor words --data data bob@example.com/1.jsonl | jq -c ".processors[0].kept")" "[]"
'

ok 'what a program has started ends with it, at its deadline too, whatever it ignores or has left' '
	with_program data "deadline: 1s" <<-"END"
		#!/bin/sh
		trap "" TERM INT HUP
		setsid sh -c "trap \"\" TERM; exec sleep 1000.875" &
		sleep 1000.875 &
		read -r request
		case $request in
		*/1.jsonl*) while :; do sleep 1000.875; done ;;
		*/2.jsonl*) kill -KILL $$ ;;
		esac
		echo "{}"
	END
	sed -i "s:1000.875:1000.$$:" program
	exits 1 larder process words --data data --json >report
	same "$(jq -c "[.processed, .errors]" report)" "[1,2]"
	! pgrep -f "sleep 1000[.]$$\$"
'

ok 'a program reads its transcript and nothing else of the hub, and writes nothing' '
	with_program data <<-"END"
		#!/bin/sh
		read -r request
		path=${request#*\"path\":\"} path=${path%%\"*}
		cat "$path" >/dev/null || exit 1
		cat "${path%/*}/../../.larder/state.db" >/dev/null 2>&1 && exit 2
		echo x 2>/dev/null >/tmp/larder-external-was-here && exit 3
		[ -z "${LARDER_TOKEN:-}" ] || exit 4
		echo "{}"
	END
	larder process words --data data --limit 1 || {
		grep -q landlock /sys/kernel/security/lsm 2>/dev/null || skip "no Landlock here"
		exit 1
	}
'

ok 'items of knowledge become proposals with their evidence' '
	with_program data <<-"END"
		#!/bin/sh
		read -r request
		case $request in */1.jsonl*) ;; *) exit 0 ;; esac
		echo "{\"kind\":\"knowledge\",\"title\":\"Revenue\",\"content\":\"Revenue is net of tax.\",\"domain\":\"finance\"," \
			"\"detection_type\":\"correction\",\"quote\":\"no, net\",\"position\":7}"
	END
	larder process words --data data
	start_hub data
	same "$(LARDER_SERVER=$HUB_URL larder admin rule list --json | jq -c ".rules[] | [.title, .domain, .status, .confidence]")" \
		"[\"Revenue\",\"finance\",\"pending\",0.9]"
'

ok 'over HTTP: statistics in the shape of the contract, one audit row for each run, failures included' '
	with_program data <<-"END"
		#!/bin/sh
		read -r request
		case $request in */1.jsonl*) exit 1 ;; esac
		echo "{}"
	END
	start_hub data
	same "$(run_processor words)" 200
	same "$(jq -c "[.ok, .details.processor, .details.scanned, .details.processed, .details.skipped, .details.errors,
		.details.items_extracted, (.details.errors_detail | length), .details.capped]" reply.json)" \
		"[false,\"words\",3,2,0,1,2,1,0]"
	rm "$PWD/program"
	same "$(run_processor words)" 500
	has reply.json program
	status GET /api/admin/audit "$LARDER_TOKEN"
	jq -c ".audit[] | select(.action == \"run_session_processor:words\")
		| [.user, .resource, (.detail | fromjson | .ok, .processed, .unhandled_error != null)]" reply.json >rows
	same "$(cat rows)" "[\"ann@example.com\",\"job:session-processor:words\",false,null,true]
[\"ann@example.com\",\"job:session-processor:words\",false,2,false]"
'

ok 'one run of a processor at a time: 409 over HTTP, exit 75 in a shell, and others go on' '
	with_program data <<-"END"
		#!/bin/sh
		exec sleep 100CASE
	END
	sed -i "s:CASE:$case_number:" program
	printf "  - {name: other, command: [/bin/true]}\n" >>data/config.yaml
	start_hub data
	larder process words --data data &
	words=$!
	wait_for "grep -qsaz ^100$case_number\$ /proc/[0-9]*/cmdline"
	same "$(run_processor words)" 409
	has reply.json "already running"
	exits 75 larder process words --data data 2>err
	has err "already running"
	same "$(run_processor other)" 200
	status GET /api/admin/audit "$LARDER_TOKEN"
	same "$(jq -c "[.audit[].action | select(startswith(\"run_\"))]" reply.json)" "[\"run_session_processor:other\"]"
	kill $words
'

ok 'a hub that stops, or is killed, takes the run along; the next one takes its lease over' '
	with_program data <<-"END"
		#!/bin/sh
		exec sleep 1000
	END
	for signal in TERM KILL; do
		start_hub data
		(run_processor words >code || :) &
		wait_for "pgrep_larder process >/dev/null"
		stop_hub $signal
		wait_for "! pgrep_larder process >/dev/null"
		wait
	done
	printf "#!/bin/sh\necho {}\n" >"$PWD/program"
	same "$(larder process words --data data --json | json .processed)" 3
'
