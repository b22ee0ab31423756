#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/run.sh [-v] TEST...
#
# Runs each TEST (a program, or a quoted command line), keeps its output in build/test-logs/, and
# counts its lines "ok NAME", "not ok NAME" and "skip NAME". A test that ends badly without a
# "not ok" line, that prints no such line at all, or that passes its time limit counts as one
# failure. The last line is the sum: "N passed, N failed[, N skipped]"; the exit status is 0 if
# nothing failed. -v shows the tests' whole output. BF_TEST_TIMEOUT: seconds per test (5400; an
# idle machine needs a tenth of that). No process of a test outlives it or this script, however that
# ends: see tests/contain.py.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

verbose=
if [ "${1:-}" = -v ]; then
    verbose=1
    shift
fi
logs=${BF_TEST_LOGS:-build/test-logs}
mkdir -p "$logs"
passed=0 failed=0 skipped=0

count() { grep -c "^$1 " "$2" || true; }

# report NAME LOG STATUS: adds a finished test to the sums and shows what matters of it.
report() {
    local name=$1 log=$2 status=$3 p f s
    p=$(count ok "$log") f=$(count 'not ok' "$log") s=$(count skip "$log")
    if [ "$f" -eq 0 ] && [ "$status" -eq 124 ]; then
        echo "not ok $name: time limit" >>"$log"
    elif [ "$f" -eq 0 ] && [ "$status" -ne 0 ]; then
        echo "not ok $name: exit status $status" >>"$log"
    elif [ $((p + f + s)) -eq 0 ]; then
        echo "not ok $name: it reported nothing" >>"$log"
    fi
    f=$(count 'not ok' "$log")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-44s %4d passed %3d failed %3d skipped\n' "$name" "$p" "$f" "$s"
    [ "$s" -eq 0 ] || grep '^skip ' "$log" | sed 's/^/    /'
    if [ "$f" -gt 0 ] && [ -z "$verbose" ]; then
        grep -B 1 '^not ok ' "$log" | grep -E '^(# |not ok )' | sed 's/^/    /'
        echo "    --- end of $log:"
        tail -n 25 "$log" | sed 's/^/    | /'
    fi
}

limit=${BF_TEST_TIMEOUT:-5400} running=''
end() {
    [ -z "$running" ] || { kill "$running" && wait "$running"; } 2>/dev/null
    exit 143
}
trap end TERM INT HUP

for test in "$@"; do
    read -ra command <<<"$test"
    name=$(basename "${command[0]}")
    [ ${#command[@]} -eq 1 ] || name=$name-$(basename "${command[-1]}")
    log=$logs/$name.log
    status=0
    if [ -n "$verbose" ]; then
        exec {out}> >(tee "$log")
        writer=$!
    else
        exec {out}>"$log"
    fi
    tests/contain.py $$ "$limit" "${command[@]}" </dev/null >&"$out" 2>&1 {out}>&- &
    running=$!
    exec {out}>&-
    wait "$running" || status=$?
    running=''
    [ -z "$verbose" ] || wait "$writer"
    report "$name" "$log" "$status"
done

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
