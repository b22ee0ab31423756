// SPDX-License-Identifier: Apache-2.0
// Devices and files as GRUB names them: "hd0,gpt2" by the order of the disks, "lvm/vg-lv",
// "md/0", "cryptouuid/..."; "(hd0,gpt2)/boot/x", or "/x" on the device that $root names.
#include "finalize/rehearse/grub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/places.h"

static const char *base_name(const struct bf_device *dev)
{
    const char *name = strncmp(dev->name, "/dev/", 5) == 0 ? dev->name + 5 : dev->name;
    return strncmp(name, "mapper/", 7) == 0 ? name + 7 : name;
}

static const char *format(struct bf_gr *g, const char *head, const char *tail)
{
    char text[160];
    snprintf(text, sizeof text, "%s%s", head, tail);
    return bf_gr_dup(g, text, strlen(text));
}

static void without_dashes(const char *uuid, char *out, size_t size)
{
    size_t n = 0;
    for (; *uuid && n + 1 < size; uuid++)
        if (*uuid != '-' && *uuid != ':')
            out[n++] = (char)tolower((unsigned char)*uuid);
    out[n] = 0;
}

const char *bf_gr_device_name(struct bf_gr *g, const struct bf_device *dev)
{
    char text[80];
    const char *name = base_name(dev);
    if (dev->stacked && strncmp(name, "luks-", 5) == 0) {
        without_dashes(name + 5, text, sizeof text);
        return format(g, "cryptouuid/", text);
    }
    if (dev->stacked && strncmp(name, "md", 2) == 0)
        return format(g, "md/", name + 2 + (name[2] == '/'));
    if (dev->stacked)
        return format(g, "lvm/", name);
    if (dev->part == 0)
        snprintf(text, sizeof text, "hd%u", dev->disk);
    else
        snprintf(text, sizeof text, "hd%u,%s%u", dev->disk,
                 strlen(dev->partuuid) == 36 ? "gpt" : "msdos", dev->part);
    return bf_gr_dup(g, text, strlen(text));
}

// Reads "hd0", "hd0,2", "hd0,gpt2", "hd0,msdos2"; false for any other name.
static bool read_disk(const char *name, unsigned *disk, unsigned *part)
{
    char *end;
    *part = 0;
    if (strncmp(name, "hd", 2) != 0 || !isdigit((unsigned char)name[2]))
        return false;
    *disk = (unsigned)strtoul(name + 2, &end, 10);
    if (*end == ',') {
        const char *at = end + 1;
        while (isalpha((unsigned char)*at))
            at++;
        *part = (unsigned)strtoul(at, &end, 10);
        if (end == at)
            return false;
    }
    return *end == 0;
}

static size_t disks(const struct bf_devices *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        if (!d->item[i].stacked && d->item[i].disk >= n)
            n = d->item[i].disk + 1;
    return n;
}

static const struct bf_device *by_disk(const struct bf_devices *d, unsigned disk, unsigned part)
{
    for (size_t i = 0; i < d->count; i++)
        if (!d->item[i].stacked && d->item[i].disk == disk && d->item[i].part == part)
            return &d->item[i];
    return NULL;
}

// One of LVM, an array or an opened LUKS device: by its name, or as the only one of its kind.
static const struct bf_device *by_stack(struct bf_gr *g, const char *name)
{
    const struct bf_devices *d = g->w->f->devices;
    const struct bf_device *only = NULL;
    size_t kind = strncmp(name, "crypto", 6) == 0 ? 6 : strncmp(name, "md", 2) == 0 ? 2 : 4;
    size_t same = 0;
    for (size_t i = 0; i < d->count; i++) {
        const char *known = d->item[i].stacked ? bf_gr_device_name(g, &d->item[i]) : "";
        if (d->item[i].stacked && strcmp(known, name) == 0)
            return &d->item[i];
        if (d->item[i].stacked && strncmp(known, name, kind) == 0) {
            only = &d->item[i];
            same++;
        }
    }
    // mduuid/... and crypto0 do not say the name that is known here.
    bool by_number =
        strncmp(name, "mduuid/", 7) == 0 || (kind == 6 && isdigit((unsigned char)name[6]));
    return by_number && same == 1 ? only : NULL;
}

