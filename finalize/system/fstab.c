// SPDX-License-Identifier: Apache-2.0
// /etc/fstab and /etc/crypttab off names that depend on the order of the disks (fstab(5),
// crypttab(5)). Only the word that names the device changes in a line. What the start of the system
// waits for and no disk has is said with its line; without "/" or /usr there is no start.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/crypttab.h"
#include "finalize/system/fields.h"
#include "finalize/system/stable.h"
#include "finalize/system/steps.h"

#define NOTES_MAX 40

// How much the start of the system depends on a line.
enum need { NEED_NONE, NEED_WAITS, NEED_ALL };

struct entry {
    char device[256], mount[256], type[32], options[256];
    unsigned line;
    enum need need;
};

static enum need need_of(const struct entry *e)
{
    static const char *const optional[] = {"noauto", "nofail", "x-systemd.automount",
                                           "comment=systemd.automount", "_netdev"};
    for (size_t i = 0; i < BF_COUNT(optional); i++)
        if (bf_fields_option(e->options, optional[i]))
            return NEED_NONE;
    if (strcmp(e->mount, "/") == 0 || strcmp(e->mount, "/usr") == 0)
        return NEED_ALL;
    return e->mount[0] == '/' || strcmp(e->type, "swap") == 0 ? NEED_WAITS : NEED_NONE;
}

static void read_entry(const struct bf_fields *w, unsigned line, struct entry *e)
{
    *e = (struct entry){.line = line};
    bf_fields_plain(w, 0, e->device, sizeof e->device);
    bf_fields_plain(w, 1, e->mount, sizeof e->mount);
    bf_fields_plain(w, 2, e->type, sizeof e->type);
    bf_fields_plain(w, 3, e->options, sizeof e->options);
    if (w->count > 3 && !e->options[0]) // too long to be looked at: nothing is taken from it
        memcpy(e->options, "nofail", 7);
    e->need = w->count < 2 ? NEED_NONE : need_of(e);
}

struct table {
    struct bf_fin *f;
    const char *path;
    unsigned notes, more; // made, and left out
};

static bool may_note(struct table *t)
{
    bool room = t->notes < NOTES_MAX;
    t->notes += room;
    t->more += !room;
    return room;
}

// A name that cannot be placed.
static enum bf_err unknown(struct table *t, const struct entry *e, const char *why)
{
    struct bf_fin *f = t->f;
    if (e->need == NEED_ALL && f->devices->count)
        return bf_refuse(f->report,
                         "%s: line %u: %s is mounted from %s, which depends on the order of the "
                         "disks, and %s; write UUID=... there on the source (blkid prints it)",
                         t->path, e->line, e->mount, e->device, why);
    if (may_note(t))
        bf_note(f->report, e->need ? "warning" : "skipped", t->path,
                "line %u: %s depends on the order of the disks, and %s%s", e->line, e->device, why,
                !e->need                       ? ""
                : strcmp(e->type, "swap") == 0 ? "; the start waits for it"
                                               : "; the start may stop at it");
    return BF_OK;
}

static bool is_missing(struct bf_fin *f, const struct entry *e)
{
    return bf_stable_missing(f, e->device) && !bf_crypttab_opens(f, e->device);
}

static bool has_closed(const struct bf_devices *d)
{
    size_t closed = 0;
    for (size_t i = 0; i < d->count; i++) {
        closed += strcmp(d->item[i].type, "crypto_LUKS") == 0;
        closed -= strncmp(d->item[i].name, "/dev/mapper/luks-", 17) == 0 && closed;
    }
    return closed > 0;
}

