# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of failover's targets share, beside tests/cli/lib.sh: a state with a point of the smallest guest
# (writer.py), and a target's functions, each in a process of its own (driver.c).
# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"
export QEMU_ACCEL=${QEMU_ACCEL:-tcg} # the guest is a boot sector

DRIVER=$PWD/build/tests/target_driver
job=7 uri=qemu: test=0 port=''

# plan JSON-MEMBERS: the plan, a machine with a BIOS beside what is given.
plan() {
    printf '{"version": 1, "target": {"kind": "qemu-virtio", "firmware": "bios"}%s}\n' "${1:+, $1}" >"$T/plan.json"
}

# state_with_writer: web-1@1.
state_with_writer() {
    "$B" init --address 127.0.0.1 >/dev/null
    "$B" machine add web-1 >/dev/null
    daemon_start --sessions 8
    "$B" media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$port" >/dev/null
    tests/targets/writer.py make "$T/a.raw" "$T/b.raw"
    check "a point of the smallest guest" push --disk "$T/a.raw" --disk "$T/b.raw"
    daemon_stop
}

# target ACTION [ARGUMENT]: of $job, $uri and $test.
target() {
    mkdir -p "$T/state/jobs/$job"
    "$DRIVER" "$T/state" web-1@1 "$T/plan.json" "jobs/$job" "$uri" "$test" "$@"
}
folder() { echo "$T/state/jobs/$job"; }
home() { echo "$T/state/machines/web-1/home-$job"; }
power_is() { equal "$1" "$(target power)"; }

# Nothing runs on when the script ends.
machines_end() {
    local pid
    for pid in "$T"/state/jobs/*/qemu.pid "$T"/state/machines/*/home-*/qemu.pid "$T"/*/*/qemu.pid; do
        [ -s "$pid" ] && kill -9 "$(cat "$pid")" 2>/dev/null
    done
    true
}
at_exit machines_end

# The process that holds the pid file of the job's folder or of the home.
machine_pid() { cat "$(folder)/qemu.pid" 2>/dev/null || cat "$(home)/qemu.pid"; }
# dots [FILE]: how far the guest is.
dots() { tr -cd . <"${1:-$(folder)/console.log}" | wc -c; }
# writes_on [FILE]: it goes on.
writes_on() {
    local now
    now=$(dots "$@")
    within 60 more_than "$now" "$@"
}
more_than() { [ "$(dots "${@:2}")" -gt "$1" ]; }

# sound FOLDER CONSOLE: the disks at home are what the guest wrote.
sound() {
    local n
    for n in 0 1; do
        qemu-img convert -f qcow2 -O raw "$1/disk-$n.qcow2" "$T/judged-$n.raw" || return 1
    done
    tests/targets/writer.py judge "$2" "$T/judged-0.raw" "$T/judged-1.raw" "$T/a.raw" "$T/b.raw"
}
# needs_no_replica: QEMU has no file of the replica or the job open, and no image at home names another.
needs_no_replica() {
    ! find "/proc/$(machine_pid)/fd" -lname "*/disk-*/layer-*" -o -lname '*/overlay-*' | grep . &&
        ! qemu-img info -f qcow2 "$(home)/disk-0.qcow2" | grep 'backing file'
}
