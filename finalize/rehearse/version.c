// SPDX-License-Identifier: Apache-2.0
// See version.h.
#include "finalize/rehearse/version.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *skip_others(const char *s)
{
    while (*s && !is_digit(*s) && !is_alpha(*s) && !strchr("~-^.", *s))
        s++;
    return s;
}

static size_t run_of(const char *s, bool (*is)(char))
{
    size_t n = 0;
    while (is(s[n]))
        n++;
    return n;
}

static int sign(ptrdiff_t v)
{
    return (v > 0) - (v < 0);
}

// A separator that only one of them has here makes that one older.
static int compare_mark(const char **a, const char **b, char mark)
{
    bool in_a = **a == mark, in_b = **b == mark;
    if (in_a != in_b)
        return in_a ? -1 : 1;
    *a += in_a;
    *b += in_b;
    return 0;
}

// Numbers by their value, and newer than what has none here.
static int compare_numbers(const char **a, const char **b)
{
    size_t na = run_of(*a, is_digit), nb = run_of(*b, is_digit);
    const char *end_a = *a + na, *end_b = *b + nb;
    if (!na != !nb)
        return na ? 1 : -1;
    while (*a < end_a && **a == '0')
        ++*a;
    while (*b < end_b && **b == '0')
        ++*b;
    int r = sign((end_a - *a) - (end_b - *b));
    if (!r)
        r = strncmp(*a, *b, (size_t)(end_a - *a));
    *a = end_a;
    *b = end_b;
    return r;
}

static int compare_letters(const char **a, const char **b)
{
    size_t na = run_of(*a, is_alpha), nb = run_of(*b, is_alpha);
    int r = strncmp(*a, *b, na < nb ? na : nb);
    if (!r)
        r = sign((ptrdiff_t)na - (ptrdiff_t)nb);
    *a += na;
    *b += nb;
    return r;
}

int bf_version_compare(const char *a, const char *b)
{
    static const char marks[] = "-^.";
    for (;;) {
        a = skip_others(a);
        b = skip_others(b);
        int r = compare_mark(&a, &b, '~');
        if (r || !*a || !*b)
            return r ? r : (*a != 0) - (*b != 0);
        for (size_t i = 0; marks[i] && !r; i++)
            r = compare_mark(&a, &b, marks[i]);
        if (!r)
            r = is_digit(*a) || is_digit(*b) ? compare_numbers(&a, &b) : compare_letters(&a, &b);
        if (r)
            return r;
    }
}

// One character against what stands at *p, which moves on.
static bool fits_one(const char **p, char c)
{
    const char *at = *p;
    const char *end = *at == '[' && at[1] ? strchr(at + 2, ']') : NULL;
    *p = end ? end + 1 : at + 1;
    if (!end)
        return *at == '?' || *at == c;
    for (at++; at < end; at++) {
        bool range = at[1] == '-' && at + 2 < end;
        if (range ? c >= at[0] && c <= at[2] : c == *at)
            return true;
        at += range ? 2 : 0;
    }
    return false;
}

bool bf_pattern_fits(const char *pattern, const char *name)
{
    const char *p = pattern, *n = name, *star = NULL, *from = NULL;
    while (*n) {
        const char *next = p;
        if (*p == '*') {
            star = ++p;
            from = n;
        } else if (*p && fits_one(&next, *n)) {
            p = next;
            n++;
        } else if (star) {
            p = star;
            n = ++from;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return !*p;
}
