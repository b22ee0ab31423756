// SPDX-License-Identifier: Apache-2.0
// The processor, x86-64: time stamp counter, RDRAND, AVX state, CPUID, I/O ports. References:
// Intel SDM volumes 1 (13: XSAVE; 7.3.17: RDRAND), 2 (CPUID), 3 (18.17: time stamp counter).
#include "boot/cpu.h"

#include <cpuid.h>
#include <string.h>

enum {
    LEAF_TSC = 0x15,             // crystal ratio and frequency
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

void bf_cpu_enable_vectors(void)
{
    const uint64_t osxsave = 1u << 18;
    uint32_t a, b, c, d;
    uint64_t cr4;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_XSAVE) || !(c & bit_AVX))
        return;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    if (!(cr4 & osxsave))
        __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | osxsave) : "memory");
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    __asm__ volatile("xsetbv" : : "a"(a | 7), "d"(d), "c"(0)); // x87, SSE, AVX
}

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
