#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nothing that ML-KEM keeps secret decides a branch or an address, in the code that each compiler makes of it: for the
# boot image (net/sources.mk), and for the hosted programs. The judge is Valgrind's memcheck, to which secrets are
# undefined bytes (tests/net/secrets.c); it is first made to find a branch that does depend on one.
set -euo pipefail
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

cat >"$tmp/wipe.c" <<'END'
#include "base/mem.h"
#include <string.h>
void bf_wipe(void *memory, size_t len) { memset(memory, 0, len); }
END

ok() { echo "ok secrets: $1"; }
not_ok() { sed 's/^/# /' "$tmp/out"; echo "not ok secrets: $1"; failed=1; }

# build NAME COMPILER FLAG...: DWARF 4 is the newest that Debian 12's Valgrind reads from clang.
build() {
    "${@:2}" -gdwarf-4 -std=gnu11 -I. -isystem build/third_party/libcrux -c -o "$tmp/mlkem.o" net/tls/mlkem.c
    gcc -gdwarf-4 -std=gnu11 -I. -o "$tmp/$1" tests/net/secrets.c "$tmp/wipe.c" "$tmp/mlkem.o"
}
run() { valgrind -q --error-exitcode=9 --suppressions=tests/net/secrets.supp "$tmp/$1" "${@:2}" >"$tmp/out" 2>&1; }

# judge NAME WHAT
judge() {
    if run "$1" && grep -qx 'done' "$tmp/out" && ! grep -q '^not ok' "$tmp/out"; then ok "$2"; else not_ok "$2"; fi
}

build image clang -O2 -Oz -ffreestanding -mllvm -inline-threshold=0
build hosted gcc -O2 -fPIE
if ! run hosted leak && grep -q 'depends on uninitialised' "$tmp/out"; then
    ok "a branch on a secret is noticed"
else
    not_ok "a branch on a secret is noticed"
fi
judge image "none decides a branch or an address, compiled as for the boot image"
judge hosted "nor in the hosted programs"
exit $failed
