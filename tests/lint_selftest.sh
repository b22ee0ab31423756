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
    mkdir -p "$tmp"/tree/{base,image/new,net,drivers,migrate/copy,boot,replica/state,tests,build/efi}
    cp "$top"/tests/lint* "$tmp/tree/tests/"
    rm "$tmp/tree/tests/lint_selftest.sh"
    printf '%s\n' "${allowed:-}" >"$tmp/tree/tests/lint_allowed"
    printf '%s\n' "${stateful:-}" >"$tmp/tree/tests/lint_stateful"
    cp "$tmp/empty.a" "$tmp/tree/build/efi/libbootferry.a"
    : >"$tmp/tree/build/bootferry.map"
    truncate -s "${image:-4096}" "$tmp/tree/build/bootferry.efi"
    echo 'The boot image has 4,096 bytes.' >"$tmp/tree/README.md"
    printf '/build/\n' >"$tmp/tree/.gitignore"
    git -C "$tmp/tree" init -q
}

# offence RULE FILE LINE...: (with mode=, or image=BYTES) the rule complains about the file and nothing else is wrong.
offence() {
    local rule=$1 file=$2
    shift 2
    fresh_tree
    printf '%s\n' "$@" >"$tmp/tree/$file"
    chmod "${mode:-644}" "$tmp/tree/$file"
    look "$rule" "$file"
}

# look RULE PLACE: the rule complains about the tree as it is, and nothing else is wrong; RULE - : nothing is.
look() {
    local rule=$1 file=$2 wrong=1 verb=notices status=0
    [ "$rule" != - ] || { wrong=0 verb='lets pass'; }
    LZ4_USERS=migrate/compress.c "$tmp/tree/tests/lint.sh" >"$tmp/out" 2>&1 || status=$?
    if [ "$(grep -c '^not ok' "$tmp/out")" -eq "$wrong" ] && [ "$status" -eq "$wrong" ] &&
        { [ "$rule" = - ] || grep -q "^not ok lint: $rule" "$tmp/out"; }; then
        echo "ok lint $verb: $rule ($file)"
    else
        sed 's/^/# /' "$tmp/out"
        echo "not ok lint $verb: $rule ($file)"
        failed=1
    fi
}

