// SPDX-License-Identifier: Apache-2.0
// The boot loaders' files with any bytes: the first byte picks the file, the rest becomes its
// content. A plan that says nothing of consoles, without a list of disks, changes no byte; what a
// plan makes of a file, it leaves alone the second time; and the work is in proportion to the file.
// Half of the inputs are made of words that the readers know.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/boot/steps.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const char *const files[] = {
    "boot/grub/grub.cfg",
    "boot/grub/custom.cfg",
    "boot/grub/grubenv",
    "boot/photon.cfg",
    "boot/grub2/grub.cfg",
    "etc/grub.d/40_custom",
    "etc/default/grub",
    "boot/loader/entries/a.conf",
    "boot/loader/loader.conf",
    "etc/kernel/cmdline",
    "usr/lib/kernel/cmdline",
    "boot/grub/menu.lst",
    "boot/extlinux/extlinux.conf",
    "boot/syslinux/syslinux.cfg",
    "etc/update-extlinux.conf",
    "etc/default/u-boot",
    "boot/refind_linux.conf",
    "boot/efi/EFI/refind/refind.conf",
    "boot/efi/EFI/debian/grub.cfg",
    "boot/limine.conf",
    "etc/zipl.conf",
    "boot/firmware/cmdline.txt",
    "boot/grub/device.map",
    "boot/boot.scr",
};
#define FILES BF_COUNT(files)

// GRUB's files are gone over by the adapters of GRUB and of systemd-boot, twice each.
#define WORK_BASE     ((size_t)20000)
#define WORK_PER_BYTE ((size_t)64)

static const char *const words[] = {
    " ",
    "\n",
    "\t",
    "\\\n",
    "\"",
    "'",
    "{",
    "}",
    ";",
    "#",
    "=",
    "$",
    "${",
    "\r\n",
    "--",
    "-f",
    "(hd1,0)",
    "<<EOF\n",
    "\nEOF\n",
    "root=",
    "root=/dev/sda1",
    "root=$x",
    "root=/dev/sda9",
    "root=802",
    "resume=/dev/sda2",
    "resume_offset=1",
    "cryptdevice=/dev/sda3:a:b",
    "md=0,/dev/sda1",
    "console=ttyS0,115200",
    "console=tty0",
    "linux ",
    "linuxefi /l ",
    "initrd /i\n",
    "module2 /m ",
    "multiboot2 /x",
    "menuentry 'a' ",
    "submenu b ",
    "set ",
    "default=",
    "kernelopts=",
    "x=/dev/sda1",
    "\"${saved_entry}\"",
    "load_env -f /boot/photon.cfg\n",
    "source $prefix/custom.cfg\n",
    "configfile /boot/grub/grub.cfg\n",
    "serial",
    "terminal_output ",
    "terminal_input --append ",
    "if true; then\n",
    "fi\n",
    "blscfg\n",
    "# GRUB Environment Block\n",
    "saved_entry=a\n",
    "########",
    "exec tail -n +3 $0\n",
    "#!/bin/sh\n",
    "GRUB_CMDLINE_LINUX=",
    "GRUB_TERMINAL=",
    "GRUB_SERIAL_COMMAND=",
    "GRUB_DEVICE=",
    "options ",
    "$kernelopts",
    "title ",
    "kernel /k ",
    "# kopt=",
    "default ",
    "LABEL a\n",
    "APPEND ",
    "INITRD i\n",
    "INCLUDE syslinux.cfg\n",
    "SERIAL 0\n",
    "menu default\n",
    "default_kernel_opts=",
    "serial_port=",
    "root=/dev/sda1\n",
    "U_BOOT_ROOT=",
    "menuentry x {\n",
    "cmdline: ",
    "parameters=",
    "(hd0) /dev/sda\n",
    "\"title\" \"",
    "include refind.conf\n",
    "true",
    "\xff",
    "\0",
};

static uint32_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    state = seed;
    if (size == 0 || max < 64 || draw(2))
        return LLVMFuzzerMutate(data, size, max);
    if (draw(3) == 0)
        data[0] = (uint8_t)draw(4 * FILES);
    size_t at = draw(4) ? size : 1;
    for (uint32_t n = draw(12) + 1; n > 0; n--) {
        const char *word = words[draw(BF_COUNT(words))];
        size_t len = *word ? strlen(word) : 1;
        if (at + len > max)
            break;
        memcpy(data + at, word, len);
        at += len;
    }
    return at;
}

