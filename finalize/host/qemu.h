// SPDX-License-Identifier: Apache-2.0
// QEMU for the small VM: its arguments, its descriptors, and the drop of privileges.
#ifndef BF_FINALIZE_HOST_QEMU_H
#define BF_FINALIZE_HOST_QEMU_H

#include <sys/types.h>

#include "finalize/host/run.h"
#include "finalize/host/room.h"

struct bf_qemu {
    pid_t pid;
    int control; // stream to the VM's port
    int log;     // what QEMU and the VM's console wrote
    struct bf_room room;
};

// What it is started for. BF_QEMU_PROBE: KVM, and a kernel that speaks at once.
enum bf_qemu_use { BF_QEMU_TCG, BF_QEMU_KVM, BF_QEMU_PROBE };

// Opens every file, and starts QEMU. After a failure there is nothing to close, and the reason is
// in `error`, which is longer than a fault's; BF_ERR_NO_SPACE for want of room.
enum bf_err bf_qemu_start(const struct bf_run *run, enum bf_qemu_use use, struct bf_qemu *qemu,
                          char *error, size_t size);
void bf_qemu_close(struct bf_qemu *qemu);
// Appends the last lines of the log to a message, printable characters only.
void bf_qemu_log_tail(const struct bf_qemu *qemu, char *error, size_t size);

#endif
