#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/coverage.sh PROGRAM...
#
# Runs the instrumented unit tests and prints the coverage of our own sources, file by file; the
# annotated sources go into build/cov/html.
set -euo pipefail
data=build/cov/profile
rm -rf "$data" && mkdir -p "$data"
objects=()
for program in "$@"; do
    LLVM_PROFILE_FILE=$data/$(basename "$program").profraw "$program" | grep -E '^not ok' || true
    objects+=(-object "$program")
done
llvm-profdata merge -sparse "$data"/*.profraw -o "$data/all.profdata"
ignore='build/third_party/|tests/'
llvm-cov report -instr-profile "$data/all.profdata" -ignore-filename-regex "$ignore" \
    "${objects[@]}" | cut -c1-160
llvm-cov show -format html -output-dir build/cov/html -instr-profile "$data/all.profdata" \
    -ignore-filename-regex "$ignore" "${objects[@]}" >/dev/null
echo "annotated sources: build/cov/html/index.html"
