#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lint must notice each offence: plants one per rule in an empty tree and looks whether that
# rule, and no other, complains.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

spdx='// SPDX-License-Identifier: Apache-2.0'
fresh_tree() {
    rm -rf "$tmp/tree"
    mkdir -p "$tmp"/tree/{base,image,net,drivers,migrate,boot,replica,tests,build/efi}
    cp "$top"/tests/lint* "$tmp/tree/tests/"
    rm "$tmp/tree/tests/lint_selftest.sh"
    cp "$tmp/empty.a" "$tmp/tree/build/efi/libbootferry.a"
    printf '/build/\n' >"$tmp/tree/.gitignore"
    git -C "$tmp/tree" init -q
}

# offence RULE FILE LINE...: (with mode=) the rule complains about the file and nothing else is wrong.
offence() {
    local rule=$1 file=$2
    shift 2
    fresh_tree
    printf '%s\n' "$@" >"$tmp/tree/$file"
    chmod "${mode:-644}" "$tmp/tree/$file"
    LZ4_USERS=migrate/compress.c "$tmp/tree/tests/lint.sh" >"$tmp/out" 2>&1 && true
    if [ "$(grep -c '^not ok' "$tmp/out")" -eq 1 ] && grep -q "^not ok lint: $rule" "$tmp/out"; then
        echo "ok lint notices: $rule ($file)"
    else
        sed 's/^/# /' "$tmp/out"
        echo "not ok lint notices: $rule ($file)"
        failed=1
    fi
}

printf 'void bf_x(void);\nvoid bf_x(void) {}\n' >"$tmp/empty.c"
clang --target=x86_64-unknown-windows -ffreestanding -c -o "$tmp/empty.o" "$tmp/empty.c"
llvm-ar rcs "$tmp/empty.a" "$tmp/empty.o"

offence 'base includes only' base/a.c "$spdx" '#include "image/block.h"'
offence 'image includes only' image/a.h "$spdx" '  #  include "net/nic.h"'
offence 'net includes only' net/a.c "$spdx" '#include "migrate/sender.h"'
offence 'drivers includes only' drivers/a_efi.c "$spdx" '#include "boot/cpu.h"'
offence 'migrate includes only' migrate/a.c "$spdx" '#include "linux/socket_stream.h"'
offence 'boot includes only' boot/a.c "$spdx" '#include "replica/pe.h"'
offence 'replica includes only' replica/a.c "$spdx" '#include "drivers/efi.h"'
offence 'base includes only' base/a.c "$spdx" '#include "../image/block.h"'
offence 'portable code includes' base/a.c "$spdx" '#include <stdlib.h>'
offence 'LZ4 is included' migrate/other.c "$spdx" '#include <lz4.h>'
offence 'BLAKE3 is included' image/a.c "$spdx" '#include <blake3.h>'
offence 'firmware headers' replica/a.c "$spdx" '#include <efi.h>'
offence 'no platform #if' base/a.c "$spdx" '#if defined(_WIN32)' '#endif'
offence 'no long' image/a.c "$spdx" 'unsigned long a;'
offence 'no literal 512' image/a.c "$spdx" 'return offset / 512;'
offence 'an SPDX line' boot/a.c 'int a;'
offence 'no notes of unfinished work' boot/a.c "$spdx" "// TO""DO: later"
offence 'messages are words' net/a.c "$spdx" 'log("no answer (%d)", e);'
offence 'messages are words' boot/a.c "$spdx" 'log("not given away:"' '    " EFI error %u", e);'
offence 'no line over 100 columns' boot/a.c "$spdx" "// $(printf 'x%.0s' {1..100})"
offence 'no tabs' boot/a.c "$spdx" "$(printf '\tint a;')"
offence 'no function over 100 lines' boot/a.c "$spdx" 'void f(void)' '{' "$(yes '    g();' | head -n 101)" '}'
mode=755 offence 'shell scripts pass shellcheck' a.sh '#!/bin/bash' '# SPDX-License-Identifier: Apache-2.0' \
    "echo \$1 \$(ls | grep x)"
offence 'what begins with an interpreter' a.sh '#!/bin/bash' '# SPDX-License-Identifier: Apache-2.0' 'true'

# The library must not call what the platform does not give.
printf 'void exit(int);\nvoid bf_x(void);\nvoid bf_x(void) { exit(1); }\n' >"$tmp/empty.c"
clang --target=x86_64-unknown-windows -ffreestanding -c -o "$tmp/empty.o" "$tmp/empty.c"
llvm-ar rcs "$tmp/empty.a" "$tmp/empty.o"
offence 'the library leaves undefined' base/a.c "$spdx"
exit $failed
