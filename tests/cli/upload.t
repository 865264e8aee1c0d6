#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
# What the hub does with what is sent to it: transcripts, artifacts, CLAUDE.local.md.
. "$(dirname "$0")/../lib.sh"
. "$SOURCE/tests/hub.sh"

new_hub hub || exit 1
bob=$(token_of bob@example.com)
reader=$(token_of bob@example.com --scope read)
export bob reader

# Sends FILE as NAME, prints the status; the reply is in reply.json.
upload() { # ROUTE NAME FILE [CURL OPTIONS]
	upload_route=$1 upload_name=$2 upload_file=$3
	shift 3
	curl --silent --output reply.json --write-out '%{http_code}\n' --header "Authorization: Bearer $bob" \
		--form "file=@$upload_file;filename=$upload_name" "$@" "$HUB_URL/api/upload/$upload_route"
}

kept() { # FILE: of bob, below the data folder
	find "$SHARED/hub" -path "*/bob@example.com/$1" -type f
}

ok 'a transcript is kept as it came, and the same again is a duplicate' '
	printf "{\"a\":1}\n{\"b\":2}" >s.jsonl
	same "$(upload sessions one.jsonl s.jsonl)" 200
	same "$(jq -c . reply.json)" "{\"duplicate\":false,\"filename\":\"one.jsonl\",\"size\":15,\"status\":\"ok\"}"
	cmp s.jsonl "$SHARED/hub/sessions/bob@example.com/one.jsonl"
	same "$(upload sessions one.jsonl s.jsonl)" 200
	same "$(json reply.json .duplicate)" true
	same "$(ls -A "$SHARED/hub/.larder/staging")" ""
'

ok 'a grown one takes its place, an empty one is fine, artifacts lie apart' '
	echo one >s
	same "$(upload sessions two.jsonl s)" 200
	echo more >>s
	same "$(upload sessions two.jsonl s)" 200
	same "$(json reply.json .duplicate)" false
	cmp s "$SHARED/hub/sessions/bob@example.com/two.jsonl"
	: >empty
	same "$(upload sessions empty.jsonl empty)" 200
	same "$(json reply.json .size)" 0
	same "$(upload artifacts two.jsonl empty)" 200
	same "$(kept two.jsonl | wc -l)" 2
'

ok 'a file lost from the disk is taken in again, not called a duplicate' '
	echo lost >s
	same "$(upload sessions lost.jsonl s)" 200
	rm "$SHARED/hub/sessions/bob@example.com/lost.jsonl"
	same "$(upload sessions lost.jsonl s)" 200
	same "$(json reply.json .duplicate)" false
	same "$(kept lost.jsonl | wc -l)" 1
'

ok 'a gzip name is kept unpacked, a broken one is 400 invalid_gzip' '
	seq 1 20000 >plain
	gzip -k plain
	same "$(upload sessions seq.jsonl.gz plain.gz)" 200
	same "$(json reply.json .filename)" seq.jsonl
	same "$(json reply.json .size)" "$(stat -c %s plain)"
	cmp plain "$SHARED/hub/sessions/bob@example.com/seq.jsonl"
	same "$(upload sessions bad.jsonl.gz plain)" 400
	same "$(json reply.json .code)" invalid_gzip
	head -c 2000 plain.gz >cut.gz
	same "$(upload sessions bad.jsonl.gz cut.gz)" 400
	same "$(json reply.json .code)" invalid_gzip
	same "$(upload artifacts plain.gz plain.gz)" 200
	cmp plain.gz "$SHARED/hub/artifacts/bob@example.com/plain.gz"
	same "$(kept "bad*")" ""
'

ok 'over 50 MiB is 413, also when it is small until unpacked' '
	head -c 52428800 /dev/zero >most
	same "$(upload sessions most.jsonl most)" 200
	cp most over
	printf x >>over
	same "$(upload sessions over.jsonl over)" 413
	gzip over
	same "$(upload sessions over.jsonl.gz over.gz)" 413
	same "$(kept "over*")" ""
	same "$(ls -A "$SHARED/hub/.larder/staging")" ""
'

ok 'names that could leave their folder are 400' '
	echo x >s
	for name in .. . a/b "a b" "a%2fb" "-.jsonl;" ".gz" "$(printf "%0201d" 0)"; do
		case "$name $(upload sessions "$name" s)" in
		"a/b 400" | "a/b 200") ;; # some clients send the last part only
		"-.jsonl; 200") ;; # ... or end it at a semicolon
		*" 400") ;;
		*) echo "$name"; cat reply.json; exit 1 ;;
		esac
	done
	same "$(upload sessions "$(printf "%0200d" 0)" s)" 200
