#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# finalize.sh [GUEST...]: the finalizer beside virt-v2v-in-place, on overlays of the same real guests: how long each takes,
# and whether the guest then starts on the same new machine, and with which address. Both work in a virtual machine with
# the same accelerator. virt-v2v changes no addresses, so for it a start counts with any.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=tests/finalize/moves.sh
. tests/finalize/moves.sh
TEST_KIND=bench
bench_open finalize

QEMU_ACCEL=$(bf_accel)
export QEMU_ACCEL LIBGUESTFS_BACKEND=direct
[ "$QEMU_ACCEL" != tcg ] || export LIBGUESTFS_BACKEND_SETTINGS=force_tcg
guestfs_kernel

v2v() { virt-v2v-in-place -i disk "$T/disk.qcow2" >"$logs/v2v.log" 2>&1; }
# comes_up: the address with which the guest starts, or nothing.
comes_up() {
    local line
    new_machine
    line=$(seen 100 2>/dev/null) || true
    bf_vm_kill new
    field address "$line"
}

names=("$@")
[ ${#names[@]} -gt 0 ] || names=(mbr lvm)
ours_up=0 peer_up=0
for name in "${names[@]}"; do
    guest "$name"
    status=0
    # All that an inspection and a rehearsal take: the VM's start, the file systems, the report, and its end.
    bench_time "$T/dry" finalizer --plan "$T/plan" --dry-run
    bench_result "the finalizer's VM for a dry run of $name, $QEMU_ACCEL" "$(cut -d' ' -f1 "$T/dry")" - s most 8
    bench_time "$T/ours" finalizer --plan "$T/plan"
    address=$(comes_up)
    [ "$address" != 192.168.77.50/24 ] || ours_up=$((ours_up + 1))
    echo "# $name, finalized: comes up with ${address:-nothing}"
    overlays
    bench_time "$T/peer" v2v || status=$?
    address=$(comes_up)
    [ -z "$address" ] || peer_up=$((peer_up + 1))
    echo "# $name, virt-v2v-in-place (exit status $status): comes up with ${address:-nothing}"
    bench_compare "adapting $name, beside virt-v2v-in-place" "[$(cut -d' ' -f1 "$T/ours")]" \
        "[$(cut -d' ' -f1 "$T/peer")]" s most 0.2
done
bench_compare "guests of ${#names[@]} that come up (ours: with the planned address)" "[$ours_up]" "[$peer_up]" guests
check "all that were finalized come up with the planned address" equal ${#names[@]} "$ours_up"
echo "ok bench finalize"
finish
