// SPDX-License-Identifier: Apache-2.0
// See nm_keyfile.h.
#include "finalize/network/nm_keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "finalize/system/system.h"

void bf_keyfile_init(struct bf_keyfile *k, const char *text, size_t size)
{
    *k = (struct bf_keyfile){.text = text, .size = size};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void copy(char *out, size_t size, const char *s, size_t len)
{
    if (len < size)
        snprintf(out, size, "%.*s", (int)len, s);
    else
        snprintf(out, size, "?");
}

// "[name]" with nothing but blanks behind it.
static bool parse_group(struct bf_keyfile *k, const char *at, size_t len)
{
    const char *end = memchr(at, ']', len);
    if (!end || end == at + 1 || memchr(at + 1, '[', (size_t)(end - at - 1)))
        return false;
    for (const char *c = end + 1; c < at + len; c++)
        if (!is_blank(*c))
            return false;
    copy(k->group, sizeof k->group, at + 1, (size_t)(end - at - 1));
    return true;
}

static bool parse_key(struct bf_keyfile *k, const char *at, size_t len)
{
    const char *eq = memchr(at, '=', len);
    if (!eq || eq == at || !k->group[0])
        return false;
    size_t key_len = (size_t)(eq - at);
    while (key_len && is_blank(at[key_len - 1]))
        key_len--;
    if (!key_len || memchr(at, '[', key_len) || memchr(at, ']', key_len))
        return false;
    k->value = eq + 1;
    k->value_len = len - (size_t)(eq + 1 - at);
    while (k->value_len && is_blank(k->value[0])) {
        k->value++;
        k->value_len--;
    }
    copy(k->key, sizeof k->key, at, key_len);
    BF_ASSERT(k->value + k->value_len <= at + len);
    return true;
}

bool bf_keyfile_next(struct bf_keyfile *k)
{
    if (!bf_line_next(k->text, k->size, &k->pos, &k->line))
        return false;
    const char *at = k->line.at;
    size_t len = k->line.len;
    k->number++;
    k->key[0] = 0;
    if (len && k->line.full > len && at[len - 1] == '\r')
        len--;
    while (len && is_blank(at[0])) {
        at++;
        len--;
    }
    if (!len || at[0] == '#')
        k->kind = BF_KEYFILE_COMMENT;
    else if (at[0] == '[')
        k->kind = parse_group(k, at, len) ? BF_KEYFILE_GROUP : BF_KEYFILE_BAD;
    else
        k->kind = parse_key(k, at, len) ? BF_KEYFILE_KEY : BF_KEYFILE_BAD;
    return true;
}

bool bf_keyfile_is(const struct bf_keyfile *k, const char *group, const char *key)
{
    return k->kind == BF_KEYFILE_KEY && strcmp(k->group, group) == 0 && strcmp(k->key, key) == 0;
}

unsigned bf_keyfile_bad_line(const char *text, size_t size)
{
    struct bf_keyfile k;
    bf_keyfile_init(&k, text, size);
    while (bf_keyfile_next(&k))
        if (k.kind == BF_KEYFILE_BAD)
            return k.number;
    return 0;
}

bool bf_keyfile_string(const struct bf_keyfile *k, char *out, size_t size)
{
    static const char escape[] = "s n\nt\tr\r\\\\"; // the letter, and what it stands for
    size_t n = 0;
    bool sound = bf_is_utf8(k->value, k->value_len) && !memchr(k->value, 0, k->value_len);
    for (size_t i = 0; sound && i < k->value_len; i++) {
        char c = k->value[i];
        if (c == '\\') {
            const char *e = escape;
            i++;
            while (i < k->value_len && *e && *e != k->value[i])
                e += 2;
            sound = i < k->value_len && *e;
            c = sound ? e[1] : 0;
        }
        sound = sound && n + 1 < size;
        if (sound)
            out[n++] = c;
    }
    out[sound ? n : 0] = 0;
    return sound;
}

bool bf_keyfile_bool(const struct bf_keyfile *k, bool otherwise)
{
    size_t len = k->value_len;
    while (len && is_blank(k->value[len - 1]))
        len--;
    if (bf_word_is(k->value, len, "true") || bf_word_is(k->value, len, "1"))
        return true;
    if (bf_word_is(k->value, len, "false") || bf_word_is(k->value, len, "0"))
        return false;
    return otherwise;
}

bool bf_keyfile_part(const char **at, const char *end, const char *marks, const char **part,
                     size_t *len)
{
    while (*at < end && (is_blank(**at) || strchr(marks, **at)))
        ++*at;
    const char *start = *at;
    while (*at < end && !strchr(marks, **at))
        ++*at;
    *part = start;
    *len = (size_t)(*at - start);
    while (*len && is_blank(start[*len - 1]))
        --*len;
    return *len > 0;
}

bool bf_keyfile_mac(const struct bf_keyfile *k, char out[BF_MAC_TEXT])
{
    const char *at = k->value, *end = k->value + k->value_len, *part;
    size_t len, n = 0;
    bool decimal = memchr(k->value, ';', k->value_len) != NULL;
    char text[BF_MAC_TEXT] = "";
    out[0] = 0;
    while (bf_keyfile_part(&at, end, ":-;", &part, &len)) {
        char digits[4] = "", *stop;
        if (n == 6 || len >= sizeof digits)
            return false;
        memcpy(digits, part, len);
        unsigned long v = strtoul(digits, &stop, decimal ? 10 : 16);
        if (*stop || v > 255)
            return false;
        snprintf(text + n * 3 - (n > 0), sizeof text - n * 3 + (n > 0), "%s%02lx", n ? ":" : "", v);
        n++;
    }
    if (n == 6)
        memcpy(out, text, sizeof text);
    return n == 6;
}
