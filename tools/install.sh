#!/usr/bin/env bash
# Installs Debian packages that the tests or the demo need, when they are missing.
# Usage: tools/install.sh COMMAND...
set -euo pipefail

declare -A package_of=([chromium]=chromium)

missing=()
for command in "$@"; do
	command -v "$command" >/dev/null || missing+=("${package_of[$command]:-$command}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "please install: ${missing[*]} (this machine has no apt-get)" >&2
	exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "please install as root: apt-get install ${missing[*]}" >&2; exit 1; }
	as_root=(sudo)
fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
