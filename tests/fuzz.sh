#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/fuzz.sh RUNS PROGRAM
#
# Runs a libFuzzer program over its corpus in tests/fuzz/corpus/NAME, then for a bounded number of
# runs from a fixed seed. Files of the corpus that are not text are kept as hexadecimal, NAME.hex. New inputs go into build/fuzz/corpus/NAME, a crash into
# build/fuzz/crash/. Prints one "ok" or "not ok" line.
set -euo pipefail
runs=$1 program=$2
name=$(basename "$program")
name=${name#fuzz_}
corpus=tests/fuzz/corpus/$name
found=build/fuzz/corpus/$name
mkdir -p "$found" build/fuzz/crash
folders=("$found")
[ ! -d "$corpus" ] || folders+=("$corpus")
for text in "$corpus"/*.hex; do
    [ -e "$text" ] || continue
    basenc --base16 --decode "$text" >"$found/$(basename "$text" .hex)"
done

if "$program" -seed=1 -runs="$runs" -max_total_time="${BF_FUZZ_SECONDS:-12}" -timeout=120 \
    -rss_limit_mb=1024 -artifact_prefix="build/fuzz/crash/$name-" -print_final_stats=1 \
    "${folders[@]}"; then
    echo "ok fuzz_$name"
else
    echo "not ok fuzz_$name"
    exit 1
fi
