// SPDX-License-Identifier: Apache-2.0
// systemd-boot, and entries of the Boot Loader Specification, which other loaders read too: what
// starts next (loader/entries) and what entries are made from (/etc/kernel/cmdline).
#include <stdio.h>

#include "base/bytes.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/lines.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/cmdline.h"

static void found(struct bf_fin *f, const char *esp)
{
    char path[64];
    snprintf(path, sizeof path, "%s/loader/loader.conf", esp ? esp : "");
    if (esp && bf_fin_root_exists(f->root, path))
        bf_system_add_loader(&f->system, bf_systemd_boot.name, path);
}

// "options root=..." of a boot loader specification entry.
static void rewrite_entry_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                               struct bf_text *out)
{
    const char *at = line->at, *end = line->at + line->len, *w;
    size_t len;
    if (!bf_word_next(&at, end, &w, &len) || !bf_word_is(w, len, "options")) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    bf_text_add(out, line->at, (size_t)(at - line->at));
    bf_cmdline_rewrite(f, at, (size_t)(end - at), path, true, out);
    bf_text_add(out, end, line->full - line->len);
}

static void rewrite_cmdline_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                                 struct bf_text *out)
{
    bf_cmdline_rewrite(f, line->at, line->len, path, line->len > 0, out);
    bf_text_add(out, line->at + line->len, line->full - line->len);
}

static enum bf_err rewrite(struct bf_fin *f)
{
    static const char *const entries[] = {"/boot/loader/entries", "/boot/efi/loader/entries",
                                          "/efi/loader/entries"};
    enum bf_err err = bf_lines_rewrite(f, "/etc/kernel/cmdline", rewrite_cmdline_line);
    for (size_t i = 0; i < BF_COUNT(entries) && !err; i++)
        err = bf_lines_rewrite_all(f, entries[i], ".conf", rewrite_entry_line);
    return err;
}

// It has one file and finds its entries on its own partition.
static enum bf_err fallback(struct bf_fin *f, const char *efi)
{
    char dir[128], boot[128], name[32];
    snprintf(dir, sizeof dir, "%s/systemd", efi);
    snprintf(boot, sizeof boot, "%s/BOOT", efi);
    if (!bf_fin_root_exists(f->root, dir))
        return BF_ERR_NOT_FOUND;
    bf_esp_name(f, "systemd-boot", name, sizeof name);
    return bf_esp_copy(f, dir, name, boot, f->system.architecture->fallback);
}

const struct bf_loader_ops bf_systemd_boot = {
    .name = "systemd-boot",
    .title = "systemd-boot",
    .found = found,
    .rewrite = rewrite,
    .fallback = fallback,
};
