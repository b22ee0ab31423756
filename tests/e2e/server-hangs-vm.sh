#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server's storage daemon is stopped (not killed) in the middle of a transfer of the boot program: both sides say so,
# it is replaced, and the copy goes on. Then the finalizer's VM is stopped while its kernel runs.
. "$(dirname "$0")/lib.sh"
e2e_begin server-hangs-vm

e2e_disk "$E2E_DIR/data.raw" 256 47
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=off
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_start vm
e2e_sending vm 60000000 300
storage_daemon=$(pgrep -P "$BF_SERVER_PID" -f qemu-storage-daemon)
kill -STOP "$storage_daemon"
said() { bf_vm_serial vm | grep -a 'the storage daemon hung and was killed'; }
e2e_wait 60 "the source says that the storage daemon hung" said
e2e_verdict vm 300
check "the verdict" e2e_verdict_is_ok
check "the source said why it came back" said
check "it never missed the server" equal 0 "$(bf_vm_serial vm | grep -ac 'nothing was heard from the server')"
check "the server said so" grep -q 'hangs: no sign of life' "$E2E_LOGS/bootferryd.log"
check "its status has it" matches 'interrupted: the storage daemon hung' "$(bf_cli status web-1)"
check "the stopped one is gone" fails 1 kill -0 "$storage_daemon"
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"

# ---- The finalizer's VM ------------------------------------------------------------------------

printf '{"version": 1, "target": {"kind": "qemu-virtio"}, "hostname": "web-1", "nics": []}\n' >"$E2E_DIR/plan.json"
QEMU_ACCEL=tcg BOOTFERRY_STATE=$BF_SERVER_STATE bf_bound "$BF_BUILD/bootferry" finalize web-1@1 \
    --plan "$E2E_DIR/plan.json" >"$E2E_LOGS/finalize.log" 2>&1 &
command=$!
# Processor time of its child, in clock ticks: a kernel that runs under emulation uses much.
machine() { pgrep -P "$command" -f qemu-system; }
computes() { [ "$(awk '{ sub(/.*\) /, ""); print $12 }' "/proc/$(machine)/stat")" -gt 200 ]; }
e2e_wait 60 "the finalizer's VM runs" computes
vm=$(machine)
kill -STOP "$vm"
check "the finalization ends with an error" fails 1 wait "$command"
check "which names QEMU" grep -q 'QEMU hung and was killed' "$E2E_LOGS/finalize.log"
check "that is gone" fails 1 kill -0 "$vm"
check "nothing is left of it" equal 0 "$(find "$E2E_DIR/state/machines/web-1" -name 'finalized-*' | wc -l)"
e2e_end
