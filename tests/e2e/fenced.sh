#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The old machine after a failover: switched on again it is powered off, although its medium says end=exit and
# on-failure=reboot, and its system never starts; with fence=off it starts, and the screen says that there may be two;
# when the fence was lifted it sends again. The system on its disk is a program that says so on the serial port.
. "$(dirname "$0")/lib.sh"
e2e_begin fenced
SQL=$PWD/tests/daemon/sql.py
RUNS='^selftest done' # the old system

truncate -s 64M "$E2E_DIR/data.raw"
sgdisk --disk-guid=00000063-0000-4000-8000-000000000040 --new=1:2048:0 --typecode=1:ef00 "$E2E_DIR/data.raw" >/dev/null
partition=$E2E_DIR/data.raw@@1M
mformat -i "$partition" -F -T 128000 ::
mmd -i "$partition" ::/EFI ::/EFI/BOOT
mcopy -i "$partition" build/tests/selftest.efi ::/EFI/BOOT/BOOTX64.EFI
cp "$E2E_DIR/data.raw" "$E2E_DIR/before.raw"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"

# medium NAME KEY=VALUE...: a CD without debug-exit, which would end the machine before it does anything else.
medium() {
    local name=$1 set=()
    shift
    while [ $# -gt 0 ]; do set+=(--set "$1"); shift; done
    bf_cli media web-1 --iso "$E2E_DIR/$name.iso" --set "server=10.0.2.2:$BF_SERVER_PORT" "${set[@]}" >>"$E2E_LOGS/cli.log"
}
# start NAME: the machine, whose CD comes before its disk. It restarts when it is told to, so when it ends, it was
# powered off.
start() {
    e2e_machine "$1"
    bf_vm_disk "$1" virtio-blk "$E2E_DIR/data.raw" raw serial=data,bootindex=1
    bf_vm_cd "$1" "$E2E_DIR/$1.iso" bootindex=0
    bf_vm_nic "$1" virtio-net-pci
    bf_vm_add "$1" -action reboot=reset -device VGA
    bf_vm_start "$1"
}
verdict() { E2E_VERDICT=$(bf_vm_wait_line "$1" '^BOOTFERRY verdict=(ok|fail)' 300); }
old_system_runs() { bf_vm_wait_line "$1" "$RUNS" 60 >/dev/null; }

# ---- Before ------------------------------------------------------------------------------------

medium before
start before
verdict before
bf_vm_wait_exit before 60
check "the machine is copied" matches '^BOOTFERRY verdict=ok ' "$E2E_VERDICT"

# ---- It lives elsewhere ------------------------------------------------------------------------

"$SQL" "$E2E_DIR/state/db.sqlite" <<<"INSERT INTO fences VALUES('web-1', 7, 1796040000, 'on libvirt host kvm-3 as web-1', 1, 0, 0);"
medium fenced end=exit on-failure=reboot serial=console
start fenced
shown() { # of the screen, as the terminal on the serial port has it now, with broken lines joined
    tests/e2e/terminal.py "${BF_VM_DIR[fenced]}/serial.log" >"$E2E_LOGS/screen"
    text=$(tr -s '\n ' '  ' <"$E2E_LOGS/screen")
}
text=''
counting() { shown; [[ "$text" == *'Next: power off, in '* ]]; }
e2e_wait 300 "the screen counts down" counting
bf_vm_screen fenced "$E2E_LOGS/fenced.png" # to be looked at
bf_vm_wait_exit fenced 120
check "it is powered off" equal 0 "$BF_VM_STATUS"
check "its system did not start" equal 0 "$(grep -ac "$RUNS" "$E2E_LOGS/fenced/serial.log")"
shows() { [[ "$text" == *"$1"* ]] || { echo "wanted: $1"; cat "$E2E_LOGS/screen"; return 1; }; }
check "the screen says so" shows 'THIS MACHINE LIVES ELSEWHERE NOW'
check "where, and since when" shows 'on libvirt host kvm-3 as web-1, since 2026-11-30 12:00:00Z (an unplanned failover)'
check "how to bring it back" shows 'bootferry rollback web-1 on the replica server'
check "and what else to do" shows 'only while this medium comes first in the boot order'
check "the server saw it" equal 1 "$(bf_cli status web-1 --json | jq '.machines[0].fence.contacts')"
check "no point was added" equal 1 "$(e2e_points web-1)"

# ---- Whoever wants two of it -------------------------------------------------------------------

medium off end=exit fence=off on-failure=wait:1
start off
verdict off
e2e_failure_row "this machine lives elsewhere now"
check "fence=off is said loudly" bf_vm_wait_line off '^BOOTFERRY event=log .*level=warning text="fence=off: this machine is not kept off' 1
check "its system starts" old_system_runs off
bf_vm_kill off
check "no point was added by it" equal 1 "$(e2e_points web-1)"

# ---- Rolled back -------------------------------------------------------------------------------

"$SQL" "$E2E_DIR/state/db.sqlite" <<<"DELETE FROM fences WHERE machine = 'web-1';"
start before
verdict before
check "lifted, it sends again" matches '^BOOTFERRY verdict=ok .* point=2 ' "$E2E_VERDICT"
bf_vm_wait_exit before 60
check "the point is the disk" e2e_same web-1@2 0 "$E2E_DIR/before.raw"
check "the disk was never written" cmp "$E2E_DIR/before.raw" "$E2E_DIR/data.raw"
e2e_end
