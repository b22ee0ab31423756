#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The house rules that a machine can judge: one "ok" or "not ok" line per rule, with the places that
# break it. Called by `make lint`, which builds the objects of every program and the boot image first.
set -uo pipefail
shopt -s lastpipe # judge, the last part of each pipeline, remembers what failed
cd "$(dirname "$0")/.." || exit 1
failed=0

# judge RULE: stdin holds the places that break it.
judge() {
    local places
    places=$(cat)
    if [ -z "$places" ]; then
        echo "ok lint: $1"
    else
        printf '%s\n' "$places" | sed 's/^/# /'
        echo "not ok lint: $1"
        failed=1
    fi
}

sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }
portable() { sources 'base/*.[ch]' 'image/*.[ch]' 'net/*.[ch]' 'drivers/*.[ch]' 'migrate/*.[ch]' | grep -vE '(_efi\.[ch]|drivers/efi.*\.h)$'; }
program() { for folder in base boot drivers finalize image linux migrate net replica; do sources "${@/#/$folder/}"; done; }
scripts() { sources | grep -v '\.tree$' | xargs -r grep -lE '^#!/bin/(ba)?sh'; }
# Code without comments and strings, so that prose is not taken for code: FILE:LINE:TEXT.
code() { xargs -r awk -f tests/lint_code.awk; }

# ---- Includes: what each folder may use --------------------------------------------------------

declare -A allowed=(
    [base]='base' [image]='base image' [net]='base image net' [drivers]='base image net drivers'
    [migrate]='base image net migrate' [boot]='base image net drivers migrate boot'
    [linux]='base image net migrate linux' [replica]='base image net migrate linux replica'
    [finalize]='base image net migrate linux finalize'
)
for folder in base image net drivers migrate boot linux replica finalize; do
    sources "$folder/*.[ch]" | xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
        awk -v ok=" ${allowed[$folder]} " -F'"' '
            { n = split($2, part, "/"); if (n > 1 && index(ok, " " part[1] " ") == 0) print $0 }
        ' | grep -vF -f tests/lint_includes | judge "$folder includes only ${allowed[$folder]}"
done

# Rooms within a folder: which others of the same folder each may use. A folder's own files use all of its rooms, a room
# may use them as they are listed here by a dot, and itself.
declare -A rooms=(
    [net/arch]='.' [net/http]='.' [net/ip]='. net/tls' [net/proto]='.' [net/tls]='. net/proto'
    [image/usage]='. image/usage/*' [image/usage/btrfs]='. image/usage' [image/usage/exfat]='. image/usage'
    [image/usage/ext]='. image/usage' [image/usage/f2fs]='. image/usage' [image/usage/lvm]='. image/usage'
    [image/usage/md]='. image/usage' [image/usage/ntfs]='. image/usage' [image/usage/xfs]='. image/usage'
    [migrate/copy]='.' [migrate/remote]='.' [migrate/receiver]='.'
    [replica/state]='' [replica/pki]='replica/state' [replica/qemu]='replica/state replica/points'
    [replica/points]='replica/state replica/qemu' [replica/store]='replica/state replica/qemu replica/points'
    [replica/targets]='replica/state replica/qemu replica/points'
    [replica/media]='replica/state replica/qemu replica/pki'
    [replica/targets]='replica/state replica/qemu replica/points'
    [replica/daemon]='replica/state replica/pki replica/points replica/store replica/jobs'
    [replica/jobs]='replica/state replica/pki replica/qemu replica/points replica/targets'
    [replica/cli]='replica/state replica/pki replica/points replica/media replica/jobs replica/targets'
    [finalize/core]='' [finalize/archive]='finalize/core' [finalize/target]='finalize/core'
    [finalize/system]='finalize/core finalize/target'
    [finalize/network]='finalize/core finalize/system' [finalize/boot]='finalize/archive finalize/core finalize/system'
    [finalize/initramfs]='finalize/archive finalize/core finalize/system finalize/target'
    [finalize/vm]='. finalize/archive finalize/core finalize/system finalize/target'
    [finalize/host]='finalize/core finalize/target finalize/vm'
    [finalize/plan]='finalize/core finalize/target'
    [finalize/rehearse]='finalize/archive finalize/core finalize/system finalize/target'
)
# places ROOM: those of its files that include what it may not.
places() {
    local top=${1%%/*}
    sources "$1/*.[ch]" | grep -E "^$1/[^/]+$" | xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
        awk -v top="$top" -v room="$1" -v may=" ${rooms[$1]} " -F'"' '
            index($2, top "/") == 1 {
                other = $2
                sub(/\/[^\/]*$/, "", other)
                if (other == room || index(may, " " other " ") || (other == top && index(may, " . "))) next
                if (index(may, " " room "/* ") && index(other, room "/") == 1) next
                print $0
            }'
}
sources 'net/*.[ch]' 'image/*.[ch]' 'migrate/*.[ch]' 'replica/*.[ch]' 'finalize/*.[ch]' | grep / | sed 's|/[^/]*$||' | sort -u |
    while read -r room; do
        [[ $room != */* ]] || [ -n "${rooms[$room]+set}" ] || echo "$room: no rule says what this room may use"
    done | judge 'each room has its rule'
