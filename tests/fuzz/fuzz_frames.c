// SPDX-License-Identifier: Apache-2.0
// Every decoder of the protocol: a frame, header included. What is accepted must be written again
// in the same bytes, so nothing in a message can go unread.
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz_seed.h"
#include "tests/proto_any.h"
#include "tests/proto_samples.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t frame[65536];
    size_t len;
    for (unsigned i = 0; (len = proto_sample(i, frame, sizeof frame)) > 0; i++)
        fuzz_seed(*argc, *argv, i, frame, len);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[BF_FRAME_HEADER + BF_FRAME_PAYLOAD_MAX];
    struct bf_frame f;
    size_t need, len;
    // The length is set right, so that the payload is what is tried.
    if (size < BF_FRAME_HEADER || bf_frame_parse(data, size, &f, &need) == BF_ERR_PROTOCOL)
        return 0;
    f.length = (uint32_t)(size - BF_FRAME_HEADER);
    if (f.length > BF_FRAME_PAYLOAD_MAX || proto_any(&f, again, sizeof again, &len))
        return 0;
    if (proto_is_canonical(&f) &&
        (len != size || memcmp(again + BF_FRAME_HEADER, f.payload, f.length) != 0))
        abort();
    return 0;
}
