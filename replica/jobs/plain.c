// SPDX-License-Identifier: Apache-2.0
// See plain.h.
#include "replica/jobs/plain.h"

#include <string.h>

enum { STRING_MAX = 256 }; // of a control string, so that one without an end does not take it all

void bf_plain_begin(struct bf_plain *p, const char *bytes, size_t len)
{
    *p = (struct bf_plain){.at = bytes, .end = bytes + len};
}

static bool is_between(char c, int low, int high)
{
    return (unsigned char)c >= low && (unsigned char)c <= high;
}

// OSC, DCS and the like (ECMA-48, 5.6): up to BEL or ESC \, and no further than its line.
static void skip_string(struct bf_plain *p)
{
    for (int i = 0; i < STRING_MAX && p->at < p->end && *p->at != '\n' && *p->at != '\r'; i++) {
        char c = *p->at++;
        if (c == '\a')
            return;
        if (c == '\033') {
            p->at += p->at < p->end && *p->at == '\\';
            return;
        }
    }
}

// What follows ESC. True when the cursor goes to another line.
static bool skip_escape(struct bf_plain *p)
{
    if (p->at == p->end)
        return false;
    char kind = *p->at;
    if (kind == '[') {
        p->at++;
        while (p->at < p->end && is_between(*p->at, 0x20, 0x3f))
            p->at++;
        bool final = p->at < p->end && is_between(*p->at, 0x40, 0x7e);
        char what = final ? *p->at++ : 0;
        return what && strchr("ABEFHJdf", what);
    }
    if (kind && strchr("]PX^_", kind)) {
        p->at++;
        skip_string(p);
        return false;
    }
    while (p->at < p->end && is_between(*p->at, 0x20, 0x2f))
        p->at++;
    if (p->at < p->end && is_between(*p->at, 0x30, 0x7e))
        p->at++;
    return false;
}

static void keep(struct bf_plain *p, char c)
{
    if (p->len + 1 < sizeof p->line)
        p->line[p->len++] = c;
    else
        p->whole = false;
}

// One byte. True when it ends the line.
static bool take(struct bf_plain *p)
{
    char c = *p->at++;
    if (c == '\n' || c == '\r')
        return true;
    if (c == '\033') {
        bool moves = skip_escape(p);
        p->whole = p->whole && !moves;
        return moves;
    }
    if (c == '\b')
        p->len -= p->len > 0;
    else if (c == '\t')
        keep(p, ' ');
    else if (is_between(c, 0xc0, 0xff)) // the first byte of a character in UTF-8; the others go
        keep(p, '?');
    else if (is_between(c, 0x20, 0x7e))
        keep(p, c);
    return false;
}

static bool is_blank(const struct bf_plain *p)
{
    return strspn(p->line, " ") == p->len;
}

bool bf_plain_next(struct bf_plain *p)
{
    do {
        bool ended = false;
        if (p->at == p->end)
            return false;
        p->len = 0;
        p->whole = true;
        while (p->at < p->end && !ended)
            ended = take(p);
        p->whole = p->whole && ended;
        p->line[p->len] = 0;
    } while (is_blank(p));
    return true;
}