for room in $(printf '%s\n' "${!rooms[@]}" | sort); do
    places "$room"
done | judge 'rooms include only what their rules name'

# Headers of the libraries: who may include them is judged below.
libraries='lwip/|netif/|mbedtls/|psa/|lz4|zstd|blake3|libcrux'

# Third-party headers come only by the flags that sources.mk gives to the named users; here the
# portable code's angle brackets are held to the freestanding headers, <string.h>, and those.
portable | xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' |
    grep -vE '<(stdint|stddef|stdarg|stdatomic|stdbool|limits|stdalign|float|string)\.h>' |
    grep -vE "<($libraries)" |
    grep -vF -f tests/lint_includes |
    judge 'portable code includes freestanding headers and <string.h>'
# The named users of each library come from the sources.mk files, through the environment.
third_party() { # LIBRARY HEADERS USER...
    local library=$1 headers=$2
    shift 2
    sources '*.[ch]' | grep -vE '^tests/' |
        xargs -r grep -HnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($headers)" |
        grep -vF -f tests/lint_includes -f <(printf '%s:\n' "${@:-none}") |
        judge "$library is included by its named users only"
}
# shellcheck disable=SC2086 # lists
{
    third_party lwIP 'lwip/|netif/' ${LWIP_USERS:-}
    third_party mbedTLS 'mbedtls/|psa/' ${MBEDTLS_USERS:-}
    third_party LZ4 'lz4' ${LZ4_USERS:-}
    third_party zstd 'zstd' ${ZSTD_USERS:-}
    third_party BLAKE3 'blake3' ${BLAKE3_USERS:-}
    third_party libcrux 'libcrux' ${LIBCRUX_USERS:-}
    third_party libmicrohttpd 'microhttpd' ${MICROHTTPD_USERS:-}
}
sources '*.[ch]' | grep -vE '^(boot/|tests/efi/|drivers/.*efi)' | xargs -r grep -HnE 'include[[:space:]]*<efi' |
    judge 'firmware headers are included by boot/ and *_efi.c only'

# ---- Portable code -----------------------------------------------------------------------------

portable | code | grep -E '#[[:space:]]*(el)?if' |
    grep -E '_WIN32|_WIN64|__linux|__unix|_MSC_|__APPLE__|__EFI|__STDC_HOSTED__|__GNUC__|__x86_64|__i386|__aarch64|BF_FUZZ|BF_EFI|BF_LINUX' |
    grep -vF -f tests/lint_includes | judge 'no platform #if in portable code'
portable | code | sed 's/long long//g' | grep -wE 'long' | judge 'no long in portable code'
portable | code | grep -E '^[^:]*:[0-9]+:.*\b512u?\b' | grep -vE '\[512u?\]|[A-Z0-9_]{3,} = 512' | judge 'no literal 512 in portable code'

# The library may leave undefined only what the platform, the small C library or the compiler
# provides. COFF objects of the freestanding build; @feat.00 and the like are absolute, not undefined.
llvm-nm --undefined-only build/efi/libbootferry.a 2>/dev/null | awk '$1 == "U" { print $2 }' |
    sort -u >build/lint-undefined
llvm-nm --defined-only build/efi/libbootferry.a 2>/dev/null | awk 'NF == 3 { print $3 }' |
    sort -u >build/lint-defined
comm -23 build/lint-undefined build/lint-defined | grep -vxF -f <(sed 's/#.*//; /^$/d' tests/lint_undefined) |
    judge 'the library leaves undefined only what the platform provides'

# ---- How the files hang together ---------------------------------------------------------------

# By the symbols of the objects; what it says when it fails is a place, too.
tests/lint_symbols.py circles 2>&1 | judge 'no circle of calls between files'
tests/lint_symbols.py users 2>&1 | judge 'no external function or data without a user in another file'
tests/lint_symbols.py twice 2>&1 | judge 'no type, function or file name stands for two things'
sources '*.h' | xargs -r tests/lint_groups.py 2>&1 | judge 'a header that says which file has what is right'

# ---- Everything --------------------------------------------------------------------------------