static void note_missing(struct table *t, const struct entry *e)
{
    struct bf_fin *f = t->f;
    // Where every disk is known, the rehearsal of the next start judges it.
    if (f->devices->places == 0 && e->need &&
        !bf_budget_take(&f->budget, t->path, BF_BUDGET_LOOKUP) && is_missing(f, e) && may_note(t))
        bf_note(
            f->report, "warning", t->path, "line %u: %s (%s) is on no disk of this machine%s; %s",
            e->line, e->device, e->mount,
            has_closed(f->devices) ? ", unless it is in an encrypted device that was not opened"
                                   : "",
            strcmp(e->type, "swap") == 0 ? "the start waits for it" : "the start may stop at it");
}

// The plan gives up what no disk has: the line stays, and the start does not wait for it. What is
// written with "\040" in the options stays so.
static void put_nofail(struct table *t, const struct bf_line *line, const struct bf_fields *w,
                       const struct entry *e, struct bf_text *out)
{
    struct bf_text word = {0};
    size_t last = w->count > 3 ? 3 : 2;
    bf_text_add(&word, w->at[last], w->len[last]);
    bf_text_str(&word, last == 3 ? ",nofail" : " nofail");
    bf_fields_put(out, line, w, last, bf_text_get(&word));
    bf_text_free(&word);
    bf_note(t->f->report, "warning", t->path,
            "line %u: %s (%s) is on no disk of this machine: the start does not wait for it any "
            "more, and what needs it finds an empty folder",
            e->line, e->device, e->mount);
}

// A folder that the old machine's host shared: the new one has no such host, or need not share it.
static bool is_share(const struct entry *e)
{
    static const char *const type[] = {"9p",     "virtiofs", "vmhgfs",      "fuse.vmhgfs-fuse",
                                       "vboxsf", "prl_fs",   "fuse.prl_fsd"};
    for (size_t i = 0; i < BF_COUNT(type); i++)
        if (strcmp(e->type, type[i]) == 0)
            return true;
    return false;
}

static bool gives_up(struct table *t, const struct bf_fields *w, const struct entry *e,
                     enum bf_stable is)
{
    bool missing = is == BF_STABLE_UNKNOWN || is_missing(t->f, e) || is_share(e);
    return t->f->plan->nofail && e->need == NEED_WAITS && w->count > 2 && missing;
}

static enum bf_err rewrite_line(struct table *t, const struct bf_line *line, unsigned number,
                                struct bf_text *out)
{
    struct entry e;
    char stable[128];
    const char *why;
    struct bf_fields w = bf_fields_split(line);
    enum bf_err err = BF_OK;
    if (w.count > 0) {
        read_entry(&w, number, &e);
        enum bf_stable is =
            bf_stable_find(t->f, e.device, e.type, e.mount, t->path, stable, sizeof stable, &why);
        if (is == BF_STABLE_NEW) {
            bf_fields_put(out, line, &w, 0, stable);
            return BF_OK;
        }
        if (gives_up(t, &w, &e, is)) {
            put_nofail(t, line, &w, &e, out);
            return BF_OK;
        }
        if (is == BF_STABLE_UNKNOWN)
            err = unknown(t, &e, why);
        else
            note_missing(t, &e);
    }
    bf_text_add(out, line->at, line->full);
    return err;
}

static enum bf_err rewrite_fstab(struct bf_fin *f)
{
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    struct bf_text out = {0};
    struct table t = {.f = f, .path = "/etc/fstab"};
    enum bf_err err;
    const char *text = bf_fin_get(f, t.path, &len, &err);
    if (!text)
        return err;
    while (!err && bf_line_next(text, len, &pos, &line))
        err = rewrite_line(&t, &line, ++number, &out);
    if (t.more)
        bf_note(f->report, "warning", t.path, "%u more lines name devices that are not known",
                t.more);
    if (!err)
        err = bf_fin_set(f, t.path, &out,
                         "device names that do not depend on the order of the disks");
    bf_text_free(&out);
    return err;
}

enum bf_err bf_adapt_fstab(struct bf_fin *f)
{
    enum bf_err err = rewrite_fstab(f);
    return err ? err : bf_adapt_crypttab(f);
}
