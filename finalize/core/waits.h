// SPDX-License-Identifier: Apache-2.0
// How long the runner of the finalizer's VM and the VM itself wait for what; docs/waits.md has all
// waits of all programs. That QEMU hangs is judged by linux/child_state.h.
#ifndef BF_FINALIZE_CORE_WAITS_H
#define BF_FINALIZE_CORE_WAITS_H

// The runner's, milliseconds.
#define BF_RUN_HELLO_MS 60000 // a broken accelerator starts the VM and then nothing happens
#define BF_RUN_ACK_MS   5000  // for the VM to take the last word
#define BF_RUN_QUIT_MS  60000 // for QEMU to end after the report, as long as it works
#define BF_RUN_PROBE_MS 6000  // for the first words of a kernel with KVM
#define BF_RUN_GONE_MS  2000  // for QEMU after SIGKILL: a broken KVM may keep it in a system call

// The VM's, milliseconds. Together they are shorter than the runner's patience.
#define BF_VM_PORT_MS    20000 // for the port's device to appear
#define BF_VM_HELLO_MS   10000 // for the runner to take the greeting
#define BF_VM_REQUEST_MS 30000 // for the request
#define BF_VM_REPORT_MS  50000 // for the runner to take the report
#define BF_VM_ACK_MS     20000 // for the runner's last word
#define BF_VM_STEP_MS    60000 // for the first step; each step says how long it may take
#define BF_VM_FAILED_MS  10000 // for the runner to take, and to acknowledge, a failure

#endif
