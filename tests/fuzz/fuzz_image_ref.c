// SPDX-License-Identifier: Apache-2.0
// Names of points and objects: what is taken is written again as it was.
#include <stdlib.h>
#include <string.h>

#include "replica/points/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), again[96];
    struct bf_image_ref ref;

    if (text && bf_image_ref_parse(text, &ref) == BF_OK) {
        bf_image_ref_text(&ref, again);
        if (strcmp(text, again) != 0 || strchr(ref.machine, '/'))
            abort();
    }
    free(text);
    return 0;
}
