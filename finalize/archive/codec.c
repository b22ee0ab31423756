// SPDX-License-Identifier: Apache-2.0
// The table of codecs. The kernel looks at two bytes, and so does this.
#include "finalize/archive/codec.h"

#include <string.h>

#include "base/bytes.h"

#define ROW(row) &row,

const struct bf_compression *bf_codec_find(const unsigned char *data, size_t len)
{
    static const struct bf_compression *const codecs[] = {BF_CODECS(ROW)};
    for (size_t i = 0; len >= 2 && i < BF_COUNT(codecs); i++)
        if (memcmp(data, codecs[i]->magic, 2) == 0)
            return codecs[i];
    return NULL;
}
