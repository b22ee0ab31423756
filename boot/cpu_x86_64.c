// SPDX-License-Identifier: Apache-2.0
// The processor, x86-64: time stamp counter, RDRAND, AVX state, CPUID, I/O ports. References:
// Intel SDM volumes 1 (13: XSAVE; 7.3.17: RDRAND), 2 (CPUID), 3 (18.17: time stamp counter).
#include "boot/cpu.h"

#include <cpuid.h>
#include <string.h>

enum {
    LEAF_TSC = 0x15,              // crystal ratio and frequency
    LEAF_HYPERVISOR = 0x40000000, // signature
    LEAF_HYPERVISOR_TIMING = 0x40000010,
    LEAF_NAME = 0x80000002, // and the two after it
    RDRAND_TRIES = 10,      // as the SDM recommends
};

uint64_t bf_cpu_ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static int has_hypervisor(void)
{
    uint32_t a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 31);
}

static uint64_t hypervisor_hz(void)
{
    uint32_t a, b, c, d;

    if (!has_hypervisor())
        return 0;
    __cpuid(LEAF_HYPERVISOR, a, b, c, d);
    if (a < LEAF_HYPERVISOR_TIMING || a > LEAF_HYPERVISOR + 0xffff)
        return 0;
    __cpuid(LEAF_HYPERVISOR_TIMING, a, b, c, d);
    return (uint64_t)a * 1000;
}

uint64_t bf_cpu_ticks_hz(void)
{
    uint32_t denominator, numerator, crystal, unused;

    if (__get_cpuid(LEAF_TSC, &denominator, &numerator, &crystal, &unused) && denominator &&
        numerator && crystal)
        return (uint64_t)crystal * numerator / denominator;
    return hypervisor_hz();
}

static int rdrand64(uint64_t *out)
{
    uint8_t ok;

    for (int i = 0; i < RDRAND_TRIES; i++) {
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*out), "=qm"(ok) : : "cc");
        if (ok)
            return 1;
    }
    return 0;
}

enum bf_err bf_cpu_entropy(void *out, size_t len)
{
    uint32_t a, b, c, d;
    uint8_t *at = out;
    uint64_t word, last;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND) || !rdrand64(&last))
        return BF_ERR_NO_ENTROPY;
    while (len) {
        size_t part = len < sizeof word ? len : sizeof word;
        // Some processors return a constant after a suspend: two equal words in a row are a
        // generator that stands still, not chance.
        if (!rdrand64(&word) || word == last)
            return BF_ERR_NO_ENTROPY;
        memcpy(at, &word, part);
        last = word;
        at += part;
        len -= part;
    }
    return BF_OK;
}

// ---- Vector registers --------------------------------------------------------------------------

enum {
    CR0_MP = 1 << 1,
    CR0_EM = 1 << 2,
    CR0_TS = 1 << 3,
    CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
    CR4_OSXSAVE = 1 << 18,
    CR4_CET = 1 << 23,
    XCR0_AVX = 7,           // x87, SSE, AVX
    XCR0_AVX512 = 0xe0,     // masks, upper halves, upper registers
    MXCSR_DEFAULT = 0x1f80, // as UEFI 2.10, 2.3.4, has them
    X87_DEFAULT = 0x37f,
};

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void write_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0));
}

static void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

// Bits of XCR0 that this processor has and that are of use here; 0: no AVX. An interrupt of the
// firmware saves and uses nothing that they add. References: SDM volume 1, 13.2, 14.3 and 15.2.
static uint64_t wanted_states(void)
{
    const uint64_t avx = XCR0_AVX, avx512 = XCR0_AVX | XCR0_AVX512;
    uint32_t has, a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_XSAVE) || !(c & bit_AVX) ||
        !__get_cpuid_count(0xd, 0, &has, &b, &c, &d))
        return 0;
    if ((has & avx512) == avx512 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX512F) &&
        (b & bit_AVX512VL))
        return avx512;
    return (has & avx) == avx ? avx : 0;
}

void bf_cpu_vectors_enable(struct bf_cpu_vectors *before)
{
    const uint32_t mode = MXCSR_DEFAULT;
    const uint16_t x87 = X87_DEFAULT;
    uint64_t wanted = wanted_states(), cr4;
    *before = (struct bf_cpu_vectors){.control = {read_cr0(), read_cr4()}};
    write_cr0((before->control[0] | CR0_MP) & ~(uint64_t)(CR0_EM | CR0_TS));
    cr4 = before->control[1] | CR4_OSFXSR | CR4_OSXMMEXCPT | (wanted ? CR4_OSXSAVE : 0);
    if (cr4 != before->control[1])
        write_cr4(cr4);
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(before->mode), "=m"(before->x87));
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mode), "m"(x87));
    if (!wanted)
        return;
    before->extended = read_xcr0();
    if ((before->extended & wanted) != wanted)
        write_xcr0(before->extended | wanted);
}

