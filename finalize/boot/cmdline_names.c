// SPDX-License-Identifier: Apache-2.0
// The words of a kernel command line that name a disk, for the kernel and for whatever makes the
// initramfs. A name that depends on the order of the disks becomes a UUID; a kernel without an
// initramfs knows no UUID of a file system (init/do_mounts.c, block/early-lookup.c) and gets the
// partition's.
#include "finalize/boot/cmdline_names.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/stable.h"

// Words whose value begins with a device, up to `end`.
struct key {
    const char *name;
    const char *type; // that the device has to have; "": any
    char end;         // what may follow the device; 0: nothing
    bool root;        // the system cannot start without it
    bool number;      // its readers take the number of a device, too: "8:2", "0802"
};

static const struct key keys[] = {
    {"root=", "", 0, true, true},
    {"real_root=", "", 0, true, true},                 // genkernel
    {"resume=", "swap", 0, false, true},               // the kernel, and all makers of an initramfs
    {"real_resume=", "swap", 0, false, true},          // genkernel
    {"cryptdevice=", "crypto_LUKS", ':', true, false}, // mkinitcpio: DEVICE:NAME[:OPTIONS]
    {"crypt_root=", "crypto_LUKS", 0, true, false},    // genkernel
    {"crypt_swap=", "crypto_LUKS", 0, false, false},   // genkernel
    {"cryptroot=", "crypto_LUKS", 0, true, false},     // mkinitfs
    {"cryptkey=", "", ':', false, false},              // mkinitcpio: DEVICE:TYPE:PATH
    {"mount.usr=", "", 0, true, false},                // systemd
    {"boot=", "", 0, false, false},                    // dracut's module fips
};

static const struct key *key_of(const char *word, size_t len)
{
    for (size_t i = 0; i < BF_COUNT(keys); i++)
        if (bf_cmdline_is(word, len, keys[i].name))
            return &keys[i];
    return NULL;
}

