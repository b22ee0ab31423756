// SPDX-License-Identifier: Apache-2.0
// What GRUB and its packages know of old disks and is not rewritten, since it is asked for or made
// anew in the guest: it is reported.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/grub_pass.h"

#define DEBCONF_MAX ((size_t)4 << 20)

// Whether a later command of the same entry looks for the file system.
static bool is_searched(const struct bf_grub_pass *p, size_t i)
{
    const char *rest;
    unsigned entry = p->script.command[i].entry;
    for (i++; i < p->script.commands && p->script.command[i].entry == entry; i++) {
        struct bf_grub_word w = bf_grub_first(&p->script.command[i], &rest);
        if (memcmp(w.at, "search", w.len < 6 ? w.len : 6) == 0 && w.len >= 6)
            return true;
        if (bf_grub_is_linux(&w))
            return false;
    }
    return false;
}

static size_t disks(const struct bf_devices *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        if (!d->item[i].stacked && d->item[i].disk >= n)
            n = d->item[i].disk + 1;
    return n;
}

void bf_grub_note_disk(struct bf_grub_pass *p, size_t command, const char *name,
                       const struct bf_grub_word *value)
{
    struct bf_text text = {0};
    if (strcmp(name, "root") != 0)
        return;
    bool literal = bf_grub_word_value(value, &text);
    const char *disk = bf_text_get(&text);
    disk += *disk == '(';
    if (literal && strncmp(disk, "hd", 2) == 0 && isdigit((unsigned char)disk[2]) &&
        (disk[2] != '0' || isdigit((unsigned char)disk[3]) || disks(p->f->devices) > 1) &&
        !is_searched(p, command))
        bf_note(p->f->report, "warning", p->path,
                "line %u: root=%s depends on the order of the disks, and nothing searches for the "
                "file system",
                p->first_line + p->script.command[command].line, bf_text_get(&text));
    bf_text_free(&text);
}

// "(hd0) /dev/disk/by-id/ata-..."
static void note_device_map(struct bf_fin *f, const char *path)
{
    size_t len, pos = 0, n;
    struct bf_line line;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL), *w;
    for (unsigned number = 1; text && number < 100 && bf_line_next(text, len, &pos, &line);
         number++) {
        char name[256];
        const char *at = line.at, *end = at + line.len;
        if (!bf_word_next(&at, end, &w, &n) || w[0] != '(' || !bf_word_next(&at, end, &w, &n) ||
            n >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n, w);
        if (bf_name_kind(name) == BF_NAME_ORDER)
            bf_note(f->report, "warning", path,
                    "line %u: %s is a disk of the old home: grub-install would look for it, so "
                    "remove the file or correct it there",
                    number, name);
    }
}

static bool is_field(const struct bf_line *line, const char *name, const char **value)
{
    size_t n = strlen(name);
    *value = line->at + n;
    return line->len >= n && memcmp(line->at, name, n) == 0;
}

// Debian's grub-pc installs itself again, at each upgrade, on the disks that debconf remembers.
static void note_debconf(struct bf_fin *f)
{
    static const char path[] = "/var/cache/debconf/config.dat";
    size_t len, pos = 0;
    struct bf_line line;
    bool ours = false;
    const char *value;
    char *text = bf_fin_root_read(f->root, path, DEBCONF_MAX, &len, NULL);
    for (unsigned number = 1; text && bf_line_next(text, len, &pos, &line); number++) {
        if (is_field(&line, "Name: ", &value))
            ours = bf_word_is(value, line.len - 6, "grub-pc/install_devices");
        if (!ours || !is_field(&line, "Value: ", &value) || line.len < 12)
            continue;
        bf_note(f->report, "warning", path,
                "line %u: the next upgrade of grub-pc would install it on %.*s, which is a disk of "
                "the old home, and would ask or fail: run dpkg-reconfigure grub-pc there",
                number, (int)(line.len < 200 ? line.len - 7 : 193), value);
        break;
    }
    free(text);
}

void bf_grub_note_files(struct bf_fin *f)
{
    note_device_map(f, "/boot/grub/device.map");
    note_device_map(f, "/boot/grub2/device.map");
    if (strcmp(f->system.packages, "dpkg") == 0 ||
        bf_fin_root_exists(f->root, "/var/cache/debconf/config.dat"))
        note_debconf(f);
}
