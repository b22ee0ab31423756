// SPDX-License-Identifier: Apache-2.0
// GRUB: what starts next (grub.cfg) and what that is made from (/etc/default/grub). A line that is
// not plain (variables, continuations) is said and left alone.
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

// "linux /vmlinuz-... root=..." in grub.cfg. Lines without root= load something else.
static void rewrite_grub_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                              struct bf_text *out)
{
    const char *at = line->at, *end = line->at + line->len, *w, *image;
    size_t len, image_len;
    bool command = bf_word_next(&at, end, &w, &len) && is_linux_command(w, len) &&
                   bf_word_next(&at, end, &image, &image_len) &&
                   memmem(at, (size_t)(end - at), "root=", 5);
    if (command && end[-1] == '\\') {
        bf_note(f->report, "skipped", path, "a linux command goes on over several lines");
        command = false;
    }
    if (!command) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    bf_text_add(out, line->at, (size_t)(at - line->at));
    bf_cmdline_rewrite(f, at, (size_t)(end - at), path, true, out);
    bf_text_add(out, end, line->full - line->len);
}

// NAME="value" in a shell file. The value between plain quotes, or bare.
static bool assignment(const struct bf_line *line, const char *name, const char **value,
                       size_t *len, char *quote)
{
    size_t n = strlen(name);
    if (line->len <= n || strncmp(line->at, name, n) != 0 || line->at[n] != '=')
        return false;
    const char *v = line->at + n + 1, *end = line->at + line->len;
    *quote = v < end && (*v == '"' || *v == '\'') ? *v : 0;
    const char *stop = *quote ? memchr(v + 1, *quote, (size_t)(end - v - 1)) : end;
    if (!stop)
        return false;
    *value = *quote ? v + 1 : v;
    *len = (size_t)(stop - *value);
    return true;
}

// GRUB_CMDLINE_LINUX goes to every entry, so the console is set there; _DEFAULT only loses and maps
// words.
static void rewrite_default_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                                 struct bf_text *out)
{
    const char *v;
    size_t len;
    char quote;
    bool all = assignment(line, "GRUB_CMDLINE_LINUX", &v, &len, &quote);
    bool some = !all && assignment(line, "GRUB_CMDLINE_LINUX_DEFAULT", &v, &len, &quote);
    if (!all && !some && assignment(line, "GRUB_DISABLE_LINUX_UUID", &v, &len, &quote) &&
        bf_word_is(v, len, "true")) {
        bf_textf(out, "#%.*s", (int)line->full, line->at);
        return;
    }
    if (!all && !some) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    if (strcspn(v, "$`\\\n") < len) {
        // A file of grub.d that extends the main one's value needs no change of its own.
        if (!memmem(v, len, "$GRUB_CMDLINE_LINUX", 19) &&
            !memmem(v, len, "${GRUB_CMDLINE_LINUX", 20))
            bf_note(f->report, "skipped", path, "a kernel command line is made of variables");
        bf_text_add(out, line->at, line->full);
        return;
    }
    struct bf_text value = {0};
    bf_cmdline_rewrite(f, v, len, path, all, &value);
    if (bf_word_is(v, len, bf_text_get(&value))) {
        bf_text_add(out, line->at, line->full);
    } else {
        const char *rest = v + len + (quote ? 1 : 0), q = quote ? quote : '"';
        bf_text_add(out, line->at, (size_t)(v - line->at) - (quote ? 1 : 0));
        bf_textf(out, "%c%s%c", q, bf_text_get(&value), q);
        bf_text_add(out, rest, (size_t)(line->at + line->full - rest));
    }
    bf_text_free(&value);
}

static bool has_assignment(struct bf_fin *f, const char *path, const char *name)
{
    size_t len, pos = 0, n;
    struct bf_line line;
    const char *v;
    char quote;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line))
        if (assignment(&line, name, &v, &n, &quote))
            return true;
    return false;
}

// A default file without the variable gets it, or update-grub would drop the console again.
static enum bf_err add_default_console(struct bf_fin *f, const char *path)
{
    size_t len;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (!text || f->plan->serial_console != BF_ON || has_assignment(f, path, "GRUB_CMDLINE_LINUX"))
        return BF_OK;
    bf_text_add(&out, text, len);
    bf_textf(&out, "%sGRUB_CMDLINE_LINUX=\"console=tty0 console=ttyS0,115200\"\n",
             len && text[len - 1] != '\n' ? "\n" : "");
    enum bf_err err = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    enum bf_err err = bf_lines_rewrite(f, "/boot/grub/grub.cfg", rewrite_grub_line);
    if (!err)
        err = bf_lines_rewrite(f, "/boot/grub2/grub.cfg", rewrite_grub_line);
    if (!err)
        err = bf_lines_rewrite(f, "/etc/default/grub", rewrite_default_line);
    if (!err)
        err = add_default_console(f, "/etc/default/grub");
    if (!err)
        err = bf_lines_rewrite_all(f, "/etc/default/grub.d", ".cfg", rewrite_default_line);
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
