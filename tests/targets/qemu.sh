#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target qemu: with a guest that writes to two disks all the time: made, started, seen, committed while it writes,
# with the command or QEMU killed after every step of it, and removed.
# shellcheck source=tests/targets/writer.sh
. "$(dirname "$0")/writer.sh"
state_with_writer
plan '"machine": {"memory": 64, "networks": {"*": "none"}}'

# begin JOB: a machine that runs and has written something.
begin() {
    job=$1
    target make && target start && within 60 more_than 0
}
# steps of a commit while the machine runs, in their order.
steps=('home chosen' 'home has room' 'mirror begun' 'mirror equal' 'machine paused' 'mirror completed' 'home recorded'
    'machine continued' 'layers dropped')

# ---- Made, started, seen ------------------------------------------------------------------------

check "it can be done here" target check
check "nothing is there" power_is absent
killed_at() { BF_KILL_AT=$1 fails 137 target "${@:2}"; }
check "killed while it is made" killed_at 'machine images' make
check "it is not there, then" power_is absent
check "made" target make
inode() { stat -c %i "$(folder)/overlay-0.qcow2"; }
before=$(inode)
check "made again" target make
check "what is there is kept" equal "$before" "$(inode)"
check "it is off" power_is off
check "nothing is written" equal 0 "$(target written)"
check "the command line is a script, private and executable" mode_is 700 "$(folder)/start"
check "started" target start
check "it is on" power_is on
check "started again" target start
check "a machine without a guest agent is told" refused 1 'no guest agent answers' target agent '{"execute":"guest-ping"}'
check "the guest runs" within 60 grep -aq WRITER "$(folder)/console.log"
check "and writes" within 60 more_than 1
check "how much it wrote" at_least 131072 "$(target written)"
check "a picture of its screen" target picture "$T/screen.png"
check "it is a PNG file" equal "$(printf '\211PNG\r\n\032\n' | xxd -p)" "$(head -c 8 "$T/screen.png" | xxd -p)"
refute "no second one runs over the same disks" timeout 60 "$(folder)/start"
its_session() { [ "$(ps -o sid= -p "$(machine_pid)" | tr -d ' ')" != "$(ps -o sid= -p $$ | tr -d ' ')" ]; }
check "it is in a session of its own" its_session
check "an operator types at the console" python3 -c '
import socket, sys, os
s = socket.socket(socket.AF_UNIX); s.settimeout(60); os.chdir(sys.argv[1]); s.connect("serial.sock")
assert b"." in s.recv(4096)' "$(folder)"
check "pulled" target pull
check "it is off, then" power_is off
check "what it wrote is still known" at_least 131072 "$(target written)"
kill_qemu() { kill -9 "$(machine_pid)" && within 60 power_is crashed; }
check "started once more" target start
check "QEMU is killed" kill_qemu
check "it can be started after that" target start
check "removed while it runs" target remove
check "it is not there any more" power_is absent
only_words() { equal "console.log evidence.log qemu.log" "$(cd "$(folder)" && echo *)"; }
check "what it said is there, and nothing else" only_words

# ---- Committed while it writes ------------------------------------------------------------------

check "another machine runs" begin 8
check "committed" target commit
check "it runs" power_is on
check "it writes on" writes_on
check "it needs nothing of the replica" needs_no_replica
check "committed again" target commit
check "pulled after that" target pull
check "its disks are what it wrote" sound "$(home)" "$(folder)/console.log"
check "its record alone says that it is off" equal off "$(target at-home)"
check "and starts it, without a word of its point" equal on "$(target at-home start)"
check "it is started once only" equal on "$(target at-home start)"
check "it writes again" within 60 more_than 0 "$(home)/console.log"
check "pulled once more" target pull
mv "$(folder)/start" "$T/start"
grep -v 'at home: ' "$T/start" >"$(folder)/start"
refuses_broken() { ! target at-home start 2>"$T/broken" && grep -q "does not say where the machine's disks are" "$T/broken"; }
check "a record without disks is refused" refuses_broken
mv "$T/start" "$(folder)/start"
by_hand() { setsid "$(folder)/start" </dev/null >/dev/null 2>&1 & }
by_hand
check "started by hand, it is found again" within 60 power_is on
check "and writes, at home" within 60 more_than 0 "$(home)/console.log"
check "removed" target remove
home_is_there() { [ -s "$(home)/disk-0.qcow2" ] && [ -x "$(home)/start" ]; }
check "its home stays" home_is_there

# ---- The command is killed after each step -------------------------------------------------------

n=20
for step in "${steps[@]}"; do
    n=$((n + 1))
    check "a machine, to be committed" begin $n
    check "killed at: $step" killed_at "$step" commit
    check "the same command finishes it" target commit
    check "it writes on" writes_on
    check "it needs nothing of the replica" needs_no_replica
    check "pulled" target pull
    check "the disks are sound: $step" sound "$(home)" "$(folder)/console.log"
    check "removed" target remove
