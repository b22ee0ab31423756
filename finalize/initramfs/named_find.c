// SPDX-License-Identifier: Apache-2.0
// From a name in a loader's file to the file. A loader counts paths from the top of the file system
// that it reads: the one with its configuration, or any other that the configuration searches for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/places.h"
#include "finalize/initramfs/named.h"

// A regular file, with its canonical path.
static bool take(struct bf_fin *f, const char *path, char *out, size_t size)
{
    struct stat st;
    if (bf_fin_root_stat(f->root, path, &st, NULL) || !S_ISREG(st.st_mode))
        return false;
    char *real = bf_fin_root_real(f->root, path, NULL);
    bool fits = real && strlen(real) < size && bf_is_utf8(real, strlen(real));
    if (fits)
        snprintf(out, size, "%s", real);
    free(real);
    return fits;
}

// By the devices: the one of the configuration first.
static bool by_place(struct bf_fin *f, const char *config, const char *path, char *out, size_t size)
{
    const struct bf_devices *d = f->devices;
    const struct bf_device *own = bf_place_device(d, config, NULL, 0);
    char at[512];
    if (own && bf_place_path(d, own, path, at, sizeof at) && take(f, at, out, size))
        return true;
    for (size_t i = 0; i < d->places; i++) {
        const struct bf_device *dev = &d->item[d->place[i].device];
        if (dev != own && bf_place_path(d, dev, path, at, sizeof at) && take(f, at, out, size))
            return true;
    }
    return false;
}

// Without devices: by the mount points that fstab has, or that guests commonly have. The longest
// that holds the configuration comes first.
static bool by_mount(struct bf_fin *f, const char *config, const char *path, char *out, size_t size)
{
    static const char *const mounts[] = {"/boot/efi", "/boot/firmware", "/efi", "/boot", ""};
    char at[512];
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < BF_COUNT(mounts); i++) {
            size_t n = strlen(mounts[i]);
            bool holds = strncmp(config, mounts[i], n) == 0 && config[n] == '/';
            snprintf(at, sizeof at, "%s%.300s", mounts[i], path);
            if (holds == (pass == 0) && take(f, at, out, size))
                return true;
        }
    return false;
}

// The word without a device, quotes and the other slashes of the firmware.
static void clean(const char *word, char *out, size_t size)
{
    const char *close = word[0] == '(' ? strchr(word, ')') : NULL;
    size_t n = 0;
    for (const char *c = close ? close + 1 : word; *c && n + 1 < size; c++) {
        char plain = *c == '\\' ? '/' : *c;
        if (*c != '"' && *c != '\'' && !(plain == '/' && n && out[n - 1] == '/'))
            out[n++] = plain;
    }
    out[n] = 0;
}

bool bf_named_find(struct bf_fin *f, const char *config, const char *word, char *out, size_t size)
{
    char path[320], at[640];
    clean(word, path, sizeof path);
    if (!path[0] || strchr(path, '$'))
        return false;
    if (path[0] != '/') {
        const char *slash = strrchr(config, '/');
        snprintf(at, sizeof at, "%.*s/%s", (int)(slash - config), config, path);
        if (take(f, at, out, size))
            return true;
        snprintf(at, sizeof at, "/%s", path);
        snprintf(path, sizeof path, "%.300s", at);
    }
    if (by_place(f, config, path, out, size) || by_mount(f, config, path, out, size))
        return true;
    // A Btrfs is read from its top level, where the subvolume is a folder.
    const char *rest = path[1] == '@' ? strchr(path + 1, '/') : NULL;
    return rest && by_mount(f, config, rest, out, size);
}
