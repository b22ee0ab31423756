// SPDX-License-Identifier: Apache-2.0
// Names of kernels and of initramfs files have the same end: vmlinuz-6.1.0 and initrd.img-6.1.0,
// vmlinuz-linux and initramfs-linux.img, kernel8.img and initramfs8. An initramfs of which only the
// beginning is a kernel's, as initramfs-linux-fallback.img, is a further one of it.
#include "finalize/initramfs/images.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

// What follows one of the words, with what a file may end in cut off. False for other names.
static bool key_of(const char *name, const char *const *word, char *out, size_t size)
{
    static const char *const end[] = {".img", ".gz", ".efi", ".cpio", ".xz", ".zst"};
    for (; *word; word++) {
        size_t n = strlen(*word);
        if (strncmp(name, *word, n) != 0 || isalpha((unsigned char)name[n]))
            continue;
        snprintf(out, size, "%s", name + n);
        for (size_t i = 0; i < BF_COUNT(end); i++) {
            size_t len = strlen(out), m = strlen(end[i]);
            if (len >= m && strcmp(out + len - m, end[i]) == 0)
                out[len - m] = 0;
        }
        return true;
    }
    return false;
}

static const char *const kernels[] = {"vmlinuz", "vmlinux", "kernel", "Image",
                                      "bzImage", "zImage",  "linux",  NULL};
static const char *const initrds[] = {"initrd.img", "initramfs", "initrd", NULL};

// Photon's linux-VERSION.cfg says what GRUB starts the kernel with.
static bool kernel_key(const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    return key_of(name, kernels, out, size) && (len < 4 || strcmp(name + len - 4, ".cfg") != 0);
}

bool bf_image_is(const char *name)
{
    char key[256];
    return kernel_key(name, key, sizeof key);
}

// The canonical path of a regular file.
static bool real_file(struct bf_fin *f, const char *dir, const char *name, char *out, size_t size)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%.250s", dir, name);
    if (bf_fin_root_stat(f->root, path, &st, NULL) || !S_ISREG(st.st_mode))
        return false;
    char *real = bf_fin_root_real(f->root, path, NULL);
    bool fits = real && strlen(real) < size && bf_is_utf8(real, strlen(real));
    if (fits)
        snprintf(out, size, "%s", real);
    free(real);
    return fits;
}

static void add(struct bf_image_list *l, const char *image, const char *initramfs)
{
    if (l->count == BF_IMAGES_MAX)
        return;
    struct bf_image *i = &l->item[l->count++];
    snprintf(i->image, sizeof i->image, "%s", image);
    snprintf(i->initramfs, sizeof i->initramfs, "%s", initramfs);
}

// Whether an initramfs belongs to the kernel with this key. What is only started after a crash does
// not count.
static bool belongs(const char *key, const char *other)
{
    size_t n = strlen(key);
    return strcmp(key, other) == 0 ||
           (n && strncmp(key, other, n) == 0 &&
            (strcmp(other + n, "-fallback") == 0 || strcmp(other + n, "-rescue") == 0));
}

static void pair(struct bf_fin *f, const char *dir, const struct bf_names *names, const char *name,
                 struct bf_image_list *out)
{
    char key[256], other[256], image[192], initramfs[192];
    if (!kernel_key(name, key, sizeof key) || !real_file(f, dir, name, image, sizeof image))
        return;
    size_t found = 0;
    for (size_t i = 0; i < names->count; i++)
        if (key_of(names->name[i], initrds, other, sizeof other) && belongs(key, other) &&
            real_file(f, dir, names->name[i], initramfs, sizeof initramfs)) {
            add(out, image, initramfs);
            found++;
        }
    if (!found)
        add(out, image, "");
}

static void scan(struct bf_fin *f, const char *dir, struct bf_image_list *out)
{
    struct bf_names names;
    if (bf_fin_root_list(f->root, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++)
        pair(f, dir, &names, names.name[i], out);
    bf_names_free(&names);
}

// kernel-install's layout: a folder for the system (its machine's number, or what
// /etc/kernel/entry-token and os-release call it) with one for each version.
static void scan_system(struct bf_fin *f, const char *mount, const char *system,
                        struct bf_image_list *out)
{
    struct bf_names versions;
    char dir[320], sub[600];
    snprintf(dir, sizeof dir, "%s/%.250s", mount, system);
    if (!bf_fin_root_is_dir(f->root, dir) || bf_fin_root_list(f->root, dir, "", &versions))
        return;
    for (size_t i = 0; i < versions.count; i++) {
        snprintf(sub, sizeof sub, "%s/%.250s", dir, versions.name[i]);
        if (bf_fin_root_is_dir(f->root, sub))
            scan(f, sub, out);
    }
    bf_names_free(&versions);
}

static void scan_systems(struct bf_fin *f, const char *mount, struct bf_image_list *out)
{
    static const char *const token[] = {"/etc/kernel/entry-token", "/etc/machine-id"};
    char name[80];
    for (size_t i = 0; i < BF_COUNT(token); i++) {
        size_t len;
        const char *text = bf_edits_get(&f->edits, token[i], &len, NULL);
        snprintf(name, sizeof name, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
        if (name[0] && !strchr(name, '/') && strcmp(name, "..") != 0)
            scan_system(f, mount, name, out);
    }
    if (f->system.id[0] && !strchr(f->system.id, '/'))
        scan_system(f, mount, f->system.id, out);
}

void bf_images_load(struct bf_fin *f, struct bf_image_list *out)
{
    static const char *const dirs[] = {"/boot", "/boot/efi", "/efi", "/boot/firmware"};
    out->count = 0;
    out->item = calloc(BF_IMAGES_MAX, sizeof *out->item);
    for (size_t i = 0; out->item && i < BF_COUNT(dirs); i++) {
        scan(f, dirs[i], out);
        scan_systems(f, dirs[i], out);
    }
}

void bf_images_free(struct bf_image_list *list)
{
    free(list->item);
    *list = (struct bf_image_list){0};
}
