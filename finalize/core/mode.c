// SPDX-License-Identifier: Apache-2.0
// The names of the modes.
#include "finalize/core/mode.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

static const char *const mode_names[] = {"inspect", "dry-run", "apply", "undo"};

const char *bf_mode_name(enum bf_mode mode)
{
    BF_ASSERT((size_t)mode < BF_COUNT(mode_names));
    return mode_names[mode];
}

bool bf_mode_parse(const char *name, enum bf_mode *mode)
{
    for (size_t i = 0; i < BF_COUNT(mode_names); i++)
        if (strcmp(mode_names[i], name) == 0) {
            *mode = (enum bf_mode)i;
            return true;
        }
    return false;
}
