// SPDX-License-Identifier: Apache-2.0
// What every reader of a value needs: words, numbers, parts, and the refusal with its reason.
#include <stdarg.h>
#include <string.h>

#include "base/config_rules.h"
#include "base/fmt.h"

enum bf_err bf_config_refuse(char *reason, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bf_vsnprintf(reason, size, format, args);
    va_end(args);
    return BF_ERR_CONFIG;
}

int bf_value_is(struct bf_config_value v, const char *word)
{
    return v.len == strlen(word) && memcmp(v.at, word, v.len) == 0;
}

int bf_value_number(struct bf_config_value v, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (!v.len || v.len > 18) // more digits than any key needs, fewer than overflow
        return 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] < '0' || v.at[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(v.at[i] - '0');
    }
    *out = value;
    return value <= max;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bf_config_value bf_value_trimmed(struct bf_config_value v)
{
    while (v.len && is_blank(v.at[0])) {
        v.at++;
        v.len--;
    }
    while (v.len && is_blank(v.at[v.len - 1]))
        v.len--;
    return v;
}

int bf_value_split(struct bf_config_value *v, char separator, struct bf_config_value *part)
{
    if (!v->at)
        return 0;
    const char *found = v->len ? memchr(v->at, separator, v->len) : NULL;
    size_t len = found ? (size_t)(found - v->at) : v->len;
    *part = bf_value_trimmed((struct bf_config_value){v->at, len});
    if (found)
        *v = (struct bf_config_value){found + 1, v->len - len - 1};
    else
        *v = (struct bf_config_value){NULL, 0};
    return 1;
}
