#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever is killed while the target libvirt works: each phase before and behind each call that changes something at the
# host, and the libvirt daemon. The same call then finishes it.
set -euo pipefail
# A session needs a user other than root: inside a user namespace, root is called one.
if [ "$(id -u)" = 0 ] && [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --user --map-user=1000 --map-group=1000 "$0" "$@"
fi
# shellcheck source=tests/targets/lib.sh
. "$(dirname "$0")/lib.sh"
export QEMU_ACCEL=tcg
replica_make
MACHINE+=("nic=52:54:00:0a:0b:0c,none,,")
mkdir "$T/new"
session_start

# Each phase is killed before and behind each call that changes something at the host, the daemon is killed as well, and
# the same phase is then called again until it succeeds. There is a call whose number is too high: then none was killed.
gone() { says absent lv power && [ "$(virsh_ list --all --name)" = "" ]; }
dies() { # WHEN NUMBER OPERATION...: true when it was killed there
    local when=$1 number=$2 status=0
    shift 2
    "$TOOL" "$S" "$FOLDER" "$URI" "$@" "${MACHINE[@]}" "die-$when=$number" >"$T/stdout" 2>"$T/stderr" || status=$?
    [ "$status" = 137 ]
}
is_running_alone() { lasting && virsh_ domstate web | grep running && copied "$T/new/web-disk-0.qcow2"; }
killed() { # OPERATION PREPARATION FINISH PROOF
    local when number
    for when in before behind; do
        for ((number = 1; number < 20; number++)); do
            eval "$2" || return 1
            # shellcheck disable=SC2086 # an operation with its arguments
            dies "$when" "$number" $1 || break
            kills=$((kills + 1))
            eval "$3" || { echo "killed $when call $number of $1"; return 1; }
            eval "$4" || { echo "killed $when call $number of $1"; return 1; }
            forget
        done
        # It was not killed, so it is done.
        eval "$4" || { echo "$1 with $number calls"; return 1; }
        forget
    done
}
forget() {
    ! virsh_ domstate web >"$T/state.out" 2>&1 || { virsh_ destroy web || true; virsh_ undefine web; } >"$T/state.out" 2>&1
    lv remove
    rm -rf "$T/new/"* "${S:?}/$FOLDER/"*
}
kills=0
check "killed while it is made" killed make true 'lv make' 'says off lv power'
check "killed while it is started" killed start 'lv make' 'lv start' 'says on lv power'
check "killed while it is committed" killed "commit to=$T/new" 'lv make && lv start' 'lv commit "to=$T/new"' is_running_alone
check "killed while it is committed, and it was off" killed "commit to=$T/new" 'lv make' 'lv commit "to=$T/new"' \
    'lasting && virsh_ domstate web | grep "shut off" && copied "$T/new/web-disk-0.qcow2"'
check "killed while it is committed, and removed" killed "commit to=$T/new" 'lv make && lv start' 'lv remove' true
check "killed while it is removed" killed remove 'lv make && lv start' 'lv remove' gone
check "that was at least twenty times" at_least 20 "$kills"
check "no disk of the replica has changed" is_sealed

# The daemon dies while disks are copied; QEMU does not notice, and the same command goes on.
lv make && lv start
check "a copy is under way" dies behind 1 commit "to=$T/new"
session_kill
check "without its daemon commit says so" lv_refused 'libvirt does not connect' commit "to=$T/new"
session_start
check "with another daemon it is finished" eval 'lv commit "to=$T/new" && is_running_alone'
forget

# One that stops in the middle of a commit.
lv make && lv start
check "a daemon that stops in the middle is told" lv_refused 'stopped answering' commit "to=$T/new" "stall=$libvirtd_pid"
kill -CONT "$libvirtd_pid"
check "and the commit is then finished" eval 'lv commit "to=$T/new" && is_running_alone'
forget
finish
