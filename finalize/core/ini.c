// SPDX-License-Identifier: Apache-2.0
// Steps through systemd's configuration syntax (systemd.syntax(7)). A value that is continued with
// a backslash is seen up to that backslash only; the callers never need more.
#include "finalize/core/ini.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

void bf_ini_init(struct bf_ini *ini, const char *text, size_t size)
{
    *ini = (struct bf_ini){.text = text, .size = size};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **at, size_t *len)
{
    while (*len && is_space((*at)[0])) {
        ++*at;
        --*len;
    }
    while (*len && is_space((*at)[*len - 1]))
        --*len;
}

static void parse_key(struct bf_ini *ini, const char *at, size_t len)
{
    const char *eq = memchr(at, '=', len);
    if (!eq)
        return;
    const char *key = at, *value = eq + 1;
    size_t key_len = (size_t)(eq - at), value_len = len - key_len - 1;
    trim(&key, &key_len);
    trim(&value, &value_len);
    BF_ASSERT(value + value_len <= at + len);
    if (key_len >= sizeof ini->key)
        return;
    ini->kind = BF_INI_KEY;
    snprintf(ini->key, sizeof ini->key, "%.*s", (int)key_len, key);
    ini->value = value;
    ini->value_len = value_len;
}

bool bf_ini_next(struct bf_ini *ini)
{
    if (!bf_line_next(ini->text, ini->size, &ini->pos, &ini->line))
        return false;
    const char *at = ini->line.at;
    size_t len = ini->line.len;
    ini->kind = BF_INI_OTHER;
    ini->key[0] = 0;
    trim(&at, &len);
    if (len == 0 || at[0] == '#' || at[0] == ';')
        return true;
    if (at[0] == '[' && at[len - 1] == ']') {
        ini->kind = BF_INI_SECTION;
        ini->ordinal++;
        snprintf(ini->section, sizeof ini->section, "%.*s", (int)len - 2, at + 1);
    } else {
        parse_key(ini, at, len);
    }
    return true;
}

bool bf_ini_is(const struct bf_ini *ini, const char *section, const char *key)
{
    return ini->kind == BF_INI_KEY && strcmp(ini->section, section) == 0 &&
           strcmp(ini->key, key) == 0;
}

bool bf_ini_find(const char *text, size_t size, const char *section, const char *key, char *out,
                 size_t out_size)
{
    struct bf_ini ini;
    bf_ini_init(&ini, text, size);
    out[0] = 0;
    while (bf_ini_next(&ini))
        if (bf_ini_is(&ini, section, key) && ini.value_len < out_size) {
            snprintf(out, out_size, "%.*s", (int)ini.value_len, ini.value);
            return true;
        }
    return false;
}
