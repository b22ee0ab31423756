#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/run.sh [-v] [-j N] TEST... [-- TEST...]...
#
# Runs each TEST (a program, or a quoted command line), keeps its output in build/test-logs/, and
# counts its lines "ok NAME", "not ok NAME" and "skip NAME". N of them run at a time (one). Each "--"
# begins a row: of its tests never more than one runs, beside those of other rows. A test that ends badly without a "not ok" line, that prints no such line at all, or that passes its
# time limit counts as one failure. The last line is the sum: "N passed, N failed[, N skipped]"; the
# exit status is 0 if nothing failed. -v shows the tests' whole output. BF_TEST_TIMEOUT: seconds per
# test (5400; an idle machine needs a tenth of that). No process of a test outlives it or this
# script, however that ends: see tests/contain.py.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

verbose='' jobs=1
if [ "${1:-}" = -v ]; then
    verbose=1
    shift
fi
if [ "${1:-}" = -j ]; then
    jobs=$2
    shift 2
fi
logs=${BF_TEST_LOGS:-build/test-logs}
mkdir -p "$logs"
passed=0 failed=0 skipped=0

count() { grep -c "^$1 " "$2" || true; }

# report NAME LOG STATUS SECONDS: adds a finished test to the sums and shows what matters of it.
report() {
    local name=$1 log=$2 status=$3 seconds=$4 p f s
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
    printf '%-44s %4d passed %3d failed %3d skipped %5d s\n' "$name" "$p" "$f" "$s" "$seconds"
    [ "$s" -eq 0 ] || grep '^skip ' "$log" | sed 's/^/    /'
    if [ "$f" -gt 0 ] && [ -z "$verbose" ]; then
        grep -B 1 '^not ok ' "$log" | grep -E '^(# |not ok )' | sed 's/^/    /'
        echo "    --- end of $log:"
        tail -n 25 "$log" | sed 's/^/    | /'
    fi
}

limit=${BF_TEST_TIMEOUT:-5400}
declare -A name_of=() log_of=() began=() # of the tests that run, by process
declare -A times=()                      # how often a name was used
end() {
    { [ ${#name_of[@]} -eq 0 ] || kill "${!name_of[@]}" && wait; } 2>/dev/null
    exit 143
}
trap end TERM INT HUP

start() { # TEST
    local command name log out writer=''
    read -ra command <<<"$1"
    name=$(basename "${command[0]}")
    [ ${#command[@]} -eq 1 ] || name=$name-$(basename "${command[-1]}")
    times[$name]=$((${times[$name]:-0} + 1))
    [ "${times[$name]}" -eq 1 ] || name=$name.${times[$name]}
    log=$logs/$name.log
    if [ -n "$verbose" ]; then
        exec {out}> >(tee "$log")
        writer=$!
    else
        exec {out}>"$log"
    fi
    tests/contain.py $$ "$limit" "${command[@]}" </dev/null >&"$out" 2>&1 {out}>&- &
    name_of[$!]=$name log_of[$!]=$log began[$!]=$SECONDS
    exec {out}>&-
    [ -z "$verbose" ] || finish_one "$writer"
}

# finish_one [WRITER]: waits for one of the tests, and for what shows its output.
finish_one() {
    local pid status=0
    wait -n -p pid "${!name_of[@]}" || status=$?
    [ -z "${1:-}" ] || wait "$1"
    report "${name_of[$pid]}" "${log_of[$pid]}" "$status" $((SECONDS - began[$pid]))
    unset "name_of[$pid]" "log_of[$pid]" "began[$pid]"
}

# The tests of each row, in the order in which they are given; row 0 has those of none.
tests=("$@") row=0
declare -A next_of=([0]=0) runs_in=() # where the row goes on in $tests, and its process
for i in "${!tests[@]}"; do
    [ "${tests[$i]}" != -- ] || next_of[$((++row))]=$((i + 1))
done
# is_left ROW: whether it has another test.
is_left() { [ "${next_of[$1]}" -lt ${#tests[@]} ] && [ "${tests[${next_of[$1]}]}" != -- ]; }
# find_row: the first one that has a test and nothing under way, else row 0 if it has a test, in $row.
find_row() {
    for ((row = 1; row < ${#next_of[@]}; row++)); do
        if is_left "$row" && [ -z "${name_of[${runs_in[$row]:-none}]:-}" ]; then return; fi
    done
    row=0
    is_left 0
}
while [ ${#name_of[@]} -gt 0 ] || find_row; do
    if [ ${#name_of[@]} -lt "$jobs" ] && find_row; then
        start "${tests[$((next_of[$row]++))]}"
        runs_in[$row]=$!
    else
        finish_one
    fi
done

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
