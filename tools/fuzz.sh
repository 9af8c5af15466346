#!/usr/bin/env bash
# Runs every fuzz target of the project in turn. Go fuzzes one target at a time,
# and looks stuck while it minimises slow inputs, so it may try that once only.
# Usage: tools/fuzz.sh [TIME]
set -euo pipefail
time=${1:-20s}
grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do
	grep -o '^func Fuzz[A-Za-z0-9_]*' "$file" | cut -d' ' -f2 | while read -r target; do
		echo "== $(dirname "$file") $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x "$(dirname "$file")"
	done
done
