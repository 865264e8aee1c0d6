#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A hub from init to its end.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

ok 'hub init prints a token that works, and nothing else' '
	new_hub hub
	same "$(echo "$LARDER_TOKEN" | grep -cE "^lrd_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$")" 1
	same "$(status GET /api/admin/users "$LARDER_TOKEN")" 200
'

ok 'hub init --json names the folder, the admin and the expiry' '
	larder hub init hub --admin Ann@Example.com --json >out.json
	same "$(json out.json .data) $(json out.json .admin)" "hub Ann@Example.com"
	json out.json .token >/dev/null
	json out.json .expires_at >/dev/null
'

ok 'a second hub init is refused and changes nothing' '
	larder hub init hub --admin ann@example.com >token
	snapshot hub >before
	exits 3 larder hub init hub --admin eve@example.com 2>err
	has err "already"
	has err "larder hub token"
	snapshot hub >after
	same "$(grep -v state.db before)" "$(grep -v state.db after)"
'

ok 'hub token makes a new one for an admin, while the hub serves' '
	new_hub hub
	LARDER_TOKEN=$(larder hub token hub --user ann@example.com)
	larder admin user list
	exits 1 larder hub token hub --user eve@example.com
	larder admin user add bob@example.com
	exits 4 larder hub token hub --user bob@example.com
'

ok 'hub init refuses what is no address, and leaves no hub' '
	exits 2 larder hub init hub --admin nobody
	exits 2 larder hub init hub
	larder hub init hub --admin ann@example.com
'

ok 'hub init refuses a workspace' '
	mkdir -p ws/.larder
	echo "server: http://127.0.0.1:1" >ws/.larder/config.yaml
	exits 3 larder hub init ws --admin ann@example.com 2>err
	has err "is a workspace"
'

ok 'serve prints one line that says where it listens' '
	new_hub hub
	same "$(wc -l <hub.out)" 1
	same "$(grep -cE "^larder: serving hub at http://127\.0\.0\.1:[0-9]+$" hub.out)" 1
'

ok 'health is public, says the version, and answers HEAD' '
	new_hub hub
	same "$(status GET /api/health)" 200
	same "$(json reply.json .status) $(json reply.json .version)" "ok $(larder --version | cut -d" " -f2)"
	same "$(status GET /health/live)" 200
	same "$(status GET /health/ready)" 200
	same "$(status HEAD /api/health)" 200
	has reply.head "X-Request-Id"
'

ok 'SIGTERM, SIGINT and a closed terminal end it with exit 0, and it can start again' '
	new_hub hub
	stop_hub
	for signal in INT HUP; do
		start_hub hub
		kill -$signal $HUB_PID
		wait $HUB_PID
	done
	start_hub hub
'

ok 'a reply that is running is finished before the end' '
	new_hub hub
	i=0
	while [ $i -lt 20 ]; do
		larder admin rule add "r$i" --title t --mandatory --text "$(head -c 100000 /dev/zero | tr "\0" x)"
		i=$((i + 1))
	done
	curl -s --limit-rate 1M -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/memory/bundle" -o bundle.json &
	reader=$!
	wait_for "[ -s bundle.json ]"
	stop_hub
	wait $reader
	same "$(jq ".mandatory | length" bundle.json)" 20
'

ok 'a second serve on the same folder is refused, with the holder named' '
	new_hub hub
	exits 75 larder serve --data hub --listen 127.0.0.1:0 2>err
	has err "process $HUB_PID"
	same "$(status GET /api/health)" 200
'

ok 'a hub that was killed is taken over at once' '
	new_hub hub
	stop_hub KILL
	start_hub hub
	same "$(status GET /api/health)" 200
'

ok 'serve without a hub, or with half of a certificate, says what is missing' '
	exits 1 larder serve --data nowhere 2>err
	has err "no hub"
	has err "larder hub init nowhere"
	[ ! -e nowhere ]
	exits 2 larder serve 2>err
	has err "--data"
	larder hub init hub --admin ann@example.com
	exits 2 larder serve --data hub --tls-cert x.pem
	exits 2 larder serve --data hub --listen localhost 2>err
	has err "ADDRESS:PORT"
	exits 2 larder serve --data hub --listen 127.0.0.1:99999
'

ok 'with a certificate it speaks TLS, and says https' '
	command -v openssl >/dev/null || skip "no openssl to make a certificate with"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
		-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	new_hub hub --tls-cert cert.pem --tls-key key.pem
	case $HUB_URL in https://127.0.0.1:*) ;; *) same "$HUB_URL" "https://127.0.0.1:..." ;; esac
	same "$(curl -s --cacert cert.pem -o reply.json -w "%{http_code}" -H "Authorization: Bearer $LARDER_TOKEN" "$HUB_URL/api/admin/users")" 200
	exits 60 curl -s "$HUB_URL/api/health"
	exits 1 larder admin user list 2>err
	has err certificate
	CURL_CA_BUNDLE="" SSL_CERT_FILE=cert.pem larder admin user list
	echo rubbish >bad.pem
	larder hub init other --admin ann@example.com
	exits 2 larder serve --data other --listen 127.0.0.1:0 --tls-cert bad.pem --tls-key key.pem 2>err
	has err PEM
	exits 1 larder serve --data other --listen 127.0.0.1:0 --tls-cert none.pem --tls-key key.pem 2>err
	has err none.pem
'

ok 'a port that is taken is named' '
	new_hub hub
	larder hub init other --admin ann@example.com
	exits 75 larder serve --data other --listen "${HUB_URL#http://}" 2>err
	has err "${HUB_URL##*:}"
'

ok 'a mistake in config.yaml is told with its line, and nothing serves' '
	larder hub init hub --admin ann@example.com
	printf "limits:\n  uplaod_max: 1G\n" >hub/config.yaml
	exits 2 larder serve --data hub --listen 127.0.0.1:0 2>err
	has err "uplaod_max"
	exits 2 larder config check --data hub 2>err
	has err "line 2"
'

ok 'config check prints what is in force, the environment included' '
	larder hub init hub --admin ann@example.com
	larder config check --data hub --json >before.json
	printf "limits:\n  upload_max: 1M\nretention:\n  versions_keep: 2h\n" >hub/config.yaml
	LARDER_HUB_THREADS=2 larder config check --data hub --json >after.json
	same "$(json before.json ".\"limits.upload_max\"")" 68719476736
	same "$(json after.json ".\"limits.upload_max\"")" 1048576
	same "$(json after.json ".\"limits.threads\"")" 2
	same "$(json after.json ".\"retention.versions_keep\"")" 7200
	larder config check --data hub >text
	has text "limits.upload_max: 1048576"
'

ok 'it tells systemd when it is ready, if asked to' '
	command -v python3 >/dev/null || skip "no python3 to listen with"
	larder hub init hub --admin ann@example.com
	python3 -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(\"notify\")
open(\"bound\", \"w\").close()
for i in range(2): print(s.recv(100).decode(), flush=True)" >told &
	listener=$!
	wait_for "[ -e bound ]"
	NOTIFY_SOCKET=$PWD/notify
	export NOTIFY_SOCKET
	start_hub hub
	stop_hub
	wait $listener
	same "$(tr "\n" " " <told)" "READY=1 STOPPING=1 "
'

ok 'an idle hub stays below 30 MB' '
	skip_if_sanitized
	new_hub hub
	larder admin user list
	same "$(status GET /api/memory/bundle "$LARDER_TOKEN")" 200
	[ "$(sed -n "s/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p" /proc/$HUB_PID/status)" -lt 30000 ]
'
