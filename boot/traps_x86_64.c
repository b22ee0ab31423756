// SPDX-License-Identifier: Apache-2.0
// Exceptions on x86-64 (Intel SDM volume 3, 6.10 to 6.15). On the boot processor the table belongs
// to the firmware, whose timer uses it, so its EFI_CPU_ARCH_PROTOCOL is asked (UEFI PI 1.8, volume
// 2, 12.3): its handler is left at once for a stack of our own, because where the program was is
// not known to be sound. Other processors get a table of their own, since the protocol is for the
// boot processor only. No stack is switched by the processor itself (that needs a task state
// segment, and none of ours could be given back), so one whose stack pointer leads nowhere resets
// the machine.
#include "boot/traps.h"

#include <string.h>

#include <efi.h>

#include <efidebug.h>

#include "base/fmt.h"
#include "boot/cpu.h"
#include "boot/platform_efi.h"
#include "drivers/handles_efi.h"

enum {
    VECTORS = 32,
    PAGE_FAULT = 14,
    // What an error of a program raises; not debugging and the non-maskable interrupt (1, 2).
    OURS = 0x003f7df9,
    HAVE_ERROR_CODE = 0x60227d00, // pushed before the frame
    GATE = 0x8e00,                // present, of an interrupt: the processor does not take others
    STUB_BYTES = 8,
    STACK_BYTES = 32768,
    INTERRUPTS = 1 << 9, // of RFLAGS
};

// ---- What it was -------------------------------------------------------------------------------

static uint64_t image_base, image_bytes;

static void find_image(void)
{
    EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *image = bf_efi_protocol(bf_efi_image, &guid);
    if (image) {
        image_base = (uintptr_t)image->ImageBase;
        image_bytes = image->ImageSize;
    }
}

static const char *name(uint32_t vector)
{
    switch (vector) {
    case 0:
        return "division";
    case 3:
        return "breakpoint";
    case 6:
        return "invalid instruction";
    case 13:
        return "protection fault";
    case PAGE_FAULT:
        return "page fault";
    default:
        return "processor";
    }
}

void bf_traps_text(char *out, size_t size, const struct bf_exception *e)
{
    int inside = e->at - image_base < image_bytes;
    char address[40] = "";
    if (e->vector == PAGE_FAULT)
        bf_snprintf(address, sizeof address, ", address 0x%llx", (unsigned long long)e->address);
    bf_snprintf(out, size, "exception %u (%s%s) at %s0x%llx", e->vector, name(e->vector), address,
                inside ? "image+" : "",
                (unsigned long long)(inside ? e->at - image_base : e->at));
}

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

// ---- The boot processor ------------------------------------------------------------------------

// EFI_CPU_ARCH_PROTOCOL, which gnu-efi's headers lack.
#define CPU_ARCH_GUID                                                                              \
    {                                                                                              \
        0x26baccb1, 0x6f42, 0x11d4,                                                                \
        {                                                                                          \
            0xbc, 0xe7, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81                                         \
        }                                                                                          \
    }

typedef VOID(EFIAPI *interrupt_handler)(EFI_EXCEPTION_TYPE type, EFI_SYSTEM_CONTEXT context);

struct cpu_arch {
    VOID *FlushDataCache, *EnableInterrupt, *DisableInterrupt, *GetInterruptState, *Init;
    EFI_STATUS(EFIAPI *RegisterInterruptHandler)
    (struct cpu_arch *self, EFI_EXCEPTION_TYPE type, interrupt_handler handler);
};

static struct cpu_arch *firmware;
static uint32_t registered; // a bit per vector
static void (*tell)(const struct bf_exception *e);
static struct bf_exception last;
static uint64_t last_flags;
static _Alignas(16) uint8_t stack[STACK_BYTES];

static void on_own_stack(void *argument)
{
    if (last_flags & INTERRUPTS)
        __asm__ volatile("sti");
    tell(argument);
    halt();
}

