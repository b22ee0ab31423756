# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib.sh: what the test scripts share: judgements, a private folder, an orderly end, waiting. Each kind of test
# has a library of its own, which sources this one: cli/lib.sh, e2e/lib.sh, efi/lib.sh, finalize/trees.sh, usage/lib.sh,
# and for measurements bench/lib.sh.
#
# A judgement prints "ok NAME" or "not ok NAME". If it fails, lines above that one show what its command printed, the
# last commands that the shell carried out for it, with the values that they compared, and the end of the file in which
# something was looked for. A command that fails outside a judgement ends the script as failed, and a script that does
# not reach its `finish` has failed.

[ -z "${TEST_LIB:-}" ] || return 0
TEST_LIB=1
set -uo pipefail
test_script=$(realpath -- "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=tests/bound.sh
. tests/bound.sh

T=$(mktemp -d) # the script's own folder, which goes when it ends; files check.* are the library's
TEST_NAME=${0#"$PWD/"} # of the script, for the message that it was stopped half-way
TEST_LOGS='' # where it keeps logs, for the same
TEST_PREFIX='' # before the name of each judgement
TEST_FAILED=0 TEST_FINISHED='' TEST_AT_EXIT=()
# A script of another project that borrows what makes trees and machines has an end of its own.
case $test_script in
"$(pwd -P)"/*) set -e ;;
*) TEST_FINISHED=1 ;;
esac

# ---- The end -----------------------------------------------------------------------------------

# at_exit COMMAND...: it is executed when the script ends in any way, those that were named last first.
at_exit() { TEST_AT_EXIT+=("$(printf '%q ' "$@")"); }

test_leave() {
    local status=$? i
    set +xe
    for ((i = ${#TEST_AT_EXIT[@]} - 1; i >= 0; i--)); do eval "${TEST_AT_EXIT[i]}"; done
    rm -rf "$T"
    if [ -z "$TEST_FINISHED" ]; then
        echo "not ok $TEST_NAME: stopped half-way${TEST_LOGS:+, logs in $TEST_LOGS}"
        exit 1
    fi
    exit $((status ? status : TEST_FAILED))
}
trap test_leave EXIT

# finish: ends the script, as failed if a judgement has failed.
finish() {
    TEST_FINISHED=1
    exit 0
}

# ---- Judgements --------------------------------------------------------------------------------

ok() { echo "ok $TEST_PREFIX$1"; }
not_ok() {
    echo "not ok $TEST_PREFIX$1"
    TEST_FAILED=1
}
# skip NAME [REASON]
skip() { echo "skip $TEST_PREFIX$1${2:+: $2}"; }

# counts FILE: judgements of another program, which the script shows, count among its own.
counts() { ! grep -aq '^not ok' "$1" || TEST_FAILED=1; }

# check NAME COMMAND...: the command must succeed. Within it a failure does not end anything by itself (that is how the
# shell treats conditions), so functions used here join with && or return.
check() {
    local test_judged=$1 # a name of its own, since what is called here sees it
    shift
    if test_traced "$@" >"$T/check.out" 2>&1; then
        ok "$test_judged"
    else
        test_explain
        not_ok "$test_judged"
    fi
}
# refute NAME COMMAND...: the command must fail.
refute() { check "$1" test_not "${@:2}"; }
test_not() {
    "$@" || return 0
    echo "it succeeded"
    return 1
}

# The command, with a record of what the shell did in $T/check.trace. Its last two lines are this function's.
test_traced() {
    local test_status
    [ -z "${BASH_XTRACEFD:-}" ] || { "$@"; return; } # a judgement within one
    rm -f "$T/check.seen"
    case $1 in
    grep | jq)
        test_keep "${!#}"
        [ ! -e "$T/check.seen" ] || set -- "${@:1:$#-1}" "$T/check.seen"
        ;;
    esac
    exec {BASH_XTRACEFD}>"$T/check.trace"
    set -x
    "$@"
    test_status=$?
    set +x
    unset BASH_XTRACEFD
    return $test_status
}
# test_keep FILE: what it has remains in $T/check.seen, also where it is a pipe, unless it is large.
test_keep() {
    if [ -p "$1" ] || { [ -f "$1" ] && [ "$(stat -L -c %s "$1")" -lt 1000000 ]; }; then
        cat "$1" >"$T/check.seen"
    fi
}
test_explain() {
    {
        cat "$T/check.out"
        [ ! -e "$T/check.seen" ] || { echo "looked into:"; tail -n 20 "$T/check.seen"; }
        head -n -2 "$T/check.trace" | { grep -vE '^\++ (echo|cat|return) ' || true; } | tail -n 4 | cut -c 1-500
    } | sed 's/^/# /'
}

# Comparisons that show both sides.
equal() { # WANTED SEEN
    [ "$1" = "$2" ] || { echo "wanted: $1"; echo "saw:    $2"; return 1; }
}
at_least() { [ "$2" -ge "$1" ] || { echo "wanted at least $1, saw $2"; return 1; }; }
at_most() { [ "$2" -le "$1" ] || { echo "wanted at most $1, saw $2"; return 1; }; }
matches() { # REGEX SEEN
    grep -qE -e "$1" <<<"$2" || { echo "wanted: $1"; echo "saw:    $2"; return 1; }
}
# fails STATUS COMMAND...: it must fail, and with this exit status.
fails() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    equal "$wanted" "$status"
}

# ---- Waiting, ports ----------------------------------------------------------------------------

# within SECONDS COMMAND...: the command succeeds at some time until then, SECONDS being those of an idle machine.
within() {
    local until=$((SECONDS + $1 * ${BF_PATIENCE:-6}))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || { echo "it did not happen in time: $*"; return 1; }
        sleep 0.1
    done
}

# A TCP port of 127.0.0.1 that nothing listens on. Where the program can choose, port 0 is better.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
