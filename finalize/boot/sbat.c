// SPDX-License-Identifier: Apache-2.0
// See sbat.h. The levels are those of SbatLevel_Variable.txt in shim's sources, as of shim 16.1;
// 2024010900 is also what Windows installed in August 2024.
#include "finalize/boot/sbat.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static const struct {
    const char *date, *text;
} levels[] = {
    {"2022052400", "grub,2\n"},
    {"2022111500", "shim,2\ngrub,3\n"},
    {"2023012900", "shim,2\ngrub,3\ngrub.debian,4\n"},
    {"2024010900", "shim,4\ngrub,3\ngrub.debian,4\n"},
    {"2024040900", "shim,4\ngrub,4\ngrub.peimage,2\n"},
    {"2025021800", "shim,4\ngrub,5\n"},
    {"2025051000", "shim,4\ngrub,5\ngrub.proxmox,2\n"},
};

// "grub,5,Free Software Foundation,...": false when it is no such line.
static bool read_line(const char *at, size_t len, struct bf_sbat_line *line)
{
    const char *comma = memchr(at, ',', len);
    size_t name = comma ? (size_t)(comma - at) : 0, i = name + 1;
    if (name == 0 || name >= sizeof line->component)
        return false;
    memcpy(line->component, at, name);
    line->component[name] = 0;
    line->generation = 0;
    for (; i < len && at[i] >= '0' && at[i] <= '9' && line->generation < 100000; i++)
        line->generation = line->generation * 10 + (unsigned)(at[i] - '0');
    return i > name + 1 && (i == len || at[i] == ',');
}

bool bf_sbat_next(const char *text, size_t len, size_t *pos, struct bf_sbat_line *line)
{
    while (*pos < len && text[*pos]) {
        const char *at = text + *pos;
        size_t n = 0;
        while (n < len - *pos && at[n] && at[n] != '\n' && at[n] != '\r')
            n++;
        *pos += n;
        if (*pos < len && text[*pos])
            ++*pos;
        if (read_line(at, n, line))
            return true;
    }
    return false;
}

bool bf_sbat_refuses(const char *level, size_t level_len, const char *text, size_t len,
                     struct bf_sbat_line *line)
{
    struct bf_sbat_line least;
    for (size_t i = 0; bf_sbat_next(level, level_len, &i, &least);)
        for (size_t j = 0; bf_sbat_next(text, len, &j, line);)
            if (strcmp(least.component, line->component) == 0 &&
                line->generation < least.generation)
                return true;
    return false;
}

const char *bf_sbat_revoked(const char *text, size_t len, struct bf_sbat_line *line)
{
    for (size_t i = 0; i < BF_COUNT(levels); i++)
        if (bf_sbat_refuses(levels[i].text, strlen(levels[i].text), text, len, line))
            return levels[i].date;
    return NULL;
}

const char *bf_sbat_own_level(const char *section, size_t len, size_t *level_len)
{
    // A version, then the offsets of both texts, counted from behind the version.
    if (len < 12 || bf_le32(section) != 0)
        return NULL;
    size_t at = bf_le32(section + 4);
    if (at > len - 4)
        return NULL;
    *level_len = strnlen(section + 4 + at, len - 4 - at);
    return section + 4 + at;
}
