// SPDX-License-Identifier: Apache-2.0
// The words of a kernel command line, as the kernel cuts it.
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"

bool bf_cmdline_is(const char *word, size_t len, const char *key)
{
    size_t n = strlen(key);
    return len >= n && memcmp(word, key, n) == 0;
}

bool bf_cmdline_next(const char **at, const char *end, const char **word, size_t *len)
{
    const char *more;
    size_t n, quotes = 0;
    if (!bf_word_next(at, end, word, len))
        return false;
    for (more = *word, n = *len;; *len = (size_t)(*at - *word)) {
        for (size_t i = 0; i < n; i++)
            quotes += more[i] == '"';
        if (quotes % 2 == 0 || !bf_word_next(at, end, &more, &n))
            return true;
    }
}

bool bf_cmdline_has_root(const char *line, size_t len)
{
    static const char *const keys[] = {"root=", "real_root=", "crypt_root=", "cryptdevice="};
    const char *at = line, *w;
    size_t n;
    while (bf_cmdline_next(&at, line + len, &w, &n))
        for (size_t i = 0; i < BF_COUNT(keys); i++)
            if (bf_cmdline_is(w, n, keys[i]))
                return true;
    return false;
}
