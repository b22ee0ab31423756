# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# server.sh: a replica server for the demo and the scenarios; to be sourced after lib.sh. One at a time, on a free port
# of 127.0.0.1 (or BF_SERVER_LISTEN), which a machine on a user network reaches as 10.0.2.2.

BF_SERVER_STATE=''
BF_SERVER_PORT=''
BF_SERVER_PID=''
BF_PROGRAMS=$BF_BUILD # where the programs are

# bf_cli COMMAND...: the operator's command on the server's state.
bf_cli() { BOOTFERRY_STATE=$BF_SERVER_STATE "$BF_PROGRAMS/bootferry" "$@"; }

# bf_server_init STATE ADDRESSES
bf_server_init() {
    BF_SERVER_STATE=$1
    bf_cli init --address "$2"
}

# bf_listening PID: prints the TCP port that the process listens on, by what the kernel says and not by its log.
bf_listening() {
    ss -Hltnp 2>/dev/null | sed -nE "s/^.*[]0-9*]:([0-9]+) .*pid=$1,.*/\1/p" | head -n 1
}

# bf_server_start LOG [ARGUMENT...]: starts bootferryd, on the port of the time before if there was one.
bf_server_start() {
    local log=$1 end=$((SECONDS + 60 * BF_PATIENCE)) listen=${BF_SERVER_LISTEN:-127.0.0.1}:${BF_SERVER_PORT:-0}
    shift
    # shellcheck disable=SC2086 # a command and its arguments, or nothing
    bf_bound ${BF_SERVER_WRAP:-} "$BF_PROGRAMS/bootferryd" --state "$BF_SERVER_STATE" --listen "$listen" "$@" >>"$log" 2>&1 &
    BF_SERVER_PID=$!
    BF_SERVER_PORT=''
    while [ -z "$BF_SERVER_PORT" ]; do
        if ! kill -0 "$BF_SERVER_PID" 2>/dev/null || [ $SECONDS -ge $end ]; then
            tail -n 5 "$log" >&2
            bf_die "bootferryd did not start: $log"
        fi
        sleep 0.1
        BF_SERVER_PORT=$(bf_listening "$BF_SERVER_PID")
    done
}

# bf_server_stop [SIGNAL]: TERM must end it with status 0; KILL is the plug being pulled.
bf_server_stop() {
    local pid=$BF_SERVER_PID signal=${1:-TERM} end=$((SECONDS + 60 * BF_PATIENCE)) status=0
    [ -n "$pid" ] || return 0
    BF_SERVER_PID=''
    kill "-$signal" "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        [ "$signal" != KILL ] || break
        if [ $SECONDS -ge $end ]; then
            kill -9 "$pid"
            printf 'bootferryd did not end within %s s of SIG%s\n' $((60 * BF_PATIENCE)) "$signal" >&2
            return 1
        fi
        sleep 0.1
    done
    wait "$pid" 2>/dev/null || status=$?
    [ "$signal" = KILL ] || [ "$status" = 0 ] || { printf 'bootferryd ended with status %s\n' "$status" >&2; return 1; }
}
