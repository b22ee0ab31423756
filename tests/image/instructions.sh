#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every processor that runs x86-64 runs our programs: what goes beyond its baseline (SSE2) stands only in files that are
# entered after CPUID was asked. Looks at each instruction of the objects of the boot image and of the hosted programs, and
# sees to it that each kind would be found.
set -euo pipefail
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# Who asks: net/tls/gcm_x86_64.c, blake3_dispatch.c, mbedTLS's aes.c and gcm.c; boot/cpu_x86_64.c itself.
cat >"$tmp/allowed" <<'END'
net/tls/gcm_aesni.o .*
net/tls/gcm_vaes.o .*
net/tls/gcm_x86_64.o xgetbv
boot/cpu_x86_64.o xgetbv|xsetbv|vzeroupper|rdrand
third_party/blake3/blake3_sse41.o .*
third_party/blake3/blake3_avx2.o .*
third_party/blake3/blake3_avx512.o .*
third_party/blake3/blake3_dispatch.o xgetbv
third_party/mbedtls/library/aesni.o aes.*|pclmul.*
END

# beyond OBJECT...
beyond() { objdump -dr --no-show-raw-insn "$@" | awk -v allowed="$tmp/allowed" -f tests/image/instructions.awk; }

for flavour in efi linux; do
    find "build/$flavour" -name '*.o' -not -path '*/tests/*' -print0 | sort -z >"$tmp/objects"
    xargs -0 objdump -dr --no-show-raw-insn <"$tmp/objects" |
        awk -v allowed="$tmp/allowed" -f tests/image/instructions.awk | sort | uniq -c >"$tmp/beyond"
    if [ -s "$tmp/objects" ] && [ ! -s "$tmp/beyond" ]; then
        echo "ok instructions: $flavour: the baseline, but in named files"
    else
        sed 's/^/# /' "$tmp/beyond"
        echo "not ok instructions: $flavour: the baseline, but in named files"
        failed=1
    fi
done

# found WHAT FLAGS CODE: compiled so, the code is noticed.
found() {
    # shellcheck disable=SC2086 # flags
    printf '%s\n' "$3" | clang -O2 $2 -x c -c -o "$tmp/$1.o" -
    if [ -n "$(beyond "$tmp/$1.o")" ]; then
        echo "ok instructions: noticed: $1"
    else
        echo "not ok instructions: noticed: $1"
        failed=1
    fi
}
spread='typedef int v __attribute__((vector_size(16))); v f(int *p) { return (v){p[0], p[9], p[3], p[7]}; }'
found sse4.1 -msse4.1 "$spread"
found avx -mavx "$spread"
found ssse3 -mssse3 'typedef char v __attribute__((vector_size(16))); v f(v a) { return __builtin_shufflevector(a, a, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12); }'
found popcnt -mpopcnt 'int f(unsigned a) { return __builtin_popcount(a); }'
found bmi2 -mbmi2 'unsigned f(unsigned a, unsigned b) { return a << b; }'
found crc32 -msse4.2 'unsigned f(unsigned a, unsigned b) { return __builtin_ia32_crc32si(a, b); }'
found aes -maes 'typedef long long v __attribute__((vector_size(16))); v f(v a, v b) { return __builtin_ia32_aesenc128(a, b); }'
exit $failed
