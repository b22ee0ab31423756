// SPDX-License-Identifier: Apache-2.0
// What routers say about the path's MTU, and frames that are marked: any bytes.
#include <string.h>

#include "net/ip/pmtu.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t four[56] = {0x45, [9] = 1, [20] = 3, 4, [26] = 5, [28] = 0x45, [37] = 6};
    uint8_t six[96] = {0x60, [6] = 58, [40] = 2, [46] = 5, [48] = 0x60, [54] = 6};
    fuzz_seed(*argc, *argv, 0, four, sizeof four);
    fuzz_seed(*argc, *argv, 1, six, sizeof six);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_pmtu_news news;
    uint8_t frame[2048];
    if (bf_pmtu_parse(data, size, &news) &&
        news.mtu < (news.family == 4 ? BF_PMTU_LEAST4 : BF_PMTU_LEAST6))
        __builtin_trap();
    if (size > sizeof frame)
        return 0;
    memcpy(frame, data, size);
    bf_pmtu_mark(frame, size);
    return 0;
}