void bf_cpu_vectors_restore(const struct bf_cpu_vectors *before)
{
    if (before->extended) {
        __asm__ volatile("vzeroupper"); // what is switched off should hold nothing
        write_xcr0(before->extended);
    }
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(before->mode), "m"(before->x87));
    write_cr4(before->control[1]);
    write_cr0(before->control[0]);
}

// ---- Stacks ------------------------------------------------------------------------------------

// What bf_cpu_switch leaves on a stack: the registers that a function must preserve in the calling
// convention of this target, then the address where it goes on.
struct frame {
    uint8_t xmm[10][16]; // 6 to 15
    uint32_t mode;
    uint16_t x87, unused;
    uint64_t r15, r14, r13, r12, rsi, rdi, rbx, rbp;
    uint64_t address;
};
_Static_assert(sizeof(struct frame) == 160 + 8 + 9 * 8, "as the code below has it");

__attribute__((naked)) void bf_cpu_switch(void **from, void *to)
{
    __asm__("push %rbp\n push %rbx\n push %rdi\n push %rsi\n"
            "push %r12\n push %r13\n push %r14\n push %r15\n"
            "sub $168, %rsp\n"
            "movaps %xmm6, 0(%rsp)\n movaps %xmm7, 16(%rsp)\n"
            "movaps %xmm8, 32(%rsp)\n movaps %xmm9, 48(%rsp)\n"
            "movaps %xmm10, 64(%rsp)\n movaps %xmm11, 80(%rsp)\n"
            "movaps %xmm12, 96(%rsp)\n movaps %xmm13, 112(%rsp)\n"
            "movaps %xmm14, 128(%rsp)\n movaps %xmm15, 144(%rsp)\n"
            "stmxcsr 160(%rsp)\n fnstcw 164(%rsp)\n"
            "mov %rsp, (%rcx)\n"
            "mov %rdx, %rsp\n"
            "ldmxcsr 160(%rsp)\n fldcw 164(%rsp)\n"
            "movaps 0(%rsp), %xmm6\n movaps 16(%rsp), %xmm7\n"
            "movaps 32(%rsp), %xmm8\n movaps 48(%rsp), %xmm9\n"
            "movaps 64(%rsp), %xmm10\n movaps 80(%rsp), %xmm11\n"
            "movaps 96(%rsp), %xmm12\n movaps 112(%rsp), %xmm13\n"
            "movaps 128(%rsp), %xmm14\n movaps 144(%rsp), %xmm15\n"
            "add $168, %rsp\n"
            "pop %r15\n pop %r14\n pop %r13\n pop %r12\n"
            "pop %rsi\n pop %rdi\n pop %rbx\n pop %rbp\n"
            "ret");
}

// The first function on a new stack: rbx and rbp come out of the frame that bf_cpu_stack made.
__attribute__((naked)) static void begin(void)
{
    __asm__("and $-16, %rsp\n sub $32, %rsp\n mov %rbx, %rcx\n call *%rbp\n ud2");
}

void *bf_cpu_stack(void *top, void (*entry)(void *argument), void *argument)
{
    struct frame *f = (struct frame *)(((uintptr_t)top & ~(uintptr_t)15) - sizeof *f - 16);
    memset(f, 0, sizeof *f);
    f->mode = MXCSR_DEFAULT;
    f->x87 = X87_DEFAULT;
    f->rbx = (uintptr_t)argument;
    f->rbp = (uintptr_t)entry;
    f->address = (uintptr_t)begin;
    return f;
}

int bf_cpu_can_switch(void)
{
    return !(read_cr4() & CR4_CET);
}

// ------------------------------------------------------------------------------------------------

void bf_cpu_relax(void)
{
    __asm__ volatile("pause");
}

void bf_cpu_hypervisor(char out[13])
{
    uint32_t a, b, c, d;

    memset(out, 0, 13);
    if (!has_hypervisor())
        return;
    __cpuid(LEAF_HYPERVISOR, a, b, c, d);
    memcpy(out, &b, 4);
    memcpy(out + 4, &c, 4);
    memcpy(out + 8, &d, 4);
}

void bf_cpu_name(char out[49])
{
    uint32_t words[12];

    memset(out, 0, 49);
    for (uint32_t i = 0; i < 3; i++)
        if (!__get_cpuid(LEAF_NAME + i, &words[i * 4], &words[i * 4 + 1], &words[i * 4 + 2],
                         &words[i * 4 + 3]))
            return;
    memcpy(out, words, sizeof words);
}

enum bf_err bf_cpu_port_write8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
    return BF_OK;
}

enum bf_err bf_cpu_port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
    return BF_OK;
}

enum bf_err bf_cpu_port_read8(uint16_t port, uint8_t *value)
{
    __asm__ volatile("inb %1, %0" : "=a"(*value) : "Nd"(port));
    return BF_OK;
}