static bool is_linux_fs(const char *type)
{
    static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs"};
    for (size_t i = 0; i < BF_COUNT(types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

static bool fstab_has_root(const struct bf_fin *f, const char *name)
{
    for (size_t i = 0; i < f->system.mounts; i++)
        if (strcmp(f->system.mount[i].mount, "/") == 0)
            return strcmp(f->system.mount[i].device, name) == 0;
    return false;
}

// A menu may have entries of other systems, whose root is another file system.
static bool is_other_system(const struct bf_fin *f, const struct bf_cmdline *at, const char *name)
{
    const struct bf_device *dev = bf_device_by_order(f->devices, name, "");
    const struct bf_device *root = bf_device_root(f->devices);
    return !at->starts && root && dev && dev != root && is_linux_fs(dev->type) &&
           !fstab_has_root(f, name);
}

struct name {
    const struct bf_cmdline *at;
    const struct key *key;
    char old[256];   // without quotes
    char number[32]; // the same as a name, where it is a number; else ""
    const char *rest;
    size_t rest_len; // from the first byte behind the device
    char quote[2];
};

static const char *name_of(const struct name *n)
{
    return n->number[0] ? n->number : n->old;
}

// Cuts a value to its device. False when it is none that fits.
static bool cut(const char *value, size_t len, const struct key *key, struct name *n)
{
    n->quote[0] = len >= 2 && value[0] == '"' && value[len - 1] == '"' ? '"' : 0;
    if (n->quote[0]) {
        value++;
        len -= 2;
    }
    const char *end = key->end ? memchr(value, key->end, len) : NULL;
    size_t device = end ? (size_t)(end - value) : len;
    // A name by-path has colons of its own: "pci-0000:03:00.0-scsi-0:0:1:0-part2:name".
    if (end && bf_cmdline_is(value, len, "/dev/disk/by-path/"))
        for (const char *c = end; c < value + len; c++)
            if (*c == key->end && c - value >= 6 &&
                memmem(value, (size_t)(c - value), "-part", 5)) {
                device = (size_t)(c - value);
                break;
            }
    if (!device || device >= sizeof n->old || memchr(value, 0, device))
        return false;
    snprintf(n->old, sizeof n->old, "%.*s", (int)device, value);
    if (!key->number || !bf_device_number(n->old, n->number, sizeof n->number))
        n->number[0] = 0;
    n->rest = value + device;
    n->rest_len = len - device;
    return true;
}

// "line 7: ", where it is known.
static void line_text(const struct bf_cmdline *at, char *out, size_t size)
{
    out[0] = 0;
    if (at->line)
        snprintf(out, size, "line %u: ", at->line);
}

// The name of the partition, for a kernel that is alone.
static bool by_partition(struct bf_fin *f, const struct name *n, bool root, char *out, size_t size)
{
    const struct bf_device *dev = bf_device_by_order(f->devices, name_of(n), n->key->type);
    if (root && bf_device_root(f->devices))
        dev = bf_device_root(f->devices);
    if (!dev || !dev->partuuid[0])
        return false;
    snprintf(out, size, "PARTUUID=%s", dev->partuuid);
    return true;
}

static enum bf_stable translate(struct bf_fin *f, struct name *n, char *out, size_t size)
{
    char line[32];
    bool root = n->key->root && n->key->number;
    if (bf_name_kind(name_of(n)) == BF_NAME_STABLE)
        return BF_STABLE_ALREADY;
    root = root && !is_other_system(f, n->at, name_of(n));
    bool file = n->at->offset && strcmp(n->key->type, "swap") == 0;
    if (n->at->bare && !n->key->end && by_partition(f, n, root, out, size))
        return BF_STABLE_NEW;
    enum bf_stable found = bf_stable_name(f, name_of(n), file ? "" : n->key->type, root ? "/" : "",
                                          n->at->path, out, size);
    line_text(n->at, line, sizeof line);
    if (found == BF_STABLE_NEW && n->at->bare)
        bf_note(f->report, "warning", n->at->path,
                "%s%s%s: no initramfs is loaded that would find it by this name", line,
                n->key->name, out);
    return found;
}

// What stays is said; a root by which the machine would start is refused.
static enum bf_cmdline_word stays(struct bf_fin *f, const struct name *n)
{
    const struct bf_cmdline *at = n->at;
    char line[32];
    line_text(at, line, sizeof line);
    if (!at->starts || !n->key->root) {
        bf_note(f->report, "warning", at->path,
                "%s%s%s stays: it depends on the order of the disks, and which one it is is not "
                "known",
                line, n->key->name, n->old);
        return BF_CMDLINE_STAYS;
    }
    bf_refuse(f->report,
              "%s, %sthe system is started with %s%s, a name that depends on the order of the "
              "disks, and which one it is is not known: name it by its UUID there%s",
              at->path, line, n->key->name, n->old,
              f->devices->count ? "" : ", or give the list of its disks with --devices");
    return BF_CMDLINE_REFUSED;
}

// Further names in a word are not translated: md=0,/dev/sda1,/dev/sdb1.
static void note_others(struct bf_fin *f, const struct bf_cmdline *at, const char *word, size_t len)
{
    char name[256], line[32];
    const char *end = word + len;
    line_text(at, line, sizeof line);
    for (const char *p = word; (p = memmem(p, (size_t)(end - p), "/dev/", 5)); p++) {
        size_t n = 0;
        while (p + n < end && !strchr(",:;\"'", p[n]) && n + 1 < sizeof name)
            n++;
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        if (bf_name_kind(name) != BF_NAME_ORDER)
            continue;
        bf_note(f->report, "warning", at->path, "%s%s, in %.*s, depends on the order of the disks",
                line, name, (int)(len < 80 ? len : 80), word);
    }
}

enum bf_cmdline_word bf_cmdline_name(struct bf_fin *f, const struct bf_cmdline *at,
                                     const char *word, size_t len, struct bf_text *out)
{
    char stable[128];
    const struct key *key = key_of(word, len);
    struct name n = {.at = at, .key = key};
    size_t skip = key ? strlen(key->name) : 0;
    if (!key || !cut(word + skip, len - skip, key, &n)) {
        if (len < 4096)
            note_others(f, at, word, len);
        return BF_CMDLINE_STAYS;
    }
    enum bf_stable found = translate(f, &n, stable, sizeof stable);
    if (found == BF_STABLE_ALREADY)
        return BF_CMDLINE_STAYS;
    if (found == BF_STABLE_UNKNOWN)
        return stays(f, &n);
    bf_textf(out, "%s%s%s%.*s%s", key->name, n.quote, stable, (int)n.rest_len, n.rest, n.quote);
    return BF_CMDLINE_NEW;
}

enum bf_cmdline_word bf_cmdline_root(struct bf_fin *f, const struct bf_cmdline *at,
                                     const char *name, size_t len, struct bf_text *out)
{
    char stable[128];
    struct name n = {.at = at, .key = &keys[0]};
    if (!cut(name, len, n.key, &n))
        return BF_CMDLINE_STAYS;
    enum bf_stable found = translate(f, &n, stable, sizeof stable);
    if (found == BF_STABLE_NEW)
        bf_textf(out, "%s%s%s", n.quote, stable, n.quote);
    if (found == BF_STABLE_UNKNOWN)
        return stays(f, &n);
    return found == BF_STABLE_NEW ? BF_CMDLINE_NEW : BF_CMDLINE_STAYS;
}
