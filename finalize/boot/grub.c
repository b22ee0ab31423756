// SPDX-License-Identifier: Apache-2.0
// GRUB: what starts next, in grub.cfg; what that is made from is in grub_default.c. A command that
// goes on over several lines is reported and left alone.
#include "finalize/boot/grub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/boot/esp.h"
#include "finalize/boot/lines.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/cmdline.h"

static void found(struct bf_fin *f, const char *esp)
{
    struct bf_system *s = &f->system;
    char path[64];
    if (esp)
        return; // an image of it there was made from /boot/grub
    bool efi = false, bios = bf_fin_root_is_dir(f->root, "/boot/grub/i386-pc");
    for (const struct bf_architecture *const *a = f->architectures; *a; a++) {
        snprintf(path, sizeof path, "/boot/grub/%s", (*a)->grub ? (*a)->grub : "");
        efi = efi || ((*a)->grub && bf_fin_root_is_dir(f->root, path));
    }
    s->uefi = s->uefi || efi;
    s->bios = s->bios || bios;
    if (efi)
        bf_system_add_loader(s, "grub2-efi", "/boot/grub");
    if (bios)
        bf_system_add_loader(s, "grub2-pc", "/boot/grub");
    if (!s->uefi && !s->bios && bf_fin_root_exists(f->root, "/boot/grub/grub.cfg"))
        bf_system_add_loader(s, bf_grub.name, "/boot/grub");
    if (bf_fin_root_exists(f->root, "/boot/grub2/grub.cfg"))
        bf_system_add_loader(s, bf_grub.name, "/boot/grub2");
}

static bool is_linux_command(const char *w, size_t len)
{
    return bf_word_is(w, len, "linux") || bf_word_is(w, len, "linux16") ||
           bf_word_is(w, len, "linuxefi");
}

// Of Xen: the first module is the kernel.
static bool is_module_command(const char *w, size_t len)
{
    return bf_word_is(w, len, "module2") || bf_word_is(w, len, "module");
}

// Where a command of GRUB's script ends: at a ';', or at a brace that stands alone.
static const char *command_end(const char *at, const char *end)
{
    char quote = 0;
    for (const char *c = at; c < end; c++) {
        bool alone = (c == at || c[-1] == ' ' || c[-1] == '\t' || c[-1] == ';') &&
                     (c + 1 == end || c[1] == ' ' || c[1] == '\t' || c[1] == ';');
        if (*c == '\\' && c + 1 < end && quote != '\'')
            c++;
        else if (quote)
            quote = *c == quote ? 0 : quote;
        else if (*c == '"' || *c == '\'')
            quote = *c;
        else if (*c == ';' || ((*c == '{' || *c == '}') && alone))
            return c;
    }
    return end;
}

// The words behind the image of a command that starts a kernel; NULL when it does not, or has no
// root=, so that it loads something else.
static const char *kernel_words(const char *at, const char *end)
{
    const char *w, *image;
    size_t len, image_len;
    if (!bf_word_next(&at, end, &w, &len) ||
        !(is_linux_command(w, len) || is_module_command(w, len)))
        return NULL;
    do
        if (!bf_word_next(&at, end, &image, &image_len))
            return NULL;
    while (image[0] == '-');
    return memmem(at, (size_t)(end - at), "root=", 5) ? at : NULL;
}

// "linux /vmlinuz-... root=..." in grub.cfg, also with its entry on one line.
static void rewrite_grub_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                              struct bf_text *out)
{
    const char *end = line->at + line->len, *done = line->at;
    for (const char *at = line->at; at < end;) {
        const char *stop = command_end(at, end), *words = kernel_words(at, stop), *last = stop;
        while (words && last > words && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if (words && last > words && last[-1] == '\\' && last == end) {
            bf_note(f->report, "skipped", path, "a linux command goes on over several lines");
        } else if (words) {
            bf_text_add(out, done, (size_t)(words - done));
            bf_cmdline_rewrite(f, words, (size_t)(last - words), path, true, out);
            done = last;
        }
        at = stop < end ? stop + 1 : end;
    }
    bf_text_add(out, done, (size_t)(line->at + line->full - done));
}

static enum bf_err rewrite(struct bf_fin *f)
{
    enum bf_err err = bf_lines_rewrite(f, "/boot/grub/grub.cfg", rewrite_grub_line);
    if (!err)
        err = bf_lines_rewrite(f, "/boot/grub2/grub.cfg", rewrite_grub_line);
    if (!err)
        err = bf_grub_defaults(f);
    return err;
}

// Whether the GRUB image has a prefix that names the vendor's own directory ("/EFI/debian").
static bool finds_vendor(struct bf_fin *f, const char *grub, const char *vendor)
{
    char prefix[300];
    size_t len;
    char *image = bf_fin_root_read(f->root, grub, BF_ROOT_BLOB_MAX, &len, NULL);
    snprintf(prefix, sizeof prefix, "/EFI/%s", vendor);
    bool found = false;
    for (size_t i = 0; image && !found && len >= strlen(prefix) && i <= len - strlen(prefix); i++)
        found = strncasecmp(image + i, prefix, strlen(prefix)) == 0;
    free(image);
    return found;
}

enum bf_err bf_grub_copy_stub(struct bf_fin *f, const char *efi, const char *vendor,
                              const char *boot)
{
    char dir[300], name[32], grub[512];
    bf_esp_name(f, "grub", name, sizeof name);
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    if (!bf_esp_find(f, dir, name, grub, sizeof grub) || finds_vendor(f, grub, vendor))
        return BF_OK;
    return bf_esp_copy(f, dir, "grub.cfg", boot, "grub.cfg");
}

static enum bf_err fallback(struct bf_fin *f, const char *efi)
{
    char vendor[256], dir[300], boot[300], name[32];
    bf_esp_name(f, "grub", name, sizeof name);
    if (!bf_esp_vendor(f, efi, name, vendor, sizeof vendor))
        return BF_ERR_NOT_FOUND;
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    bf_esp_fallback(f, efi, boot, sizeof boot);
    enum bf_err err = bf_esp_copy(f, dir, name, boot, f->system.architecture->fallback);
    return err ? err : bf_grub_copy_stub(f, efi, vendor, boot);
}

const struct bf_loader_ops bf_grub = {
    .name = "grub2",
    .title = "GRUB",
    .found = found,
    .rewrite = rewrite,
    .fallback = fallback,
};