static VOID EFIAPI caught(EFI_EXCEPTION_TYPE type, EFI_SYSTEM_CONTEXT context)
{
    const EFI_SYSTEM_CONTEXT_X64 *x = context.SystemContextX64;
    void *left;
    last = (struct bf_exception){.vector = (uint32_t)type,
                                 .at = x->Rip,
                                 .address = type == PAGE_FAULT ? x->Cr2 : 0};
    last_flags = x->Rflags;
    bf_cpu_switch(&left, bf_cpu_stack(stack + STACK_BYTES, on_own_stack, &last));
}

void bf_traps_begin(void (*entry)(const struct bf_exception *e))
{
    EFI_GUID guid = CPU_ARCH_GUID;
    tell = entry;
    find_image();
    firmware = bf_cpu_can_switch() ? bf_efi_locate(&guid) : NULL;
    for (uint32_t i = 0; firmware && i < VECTORS; i++)
        if ((OURS >> i & 1) && !EFI_ERROR(firmware->RegisterInterruptHandler(firmware, i, caught)))
            registered |= 1u << i;
}

void bf_traps_end(void)
{
    for (uint32_t i = 0; i < VECTORS; i++)
        if (registered >> i & 1)
            firmware->RegisterInterruptHandler(firmware, i, NULL);
    registered = 0;
}

// ---- Other processors --------------------------------------------------------------------------

static void read_place(struct bf_traps_place *t)
{
    __asm__ volatile("sidt %0" : "=m"(t->limit), "=m"(t->base));
}

// The processor's frame: where it was and in what state; an error code may stand before it.
__attribute__((used)) static void trapped(const uint64_t *frame, uint64_t stub, uint64_t first)
{
    uint32_t vector = (uint32_t)((stub - first) / STUB_BYTES);
    struct bf_exception e = {.vector = vector, .at = frame[HAVE_ERROR_CODE >> vector & 1]};
    struct bf_traps_place t;
    const struct bf_traps *traps;
    if (vector == PAGE_FAULT)
        __asm__ volatile("mov %%cr2, %0" : "=r"(e.address));
    read_place(&t);
    traps = (const struct bf_traps *)(uintptr_t)t.base; // its table is its first member
    traps->entry(traps->argument, &e);
    halt();
}

// One stub of eight bytes for each vector: the address that its call leaves says which it was.
__attribute__((naked)) static void stubs(void)
{
    __asm__(".rept 32\n .balign 8\n call 1f\n .endr\n"
            "1: pop %rdx\n"
            "sub $5, %rdx\n" // the call's own length
            "mov %rsp, %rcx\n"
            "lea stubs(%rip), %r8\n"
            "cld\n"
            "and $-16, %rsp\n sub $32, %rsp\n"
            "call trapped");
}

static void set_gate(uint8_t *gate, uint64_t address, uint16_t segment)
{
    const uint16_t words[8] = {(uint16_t)address,         segment, GATE, (uint16_t)(address >> 16),
                               (uint16_t)(address >> 32), (uint16_t)(address >> 48)};
    memcpy(gate, words, sizeof words);
}

void bf_traps_set(struct bf_traps *traps, bf_trap_entry *entry, void *argument)
{
    struct bf_traps_place t = {.limit = BF_TRAPS_TABLE - 1, .base = (uintptr_t)traps->table}, old;
    uint16_t segment;
    read_place(&old);
    memset(traps->table, 0, sizeof traps->table);
    memcpy(traps->table, (const void *)(uintptr_t)old.base,
           old.limit < BF_TRAPS_TABLE ? old.limit + 1u : BF_TRAPS_TABLE);
    __asm__("mov %%cs, %0" : "=r"(segment));
    for (uint32_t i = 0; i < VECTORS; i++)
        if (OURS >> i & 1)
            set_gate(traps->table + i * 16, (uintptr_t)stubs + i * STUB_BYTES, segment);
    traps->entry = entry;
    traps->argument = argument;
    traps->before = old;
    __asm__ volatile("lidt %0" : : "m"(t.limit), "m"(t.base));
}

void bf_traps_restore(const struct bf_traps *traps)
{
    __asm__ volatile("lidt %0" : : "m"(traps->before.limit), "m"(traps->before.base));
}