static void start(void)
{
    tree_make();
    tree_put("etc/os-release", "ID=debian\n", 10);
    tree_put("boot/firmware/config.txt", "", 0);
}

struct guest {
    struct bf_plan plan;
    struct bf_devices devices;
    struct bf_fin f;
    struct bf_fin_report report;
};

static void begin(struct guest *g, enum bf_wanted serial, struct bf_device *devices, size_t count)
{
    *g = (struct guest){.plan = {.serial_console = serial},
                        .devices = {.item = devices, .count = count}};
    bf_fin_report_init(&g->report, "dry-run");
    g->f = (struct bf_fin){.root = &tree_root,
                           .report = &g->report,
                           .plan = &g->plan,
                           .devices = &g->devices,
                           .architectures = bf_architectures};
    tree_root.budget = &g->f.budget;
    bf_budget_begin(&g->f.budget, "boot");
    bf_edits_init(&g->f.edits, &tree_root);
    bf_system_init(&g->f.system);
    bf_inspect_boot(&g->f);
}

static void end(struct guest *g)
{
    tree_root.budget = NULL;
    bf_edits_free(&g->f.edits);
    bf_system_free(&g->f.system);
    bf_fin_report_free(&g->report);
}

static void fail(const char *file, const char *what)
{
    fprintf(stderr, "%s: %s\n", file, what);
    abort();
}

static void change_nothing(const char *file)
{
    struct guest g;
    begin(&g, BF_KEEP, NULL, 0);
    if (!bf_adapt_boot(&g.f) && bf_edits_changes(&g.f.edits))
        fail(file, "a plan that says nothing changed it");
    end(&g);
}

static void change_once(const char *file, enum bf_wanted serial)
{
    struct bf_device item[] = {
        {.part = 1, .type = "ext4", .uuid = "1", .partuuid = "a-1", .root = true},
        {.part = 2, .type = "swap", .uuid = "2"},
        {.part = 3, .type = "crypto_LUKS", .uuid = "3"},
    };
    struct guest g;
    begin(&g, serial, item, BF_COUNT(item));
    bool fine = bf_adapt_boot(&g.f) == BF_OK;
    size_t count = fine ? g.f.edits.count : 0;
    struct bf_text *after = calloc(count + 1, sizeof *after);
    for (size_t i = 0; after && i < count; i++)
        bf_text_add(&after[i], g.f.edits.item[i]->data, g.f.edits.item[i]->len);
    bf_budget_begin(&g.f.budget, "boot");
    if (fine && bf_adapt_boot(&g.f))
        fail(file, "the second run was refused");
    for (size_t i = 0; after && i < count; i++) {
        if (after[i].len != g.f.edits.item[i]->len ||
            (after[i].len && memcmp(after[i].data, g.f.edits.item[i]->data, after[i].len) != 0))
            fail(g.f.edits.item[i]->path, "the second run changed it");
        bf_text_free(&after[i]);
    }
    free(after);
    end(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (tree_root.fd < 0)
        start();
    if (size == 0)
        return 0;
    const char *file = files[data[0] % FILES];
    tree_put(file, data + 1, size - 1);
    size_t before = bf_text_stepped();
    // What else the first byte says is the plan.
    switch (data[0] / FILES % 4) {
    case 0:
        change_once(file, BF_ON);
        break;
    case 1:
        change_once(file, BF_OFF);
        break;
    case 2:
        change_once(file, BF_KEEP);
        break;
    default:
        if (!memmem(data, size, "GRUB_DISABLE_LINUX_UUID", 23))
            change_nothing(file);
    }
    size_t work = bf_text_stepped() - before;
    if (work > 2 * (WORK_BASE + WORK_PER_BYTE * size)) {
        fprintf(stderr, "%s: %zu bytes were gone over for a file of %zu\n", file, work, size);
        abort();
    }
    unlinkat(tree_root.fd, file, 0);
    return 0;
}
