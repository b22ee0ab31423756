// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void bf_assert_failed(const char *condition, const char *file, uint32_t line)
{
    fflush(stdout);
    fprintf(stderr, "%s:%u: assertion failed: %s\n", file, (unsigned)line, condition);
    abort();
}
