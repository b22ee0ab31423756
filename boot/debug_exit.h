// SPDX-License-Identifier: Apache-2.0
// QEMU's isa-debug-exit device: ends the virtual machine with an exit status.
#ifndef BF_BOOT_DEBUG_EXIT_H
#define BF_BOOT_DEBUG_EXIT_H

#include <stdint.h>

// Writes value to the port: QEMU exits with (value << 1) | 1. Returns when there is no such device.
// Only called when the configuration names a port. Does nothing where there are no I/O ports.
void bf_debug_exit(uint16_t port, uint8_t value);

#endif
