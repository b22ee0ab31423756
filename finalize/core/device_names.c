// SPDX-License-Identifier: Apache-2.0
// Names of disks that another machine may give to another disk, or to none: the kernel's own count
// disks or controllers, udev's by-path tells the slot, by-id the hardware's serial number, and
// multipath names a disk by its WWN or by the order in which it was first seen.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "finalize/core/devices.h"

static const char *digits(const char *s, unsigned *out)
{
    unsigned n = 0;
    const char *at = s;
    for (; isdigit((unsigned char)*at) && n < 10000; at++)
        n = n * 10 + (unsigned)(*at - '0');
    *out = n;
    BF_ASSERT(n < 100000); // of five digits at most, so it does not overflow
    return at > s ? at : NULL;
}

// "sda2", "vdb", "xvdaa1", "hda3": letters count disks, digits partitions.
static bool by_letters(const char *name, const char *base, struct bf_position *out)
{
    static const char *const prefix[] = {"sd", "vd", "hd", "xvd", "dasd"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++) {
        size_t n = strlen(prefix[i]);
        const char *at = base + n;
        if (strncmp(base, prefix[i], n) != 0 || !islower((unsigned char)*at))
            continue;
        unsigned value = 0;
        for (; islower((unsigned char)*at) && value < 10000; at++)
            value = value * 26 + (unsigned)(*at - 'a') + 1;
        BF_ASSERT(value > 0); // there is a letter
        out->known = true;
        out->disk = value - 1;
        out->stem = (size_t)(at - name);
        return !*at || ((at = digits(at, &out->part)) && !*at);
    }
    return false;
}

// The partition behind a name that ends in a digit: nothing, or "p2".
static bool after_digit(const char *name, const char *at, struct bf_position *out)
{
    if (!at)
        return false;
    BF_ASSERT(at > name && isdigit((unsigned char)at[-1]));
    out->stem = (size_t)(at - name);
    if (*at == 'p')
        at = digits(at + 1, &out->part);
    return at && !*at;
}

// "nvme0n1p2", "mmcblk0p1".
static bool by_numbers(const char *name, const char *base, struct bf_position *out)
{
    unsigned space;
    const char *at = NULL;
    if (strncmp(base, "nvme", 4) == 0) {
        at = digits(base + 4, &out->disk);
        at = at && *at == 'n' ? digits(at + 1, &space) : NULL;
    } else if (strncmp(base, "mmcblk", 6) == 0) {
        at = digits(base + 6, &out->disk);
    }
    out->known = true;
    return after_digit(name, at, out);
}

// "cciss/c0d0p2", "ida/c0d0p1", "rd/c0d0p1": controller and disk. What comes first among several
// controllers is not known.
static bool by_controller(const char *name, const char *base, struct bf_position *out)
{
    static const char *const folder[] = {"cciss/c", "ida/c", "rd/c"};
    unsigned controller;
    for (size_t i = 0; i < BF_COUNT(folder); i++) {
        size_t n = strlen(folder[i]);
        if (strncmp(base, folder[i], n) != 0)
            continue;
        const char *at = digits(base + n, &controller);
        at = at && *at == 'd' ? digits(at + 1, &out->disk) : NULL;
        out->known = controller == 0;
        return after_digit(name, at, out);
    }
    return strncmp(base, "i2o/", 4) == 0 && by_letters(name, base + 4, out);
}

// The number behind the last "-part"; without one it is the whole disk.
static void by_suffix(const char *name, const char *id, struct bf_position *out)
{
    const char *part = NULL, *end;
    for (const char *at = strstr(id, "-part"); at; at = strstr(at + 1, "-part"))
        part = at;
    end = part ? digits(part + 5, &out->part) : NULL;
    out->known = false;
    out->stem = end && !*end ? (size_t)(part - name) : strlen(name);
    if (!end || *end)
        out->part = 0;
    BF_ASSERT(out->stem <= strlen(name));
}

// A WWID as multipath names a disk by: '3' and the 16 or 32 digits of an NAA identifier. How many
// bytes it has, else 0.
static size_t wwid(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");
    bool naa = s[0] == '3' && strchr("2356", s[1]) && s[1];
    return naa && n >= 33 ? 33 : naa && n >= 17 ? 17 : 0;
}

// "mpatha", "mpatha-part2", "mpathap2", "mpatha2", and the same with a WWID.
static bool by_multipath(const char *name, const char *base, struct bf_position *out)
{
    size_t n = strncmp(base, "mpath", 5) == 0 ? 5 + strspn(base + 5, "abcdefghijklmnopqrstuvwxyz")
                                              : wwid(base);
    if (n <= 5)
        return false;
    // In "mpathap2" the p is no part of the name.
    bool letters = *base == 'm';
    const char *at = base + n;
    if (letters && n > 6 && at[-1] == 'p' && isdigit((unsigned char)*at))
        at--;
    out->known = false;
    out->stem = (size_t)(at - name);
    if (!*at)
        return true;
    at += strncmp(at, "-part", 5) == 0 ? 5 : strncmp(at, "_part", 5) == 0 ? 5 : *at == 'p';
    at = digits(at, &out->part); // "mpatha-part" is a volume "part" of a group "mpatha"
    return at && !*at;
}

