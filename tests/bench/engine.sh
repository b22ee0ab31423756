#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The engine alone, one core, no compression, beside BLAKE3 and AES-GCM in series; and what of the sender's work stays with
# its loop when workers do the rest, beside all of it: the medians of BENCH_RUNS runs.
export BF_BUILD=build
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_open engine
out=$T/out
for ((run = 0; run < ${BENCH_RUNS:-3}; run++)); do
    build/tests/bench_engine >>"$out"
done
if grep -q ^skip "$out"; then
    head -n 1 "$out"
    finish
fi
median() { awk -v k="$1" '$1 == k { print $2 }' "$out" | bench_median; }
echo "processor: $(bench_processor)"
echo "BLAKE3 alone: $(median blake3) MB/s"
for end in sender receiver; do
    bench_result "engine, $end" "$(median $end)" "$(median series)" MB/s least 0.9
done
bench_result "engine, the pipeline alone" "$(median pipeline)" "$(median blake3)" MB/s least 0.9
for compress in off lz4 zstd; do
    echo "compress=$compress: all on one core $(median "all-$compress") MB/s, the loop's part alone $(median "loop-$compress")"
done
# Eight workers and the loop itself.
for compress in lz4 zstd; do
    bench_result "engine, disk bytes that one loop can feed, compress=$compress" \
        "$(median "loop-$compress")" "$(median "all-$compress")" MB/s least 9
done
ok engine
finish