const struct bf_device *bf_gr_device(struct bf_gr *g, const char *name, enum bf_gr_found *found)
{
    const struct bf_devices *d = g->w->f->devices;
    const struct bf_device *dev;
    unsigned disk, part;
    *found = BF_GR_UNSEEN;
    if (d->count == 0)
        return NULL;
    if (read_disk(name, &disk, &part)) {
        dev = by_disk(d, disk, part);
        *found = dev ? BF_GR_THERE : BF_GR_MISSING;
        if (dev && disks(d) > 1 && !g->found[dev - d->item])
            bf_gr_unknown(g, "%.40s is a disk by its place among several", name);
        return dev;
    }
    if (strncmp(name, "lvm/", 4) != 0 && strncmp(name, "md", 2) != 0 &&
        strncmp(name, "crypto", 6) != 0)
        return NULL;
    dev = by_stack(g, name);
    bool named = strncmp(name, "lvm/", 4) == 0 || strncmp(name, "md/", 3) == 0;
    *found = dev ? BF_GR_THERE : named ? BF_GR_MISSING : BF_GR_UNSEEN;
    return dev;
}

// ---- Files --------------------------------------------------------------------------------------

// Makes "/a//./b/../c" "/a/c". False when it is no path, or too long.
static bool tidy(const char *path, char *out, size_t size)
{
    size_t n = 0;
    if (path[0] != '/')
        return false;
    while (*path) {
        path += strspn(path, "/");
        size_t part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            while (n && out[--n] != '/')
                ;
        } else if (part && !(part == 1 && path[0] == '.')) {
            if (n + part + 2 > size)
                return false;
            out[n++] = '/';
            memcpy(out + n, path, part);
            n += part;
        }
        path += part;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = 0;
    return true;
}

static bool is_on(const char *value)
{
    return value && (value[0] == 'y' || value[0] == '1');
}

// openSUSE's GRUB counts paths from the default subvolume of a Btrfs, which is the system's root.
static bool is_relative(const struct bf_gr *g, const struct bf_device *dev)
{
    return strcmp(dev->type, "btrfs") == 0 && is_on(bf_gr_get(g, "btrfs_relative_path"));
}

static enum bf_gr_found without_device(struct bf_gr *g, const char *path, char *out)
{
    struct bf_fin_root *root = g->w->f->root;
    if (bf_walk_path(g->w, NULL, path, out, BF_START_PATH))
        return BF_GR_THERE;
    snprintf(out, BF_START_PATH, "/boot%s", path);
    if (!bf_fin_root_is_dir(root, out) || bf_fin_root_is_dir(root, path))
        snprintf(out, BF_START_PATH, "%s", path);
    return BF_GR_MISSING;
}

// Whether a path begins with $prefix as it was at first, which counts from the top of a Btrfs: it
// is where the image would have found its files, in whichever way that counts them.
static bool is_below_prefix(const struct bf_gr *g, const char *path)
{
    const char *prefix = bf_gr_get(g, "prefix"), *close = prefix ? strchr(prefix, ')') : NULL;
    size_t n = close ? strlen(close + 1) : 0;
    return n > 1 && strncmp(path, close + 1, n) == 0 && path[n] == '/';
}

static enum bf_gr_found on_device(struct bf_gr *g, const struct bf_device *dev, const char *path,
                                  char *out)
{
    snprintf(out, BF_START_PATH, "%s", path);
    if (is_relative(g, dev) && (bf_walk_exists(g->w, out) || !is_below_prefix(g, path)))
        return bf_walk_exists(g->w, out) ? BF_GR_THERE : BF_GR_MISSING;
    if (!bf_walk_path(g->w, dev, path, out, BF_START_PATH) ||
        bf_place_device(g->w->f->devices, out, NULL, 0) != dev)
        return BF_GR_UNSEEN; // not mounted, or below where another one is
    return bf_walk_exists(g->w, out) ? BF_GR_THERE : BF_GR_MISSING;
}

enum bf_gr_found bf_gr_place(struct bf_gr *g, const char *name, char *out)
{
    char device[128], path[BF_START_PATH];
    const char *close = name[0] == '(' ? strchr(name, ')') : NULL;
    const char *root = bf_gr_get(g, "root");
    enum bf_gr_found found;
    out[0] = 0;
    if (close)
        snprintf(device, sizeof device, "%.*s", (int)(close - name - 1), name + 1);
    else
        snprintf(device, sizeof device, "%s", root ? root : "");
    const char *rest = close ? close + 1 : name;
    if (isdigit((unsigned char)*rest) || *rest == '+')
        return BF_GR_UNSEEN; // a list of blocks
    if (!device[0] || !tidy(rest, path, sizeof path))
        return BF_GR_MISSING;
    snprintf(out, BF_START_PATH, "%s", path);
    const struct bf_device *dev = bf_gr_device(g, device, &found);
    if (g->w->f->devices->count == 0 || (dev && g->w->f->devices->places == 0))
        return without_device(g, path, out);
    return dev ? on_device(g, dev, path, out) : found;
}
