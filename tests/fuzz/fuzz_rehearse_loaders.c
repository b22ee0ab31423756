// SPDX-License-Identifier: Apache-2.0
// Configurations of boot loaders, EFI programs and boot code that are any bytes: the first byte
// picks the file, the rest becomes its content, and the reader goes over the tree. The text that it
// goes over has to be in proportion to the file.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/core/bootcode.h"
#include "finalize/rehearse/firmware.h"
#include "finalize/rehearse/lilo.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/raspberry.h"
#include "finalize/rehearse/syslinux.h"
#include "finalize/rehearse/version.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// An entry of a menu may name the same file again and again, and its name goes with each start.
#define WORK_BASE     ((size_t)20000)
#define WORK_PER_BYTE ((size_t)64)

static void sd_boot(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    (void)file;
    (void)dev;
    bf_walk_systemd_boot(w, "/efi");
}

static void refind(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    (void)file;
    (void)dev;
    bf_walk_refind(w, "/efi/EFI/refind");
}

static void unified(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    (void)dev;
    bf_walk_unified(w, file, true);
}

static void firmware(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    struct bf_esps esps = {.mount = {"/efi"}, .count = 1};
    (void)file;
    (void)dev;
    bf_walk_uefi(w, &esps);
}

static const struct {
    const char *file;
    void (*walk)(struct bf_walk *w, const char *file, const struct bf_device *dev);
} readers[] = {
    {"boot/grub/menu.lst", bf_walk_grub_legacy},
    {"boot/extlinux/extlinux.conf", bf_walk_syslinux},
    {"boot/u/extlinux.conf", bf_walk_uboot},
    {"efi/loader/loader.conf", sd_boot},
    {"efi/loader/entries/b+1-2.conf", sd_boot},
    {"efi/EFI/Linux/a.efi", sd_boot},
    {"efi/EFI/refind/refind.conf", refind},
    {"boot/refind_linux.conf", refind},
    {"etc/lilo.conf", bf_walk_lilo},
    {"boot/firmware/config.txt", bf_walk_raspberry},
    {"efi/EFI/Linux/x.efi", unified},
    {"efi/EFI/BOOT/BOOTX64.EFI", firmware},
    {"efi/EFI/debian/BOOTX64.CSV", firmware},
};

static struct bf_device item[] = {
    {.disk = 0, .part = 1, .type = "vfat", .uuid = "1", .esp = true},
    {.disk = 0, .part = 2, .type = "ext4", .uuid = "2", .root = true},
};
static struct bf_devices devices = {
    .item = item,
    .count = 2,
    .place = {{.device = 1, .at = "/"}, {.device = 0, .at = "/efi"}},
    .places = 2};

static void put(const char *path, const char *text)
{
    tree_put(path, text, strlen(text));
}

static void start(void)
{
    tree_make();
    put("boot/vmlinuz", "kernel");
    put("boot/vmlinuz-1", "kernel");
    put("boot/initrd", "initrd");
    put("efi/linux", "kernel");
    put("efi/loader/entries/a.conf", "linux /linux\n");
    put("efi/EFI/BOOT/fbx64.efi", "fallback");
    put("efi/EFI/debian/grubx64.efi", "grub");
    put("boot/refind_linux.conf", "\"a\" \"b\"\n");
    put("efi/EFI/BOOT/BOOTX64.EFI", "shim");
}

static void walk(size_t which, struct bf_fin *f)
{
    struct bf_walk w = {.f = f, .start = calloc(BF_STARTS_MAX, sizeof *w.start)};
    char path[64];
    if (!w.start)
        abort();
    snprintf(path, sizeof path, "/%s", readers[which].file);
    readers[which].walk(&w, path, &item[path[1] == 'e' && path[2] == 'f' ? 0 : 1]);
    for (size_t i = 0; i < w.starts; i++) {
        if (w.start[i].initrds > BF_INITRDS_MAX || (w.start[i].unified && !w.start[i].kernel[0]))
            abort();
        free(w.start[i].cmdline);
    }
    for (size_t i = 0; i < w.troubles; i++)
        free(w.trouble[i].text);
    json_decref(w.saved);
    free(w.start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_fin_report report;
    if (tree_root.fd < 0)
        start();
    if (size < 2)
        return 0;
    size_t which = data[0] % BF_COUNT(readers);
    tree_put(readers[which].file, data + 1, size - 1);
    struct bf_fin f = {.root = &tree_root, .report = &report, .devices = &devices};
    bf_fin_report_init(&report, "dry-run");
    bf_budget_begin(&f.budget, "fuzz");
    tree_root.budget = &f.budget;
    bf_edits_init(&f.edits, &tree_root);
    size_t before = bf_text_stepped();
    walk(which, &f);
    size_t work = bf_text_stepped() - before;
    if (work > WORK_BASE + WORK_PER_BYTE * size) {
        fprintf(stderr, "%s: %zu bytes were gone over for a file of %zu\n", readers[which].file,
                work, size);
        abort();
    }
    bf_edits_free(&f.edits);
    bf_fin_report_free(&report);
    unlinkat(tree_root.fd, readers[which].file, 0);
    if (which == BF_COUNT(readers) - 2)
        put(readers[which].file, "shim");
    bf_bootcode(data, size);
    return 0;
}
