#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Puts the results of all benchmarks together: build/bench/results.json, and a table.
set -euo pipefail
cd "$(dirname "$0")/../../build/bench"
find . -name '*.json' ! -name results.json -print0 | sort -z | xargs -0 cat | jq -s . >results.new
mv results.new results.json
jq -r '.[] | [.case, .ours, (.peer // "-"), (.ratio | if . then (. * 100 | round / 100) else "-" end), .unit,
    (.target // "-"), ({"true": "met", "false": "MISSED"}[.pass | tostring] // "-")] | @tsv' results.json | column -t -s "$(printf '\t')"
echo "ok collect: $(jq length results.json) results in build/bench/results.json"
