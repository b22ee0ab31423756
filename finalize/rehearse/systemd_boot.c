// SPDX-License-Identifier: Apache-2.0
// systemd-boot, as its version 252 reads its partition: loader.conf, entries and unified images of
// the EFI system partition and of an extended boot partition beside it. A new machine has none of
// the EFI variables that would choose another entry.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/rehearse/bls.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"
#include "finalize/rehearse/version.h"

#define LOADER "systemd-boot"

struct menu {
    struct bf_walk *w;
    char conf[BF_START_PATH]; // loader.conf
    unsigned line;            // of its "default"
    char wanted[256];         // the pattern, in lower case; "": none
    bool silent;              // nothing of firmware and other systems is offered
    struct bf_bls *entry;     // BF_STARTS_MAX of them
    size_t entries;
};

static void read_conf(struct menu *m, const char *mount)
{
    size_t len, pos = 0;
    struct bf_bls_line line = {0};
    if (!bf_offer_fat(m->w, mount, "loader/loader.conf", m->conf, sizeof m->conf))
        return;
    const char *text = bf_walk_text(m->w, m->conf, &len);
    while (text && bf_bls_next(text, len, &pos, " \t", &line)) {
        if (bf_bls_is(&line, "default")) {
            bf_offer_word(m->wanted, sizeof m->wanted, line.value, line.value_len);
            m->line = line.number;
        }
        if (bf_bls_is(&line, "auto-entries"))
            m->silent = line.value_len && strchr("0nNfF", line.value[0]);
    }
    for (char *c = m->wanted; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    // The entry that was booted last is in a variable that stays behind.
    if (strcmp(m->wanted, "@saved") == 0)
        m->wanted[0] = 0;
}

static void add_folder(struct menu *m, const char *mount, const char *folder, const char *suffix)
{
    char dir[BF_START_PATH], file[BF_START_PATH];
    struct bf_names names;
    bf_offer_fat(m->w, mount, folder, dir, sizeof dir);
    if (bf_edits_list(&m->w->f->edits, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.name[i];
        size_t n = strlen(name), k = strlen(suffix);
        int len = snprintf(file, sizeof file, "%s/%s", dir, name);
        if (n <= k || strcasecmp(name + n - k, suffix) != 0 || strncmp(name, "auto-", 5) == 0 ||
            len < 0 || (size_t)len >= sizeof file)
            continue;
        if (m->entries == BF_STARTS_MAX)
            bf_walk_say(m->w, BF_TROUBLE_DOUBT, dir, 0, "has more entries than %d", BF_STARTS_MAX);
        else if (bf_bls_read(m->w, mount, file, strcmp(suffix, ".efi") == 0,
                             &m->entry[m->entries]) &&
                 !m->entry[m->entries].wrong)
            m->entries++;
    }
    bf_names_free(&names);
}

static bool is_fat(struct bf_walk *w, const char *mount)
{
    const struct bf_devices *d = w->f->devices;
    const struct bf_system *s = &w->f->system;
    for (size_t i = 0; i < d->places; i++)
        if (strcmp(d->place[i].at, mount) == 0)
            return strcmp(d->item[d->place[i].device].type, "vfat") == 0;
    for (size_t i = 0; i < s->mounts; i++)
        if (strcmp(s->mount[i].mount, mount) == 0)
            return strcmp(s->mount[i].type, "vfat") == 0;
    return false;
}

static void read_entries(struct menu *m, const char *mount)
{
    add_folder(m, mount, "EFI/Linux", ".efi");
    add_folder(m, mount, "loader/entries", ".conf");
    // The extended boot partition is known by its type; what is mounted there is nothing else.
    if (strcmp(mount, "/boot") != 0 && is_fat(m->w, "/boot")) {
        add_folder(m, "/boot", "EFI/Linux", ".efi");
        add_folder(m, "/boot", "loader/entries", ".conf");
    }
    qsort(m->entry, m->entries, sizeof *m->entry, bf_bls_compare);
}

// Whether an entry is the one that is wanted, by its name as it is or without the counter of tries:
// which of them is matched depends on the version.
static bool fits(const char *pattern, const struct bf_bls *b)
{
    char name[sizeof b->id + 8];
    const char *plus = b->tries_left >= 0 ? strrchr(b->id, '+') : NULL;
    snprintf(name, sizeof name, "%.*s%s", plus ? (int)(plus - b->id) : 0, b->id,
             b->image ? ".efi" : ".conf");
    return bf_pattern_fits(pattern, b->id) || (plus && bf_pattern_fits(pattern, name));
}

// The first entry that fits the pattern ("": any) and is there, or is not.
static const struct bf_bls *choose(const struct menu *m, const char *pattern, bool missing)
{
    for (size_t i = 0; i < m->entries; i++)
        if (m->entry[i].missing == missing && (!pattern[0] || fits(pattern, &m->entry[i])))
            return &m->entry[i];
    return NULL;
}

static bool add_windows(struct menu *m, const char *mount)
{
    char path[BF_START_PATH];
    if (m->silent ||
        !bf_offer_fat(m->w, mount, "EFI/Microsoft/Boot/bootmgfw.efi", path, sizeof path))
        return false;
    struct bf_start *s = bf_walk_add(m->w, LOADER, path, 0);
    if (!s)
        return false;
    s->kind = BF_START_OTHER;
    snprintf(s->title, sizeof s->title, "Windows Boot Manager");
    s->chosen = m->wanted[0] && bf_pattern_fits(m->wanted, "auto-windows");
    return s->chosen;
}

// The entry that starts. What fits "default" but is left out, since its kernel is missing, is said.
static const struct bf_bls *find_default(struct menu *m)
{
    const struct bf_bls *fits = m->wanted[0] ? choose(m, m->wanted, false) : NULL;
    const struct bf_bls *first = choose(m, "", false);
    const struct bf_bls *gone = m->wanted[0] ? choose(m, m->wanted, true) : NULL;
    const struct bf_bls *got = fits ? fits : first;
    if (!got)
        return gone ? gone : choose(m, "", true);
    if (!fits && gone)
        bf_walk_say(m->w, BF_TROUBLE_LOOK, m->conf, m->line,
                    "the default, %s, is left out by systemd-boot, since %s is not there: it "
                    "starts %s",
                    gone->file, gone->starts, got->file);
    else if (!fits && m->wanted[0])
        bf_walk_say(m->w, BF_TROUBLE_LOOK, m->conf, m->line,
                    "no entry is called \"%s\": systemd-boot starts the first one, %s", m->wanted,
                    got->file);
    return got;
}

static void offer(struct menu *m, const char *mount)
{
    bool windows = add_windows(m, mount);
    const struct bf_bls *wanted = windows ? NULL : find_default(m);
    for (size_t i = 0; i < m->entries; i++) {
        struct bf_start *s = bf_bls_add(m->w, &m->entry[i]);
        if (s)
            s->chosen = &m->entry[i] == wanted;
        if (s && m->entry[i].missing)
            bf_offer_block(s, "%.200s is not there", m->entry[i].starts);
        if (s && s->chosen && m->entry[i].tries_left == 0)
            bf_walk_say(
                m->w, BF_TROUBLE_LOOK, m->entry[i].file, 0,
                "its counted tries are used up: systemd-boot takes it for one that does not "
                "start");
    }
    if (!m->entries)
        bf_walk_say(m->w, bf_walk_missing(m->w), mount, 0,
                    "systemd-boot finds nothing to start: neither loader/entries nor EFI/Linux has "
                    "an entry");
}

void bf_walk_systemd_boot(struct bf_walk *w, const char *mount)
{
    struct menu m = {.w = w, .entry = calloc(BF_STARTS_MAX, sizeof *m.entry)};
    w->loader = true;
    if (!m.entry) {
        w->f->edits.failed = true;
        return;
    }
    read_conf(&m, mount);
    read_entries(&m, mount);
    offer(&m, mount);
    free(m.entry);
}
