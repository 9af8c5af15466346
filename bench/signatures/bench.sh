#!/usr/bin/env bash
# Signatures per second on one core: ours, and Socorro's Python as published on
# PyPI (siggen). Both sign the same crashes in the same minute, reading of JSON
# not counted; the machine makes the numbers, so only their ratio says something.
#
#   bench/signatures/bench.sh [--install] [CORPUS]
#
# --install puts siggen into a virtual environment below bin/. CORPUS is gzipped
# JSON lines with "input": crash data; default crash_data-2026.jsonl.gz of the
# oracle ($ORACLE).
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=bin/siggen
if [ "${1:-}" = --install ]; then
	shift
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet siggen
fi
corpus=${1:-${ORACLE:-../shared/oracle}/signature/crash_data-2026.jsonl.gz}
[ -r "$corpus" ] || { echo "no corpus at $corpus: name one, or set ORACLE" >&2; exit 1; }

ours=$(GOMAXPROCS=1 CORPUS="$(realpath "$corpus")" ${GO:-go} test -run '^$' -bench 'Signatures$' -benchtime 3s ./bench/signatures |
	awk '{for (i = 2; i <= NF; i++) if ($i == "signatures/s") print $(i - 1)}')
[ -n "$ours" ] || { echo "the benchmark gave no number" >&2; exit 1; }
echo "socorro   $ours signatures/s"

if [ ! -x "$venv/bin/python" ]; then
	echo "siggen is not installed; run again with --install to compare" >&2
	exit 0
fi
peer=$("$venv/bin/python" bench/signatures/peer.py "$corpus")
echo "siggen    $peer signatures/s"
awk -v a="$ours" -v b="$peer" 'BEGIN { printf "ratio     %.1f\n", a / b }'
