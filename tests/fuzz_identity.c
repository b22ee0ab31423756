// SPDX-License-Identifier: Apache-2.0
// See tests/fuzz_identity.h.
#include "tests/fuzz_identity.h"

#include <stdlib.h>
#include <string.h>

static void judge(const char *text, size_t size)
{
    const char *end = memchr(text, 0, size);
    if (!end || *text == ' ' || (end > text && end[-1] == ' '))
        abort();
    for (; text < end; text++)
        if (*text < 0x20 || *text > 0x7e)
            abort();
}

void fuzz_identity_judge(const struct bf_disk_identity *id)
{
    judge(id->serial, sizeof id->serial);
    judge(id->model, sizeof id->model);
    judge(id->wwn, sizeof id->wwn);
}
