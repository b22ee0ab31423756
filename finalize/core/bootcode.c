// SPDX-License-Identifier: Apache-2.0
// See bootcode.h. The marks are those that the loaders' own first sectors have: GRUB's boot.img
// (its first jump tells GRUB 2 from GRUB legacy, and byte 0x5c says where the rest is), LILO's name
// at byte 6, and the messages of the others.
#include "finalize/core/bootcode.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define SECTOR    512
#define CODE      440 // the rest of the first sector is the partition table
#define GRUB_REST 0x5c

static bool is_zero(const unsigned char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i])
            return false;
    return true;
}

static bool says(const unsigned char *sector, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= CODE; i++)
        if (memcmp(sector + i, text, n) == 0)
            return true;
    return false;
}

// GRUB's first sector loads the next part of it from a sector that it has the number of. When that
// is in the first track and empty, the copy of the disk has lost it.
static const char *grub(const unsigned char *s, size_t len)
{
    uint64_t rest = bf_le64(s + GRUB_REST);
    if (s[0] == 0xeb && s[1] == 0x48)
        return "grub-legacy";
    if (rest < len / SECTOR && is_zero(s + rest * SECTOR, SECTOR))
        return "grub-incomplete";
    return "grub";
}

const char *bf_bootcode(const void *sectors, size_t len)
{
    static const struct {
        const char *text, *name;
    } marks[] = {
        {"Operating system load error", "syslinux"},
        {"Multiple active partitions", "syslinux"},
        {"bootmgr", "windows"},
        {"Invalid partition table", "windows"},
        {"Missing operating system", "active"},
    };
    const unsigned char *s = sectors;
    if (len < SECTOR || s[510] != 0x55 || s[511] != 0xaa || is_zero(s, CODE))
        return "none";
    if (memcmp(s + 6, "LILO", 4) == 0)
        return "lilo";
    if (says(s, "GRUB ") && says(s, "Geom"))
        return grub(s, len);
    for (size_t i = 0; i < BF_COUNT(marks); i++)
        if (says(s, marks[i].text))
            return marks[i].name;
    return "other";
}
