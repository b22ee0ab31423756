// SPDX-License-Identifier: Apache-2.0
#include "finalize/boot/grub_port.h"

#include <string.h>

#include "base/bytes.h"
#include "finalize/core/text.h"

// The options that take a port, the first one's value for them, and other ways to write it. A short
// option has its value in the next word, and so may a long one.
static const struct option {
    const char *name, *short_name, *first, *same;
} options[] = {
    {"--unit", "-u", "0", "0x0"},
    {"--port", "-p", "0x3f8", "0x3F8"},
};

// A value that a variable makes is not known.
static bool is_other(const struct option *o, const char *at, size_t len)
{
    return len > 0 && at[0] >= '0' && at[0] <= '9' && !memchr(at, '$', len) &&
           !bf_word_is(at, len, o->first) && !bf_word_is(at, len, o->same);
}

const char *bf_grub_first_port(const char *word, size_t len, const char *before, size_t before_len,
                               size_t *value)
{
    *value = 0;
    for (size_t i = 0; i < BF_COUNT(options); i++) {
        const struct option *o = &options[i];
        size_t n = strlen(o->name);
        if (bf_word_is(before, before_len, o->name) ||
            bf_word_is(before, before_len, o->short_name))
            return is_other(o, word, len) ? o->first : NULL;
        if (len > n && memcmp(word, o->name, n) == 0 && word[n] == '=') {
            *value = n + 1;
            return is_other(o, word + n + 1, len - n - 1) ? o->first : NULL;
        }
    }
    // "com1", which is the second one.
    *value = 3;
    bool com = len == 4 && memcmp(word, "com", 3) == 0 && word[3] >= '1' && word[3] <= '9';
    return com ? "0" : NULL;
}