# Beside an earlier build a rule that is missing goes unnoticed, so a copy without one is asked.
if [ -e Makefile ]; then
    fresh=$(mktemp -d)
    sources | tar -T - -c | tar -C "$fresh" -x
    env -u MAKEFLAGS make -k -C "$fresh" -n all check demo e2e stories bench soak 2>&1 | grep -F 'No rule to make' |
        judge 'a fresh copy has a rule for everything that it is to make'
    rm -rf "$fresh"
fi
sources '*.[ch]' '*.sh' '*.mk' '*.py' Makefile .ci/run | xargs -r grep -L 'SPDX-License-Identifier: Apache-2.0' |
    judge 'an SPDX line in each file'
sources '*.c' | xargs -r awk -v most=100 -f tests/lint_functions.awk | judge 'no function over 100 lines'
# The figures that the code has do not get worse.
program '*.c' | xargs -r awk -v most=45 -v median=10 -v ninetieth=21 -f tests/lint_functions.awk |
    judge 'functions of the program are short'
lines() { xargs -r cat | wc -l; }
of=$(program '*.[ch]' | lines) have=$(sources 'tests/*' 'qemu/*' | grep -E '\.(c|h|sh|py|tree)$' | lines)
{ [ $((have * 10)) -ge $((of * 7)) ] || echo "tests and qemu have $have lines, the program $of"; } |
    judge 'there are 0.7 lines of tests to a line of the program'
sources '*.[ch]' '*.sh' '*.mk' '*.md' Makefile | grep -v '^tests/lint' |
    xargs -r grep -HnE '\b(TODO|FIXME|XXX|HACK)\b' | judge 'no notes of unfinished work'
# An exception has its number, and debug-exit= its port.
program '*.c' | grep -vE '^(boot/traps_|base/config_run)' | xargs -r awk -f tests/lint_messages.awk |
    judge 'messages are words, and raw numbers go to the debug log'
# What base/bytes.h and base/fmt.h have is nowhere else. Bytes that do not lie side by side, and readers with bounds of
# their own, are not what they have; a constant is proved to be a power of two where it stands.
sources '*.[ch]' | grep -vxE 'base/(bytes\.h|fmt\.c)' | code >build/lint-code
grep -P '\bsizeof[ (]+([\w.>-]+)[ )]+/ *sizeof[ (*]+\1\b' build/lint-code | judge 'arrays are counted by BF_COUNT'
grep -P '\b(?!bf_is_power_of_two\()\w*power_?of_?(2|two)\w*\(|([\w.>-]+) & \(?\2 - 1\b' build/lint-code |
    grep -v '_Static_assert' | judge 'powers of two are told by bf_is_power_of_two'
byte='(uint8_t|unsigned char|void|char) \*\w+'
for pattern in ":static (inline )?\w+ \w*(le|be|big|little|get|read|rd|load|u)_?(16|32|64)\((const )?$byte\)" \
    ":static (inline )?void \w*(le|be|big|little|put|set|write|wr|store|u)_?(16|32|64)\($byte, [^,)]+\)" \
    '\b(\w+) = \1 << 8 \| \*?\w+(\+\+|\[[^][]+\]);' \
    '\b(\w+)\[[^][]+\] << 8 \| (\(\w+\))?\1\[' '\b(\w+)\[[^][]+\] \| (\(\w+\))?\1\[[^][]+\] << 8'; do
    grep -P "$pattern" build/lint-code
done | judge 'numbers in bytes are read and written by base/bytes.h'
grep -F -e '- "" + 10' build/lint-code | judge 'hexadecimal digits are read by bf_hex_digit'
# Rooms that keep state say what must hold: at least 30 assertions to 100 functions.
sed 's/#.*//; /^$/d' tests/lint_stateful | while read -r room; do
    sources "$room/*.c" | grep -E "^$room/[^/]+$" | xargs cat -- /dev/null | awk -v room="$room" '
        /^\{/ { functions++ }
        { asserts += gsub(/BF_ASSERT\(/, "&") }
        END {
            if (!functions || asserts * 100 < functions * 30)
                print room ": " asserts + 0 " in " functions + 0 " functions"
        }'
done | judge 'a room that keeps state has 30 assertions to 100 functions'
sources '*.c' '*.h' | xargs -r awk 'length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns" }' |
    judge 'no line over 100 columns'
sources '*.c' '*.h' | xargs -r grep -HnP '\t| +$' | judge 'no tabs and no trailing spaces'
scripts | xargs -r shellcheck -x -P SCRIPTDIR:. -S style -e SC1091,SC2016,SC2317 2>&1 | judge 'shell scripts pass shellcheck'
sources '*.sh' '*.py' | while read -r f; do head -c 2 "$f" | grep -q '#!' && [ ! -x "$f" ] && echo "$f"; done |
    judge 'what begins with an interpreter can be executed'

# What the boot image is made of, and its size.
tests/lint_image.py || failed=1

[ "$failed" -eq 0 ]
