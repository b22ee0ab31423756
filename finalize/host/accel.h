// SPDX-License-Identifier: Apache-2.0
// Which accelerator the small VM gets, and why. /dev/kvm that opens, and even a virtual processor
// that runs, prove nothing: on some nested hosts no kernel starts. So the VM's own kernel is
// started with KVM once per start of the host, and what came of it is remembered.
#ifndef BF_FINALIZE_HOST_ACCEL_H
#define BF_FINALIZE_HOST_ACCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "finalize/host/run.h"

struct bf_accel {
    bool kvm;
    char why[192]; // one line
};

// QEMU_ACCEL=tcg|kvm in the environment decides; else what is remembered; else a probe, which takes
// some seconds at most where KVM does not work. Of `run` it uses kernel, initramfs, qemu, memory
// and stop. BF_ERR_CONFIG when QEMU_ACCEL has another value.
enum bf_err bf_accel_choose(const struct bf_run *run, struct bf_accel *accel,
                            struct bf_fault *fault);

// The VM did not come up with KVM after all: TCG from now on, and it is remembered.
void bf_accel_failed(const struct bf_run *run, struct bf_accel *accel, const char *how);

#endif
