// SPDX-License-Identifier: Apache-2.0
// Exceptions of the processor: a way out of code that is broken, to where it can still be told.
// One file per architecture defines it (boot/traps_x86_64.c).
#ifndef BF_BOOT_TRAPS_H
#define BF_BOOT_TRAPS_H

#include <stddef.h>
#include <stdint.h>

struct bf_exception {
    uint32_t vector;
    uint64_t at;      // the instruction
    uint64_t address; // that could not be reached; 0 where the exception has none
};

// The boot processor: every exception that the firmware lets have calls entry on a stack of its
// own, with interrupts as they were. There is no way back, but entry may leave by bf_cpu_switch;
// when it returns, the processor halts. Once at a time. Exceptions that the firmware keeps stay
// with it; where it has no way to ask for them at all, that is all of them.
void bf_traps_begin(void (*entry)(const struct bf_exception *e));
// Gives them back to the firmware.
void bf_traps_end(void);

typedef void bf_trap_entry(void *argument, const struct bf_exception *e); // on the same stack
enum { BF_TRAPS_TABLE = 4096 };

struct bf_traps_place {
    uint16_t unused[3], limit; // the processor reads and writes from here on
    uint64_t base;
};

// Another processor, while it works for us: a table of its own, which has the firmware's interrupts
// and our exceptions. Its owner keeps the memory in place from set to restore.
struct bf_traps {
    _Alignas(16) uint8_t table[BF_TRAPS_TABLE];
    bf_trap_entry *entry;
    void *argument;
    struct bf_traps_place before;
};
void bf_traps_set(struct bf_traps *traps, bf_trap_entry *entry, void *argument);
void bf_traps_restore(const struct bf_traps *traps);

// "exception 14 (page fault, address 0x10) at image+0x95d43": an offset from the image's beginning,
// as in the linker's map; outside of it an address.
void bf_traps_text(char *out, size_t size, const struct bf_exception *e);

#endif
