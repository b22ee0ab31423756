#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/docs/configuration.sh [--write]
# The list of keys in docs/configuration.md is the one that the parser has. --write puts it there.
set -euo pipefail
cd "$(dirname "$0")/../.."
file=docs/configuration.md
begin='<!-- keys: made from base/config_table.c by tests/docs/configuration.sh --write -->'
end='<!-- end of keys -->'
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

build/tests/config_keys >"$tmp/keys"
awk -v begin="$begin" -v end="$end" -v keys="$tmp/keys" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { inside = 1; while ((getline line < keys) > 0) print line; print "" }
' "$file" >"$tmp/new"
if [ "${1:-}" = --write ]; then
    cp "$tmp/new" "$file"
fi
if grep -qF "$begin" "$file" && diff -u "$file" "$tmp/new" >&2; then
    echo 'ok docs/configuration.md lists the keys that the parser has'
else
    echo 'not ok docs/configuration.md lists the keys that the parser has'
    exit 1
fi
