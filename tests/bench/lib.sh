# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/bench/lib.sh: what the benchmarks share: results, medians, processor seconds. A benchmark never fails because it
# was slow: it says so in its result, `pass` is false, and it fails only when something did not work. Results are one
# JSON object each, {case, ours, peer, ratio, unit, target, pass}, in build/bench/NAME.json; make bench collects them.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

BENCH_OUT=${BF_BUILD:-build}/bench

# bench_open NAME: empties the results of this benchmark.
bench_open() {
    mkdir -p "$BENCH_OUT"
    BENCH_FILE=$BENCH_OUT/$1.json
    : >"$BENCH_FILE"
}

# bench_result CASE OURS PEER UNIT RELATION TARGET: RELATION is least or most. With a peer, the ratio ours/peer is what the
# target judges; without one (-) it is our value itself.
bench_result() {
    local line
    line=$(jq -cn --arg case "$1" --argjson ours "$2" --argjson peer "${3/#-/null}" --arg unit "$4" \
        --arg relation "$5" --argjson target "$6" '
        ($peer | if . then $ours / . else null end) as $ratio
        | ($ratio // $ours) as $judged
        | {case: $case, ours: $ours, peer: $peer, ratio: $ratio, unit: $unit, target: "at \($relation) \($target)",
           pass: (if $relation == "least" then $judged >= $target else $judged <= $target end)}')
    printf '%s\n' "$line" >>"$BENCH_FILE"
    jq -r '"\(.case): \(.ours) \(.unit)" + (if .peer then ", peer \(.peer), ratio \(.ratio * 100 | round / 100)" else "" end)
        + " (target \(.target): \(if .pass then "met" else "MISSED" end))"' <<<"$line"
}

# bench_compare CASE OURS PEER UNIT [RELATION TARGET]: lists of values of several runs, [1.2, 1.3]; medians are compared and
# the spread (smallest and largest) is kept. Without a target it is a comparison for information.
bench_compare() {
    local line
    line=$(jq -cn --arg case "$1" --argjson ours "$2" --argjson peer "$3" --arg unit "$4" --arg relation "${5:-}" --arg target "${6:-}" '
        def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
        def round3: if . >= 1000 then round else . * 1000 | round / 1000 end;
        (if ($peer | median) > 0 then ($ours | median) / ($peer | median) else null end) as $ratio
        | {case: $case, ours: ($ours | median | round3), peer: ($peer | median | round3), ratio: ($ratio | if . then round3 else . end),
           unit: $unit, target: (if $relation != "" then "at \($relation) \($target)" else null end),
           pass: (if $relation == "least" then $ratio >= ($target | tonumber) elif $relation == "most" then $ratio <= ($target | tonumber)
                  else null end),
           ours_spread: ($ours | [min, max] | map(round3)), peer_spread: ($peer | [min, max] | map(round3))}')
    printf '%s\n' "$line" >>"$BENCH_FILE"
    jq -r '"\(.case): \(.ours) \(.unit) (\(.ours_spread | join(" to "))), peer \(.peer) (\(.peer_spread | join(" to "))), ratio \(.ratio)"
        + (if .target then " (target \(.target): \(if .pass then "met" else "MISSED" end))" else "" end)' <<<"$line"
}

# bench_median: of the numbers on standard input, one per line.
bench_median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# bench_cpu PID: processor seconds of a process, its threads and the children it has waited for.
bench_cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) / hz }' "/proc/$1/stat"; }

# bench_time FILE COMMAND...: runs it; "wall cpu" in seconds go to FILE.
bench_time() {
    local file=$1 TIMEFORMAT='%R %U %S'
    shift
    { time "$@" >&3 2>&4; } 3>&1 4>&2 2>"$file.raw"
    awk '{ print $1, $2 + $3 }' "$file.raw" >"$file"
}

# bench_processor: which one this was, for absolute figures.
bench_processor() { awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo; }
