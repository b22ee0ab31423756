// SPDX-License-Identifier: Apache-2.0
// See lvm_filter.h. LVM's regular expressions are extended ones without intervals and references.
// regcomp(3) copies what a quantifier repeats, so patterns that repeat repetitions are not tried.
#include "finalize/system/lvm_filter.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>

#define PATTERN_MAX 200
#define DEPTH_MAX   3

static char closing(char open)
{
    return open == '(' ? ')' : open == '[' ? ']' : open == '{' ? '}' : open;
}

// Copies a pattern as regcomp(3) takes it. False for what is not tried.
static bool translate(const char *s, size_t len, char *out)
{
    size_t n = 0;
    int depth = 0;
    bool repeated = false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool repeats = c == '*' || c == '+' || c == '?';
        if ((repeats && repeated) || !c || (c == '(' && ++depth > DEPTH_MAX))
            return false;
        depth -= c == ')';
        repeated = repeats;
        if (c == '\\') { // an escaped letter or digit means itself
            if (++i == len || !s[i])
                return false;
            c = s[i];
            if (!isalnum((unsigned char)c))
                out[n++] = '\\';
        } else if (c == '{' || c == '}') {
            out[n++] = '\\';
        }
        out[n++] = c;
    }
    out[n] = 0;
    return true;
}

enum bf_lvm_verdict bf_lvm_match(const char *pattern, size_t len, const char *name)
{
    char text[2 * PATTERN_MAX + 1];
    regex_t re;
    if (len < 3 || len - 3 > PATTERN_MAX || (pattern[0] != 'a' && pattern[0] != 'r') ||
        pattern[len - 1] != closing(pattern[1]) || !translate(pattern + 2, len - 3, text) ||
        regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0)
        return BF_LVM_UNKNOWN;
    bool fits = regexec(&re, name, 0, NULL, 0) == 0;
    regfree(&re);
    return !fits ? BF_LVM_NEXT : pattern[0] == 'a' ? BF_LVM_ACCEPTS : BF_LVM_REJECTS;
}
