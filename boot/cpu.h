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

// What decides on this processor which vector registers may be used.
struct bf_cpu_vectors {
    uint64_t control[2];
    uint64_t extended; // 0: there is no such register, or it could not be read
    uint32_t mode;
    uint16_t x87;
};

// Makes the vector registers usable where the firmware left them off, and sets the state that code
// expects of them. *before is what restore puts back.
void bf_cpu_vectors_enable(struct bf_cpu_vectors *before);
void bf_cpu_vectors_restore(const struct bf_cpu_vectors *before);

// A stack that bf_cpu_switch begins to use by calling entry(argument), which never returns.
void *bf_cpu_stack(void *top, void (*entry)(void *argument), void *argument);
// Leaves this stack, whose place goes to *from, and goes on where `to` was left.
void bf_cpu_switch(void **from, void *to);
// 0 where the processor watches its stack, so that it cannot be another one.
int bf_cpu_can_switch(void);

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
