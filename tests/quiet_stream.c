// SPDX-License-Identifier: Apache-2.0
#include "tests/quiet_stream.h"

static void nothing(void *impl)
{
    (void)impl;
}

static enum bf_stream_state is_open(void *impl)
{
    (void)impl;
    return BF_STREAM_OPEN;
}

static size_t none(void *impl)
{
    (void)impl;
    return 0;
}

static const struct bf_fault *no_fault(void *impl)
{
    (void)impl;
    return NULL;
}

struct bf_stream_ops quiet_stream(quiet_read *says, quiet_write *hears)
{
    return (struct bf_stream_ops){.write = hears,
                                  .read = says,
                                  .poll = nothing,
                                  .state = is_open,
                                  .unsent = none,
                                  .fault = no_fault,
                                  .close = nothing};
}
