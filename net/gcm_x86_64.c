// SPDX-License-Identifier: Apache-2.0
// The GCM engines of x86-64, and what a processor must have for each. Compiled without any special
// instructions, since it runs before they are known to be there. An engine with wider vectors
// (VAES, VPCLMULQDQ) must also ask the operating environment whether it keeps their registers.
#include <cpuid.h>
#include <stddef.h>

#include "net/gcm_aesni.h"
#include "net/gcm_engine.h"

static int aesni_supported(void)
{
    // Intel SDM volume 2, CPUID leaf 1, ECX
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

const struct bf_gcm_engine *const bf_gcm_engines[] = {&aesni, NULL};