# linked RULE FLAVOUR FILE TEXT...: as offence, for several sources, which are compiled.
linked() {
    local rule=$1 flavour=$2 place="$3, $2" object compiler=(clang -c)
    shift 2
    [ "$flavour" = linux ] || compiler=(clang --target=x86_64-unknown-windows -ffreestanding -c)
    fresh_tree
    while [ $# -gt 0 ]; do
        printf '%s\n%s\n' "$spdx" "$2" >"$tmp/tree/$1"
        object=$tmp/tree/build/$flavour/${1%.c}.o
        mkdir -p "${object%/*}"
        case $1 in tests/* | *.h) ;; *) "${compiler[@]}" -o "$object" "$tmp/tree/$1" ;; esac
        shift 2
    done
    look "$rule" "$place"
}

printf 'void bf_x(void);\nvoid bf_x(void) {}\n' >"$tmp/empty.c"
clang --target=x86_64-unknown-windows -ffreestanding -c -o "$tmp/empty.o" "$tmp/empty.c"
llvm-ar rcs "$tmp/empty.a" "$tmp/empty.o"

offence 'rooms include only' replica/state/a.c "$spdx" '#include "replica/cli/cli.h"'
offence 'rooms include only' migrate/copy/a.c "$spdx" '#include "migrate/remote/remote.h"'
offence 'each room has its rule' image/new/a.c "$spdx" '#include "image/block.h"'
offence 'base includes only' base/a.c "$spdx" '#include "image/block.h"'
offence 'image includes only' image/a.h "$spdx" '  #  include "net/nic.h"'
offence 'net includes only' net/a.c "$spdx" '#include "migrate/sender.h"'
offence 'drivers includes only' drivers/a_efi.c "$spdx" '#include "boot/cpu.h"'
offence 'migrate includes only' migrate/a.c "$spdx" '#include "linux/socket_stream.h"'
offence 'boot includes only' boot/a.c "$spdx" '#include "replica/media/pe.h"'
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
offence 'arrays are counted' boot/a.c "$spdx" 'n = sizeof a / sizeof a[0];'
offence 'arrays are counted' boot/a.c "$spdx" 'n = sizeof(a->b) / sizeof *a->b;'
offence 'powers of two' tests/a.c "$spdx" 'static int is_power_of_two(uint32_t v)'
offence 'powers of two' image/a.c "$spdx" 'return v && !(v & (v - 1));'
offence - image/a.c "$spdx" 'return bf_is_power_of_two(v);' '_Static_assert((A & (A - 1)) == 0, "");'
offence 'numbers in bytes' net/a.c "$spdx" 'static uint16_t be16(const uint8_t *at)'
offence 'numbers in bytes' net/a.c "$spdx" 'static inline void put_le32(uint8_t *at, uint32_t v)'
offence 'numbers in bytes' boot/a.c "$spdx" '    v = v << 8 | at[bytes];'
offence 'numbers in bytes' boot/a.c "$spdx" '    v = (uint32_t)at[0] << 8 | at[1];'
offence 'numbers in bytes' boot/a.c "$spdx" '    v = at[2 * i] | (uint32_t)at[2 * i + 1] << 8;'
offence - drivers/a.c "$spdx" 'static uint32_t read32(struct nvme *c, uint32_t at)' '    v = v << 8 | d[places[i]];'
offence 'hexadecimal digits' boot/a.c "$spdx" "    return c - 'a' + 10;"
# functions LINES...: functions of so many lines.
functions() { for lines; do printf '%s\n' 'void f(void)' '{' "$(yes '    g();' | head -n "$lines")" '}'; done; }
offence 'no function over 100 lines' tests/a.c "$spdx" "$(functions 101)"
offence 'functions of the program are short' boot/a.c "$spdx" "$(functions 1 1 1 1 1 1 1 1 1 1 46)"
offence - boot/a.c "$spdx" "$(functions 1 1 1 1 1 1 1 1 1 1 45)"
offence 'functions of the program are short' boot/a.c "$spdx" "$(functions 1 11 11)"
offence - boot/a.c "$spdx" "$(functions 1 10 11)"
offence 'functions of the program are short' boot/a.c "$spdx" "$(functions 1 1 1 1 1 1 1 1 22 22)"
offence - boot/a.c "$spdx" "$(functions 1 1 1 1 1 1 1 1 21 22)"
offence 'there are 0.7 lines of tests' base/a.h "$spdx" "$(yes '// prose' | head -n 3000)"
few="$(printf '%s\n' 'void f(void)' '{' '    BF_ASSERT(1);' '}' g '{' '}' h '{' '}' i '{' '}')"
stateful=boot offence 'a room that keeps state' boot/a.c "$spdx" "$few"
stateful=boot offence - boot/a.c "$spdx" 'void f(void)' '{' '    BF_ASSERT(1);' '}'
stateful=boot/none offence 'a room that keeps state' boot/a.c "$spdx" "$few"
mode=755 offence 'shell scripts pass shellcheck' a.sh '#!/bin/bash' '# SPDX-License-Identifier: Apache-2.0' \
    "echo \$1 \$(ls | grep x)"
offence 'what begins with an interpreter' a.sh '#!/bin/bash' '# SPDX-License-Identifier: Apache-2.0' 'true'

# Two files that need each other, by calls and by data; what the exceptions say, and say in vain.
a_calls_b='void bf_b(void); void bf_a(void); void bf_a(void) { bf_b(); }'
b_calls_a='void bf_a(void); void bf_b(void); void bf_b(void) { bf_a(); }'
b_has_a='int bf_a(void); int (*bf_b)(void) = bf_a;'
a_reads_b='extern int (*bf_b)(void); int bf_a(void); int bf_a(void) { return bf_b != 0; }'
for flavour in efi linux; do
    linked 'no circle' $flavour base/a.c "$a_calls_b" base/b.c "$b_calls_a"
    linked 'no circle' $flavour base/a.c "$a_reads_b" image/b.c "$b_has_a"
done
c_calls_b='void bf_b(void); void bf_c(void); void bf_c(void) { bf_b(); }'
a_calls_c='void bf_c(void); void bf_a(void); void bf_a(void) { bf_c(); }'
linked 'no circle' linux base/a.c "$a_calls_c" base/b.c "$b_calls_a" net/c.c "$c_calls_b"
allowed='circle base/a* -> base/b.c: a reason' linked - linux base/a.c "$a_calls_b" base/b.c "$b_calls_a"
allowed='circle base/a.c -> base/c.c: a reason' linked 'no circle' linux base/a.c "$a_calls_b" base/b.c "$b_calls_a"
allowed='circle base/a.c -> base/b.c: a reason' linked 'no circle' linux base/a.c ''

# What nobody uses, or tests alone.
alone='void bf_a(void); void bf_a(void) {}'
declared='void bf_a(void);'
linked 'no external function or data' linux base/a.c "$alone"
linked 'no external function or data' efi base/a.c 'int bf_a = 1;'
linked 'no external function or data' linux base/a.c "$alone" base/a.h "$declared" tests/t.c "$alone"
linked 'no external function or data' linux base/a.c "$alone" base/a.h "// For tests.
$declared"
linked - linux base/a.c "$alone" base/a.h "
// For tests.
$declared" tests/t.c "$alone"
allowed='unused base/* bf_a: a reason' linked - linux base/a.c "$alone"

# Names: functions of one program, types of headers, files. A type of one source file is its own.
uses='void bf_a(void); static void (*const use)(void) __attribute__((used)) = bf_a;'
linked 'no type, function or file name' linux base/a.c "$alone" image/b.c "$alone" net/c.c "$uses"
linked 'no type, function or file name' linux base/a.h 'enum bf_x { BF_X };' image/b.c 'struct bf_x { int a; };'
linked 'no type, function or file name' linux base/a.h 'int a;' image/a.c ''
linked - linux base/a.c 'struct x { int a; };' image/b.c 'struct x { int a; };'
allowed='twice file a: a reason' linked - linux base/a.h 'int a;' image/a.c ''

# The boot image's size; the last one is too large, and the document admits it.
offence 'documents state the size' README.md 'The boot image has' '5,000 bytes.'
offence 'documents state the size' README.md 'No size at all.'
offence 'a fresh copy has a rule' Makefile '# SPDX-License-Identifier: Apache-2.0' \
    'all check demo e2e stories bench soak: no-such-file'
image=1044481 offence 'the boot image has at most' README.md 'The boot image has 1,044,481 bytes.'

# Declarations under a file's name: functions and variables that are elsewhere, static or called there, and files that
# are gone.
header='// SPDX
#include <stdint.h>

// b.c: what it does.
struct bf_x {
    int (*call)(int a);
};
enum bf_err bf_b(struct bf_x *x,
                 int a);
extern const struct bf_x bf_data; // at the end
static inline int bf_inline(void) { return 0; }

// ---- Others (image/c.c) ----

void bf_c(void);'
b_has='enum bf_err bf_b(struct bf_x *x, int a)
{
    return BF_OK;
}
const struct bf_x bf_data = {0};'
c_has='void bf_c(void) {}'
grouped() { # RULE B C HEADER...
    fresh_tree
    printf '%s\n' "$spdx" "$2" >"$tmp/tree/image/b.c"
    printf '%s\n' "$spdx" "$3" >"$tmp/tree/image/c.c"
    printf '%s\n' "$spdx" "${@:4}" >"$tmp/tree/image/a.h"
    look "$1" image/a.h
}
rule='a header that says which file'
grouped - "$b_has" "$c_has" "$header"
grouped "$rule" "$b_has" '' "$header"
grouped "$rule" "$b_has" 'static void bf_c(void) {}' "$header"
grouped "$rule" "$b_has" 'void bf_d(void) { bf_c(); }' "$header"
grouped "$rule" "$b_has" '// void bf_c(void) {}' "$header"
grouped "$rule" "${b_has%const*}" "$c_has" "$header"
grouped "$rule" "${b_has/bf_b/bf_e}" "$c_has" "$header"
grouped "$rule" "$b_has" "$c_has" '' '// d.c' 'void bf_d(void);'
grouped - "$b_has" "$c_has" '' '// b.c and c.c' 'void bf_c(void);'
grouped - "$b_has" "$c_has" '// Words, and' '// d.c, where other words stand.' 'void bf_d(void);'

# The library must not call what the platform does not give.
printf 'void exit(int);\nvoid bf_x(void);\nvoid bf_x(void) { exit(1); }\n' >"$tmp/empty.c"
clang --target=x86_64-unknown-windows -ffreestanding -c -o "$tmp/empty.o" "$tmp/empty.c"
llvm-ar rcs "$tmp/empty.a" "$tmp/empty.o"
offence 'the library leaves undefined' base/a.c "$spdx"
exit $failed
