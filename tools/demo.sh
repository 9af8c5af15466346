#!/usr/bin/env bash
# Starts the server on a data directory of its own, posts crashes to it, waits
# until they are processed, prints where to look, and serves until Ctrl-C.
# Usage: tools/demo.sh [MINIDUMP...]
# Environment: LISTEN (127.0.0.1:8000), DATA (demo-data), DEMO_EXIT=1 stops after the list.
set -euo pipefail
cd "$(dirname "$0")/.."

listen=${LISTEN:-127.0.0.1:8000}
data=${DATA:-demo-data}
mkdir -p "$data"

if curl -s -o /dev/null --max-time 2 "http://$listen/__lbheartbeat__"; then
	echo "something already listens on $listen; stop it, or choose another address: LISTEN=127.0.0.1:8001 make demo" >&2
	exit 1
fi

bin/socorro serve --data "$data" --listen "$listen" --symbols testdata/symbols --log-format text --log-level warn &
server=$!
trap 'kill -TERM $server 2>/dev/null; wait $server 2>/dev/null; exit 130' INT TERM
trap 'kill -TERM $server 2>/dev/null || true' EXIT

for _ in $(seq 100); do
	curl -s -o /dev/null --max-time 2 "http://$listen/__lbheartbeat__" && break
	kill -0 $server 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
	sleep 0.1
done

post() { # post PRODUCT VERSION FILE
	echo
	echo "$3"
	bin/socorro submit --url "http://$listen/submit" --wait 60s \
		-a "ProductName=$1" -a "Version=$2" -a "CrashTime=$(date +%s)" -a ReleaseChannel=release "$3" | sed 's/^/  /'
}

if [ $# -gt 0 ]; then
	for dump in "$@"; do post Demo 1.0 "$dump"; done
else
	for dump in testdata/crashes/c_*.dmp; do post Calculator 1.4.2 "$dump"; done
	for dump in testdata/crashes/cpp_*.dmp; do post Painter 7.0b3 "$dump"; done
	for dump in testdata/crashes/rs_*.dmp; do post Ferris 0.9.1 "$dump"; done
fi

echo
echo "The dashboard: http://$listen/   (Ctrl-C ends the demo; its data is in $data/)"
[ -n "${DEMO_EXIT:-}" ] && exit 0
wait $server