'

ok 'what is no form with the field is 422' '
	echo x >s
	same "$(curl -s -o reply.json -w "%{http_code}" -H "Authorization: Bearer $bob" -F "other=@s" "$HUB_URL/api/upload/sessions")" 422
	same "$(status POST /api/upload/sessions "$bob" "{}")" 422
	same "$(curl -s -o reply.json -w "%{http_code}" -H "Authorization: Bearer $bob" -H "Content-Type: multipart/form-data; boundary=x" \
		--data-binary "--x" "$HUB_URL/api/upload/sessions")" 422
'

ok 'CLAUDE.local.md is kept for each user; without content it is 422' '
	same "$(status POST /api/upload/local-md "$bob" "{\"content\":\"# mine\\n\"}")" 200
	same "$(json reply.json .user)" bob@example.com
	same "$(json reply.json .size)" 7
	same "$(cat "$SHARED/hub/local-md/bob@example.com/CLAUDE.local.md")" "# mine"
	same "$(status POST /api/upload/local-md "$bob" "{}")" 422
	same "$(status POST /api/upload/local-md "$bob" "{\"content\":1}")" 422
'

ok 'without a token, or with one that may only read, nothing is taken' '
	echo x >s
	same "$(curl -s -o reply.json -w "%{http_code}" -F "file=@s" "$HUB_URL/api/upload/sessions")" 401
	same "$(bob=$reader upload sessions r.jsonl s)" 403
	same "$(status POST /api/upload/local-md "$reader" "{\"content\":\"\"}")" 403
	same "$(kept r.jsonl)" ""
'

ok 'two users may use the same name' '
	echo ann >a
	echo bob >b
	same "$(upload sessions both.jsonl b)" 200
	same "$(bob=$LARDER_TOKEN upload sessions both.jsonl a)" 200
	same "$(cat "$SHARED/hub/sessions/ann@example.com/both.jsonl")" ann
	same "$(cat "$SHARED/hub/sessions/bob@example.com/both.jsonl")" bob
'

# The rest of a file: NAME FILE OFFSET FILE-WITH-WHAT-IS-BEFORE-IT
upload_tail() {
	curl --silent --output reply.json --write-out '%{http_code}\n' --header "Authorization: Bearer $bob" \
		--header "X-Larder-Offset: $3" --header "X-Larder-Prefix-SHA256: $(sha256sum <"$4" | cut -d ' ' -f 1)" \
		--form "tail=@$2;filename=$1" "$HUB_URL/api/upload/sessions"
}

ok 'the rest of a file is added to what is kept, when offset and hash prove what is before it' '
	seq 1 1000 >one
	seq 1001 2000 >two
	seq 1 2000 >whole
	same "$(upload sessions grown.jsonl one)" 200
	same "$(upload_tail grown.jsonl two "$(wc -c <one)" one)" 200
	same "$(json reply.json .size)" "$(wc -c <whole)"
	cmp whole "$SHARED/hub/sessions/bob@example.com/grown.jsonl"
	gzip -k two
	same "$(upload sessions grown.jsonl one)" 200
	same "$(upload_tail grown.jsonl.gz two.gz "$(wc -c <one)" one)" 200
	cmp whole "$SHARED/hub/sessions/bob@example.com/grown.jsonl"
	same "$(upload sessions grown.jsonl whole)" 200
	same "$(json reply.json .duplicate)" true
'

ok 'a rest that belongs to other bytes is 409 and changes nothing' '
	seq 1 1000 >one
	seq 1 999 >short
	echo more >two
	same "$(upload_tail none.jsonl two "$(wc -c <one)" one)" 409
	same "$(upload sessions other.jsonl one)" 200
	same "$(upload_tail other.jsonl two "$(wc -c <short)" short)" 409
	same "$(upload_tail other.jsonl two "$(wc -c <one)" short)" 409
	echo damaged >>"$SHARED/hub/sessions/bob@example.com/other.jsonl"
	same "$(upload_tail other.jsonl two "$(wc -c <one)" one)" 409
	same "$(ls -A "$SHARED/hub/.larder/staging")" ""
	for offset in 0 -1 x 52428801 99999999999999999999; do
		same "$(upload_tail other.jsonl two $offset one)" 400
	done
	same "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $bob" -H "X-Larder-Offset: 5" \
		--form "file=@two;filename=x.jsonl" "$HUB_URL/api/upload/sessions")" 400
	same "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $bob" \
		--form "tail=@two;filename=x.jsonl" "$HUB_URL/api/upload/sessions")" 422
'