// Names by what the disk itself says: of LVM, LUKS and md, but not of multipath.
static bool is_own_id(const char *id)
{
    static const char *const own[] = {"dm-uuid-", "lvm-pv-", "md-uuid-", "dm-name-", "md-name-"};
    if (strncmp(id, "dm-", 3) == 0 && strstr(id, "mpath"))
        return false;
    for (size_t i = 0; i < BF_COUNT(own); i++)
        if (strncmp(id, own[i], strlen(own[i])) == 0)
            return true;
    return false;
}

// A range of the kernel's major numbers that drivers have for good, each disk with this many minor
// numbers, of which the first is the disk itself (Documentation/admin-guide/devices.txt). All other
// disks (virtio, NVMe, device-mapper, partitions from 16 on) have numbers that are given out anew
// at each start.
struct numbers {
    unsigned first, last; // majors
    unsigned disk;        // position of the first disk
    unsigned per, minors; // disks of one major, minors of one disk
};

static const struct numbers fixed_numbers[] = {
    {8, 8, 0, 16, 16},     {65, 71, 16, 16, 16}, {128, 135, 128, 16, 16}, // sd
    {3, 3, 0, 2, 64},      {22, 22, 2, 2, 64},   {33, 34, 4, 2, 64},      // hd
    {56, 57, 8, 2, 64},    {88, 91, 12, 2, 64},                           // hd
    {202, 202, 0, 16, 16},                                                // xvd
    {104, 104, 0, 16, 16}, {72, 72, 0, 16, 16},  {48, 48, 0, 32, 8},      // cciss, ida, rd
    {94, 94, 0, 64, 4},                                                   // dasd
};

// "block/8:2".
static void by_number(const char *name, const char *base, struct bf_position *out)
{
    unsigned major, minor;
    const char *at = digits(base + 6, &major);
    *out = (struct bf_position){.part = BF_PART_UNKNOWN, .stem = strlen(name)};
    at = at && *at == ':' ? digits(at + 1, &minor) : NULL;
    for (size_t i = 0; at && !*at && i < BF_COUNT(fixed_numbers); i++) {
        const struct numbers *n = &fixed_numbers[i];
        if (major < n->first || major > n->last || minor >= n->per * n->minors)
            continue;
        out->known = true;
        out->disk = n->disk + (major - n->first) * n->per + minor / n->minors;
        out->part = minor % n->minors;
    }
}

// The dev_t of "0802" and "0x802", as new_decode_dev() of linux/kdev_t.h reads it.
static bool hex_number(const char *name, unsigned *major, unsigned *minor)
{
    unsigned long value;
    name += strncmp(name, "0x", 2) == 0 ? 2 : 0;
    size_t len = strspn(name, "0123456789abcdefABCDEF");
    if (len < 3 || len > 8 || name[len])
        return false;
    value = strtoul(name, NULL, 16);
    *major = (unsigned)(value & 0xfff00) >> 8;
    *minor = (unsigned)((value & 0xff) | ((value >> 12) & 0xfff00));
    return true;
}

bool bf_device_number(const char *name, char *out, size_t size)
{
    unsigned major, minor;
    const char *at = digits(name, &major);
    at = at && *at == ':' ? digits(at + 1, &minor) : NULL;
    if ((!at || *at) && !hex_number(name, &major, &minor))
        return false;
    int n = snprintf(out, size, "/dev/block/%u:%u", major, minor);
    return n > 0 && (size_t)n < size;
}

bool bf_device_position(const char *name, struct bf_position *out)
{
    *out = (struct bf_position){.part = 0};
    if (strncmp(name, "/dev/", 5) != 0)
        return false;
    const char *base = name + 5;
    bool path = strncmp(base, "disk/by-path/", 13) == 0;
    if (path || strncmp(base, "disk/by-id/", 11) == 0) {
        const char *id = base + (path ? 13 : 11);
        by_suffix(name, id, out);
        return path || !is_own_id(id);
    }
    if (strncmp(base, "mapper/", 7) == 0)
        return by_multipath(name, base + 7, out);
    if (strncmp(base, "block/", 6) == 0) {
        by_number(name, base, out);
        return true;
    }
    // The number of a device-mapper device: nothing says what it means.
    if (strncmp(base, "dm-", 3) == 0 && isdigit((unsigned char)base[3])) {
        *out = (struct bf_position){.part = BF_PART_UNKNOWN, .stem = strlen(name)};
        return true;
    }
    return by_letters(name, base, out) || by_numbers(name, base, out) ||
           by_controller(name, base, out);
}

enum bf_name_kind bf_name_kind(const char *name)
{
    struct bf_position place;
    return bf_device_position(name, &place) ? BF_NAME_ORDER : BF_NAME_STABLE;
}
