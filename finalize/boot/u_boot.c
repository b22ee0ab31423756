// SPDX-License-Identifier: Apache-2.0
// U-Boot's boot.scr: a script in an image with a checksum, made by mkimage from a text that need
// not be there. It is recognised, and what it says of disks is reported.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/loader.h"

#define SCRIPT_MAX ((size_t)256 << 10)

static const char *const files[] = {"/boot/boot.scr", "/boot/boot.scr.uimg", "/boot.scr",
                                    "/boot/firmware/boot.scr", "/boot/efi/boot.scr"};

static void found(struct bf_fin *f, const char *esp)
{
    for (size_t i = 0; !esp && i < BF_COUNT(files); i++)
        if (bf_fin_root_exists(f->root, files[i])) {
            bf_system_add_loader(&f->system, bf_u_boot.name, files[i]);
            return;
        }
}

static void note_root(struct bf_fin *f, const char *path)
{
    size_t len;
    char name[64];
    char *image = bf_fin_root_read(f->root, path, SCRIPT_MAX, &len, NULL);
    const char *at = image ? memmem(image, len, "root=/dev/", 10) : NULL;
    if (at) {
        size_t n = 0;
        for (at += 5; at + n < image + len && n + 1 < sizeof name && at[n] > ' ' && at[n] < 127 &&
                      !strchr("\"';", at[n]);
             n++)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (bf_name_kind(name) == BF_NAME_ORDER)
            bf_note(f->report, "warning", path,
                    "starts with root=%s, which depends on the order of the disks, and cannot be "
                    "rewritten: change its source and make it anew with mkimage",
                    name);
    }
    free(image);
}

static enum bf_err rewrite(struct bf_fin *f)
{
    for (size_t i = 0; i < BF_COUNT(files); i++)
        if (bf_fin_root_exists(f->root, files[i]))
            note_root(f, files[i]);
    return BF_OK;
}

const struct bf_loader_ops bf_u_boot = {
    .name = "u-boot",
    .title = "U-Boot",
    .found = found,
    .rewrite = rewrite,
};
