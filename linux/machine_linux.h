// SPDX-License-Identifier: Apache-2.0
// The inventory of the running machine, as evidence: from sysconf, /proc and /sys.
#ifndef BF_LINUX_MACHINE_LINUX_H
#define BF_LINUX_MACHINE_LINUX_H

#include "net/proto/proto.h"

// Fills everything but the disks. What the kernel does not tell stays empty.
void bf_machine_linux(struct bf_inventory *inventory);

#endif
