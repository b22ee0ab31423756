// SPDX-License-Identifier: Apache-2.0
// GRUB's script as any bytes: a configuration that reads a second one, an environment block and
// entries of the Boot Loader Specification, all cut out of the input. Whatever it is, the walk
// ends, within what it may use, and twice the same.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/rehearse/loaders.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {"boot/grub/grub.cfg", "boot/grub/custom.cfg",
                                    "boot/grub/grubenv", "boot/loader/entries/m-1.conf"};

static const char head[] =
    "load_env\nset timeout=1\nset default=$saved_entry\nfunction load_video { true; }\n"
    "source $prefix/custom.cfg\nblscfg\n";

// Puts one part of the input into each file; a form feed parts them.
static void put_files(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < BF_COUNT(files); i++) {
        const uint8_t *end = size ? memchr(data, '\f', size) : NULL;
        size_t n = end ? (size_t)(end - data) : size;
        char *text = malloc(n + sizeof head);
        size_t start = i == 0 && n && data[0] == '#' ? sizeof head - 1 : 0;
        if (!text)
            abort();
        memcpy(text, head, start);
        if (n)
            memcpy(text + start, data, n);
        tree_put(files[i], text, start + n);
        free(text);
        data += n + (end ? 1 : 0);
        size -= n + (end ? 1 : 0);
    }
}

static size_t walk_once(bool probed)
{
    static struct bf_start starts[BF_STARTS_MAX];
    struct bf_device item[2] = {
        {.part = 1, .type = "ext4", .uuid = "1", .label = "l", .root = true},
        {.stacked = true, .name = "/dev/mapper/vg-lv", .type = "xfs", .uuid = "2"}};
    struct bf_devices devices = {.item = item, .count = probed ? 2 : 0};
    struct bf_fin fin = {.root = &tree_root, .devices = &devices};
    struct bf_walk walk = {.f = &fin, .start = starts};
    if (probed)
        bf_devices_place(&devices, 0, "/", "");
    tree_root.budget = &fin.budget;
    bf_budget_begin(&fin.budget, "fuzz");
    bf_edits_init(&fin.edits, &tree_root);
    bf_walk_grub(&walk, "/boot/grub/grub.cfg", probed ? &item[0] : NULL);
    size_t sum = walk.starts * 1000 + walk.troubles;
    for (size_t i = 0; i < walk.starts; i++) {
        sum += strlen(starts[i].kernel) + (starts[i].cmdline ? strlen(starts[i].cmdline) : 0);
        free(starts[i].cmdline);
    }
    for (size_t i = 0; i < walk.troubles; i++)
        free(walk.trouble[i].text);
    json_decref(walk.saved);
    bf_edits_free(&fin.edits);
    tree_root.budget = NULL;
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (tree_root.fd < 0) {
        tree_make();
        tree_put("boot/vmlinuz", "k", 1);
        tree_put("boot/initrd", "i", 1);
    }
    put_files(data, size);
    if (walk_once(true) != walk_once(true)) {
        fputs("two walks differ\n", stderr);
        abort();
    }
    if (size % 2)
        walk_once(false);
    return 0;
}
