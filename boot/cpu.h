// SPDX-License-Identifier: Apache-2.0
// What the boot program needs of the processor itself. One file per architecture defines it
// (boot/cpu_x86_64.c); nothing else in the program knows which one it is.
#ifndef BF_BOOT_CPU_H
#define BF_BOOT_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// A counter that runs at one rate and never stops.
uint64_t bf_cpu_ticks(void);

// Its rate in Hz as the processor or the hypervisor states it, 0 when it must be measured.
uint64_t bf_cpu_ticks_hz(void);

// Fills out from the processor's own generator. BF_ERR_NO_ENTROPY: there is none, or it is broken.
enum bf_err bf_cpu_entropy(void *out, size_t len);

// Makes the wide vector registers usable where the firmware left them off. Idempotent.
void bf_cpu_enable_vectors(void);

// A short rest inside a polling loop.
void bf_cpu_relax(void);

// The hypervisor's signature (12 characters), or "" on a machine of its own.
void bf_cpu_hypervisor(char out[13]);

// The processor's name for the inventory, "" when it does not tell.
void bf_cpu_name(char out[49]);

// One byte to an I/O port; BF_ERR_UNSUPPORTED on an architecture without ports.
enum bf_err bf_cpu_port_write8(uint16_t port, uint8_t value);
enum bf_err bf_cpu_port_write16(uint16_t port, uint16_t value);
enum bf_err bf_cpu_port_read8(uint16_t port, uint8_t *value);

#endif
