#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# A fleet: nodes, tasks under leases, the event stream.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

post() { # PATH BODY
	status POST "/v1/fleet/$1" "$LARDER_TOKEN" "$2"
}

get() { # PATH
	status GET "/v1/fleet/$1" "$LARDER_TOKEN"
}

# A stream into FILE until the promise ends.
stream() { # FILE QUERY [CURL OPTIONS]
	stream_file=$1 stream_query=$2
	shift 2
	start "$stream_file" curl --silent --no-buffer "$@" --header "Authorization: Bearer $LARDER_TOKEN" \
		"$HUB_URL/v1/fleet/events?$stream_query"
	STREAM=$STARTED_PID
	wait_for "has $stream_file.out 'event: ready' 2>/dev/null"
}

data_of() { # FILE N: the data of the n-th task
	sed -n '/^event: task.assigned/{n;s/^data: //p;}' "$1" | sed -n "$2p"
}

ok 'nodes announce themselves, live, and go' '
	new_hub hub
	same "$(post heartbeat "{\"agent_id\":\"n1\"}")/$(json reply.json .error)" 404/not_found
	same "$(post register "{\"agent_id\":\"n1\",\"platform\":\"linux\",\"models\":[\"a\"],\"capabilities\":[\"go\"]}")" 201
	same "$(jq -c "[.data.agent_id,.data.status,.data.models,.data.compute_budget]" reply.json)" "[\"n1\",\"online\",[\"a\"],null]"
	same "$(post heartbeat "{\"agent_id\":\"n1\",\"status\":\"busy\",\"compute_budget\":{\"max_daily_hours\":3}}")" 200
	same "$(jq -c "[.data.status,.data.compute_budget.max_daily_hours]" reply.json)" "[\"busy\",3]"
	same "$(post register "{\"agent_id\":\"n2\",\"platform\":\"mac\"}")" 201
	same "$(get nodes)/$(json reply.json .total)" 200/2
	same "$(get "nodes?platform=mac")/$(json reply.json ".data[0].agent_id")" 200/n2
	same "$(get "nodes?status=busy")/$(json reply.json .total)" 200/1
	same "$(post deregister "{\"agent_id\":\"n1\"}")/$(jq -c .data reply.json)" "200/{\"agent_id\":\"n1\",\"deregistered\":true}"
	same "$(post deregister "{\"agent_id\":\"n1\"}")" 404
	same "$(get nodes)/$(json reply.json .total)" 200/1
	same "$(get stats)/$(json reply.json .data.nodes_online)" 200/1
	for bad in "{}" "{\"agent_id\":\"\"}" "{\"agent_id\":\"n\",\"platform\":\"$(head -c 65 /dev/zero | tr "\\0" a)\"}" \
		"{\"agent_id\":\"n\",\"models\":\"x\"}"; do
		same "$(post register "$bad")/$(json reply.json .error)" 422/validation_failed
	done
	same "$(post heartbeat "{\"agent_id\":\"n2\",\"status\":\"dancing\"}")" 422
'

ok 'a node of the same name is another one for each tenant' '
	new_hub hub
	ann=$LARDER_TOKEN
	bob=$(token_of bob@example.com)
	post register "{\"agent_id\":\"n1\",\"platform\":\"linux\"}" >/dev/null
	post dispatch "{\"repo\":\"api\",\"task\":\"for one of ann\"}" >/dev/null
	LARDER_TOKEN=$bob
	same "$(get nodes)/$(json reply.json .total)" 200/0
	same "$(post heartbeat "{\"agent_id\":\"n1\"}")" 404
	same "$(post register "{\"agent_id\":\"n1\",\"platform\":\"mac\"}")" 201
	same "$(get "task/next?agent_id=n1&lease=60")/$(jq .data reply.json)" 200/null
	same "$(post deregister "{\"agent_id\":\"n1\"}")" 200
	LARDER_TOKEN=$ann
	same "$(get nodes)/$(json reply.json ".data[0].platform")" 200/linux
	get "task/next?agent_id=n1&lease=60" >/dev/null
	LARDER_TOKEN=$bob
	same "$(post task/ack "{\"agent_id\":\"n1\",\"task_id\":1,\"lease\":\"$(json reply.json .data.lease)\"}")" 404
	same "$(post task/complete "{\"agent_id\":\"n1\",\"task_id\":1}")" 404
'

ok 'a task goes to one agent, once, under a lease, and is acknowledged and completed' '
	new_hub hub
	same "$(get "task/next?agent_id=n1&lease=60")/$(jq .data reply.json)" 200/null
	same "$(post dispatch "{\"repo\":\"api\",\"task\":\"one\"}")/$(json reply.json .data.status)" 201/queued
	same "$(post task/assign "{\"agent_id\":\"n2\",\"repo\":\"api\",\"task\":\"two\",\"priority\":9}")" 201
	same "$(post task/assign "{\"repo\":\"api\",\"task\":\"x\"}")" 422
	same "$(post dispatch "{\"repo\":\"api\",\"task\":\"$(head -c 10001 /dev/zero | tr "\\0" a)\"}")" 422
	get "task/next?agent_id=n1&lease=60" >/dev/null
	same "$(json reply.json .data.task)/$(json reply.json .data.status)" one/assigned
	lease=$(json reply.json .data.lease)
	same "$(get "task/next?agent_id=n1&lease=60")/$(jq .data reply.json)" 200/null
	same "$(post task/ack "{\"agent_id\":\"n3\",\"task_id\":1,\"lease\":\"$lease\"}")" 409
	same "$(post task/ack "{\"agent_id\":\"n1\",\"task_id\":1,\"lease\":\"$lease\"}")/$(json reply.json .data.status)" 200/in_progress
	same "$(post task/ack "{\"agent_id\":\"n1\",\"task_id\":99,\"lease\":\"$lease\"}")" 404
	same "$(post task/complete "{\"agent_id\":\"n3\",\"task_id\":1}")" 409
	same "$(post task/complete "{\"agent_id\":\"n1\",\"task_id\":1,\"result\":{\"pr\":5},\"findings\":[]}")/$(json reply.json .data.status)" 200/completed
	same "$(post task/complete "{\"agent_id\":\"n1\",\"task_id\":\"1\",\"result\":{\"pr\":6}}")/$(json reply.json .data.result.pr)" 200/5
	get "task/next?agent_id=n2" >/dev/null
	same "$(json reply.json .data.task)/$(json reply.json .data.status)" two/in_progress # knows of no leases
'

ok 'a task that is not acknowledged is given out again' '
	new_hub hub
	post dispatch "{\"repo\":\"api\",\"task\":\"one\"}" >/dev/null
	get "task/next?agent_id=n1&lease=1" >/dev/null
	lease=$(json reply.json .data.lease)
	wait_for "get \"task/next?agent_id=n2&lease=60\" >/dev/null; jq -e .data.id reply.json >/dev/null"
	same "$(json reply.json .data.deliveries)/$(json reply.json .data.agent_id)" 2/n2
	same "$(post task/ack "{\"agent_id\":\"n1\",\"task_id\":1,\"lease\":\"$lease\"}")/$(json reply.json .error)" 409/conflict
'

ok 'a task whose node died after it took it is given out again, of one that beats it is not' '
	new_hub hub
	post register "{\"agent_id\":\"n1\"}" >/dev/null
	post dispatch "{\"repo\":\"api\",\"task\":\"one\"}" >/dev/null
	get "task/next?agent_id=n1&lease=60" >/dev/null
	post task/ack "{\"agent_id\":\"n1\",\"task_id\":1,\"lease\":\"$(json reply.json .data.lease)\"}" >/dev/null
	same "$(get "task/next?agent_id=n2&lease=60")/$(jq .data reply.json)" 200/null
	stop_hub
	LARDER_NOW=+2h
	export LARDER_NOW
	start_hub hub
	unset LARDER_NOW
	same "$(get "task/next?agent_id=n2&lease=60")/$(json reply.json .data.deliveries)" 200/2
	same "$(post task/complete "{\"agent_id\":\"n1\",\"task_id\":1}")" 409
'

ok 'who may only read is given no task; a key does what it names' '
	new_hub hub
	post dispatch "{\"repo\":\"api\",\"task\":\"one\"}" >/dev/null
	all=$LARDER_TOKEN
	LARDER_TOKEN=$(larder admin token create --name r --scope read)
	same "$(get "task/next?agent_id=n1")/$(get "events?agent_id=n1")/$(get nodes)" 403/403/200
	LARDER_TOKEN=$all
	LARDER_TOKEN=$(larder admin token create --name k --permission fleet.write)
	same "$(get "task/next?agent_id=n1")/$(post register "{\"agent_id\":\"n1\"}")" 403/201
	LARDER_TOKEN=$all
	LARDER_TOKEN=$(larder admin token create --name k --permission fleet.read)
	same "$(get "task/next?agent_id=n1&lease=60")/$(json reply.json .data.task)" 200/one
	same "$(post task/ack "{\"agent_id\":\"n1\",\"task_id\":1,\"lease\":\"$(json reply.json .data.lease)\"}")" 403
'

ok 'the stream brings tasks as they are given, and what was not seen once more' '
	new_hub hub
	post register "{\"agent_id\":\"n1\"}" >/dev/null
	stream one "agent_id=n1&lease=60"
	post dispatch "{\"repo\":\"api\",\"task\":\"first\"}" >/dev/null
	post task/assign "{\"agent_id\":\"n1\",\"repo\":\"api\",\"task\":\"second\"}" >/dev/null
	post task/assign "{\"agent_id\":\"n2\",\"repo\":\"api\",\"task\":\"not ours\"}" >/dev/null
	wait_for "[ -n \"\$(data_of one.out 2)\" ]"
	same "$(data_of one.out 1 | json .task)/$(data_of one.out 2 | json .task)" first/second
	same "$(get "nodes?status=busy")/$(json reply.json .total)" 200/1
	hasnt one.out "not ours"
	post task/ack "{\"agent_id\":\"n1\",\"task_id\":1,\"lease\":\"$(data_of one.out 1 | json .lease)\"}" >/dev/null
	first=$(sed -n "s/^id: //p" one.out | head -n 1)
	kill -KILL $STREAM
	# The second was not seen: it comes again at once, with another number and lease.
	stream two "agent_id=n1&lease=60" --header "Last-Event-ID: $first"
	wait_for "[ -n \"\$(data_of two.out 1)\" ]"
	same "$(data_of two.out 1 | json .task)/$(data_of two.out 1 | json .deliveries)" second/2
	[ "$(data_of two.out 1 | json .lease)" != "$(data_of one.out 2 | json .lease)" ]
	[ "$(sed -n "s/^id: //p" two.out | head -n 1)" -gt "$first" ]
'

ok 'a stream without leases counts its tasks as taken; a limit ends it' '
	new_hub hub
	post dispatch "{\"repo\":\"api\",\"task\":\"first\"}" >/dev/null
	curl --silent --no-buffer --header "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/v1/fleet/stream?agent_id=old&limit=1&poll_interval_ms=500" >out
	same "$(data_of out 1 | json .status)" in_progress
	same "$(status GET "/v1/fleet/events?agent_id=old&poll_interval_ms=50" "$LARDER_TOKEN")" 422
	same "$(status GET "/v1/fleet/events" "$LARDER_TOKEN")" 422
	same "$(status GET "/v1/fleet/events?agent_id=a" "")/$(json reply.json .error)" 401/unauthorised
'

ok 'records and tasks of long ago are forgotten with the upkeep of a hub' '
	new_hub hub
	post dispatch "{\"repo\":\"api\",\"task\":\"one\"}" >/dev/null
	post dispatch "{\"repo\":\"api\",\"task\":\"waits\"}" >/dev/null
	get "task/next?agent_id=n1" >/dev/null
	post task/complete "{\"agent_id\":\"n1\",\"task_id\":1}" >/dev/null
	status POST /v1/agent/sync "$LARDER_TOKEN" "{\"agent_id\":\"n1\",\"dispatches\":[{\"repo\":\"y\",\"status\":\"failed\"}]}" >/dev/null
	same "$(get stats)/$(json reply.json .data.repos_touched)" 200/1
	stop_hub
	LARDER_NOW=+2d LARDER_HUB_AGENTS_KEEP=1d
	export LARDER_NOW LARDER_HUB_AGENTS_KEEP
	start_hub hub
	unset LARDER_NOW
	wait_for "get stats >/dev/null; jq -e \".data.repos_touched == 0\" reply.json >/dev/null"
	same "$(get "task/next?agent_id=n1")/$(json reply.json .data.task)" 200/waits
'

ok 'streams take no thread from others, and end with the hub' '
	LARDER_HUB_THREADS=2
	export LARDER_HUB_THREADS
	new_hub hub
	token=$(larder admin token create --name s --rate 0)
	LARDER_TOKEN=$token
	for i in 1 2 3 4 5 6 7 8; do stream s$i "agent_id=a$i&lease=60"; done
	same "$(status GET /api/health)" 200
	post dispatch "{\"repo\":\"api\",\"task\":\"for one of them\"}" >/dev/null
	wait_for "[ \"\$(cat s?.out | grep -c task.assigned)\" = 1 ]"
	stop_hub
	wait_for "gone $STREAM"
	same "$(cat s?.out | grep -c task.assigned)" 1
'

ok 'a token that ends takes its stream along' '
	new_hub hub
	admin=$LARDER_TOKEN
	LARDER_TOKEN=$(larder admin token create --name s)
	stream one "agent_id=n1"
	id=$(printf %s "$LARDER_TOKEN" | cut -d_ -f2)
	LARDER_TOKEN=$admin
	larder admin token revoke "$id" >/dev/null
	post dispatch "{\"repo\":\"api\",\"task\":\"x\"}" >/dev/null
	wait_for "gone $STREAM"
	hasnt one.out task.assigned
'
