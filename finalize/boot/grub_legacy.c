// SPDX-License-Identifier: Apache-2.0
// GRUB legacy (0.97): menu.lst, which Red Hat calls grub.conf. Debian's update-grub makes the
// entries of a part of it anew from "magic" comments, "# kopt=root=..." among them, which are
// rewritten with the entries.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

#define TERMINAL "serial --unit=0 --speed=115200\nterminal --timeout=5 serial console\n"

static const char *const files[] = {"/boot/grub/menu.lst", "/boot/grub/grub.conf"};

static void found(struct bf_fin *f, const char *esp)
{
    if (esp || !(bf_fin_root_exists(f->root, files[0]) || bf_fin_root_exists(f->root, files[1])))
        return;
    // The new GRUB leaves the old menu behind.
    if (bf_fin_root_exists(f->root, "/boot/grub/grub.cfg"))
        return;
    bf_system_add_loader(&f->system, bf_grub_legacy.name, "/boot/grub");
    f->system.bios = true;
}

// "default=1" as well as "default 1".
static bool command(const struct bf_line *line, const char *word, const char **value, size_t *len)
{
    size_t n = strlen(word), skip = strspn(line->at, " \t");
    if (skip + n > line->len || memcmp(line->at + skip, word, n) != 0)
        return false;
    *value = line->at + skip + n;
    *len = line->len - skip - n;
    if (*len && !strchr(" \t=", **value))
        return false;
    if (*len && **value == '=') {
        ++*value;
        --*len;
    }
    bf_menu_trim(value, len);
    if (*len && **value == '=') {
        ++*value;
        --*len;
        bf_menu_trim(value, len);
    }
    return true;
}

// "# kopt=root=/dev/hda1 ro", "# kopt_2_6=...", "# xenkopt=...", "# defoptions=..."
static bool magic(struct bf_menu_line *l)
{
    static const char *const words[] = {"# kopt", "# xenkopt", "# defoptions", "# xennoptions",
                                        "# altoptions"};
    const char *equals = memchr(l->line.at, '=', l->line.len);
    for (size_t i = 0; equals && i < BF_COUNT(words); i++) {
        size_t n = strlen(words[i]);
        const char *next = l->line.at + n;
        if (l->line.len <= n || memcmp(l->line.at, words[i], n) != 0 ||
            !(*next == '=' || *next == '_') || memchr(l->line.at + n, ' ', (size_t)(equals - next)))
            continue;
        l->words = equals + 1;
        l->words_len = l->line.len - (size_t)(l->words - l->line.at);
        l->console = i == 0; // to each new entry
        return true;
    }
    return false;
}

// "kernel [--type=X] [--no-mem-option] IMAGE WORDS", and of Xen the first module.
static void find_words(struct bf_menu *m, struct bf_menu_line *l)
{
    const char *value, *at, *end, *w;
    size_t len, n;
    bool kernel = command(&l->line, "kernel", &value, &len);
    if (!kernel && !command(&l->line, "module", &value, &len))
        return;
    at = value;
    end = value + len;
    do
        if (!bf_word_next(&at, end, &w, &n))
            return;
    while (w[0] == '-' && w[1] == '-');
    if (!kernel && m->entry[l->entry].words)
        m->entry[l->entry].initrd = true; // the module behind Xen's kernel
    if (!bf_cmdline_has_root(at, (size_t)(end - at)))
        return;
    l->words = at;
    l->words_len = (size_t)(end - at);
    l->console = true;
    m->entry[l->entry].words = true;
}

static void note_disk(struct bf_fin *f, const char *path, size_t i, const char *value, size_t len)
{
    if (len > 4 && memcmp(value, "(hd", 3) == 0 && (value[3] != '0' || value[4] != ','))
        bf_note(f->report, "warning", path, "line %zu: %.*s depends on the order of the disks",
                i + 1, (int)(len < 40 ? len : 40), value);
}

// Which entry is the default: "default N", or what GRUB remembered in /boot/grub/default.
static unsigned default_entry(struct bf_fin *f, const struct bf_menu *m)
{
    const char *value;
    size_t len;
    unsigned number = 0;
    for (size_t i = 0; i < m->lines && m->line[i].entry == 0; i++) {
        if (!command(&m->line[i].line, "default", &value, &len) || len == 0)
            continue;
        if (bf_word_is(value, len, "saved"))
            value = bf_edits_get(&f->edits, "/boot/grub/default", &len, NULL);
        number = 0;
        for (size_t d = 0; value && d < len && value[d] >= '0' && value[d] <= '9' && number < 10000;
             d++)
            number = number * 10 + (unsigned)(value[d] - '0');
    }
    return number + 1 < m->entries ? number + 1 : 1;
}

static void read_line(struct bf_fin *f, const char *path, struct bf_menu *m, size_t i)
{
    struct bf_menu_line *l = &m->line[i];
    const char *value;
    size_t len;
    if (command(&l->line, "title", &value, &len))
        bf_menu_add(m);
    l->entry = (unsigned)m->entries - 1;
    if (magic(l)) {
        l->entry = 0;
        return;
    }
    find_words(m, l);
    if (command(&l->line, "initrd", &value, &len))
        m->entry[l->entry].initrd = true;
    if (command(&l->line, "root", &value, &len) || command(&l->line, "rootnoverify", &value, &len))
        note_disk(f, path, i, value, len);
}

// ---- The serial terminal ------------------------------------------------------------------------

static bool has_terminal(const struct bf_menu *m)
{
    const char *value;
    size_t len;
    for (size_t i = 0; i < m->lines; i++)
        if (command(&m->line[i].line, "serial", &value, &len))
            return true;
    return false;
}

static void add_terminal(struct bf_menu *m)
{
    size_t i = 0;
    while (i < m->lines && (m->line[i].line.len == 0 || m->line[i].line.at[0] == '#'))
        i++;
    if (i == m->lines || has_terminal(m))
        return;
    m->insert = TERMINAL;
    m->insert_at = i;
}

// "serial" goes, and with it a "terminal" that has it.
static void remove_terminal(struct bf_menu *m)
{
    const char *value;
    size_t len;
    for (size_t i = 0; i < m->lines; i++) {
        struct bf_line *line = &m->line[i].line;
        if (command(line, "serial", &value, &len) ||
            (command(line, "terminal", &value, &len) && memmem(value, len, "serial", 6)))
            m->line[i].gone = true;
    }
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path)
{
    struct bf_menu m;
    bool there;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    if (there && !err) {
        for (size_t i = 0; i < m.lines; i++)
            read_line(f, path, &m, i);
        if (m.entries > 1)
            m.entry[default_entry(f, &m)].starts = true;
        m.entry[0].initrd = true; // what new entries get is not known
        if (f->plan->serial_console == BF_ON)
            add_terminal(&m);
        if (f->plan->serial_console == BF_OFF)
            remove_terminal(&m);
        err = bf_menu_write(f, path, &m);
    }
    bf_menu_free(&m);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(files) && !err; i++) {
        char *real = i ? bf_fin_root_real(f->root, files[i], NULL) : NULL;
        if (!real || strcmp(real, files[0]) != 0)
            err = rewrite_file(f, files[i]);
        free(real);
    }
    return err;
}

const struct bf_loader_ops bf_grub_legacy = {
    .name = "grub-legacy",
    .title = "GRUB legacy",
    .found = found,
    .rewrite = rewrite,
};
