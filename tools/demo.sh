#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job on real data, explained as it goes: `make demo`. Takes the build folder; everything it makes lies in one folder
# (LARDER_DEMO, else build/demo), which the last lines name together with the commands to go on by hand.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
data=$source/.deps/vega-datasets/data
demo=${LARDER_DEMO:-$build/demo}
PATH=$build/src:$PATH
export PATH

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# The command, then what it says, indented; a command that fails ends the demo.
show() {
	printf '  $ %s\n' "$*"
	if "$@" >"$demo/said" 2>&1; then sed 's/^/    /' "$demo/said"; else
		code=$?
		sed 's/^/    /' "$demo/said"
		return $code
	fi
}

hub_pid=''
stop_hub() { [ -z "$hub_pid" ] || { kill "$hub_pid" 2>/dev/null && wait "$hub_pid" 2>/dev/null; } || :; }
trap stop_hub EXIT
trap 'exit 130' INT TERM

# A demo of before may still hold its hub; its folder is ours by name, never somebody's data.
[ ! -f "$demo/hub.pid" ] || kill "$(cat "$demo/hub.pid")" 2>/dev/null || :
rm -rf "$demo"
mkdir -p "$demo"
cd "$demo"
ln -s "$data" data
unset LARDER_SERVER LARDER_TOKEN LARDER_WORKSPACE
LARDER_CONFIG_DIR=$demo/config
export LARDER_CONFIG_DIR

step '1. A hub: one folder, one process'
printf '  $ larder hub init hub --admin ann@example.com\n'
admin=$(larder hub init hub --admin ann@example.com)
printf '    the admin token is shown once; here it starts with %.9s...\n' "$admin"
larder serve --data hub --listen 127.0.0.1:0 >serve.out 2>serve.log &
hub_pid=$!
echo "$hub_pid" >hub.pid
until [ -s serve.out ]; do
	kill -0 "$hub_pid" || { cat serve.log; exit 1; }
	sleep 0.05
done
url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' serve.out)
printf '  $ larder serve --data hub --listen 127.0.0.1:0\n    %s\n' "$(cat serve.out)"
export LARDER_SERVER="$url" LARDER_TOKEN="$admin"

step '2. Tables are published: Parquet as it is, CSV, TSV and JSON converted by the hub'
publish() { show larder publish "$@"; }
publish flights "data/flights-3m.parquet" --description 'Three million US flights'
publish airports "data/airports.csv" --sort iata --description 'US airports'
publish weather "data/seattle-weather.csv" --sort date
publish stocks "data/stocks.csv" --sort symbol
publish movies "data/movies.json"
publish birdstrikes "data/birdstrikes.csv"
publish zipcodes "data/zipcodes.csv" --sort zip_code
publish sp500 "data/sp500-2000.csv" --sort date
publish gapminder "data/gapminder.json"
publish penguins "data/penguins.json"
publish unemployment "data/unemployment.tsv" --sort id
publish cars "data/cars.json"
publish countries "data/countries.json"

step '3. Who may see what: a user, a group, grants; and three rules'
show larder admin user add bo@example.com --name Bo
show larder admin group add analysts
show larder admin member add analysts bo@example.com
for table in flights airports weather stocks movies birdstrikes zipcodes sp500 gapminder penguins unemployment cars; do
	larder admin grant add analysts "$table" >/dev/null
done
echo '    12 grants: analysts may see all tables but "countries"'
show larder admin rule add flights-delay --title 'Delay is in minutes' --mandatory \
	--text 'flights.delay is the arrival delay in minutes; negative means early.'
show larder admin rule add airports-key --title 'Joining airports' --mandatory \
	--text 'Join flights.origin and flights.destination with airports.iata.'
show larder admin rule add weather-unit --title 'Weather units' \
	--text 'Temperatures in weather are in degrees Celsius.'
printf '  $ larder admin token create --name laptop --user bo@example.com\n'
bo=$(larder admin token create --name laptop --user bo@example.com)
printf '    %.9s...\n' "$bo"

step '4. A workspace of Bo: initialised, then pulled, verified on arrival'
unset LARDER_TOKEN LARDER_SERVER
printf '  $ larder init workspace --server %s --token %.9s...\n' "$url" "$bo"
larder init workspace --server "$url" --token "$bo" 2>&1 | sed 's/^/    /'
cd workspace
show larder status
show ls server/parquet .claude/rules

step '5. A question, answered offline from the pulled tables'
show larder query "SELECT a.city, a.state, count(*) AS flights, round(avg(f.delay), 1) AS minutes_late
  FROM flights f JOIN airports a ON f.destination = a.iata
  GROUP BY ALL ORDER BY flights DESC LIMIT 5"

step '6. A second pull has nothing to do: one request'
show larder pull

step '7. One table is published anew; the next pull brings it and nothing else'
head -500 "$data/seattle-weather.csv" >../weather-new.csv
LARDER_SERVER=$url LARDER_TOKEN=$admin show larder publish weather ../weather-new.csv --sort date
show larder pull
show larder query 'SELECT count(*) AS days, max(date) AS last FROM weather'

step '8. A grant is withdrawn; the table disappears with the next pull'
LARDER_SERVER=$url LARDER_TOKEN=$admin show larder admin grant remove analysts movies
show larder pull
printf '  $ larder query "FROM movies"\n'
larder query 'FROM movies' 2>&1 | sed 's/^/    /' || :

step '9. Every byte on disk is what the hub published'
show larder verify

cat <<END

Everything is in $demo
The hub ends with this demo. To go on by hand:

  export PATH=$build/src:\$PATH LARDER_CONFIG_DIR=$demo/config
  larder serve --data $demo/hub --listen ${url#http://} &
  cd $demo/workspace && larder pull
  larder query "FROM airports LIMIT 5"
  larder --help
END
