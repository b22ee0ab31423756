#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Long and bad links: our TCP in the program's IP stack beside Linux's (CUBIC, and BBR for information), over the same
# simulated path of 40 Mbit/s and 100 ms in the same run, by 1 and by 4 connections. BENCH_RUNS rounds of 10 s each.
export BF_BUILD=build
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_open links

loss=(--loss-ppm 10000)
reordering=(--hold-ppm 20000 --hold-ms 10 --double-ppm 5000)
small=(--mtu 1280)

# measure NAME CONGESTION OPTION...: by 1 and 4 connections, in turn.
measure() {
    local name=$1 congestion=$2 n
    shift 2
    for n in 1 4; do
        build/tests/bad_link --rounds "${BENCH_RUNS:-3}" --congestion "$congestion" "$@" "$n" >"$T/out" 2>/dev/null
        if grep -q ^skip "$T/out"; then
            cat "$T/out"
            finish
        fi
        list() { awk -v k="$1" '{ printf "%s%s", (NR > 1 ? "," : "["), $k / 1000 } END { print "]" }' "$T/out"; }
        # at least what Linux gets, but for what chance does to a few rounds
        bench_compare "link, $name, $n connection$([ "$n" = 1 ] || echo s)" "$(list 2)" "$(list 4)" KB/s \
            ${TARGET:+least "$TARGET"}
    done
}
TARGET=0.95 measure "100 ms" cubic
TARGET=0.95 measure "100 ms, 1 % loss" cubic "${loss[@]}"
TARGET=0.95 measure "100 ms, MTU 1280" cubic "${small[@]}"
TARGET=0.95 measure "100 ms, MTU 1280, IPv6" cubic --ipv6 "${small[@]}"
TARGET=0.95 measure "100 ms, reordering" cubic "${reordering[@]}"
TARGET=0.95 measure "100 ms, all of these" cubic "${loss[@]}" "${small[@]}" "${reordering[@]}"
TARGET='' measure "100 ms, 1 % loss, BBR" bbr "${loss[@]}"
ok links
finish
