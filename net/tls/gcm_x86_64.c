// SPDX-License-Identifier: Apache-2.0
// The GCM engines of x86-64, and what a processor must have for each. Compiled without any special
// instructions, since it runs before they are known to be there. References: Intel SDM volume 2,
// CPUID and XGETBV; volume 1, 13.3 and 14.3 (who may use wide registers).
#include <cpuid.h>
#include <stddef.h>

#include "net/tls/gcm_aesni.h"
#include "net/tls/gcm_engine.h"
#include "net/tls/gcm_vaes.h"

static int aesni_supported(void)
{
    // CPUID leaf 1, ECX
    const unsigned wanted = bit_PCLMUL | bit_SSSE3 | bit_SSE4_1 | bit_AES;
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & wanted) == wanted;
}

static const struct bf_gcm_engine aesni = {
    .name = "aes-ni, pclmul",
    .supported = aesni_supported,
    .key_size = sizeof(struct bf_gcm_aesni_key),
    .prepare = bf_gcm_aesni_prepare,
    .seal = bf_gcm_aesni_seal,
    .open = bf_gcm_aesni_open,
};

// The firmware or the operating system keeps the registers of SSE and AVX: it has set CR4.OSXSAVE,
// and bits 1 and 2 of XCR0.
static int keeps_wide_registers(void)
{
    const unsigned wanted = bit_OSXSAVE | bit_AVX, kept = 6;
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & wanted) != wanted)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (eax & kept) == kept;
}

static int vaes_supported(void)
{
    // CPUID leaf 7, subleaf 0
    const unsigned wanted = bit_VAES | bit_VPCLMULQDQ;
    unsigned eax, ebx, ecx, edx;
    return aesni_supported() && keeps_wide_registers() &&
           __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_AVX2) &&
           (ecx & wanted) == wanted;
}

static const struct bf_gcm_engine vaes = {
    .name = "vaes, vpclmul",
    .supported = vaes_supported,
    .key_size = sizeof(struct bf_gcm_aesni_key),
    .prepare = bf_gcm_aesni_prepare,
    .seal = bf_gcm_vaes_seal,
    .open = bf_gcm_vaes_open,
};

const struct bf_gcm_engine *const bf_gcm_engines[] = {&vaes, &aesni, NULL};
