#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is started ends with what started it, however that ends: the runner of the tests, scripts with machines and servers,
# and the commands that run other programs. Each is killed with SIGKILL in the middle, and its child has to be gone.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/cli/lib.sh"
# A program that poses as another: it says under which number it runs, and stays.
mkdir "$T/bin" "$T/pids"
chmod 711 "$T"
chmod 777 "$T/pids"
pose() {
    local name
    for name in "$@"; do
        # shellcheck disable=SC2016 # for the program
        printf '#!/bin/sh\necho $$ >"%s/$$"\nexec sleep 98765\n' "$T/pids" >"$T/bin/$name"
        chmod 755 "$T/bin/$name"
    done
}
runs() { [ -n "$(ls -A "$T/pids")" ]; }
# A process that has ended stays as a zombie until somebody asks for it.
gone() {
    local pid
    for pid in "$T/pids"/*; do
        pid=$(basename "$pid")
        [ ! -e "/proc/$pid" ] || grep -q '^State:.*[ZX]' "/proc/$pid/status" 2>/dev/null || return 1
    done
}
# ends SIGNAL COMMAND...: the command starts a child that poses; after the signal to the command both are gone.
ends() {
    local signal=$1 pid
    shift
    rm -f "$T/pids"/*
    PATH=$T/bin:$PATH bf_bound "$@" >"$T/ends.log" 2>&1 &
    pid=$!
    within 60 runs || { cat "$T/ends.log"; kill -9 "$pid"; return 1; }
    kill "-$signal" "$pid"
    wait "$pid" || true
    within 60 gone
}
pose sleeper qemu-img qemu-system-x86_64 qemu-storage-daemon xorriso mformat

# ---- The tests themselves ----------------------------------------------------------------------
# The test's own child has left its group and its parent, and does not mind being told to end.
cat >"$T/stays.sh" <<'STAYS'
#!/bin/bash
trap '' TERM
setsid bash -c 'trap "" TERM; (sleeper &)'
while :; do sleep 1; done
STAYS
cat >"$T/leaves.sh" <<'LEAVES'
#!/bin/bash
setsid sleeper &
until [ -n "$(ls -A "$1")" ]; do sleep 0.1; done
echo ok leaves
LEAVES
chmod +x "$T"/*.sh
export BF_TEST_LOGS=$T/logs
# What a test mounts is seen by nobody else, and is gone after it.
mounts_alone() {
    mkdir "$T/mnt"
    # shellcheck disable=SC2016 # for the other shell
    bf_bound tests/contain.py $$ 60 bash -c 'mount -t tmpfs none "$1" && touch "$1/there" "$2" && exec sleep 60' - "$T/mnt" "$T/mounted" &
    within 60 test -e "$T/mounted" && test ! -e "$T/mnt/there"
    local status=$?
    kill $!
    wait $! || true
    return "$status"
}
if [ "$(id -u)" = 0 ]; then check "a test's mounts are its own" mounts_alone; fi
check "the runner is killed" ends KILL tests/run.sh "$T/stays.sh"
check "the runner is told to end" ends TERM tests/run.sh "$T/stays.sh"
check "the runner that shows everything is killed" ends KILL tests/run.sh -v "$T/stays.sh"
check "a test whose time is up" ends 0 env BF_TEST_TIMEOUT=3 tests/run.sh "$T/stays.sh"
check "and this is said" grep -q '^not ok stays.sh: time limit' "$T/logs/stays.sh.log"
rm -f "$T/pids"/*
check "a test that leaves a process passes" env PATH="$T/bin:$PATH" tests/run.sh "$T/leaves.sh $T/pids"
check "the process is gone" gone
check "and named" grep -q '^# left running: sleep 98765' "$T"/logs/leaves.sh-*.log

# Of the tests of a row one runs at a time, beside one of the other row.
cat >"$T/row.sh" <<'ROW'
#!/bin/bash
mkdir "$1/$2" || { echo not ok alone; exit; }
until [ -e "$1/$3" ] || [ -e "$1/both" ]; do sleep 0.1; done
touch "$1/both"
sleep 1
rmdir "$1/$2"
echo ok alone
ROW
chmod +x "$T/row.sh"
rows() {
    local ours="$T/row.sh $T ours theirs" theirs="$T/row.sh $T theirs ours"
    tests/run.sh -j 3 true -- "$ours" "$ours" "$ours" -- "$theirs" "$theirs" >"$T/rows"
}
refute "a test that says nothing fails" rows
check "tests of a row run one at a time, beside those of another" grep -q '^5 passed, 1 failed$' "$T/rows"
check "each has a log of its own" equal 5 "$(cat "$T"/logs/row.sh-*.log | grep -c '^ok alone')"

# ---- Scripts with machines and servers ---------------------------------------------------------
cat >"$T/machine.sh" <<MACHINE
. qemu/lib.sh
export QEMU_ACCEL=tcg BF_BUILD=$T
bf_vm a $T/a q35
bf_vm_start a
bf_vm_wait_line a never 1000
MACHINE
check "a script with a machine" ends KILL bash "$T/machine.sh"

# ---- Commands ----------------------------------------------------------------------------------
truncate -s 1M "$T/disk.raw"
finalizer() { ends KILL env QEMU_ACCEL=tcg build/bootferry-finalize run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs --disk "raw:$T/disk.raw" "$@"; }
check "bootferry-finalize that makes an overlay" finalizer --inspect
check "bootferry-finalize with its VM" finalizer --undo
"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
check "bootferry media" ends KILL "$B" media web-1 --iso "$T/web-1.iso"

# The daemon, whose child is there as soon as a session begins.
"$B" media web-1 --conf "$T/web-1.conf" --set server=127.0.0.1:1 >/dev/null
server() {
    local pid sender
    rm -f "$T/pids"/*
    PATH=$T/bin:$PATH daemon_start --listen 127.0.0.1:0
    sed -i "s/^server=.*/server=127.0.0.1:$port/" "$T/web-1.conf"
    bf_bound build/bootferry-push --conf "$T/web-1.conf" --disk "$T/disk.raw" >"$T/push.log" 2>&1 &
    sender=$!
    within 60 runs || { cat "$T/push.log" "$T/daemon.log"; kill "$sender"; return 1; }
    daemon_stop KILL
    within 60 gone || return
    kill "$sender"
}
check "bootferryd" server
finish
