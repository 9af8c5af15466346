#!/usr/bin/env bash
# Measures stack walking, beside rust-minidump's when that is installed:
#   cargo install --locked minidump-stackwalk --version 0.27.0
# Usage: bench/stackwalk.sh [flags of bench/stackwalk, see -help]
set -euo pipefail
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
go build -o bin/socorro ./cmd/socorro
go build -o "$tool/bench" ./bench/stackwalk
"$tool/bench" "$@"
