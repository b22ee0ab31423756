# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of the operator's command and of the daemon share, beside tests/lib.sh: a state, judgements about
# commands, and a daemon on a port of its own.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# shellcheck disable=SC2034 # for the tests
B=$PWD/build/bootferry
D=$PWD/build/bootferryd
# shellcheck disable=SC2034
EFI=$PWD/build/bootferry.efi
# shellcheck disable=SC2034
PUSH=$PWD/build/bootferry-push
export BOOTFERRY_STATE=$T/state TMPDIR=$T/tmp
mkdir "$T/tmp"
daemon_pid=
port=
daemon_kill() { [ -z "$daemon_pid" ] || kill -9 "$daemon_pid" 2>/dev/null; }
at_exit daemon_kill

# exits STATUS COMMAND...: the command must end with this status; output in $T/stdout, $T/stderr.
exits() {
    local wanted=$1 status=0
    shift
    "$@" >"$T/stdout" 2>"$T/stderr" || status=$?
    [ "$status" = "$wanted" ] && return
    echo "status $status instead of $wanted"
    cat "$T/stdout" "$T/stderr"
    return 1
}
# refused STATUS WORDS COMMAND...: it ends with this status and says these words on standard error.
refused() {
    local status=$1 words=$2
    shift 2
    exits "$status" "$@" && grep -qF -- "$words" "$T/stderr" && return
    echo "it does not say: $words"
    cat "$T/stderr"
    return 1
}
# json FILTER COMMAND...: the command's JSON satisfies the jq filter.
json() {
    local filter=$1
    shift
    "$@" >"$T/json" && jq -e "$filter" "$T/json" >/dev/null && return
    cat "$T/json"
    return 1
}
mode_is() { [ "$(stat -c %a "$2")" = "$1" ]; }

daemon_start() {
    : >"$T/daemon.out" # not the line of the one before
    bf_bound "$D" --listen 127.0.0.1:0 "$@" >>"$T/daemon.out" 2>>"$T/daemon.log" &
    daemon_pid=$!
    within 20 grep -q '^bootferryd: listening on ' "$T/daemon.out"
    # shellcheck disable=SC2034 # for the tests
    port=$(sed -n 's/^bootferryd: listening on .*:\([0-9]*\)$/\1/p' "$T/daemon.out")
}
# daemon_stop [SIGNAL]: with TERM it must end by itself, with status 0.
daemon_stop() {
    local signal=${1:-TERM} status=0 pid=$daemon_pid
    kill "-$signal" "$pid"
    wait "$pid" || status=$?
    daemon_pid=
    [ "$signal" = KILL ] || [ "$status" = 0 ] || { echo "it ended with status $status"; return 1; }
}

# push ARGUMENT...: a copy of web-1 by the medium $T/web-1.conf; what it says is in $T/push.log.
push() { "$PUSH" --conf "$T/web-1.conf" "$@" >"$T/push.log" 2>&1 || { cat "$T/push.log"; return 1; }; }
# field NAME: of the last line about progress there.
field() { sed -n "s/.* event=progress .* $1=\([0-9]*\) .*/\1/p" "$T/push.log" | tail -n 1; }
# exported POINT DISK FILE: the disk of web-1's point holds what the file does.
exported() {
    rm -f "$T/export.raw"
    "$B" export "web-1@$1" --disk "$2" --format raw "$T/export.raw" >"$T/export.log" && cmp "$T/export.raw" "$3"
}