done

# ---- QEMU is killed after each step ---------------------------------------------------------------

loses_qemu_at() { BF_KILL_QEMU_AT=$1 target commit || true; }
for step in "${steps[@]}"; do
    n=$((n + 1))
    check "a machine, to be committed" begin $n
    check "its QEMU is killed at: $step" loses_qemu_at "$step"
    check "the same command finishes it" target commit
    check "the disks are sound: $step" sound "$(home)" "$(folder)/console.log"
    check "it starts from them" target start
    check "and writes" within 60 more_than 0 "$(home)/console.log"
    check "it needs nothing of the replica" needs_no_replica
    check "removed" target remove
done

# ---- Cancelled, off, elsewhere --------------------------------------------------------------------

check "a machine whose commit is cancelled" begin 50
cancelled() { BF_CANCEL_AT='mirror begun' refused 1 'cancelled' target commit; }
check "cancelled" cancelled
check "it writes on" writes_on
no_home() { [ ! -e "$(home)" ] && ! grep -q 'bootferry home' "$(folder)/start"; }
check "nothing is left of its home" no_home
check "committed to a folder after all" target commit "$T/tmp"
check "pulled" target pull
check "the disks are there" sound "$T/tmp/web-1" "$(folder)/console.log"
check "removed" target remove
check "a folder that is taken" begin 51
check "is refused" refused 1 "there is a $T/tmp/web-1 already" target commit "$T/tmp"
check "pulled" target pull
check "committed while it is off" target commit
check "the disks are sound" sound "$(home)" "$(folder)/console.log"
check "it starts from them" target start
check "removed" target remove
rm -rf "$T/tmp/web-1"

# ---- No room ----------------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=12m,mode=700 tmpfs "$T/small" 2>/dev/null; then
    at_exit umount -l "$T/small"
    check "a machine, for a folder with little room" begin 52
    fallocate -l 11m "$T/small/fill"
    check "there is too little" refused 1 'a copy of the disks takes up to' target commit "$T/small"
    as_before() { [ ! -e "$T/small/web-1" ] && ! grep -q 'bootferry home' "$(folder)/start"; }
    check "it is as if it had not been asked for" as_before
    rm "$T/small/fill"
    runs_out() {
        BF_RUN_AT='home has room' BF_RUN="fallocate -l 10m $T/small/fill" fails 1 target commit "$T/small" 2>"$T/no-room"
    }
    check "the room runs out while it copies" runs_out
    check "that is the reason" grep -q '^no-space (server)' "$T/no-room"
    check "the copies are gone" as_before
    check "the machine runs on" writes_on
    rm -f "$T/small/fill"
    check "with room, it is committed" target commit "$T/small"
    check "it writes on" writes_on
    check "pulled" target pull
    check "its disks are sound" sound "$T/small/web-1" "$(folder)/console.log"
    check "removed" target remove
else
    skip "a folder without room" "needs root, and tmpfs"
fi

# ---- Refusals ---------------------------------------------------------------------------------------

job=60
check "made, for a file that is not what it was" target make
# Bit 2 of the incompatible features: the data is in another file, which the header names.
printf '\004' | dd of="$(folder)/overlay-0.qcow2" bs=1 seek=79 conv=notrunc status=none
check "a disk whose header names another file is not opened" refused 1 overlay-0.qcow2 target start
check "removed" target remove
uri=qemu:x
check "an URI with more than it can have" refused 1 'nothing follows the colon' target check
uri=vmware:
check "a target that is none" refused 1 'name one of these: qemu:' target check
uri=qemu:
plan '"machine": {"networks": {"*": "bridge:bfno0"}}'
check "a bridge that is not there" refused 1 'no bridge bfno0' target check
plan '"machine": {"networks": {"*": "network:lab"}}'
check "a network of libvirt's" refused 1 'use the target libvirt:' target check
plan '"machine": {"memory": 16000000}'
check "more memory than there is" refused 1 'machine.memory' target check

# ---- Two tests side by side -------------------------------------------------------------------------

mac=$("$B" points web-1@1 | sed -n 's/^NIC: //p' | head -n 1 | cut -c 1-17)
plan "\"machine\": {\"memory\": 64}, \"nics\": [{\"match\": {\"mac\": \"$mac\"}, \"addresses\": [\"192.0.2.5/24\"],
    \"gateway\": \"192.0.2.1\"}]"
for test in 71 72; do
    job=$test
    check "test $test is made and runs" begin $test
    check "its network is its own" grep -q 'restrict=on,net=192.0.2.0/24,host=192.0.2.1,' "$(folder)/start"
    check "its name is another" grep -q "guest=web-1-test-$test" "$(folder)/start"
done
for test in 71 72; do
    job=$test
    check "test $test runs beside the other" power_is on
    check "and writes" writes_on
    check "cleaned up" target remove
    check "gone" power_is absent
done
check "the replica is as it was" grep -q 'is the same as the source' <("$B" verify web-1)
finish
