// SPDX-License-Identifier: Apache-2.0
// See crypttab.h. A line has a name, a device, a key file and options. The device becomes UUID=;
// that of a swap area with a new key at each start has none, and becomes PARTUUID=. Key files and
// headers on other devices, and keys that a TPM or a token holds, are said: only an administrator
// knows whether they move, too.
#include "finalize/system/crypttab.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/fields.h"
#include "finalize/system/stable.h"

#define PATH "/etc/crypttab"

static void note_bindings(struct bf_fin *f, unsigned number, const char *name, const char *options)
{
    static const struct {
        const char *key, *what;
    } bound[] = {
        {"tpm2-device", "its key is in the old machine's TPM"},
        {"fido2-device", "its key needs the FIDO2 token that is plugged into the machine"},
        {"pkcs11-uri", "its key needs the PKCS#11 token that is plugged into the machine"},
    };
    for (size_t i = 0; i < BF_COUNT(bound); i++)
        if (bf_fields_value(options, bound[i].key))
            bf_note(f->report, "warning", PATH,
                    "line %u: %s: %s; have a passphrase or a recovery key ready, which the start "
                    "asks for in the new home",
                    number, name, bound[i].what);
}

// A file on another device: "/key:UUID=...", "/dev/disk/by-label/stick:/key", "header=/dev/sdb1".
static void note_place(struct bf_fin *f, unsigned number, const char *name, const char *what,
                       const char *value)
{
    char device[256], stable[128];
    const char *colon = strchr(value, ':'), *why, *begin = value;
    size_t n = strcspn(value, ":,");
    if (colon && strncmp(value, "/dev/", 5) != 0) {
        begin = colon + 1;
        n = strcspn(begin, ",");
    }
    if (n >= sizeof device)
        return;
    snprintf(device, sizeof device, "%.*s", (int)n, begin);
    if (bf_stable_find(f, device, "", "", PATH, stable, sizeof stable, &why) != BF_STABLE_ALREADY)
        bf_note(f->report, "warning", PATH,
                "line %u: %s: the %s is on %s, a name that depends on the order of the disks",
                number, name, what, device);
}

// Whether a new key is made for the device at each start, so that whatever is on it is lost.
static bool is_emptied(const char *key, const char *options)
{
    return strcmp(key, "/dev/urandom") == 0 || strcmp(key, "/dev/random") == 0 ||
           strcmp(key, "/dev/hw_random") == 0 || bf_fields_option(options, "swap") ||
           bf_fields_option(options, "tmp") || bf_fields_value(options, "tmp");
}

struct row {
    char name[128], device[256], key[256], options[512];
    bool emptied;
};

// A device that is emptied at each start is named by its partition, as nothing else of it stays. It
// must not be another one that has something.
static enum bf_stable find_emptied(struct bf_fin *f, const struct row *row, char *out, size_t size,
                                   const char **why)
{
    const struct bf_device *dev = bf_stable_device(f, row->device, "");
    if (bf_name_kind(row->device) == BF_NAME_STABLE)
        return BF_STABLE_ALREADY;
    if (dev && dev->type[0] && strcmp(dev->type, "swap") != 0)
        *why = "what is on the device found there would be lost";
    else if (!dev)
        *why = "no probed device has that name";
    else if (!dev->partuuid[0])
        *why = "the device found there has no PARTUUID";
    else
        snprintf(out, size, "PARTUUID=%s", dev->partuuid);
    return **why ? BF_STABLE_UNKNOWN : BF_STABLE_NEW;
}

static enum bf_stable find_device(struct bf_fin *f, const struct row *row, char *out, size_t size,
                                  const char **why)
{
    *why = "";
    if (row->emptied)
        return find_emptied(f, row, out, size, why);
    const char *type = bf_fields_option(row->options, "plain") ? "" : "crypto_LUKS";
    return bf_stable_find(f, row->device, type, "", PATH, out, size, why);
}

static void note_row(struct bf_fin *f, const struct row *row, unsigned number)
{
    const char *header = bf_fields_value(row->options, "header");
    note_bindings(f, number, row->name, row->options);
    if (header)
        note_place(f, number, row->name, "header", header);
    if (row->key[0] && !row->emptied && strcmp(row->key, "none") != 0 && strcmp(row->key, "-") != 0)
        note_place(f, number, row->name, "key file", row->key);
}

static void read_row(const struct bf_fields *w, struct row *row)
{
    bf_fields_text(w, 0, row->name, sizeof row->name);
    bf_fields_text(w, 1, row->device, sizeof row->device);
    bf_fields_text(w, 2, row->key, sizeof row->key);
    bf_fields_text(w, 3, row->options, sizeof row->options);
    row->emptied = is_emptied(row->key, row->options);
}

// ---- Devices that the machine does not have -----------------------------------------------------

// Finds the line that makes "/dev/mapper/NAME".
static bool find_row(struct bf_fin *f, const char *name, struct row *row)
{
    size_t len, pos = 0;
    struct bf_line line;
    bool mapper = strncmp(name, "/dev/mapper/", 12) == 0;
    const char *text = mapper ? bf_edits_get(&f->edits, PATH, &len, NULL) : NULL;
    while (text && bf_line_next(text, len, &pos, &line)) {
        struct bf_fields w = bf_fields_split(&line);
        if (w.count > 1 && bf_word_is(w.at[0], w.len[0], name + 12)) {
            read_row(&w, row);
            return true;
        }
    }
    return false;
}

// A device that another line opens is looked for there, and not behind that.
static bool is_missing(struct bf_fin *f, const struct row *row, bool under)
{
    struct row other;
    char stable[128];
    const char *why;
    if (!f->devices->count)
        return false;
    if (find_device(f, row, stable, sizeof stable, &why) == BF_STABLE_UNKNOWN)
        return !row->emptied;
    if (!bf_stable_missing(f, row->device))
        return false;
    return !under || !find_row(f, row->device, &other) || is_missing(f, &other, false);
}

bool bf_crypttab_opens(struct bf_fin *f, const char *name)
{
    struct row row;
    return find_row(f, name, &row) && !is_missing(f, &row, true);
}

static bool is_waited_for(const struct row *row)
{
    return !bf_fields_option(row->options, "noauto") && !bf_fields_option(row->options, "nofail") &&
           !bf_fields_option(row->options, "_netdev");
}

// The plan gives it up: the start does not wait for it (crypttab(5)).
static void put_nofail(struct bf_text *out, const struct bf_line *line, const struct bf_fields *w)
{
    static const char *const more[] = {" none nofail", " nofail", ",nofail"};
    struct bf_text word = {0};
    size_t last = w->count - 1;
    bf_text_add(&word, w->at[last], w->len[last]);
    bf_text_str(&word, more[last - 1]);
    bf_fields_put(out, line, w, last, bf_text_get(&word));
    bf_text_free(&word);
}

// Says that the device of a line is missing, where nobody else does: the rehearsal of the next
// start judges what it sees, and a name by order was said already.
static void note_missing(struct bf_fin *f, const struct row *row, unsigned number,
                         enum bf_stable is)
{
    if (f->plan->nofail)
        bf_note(f->report, "warning", PATH,
                "line %u: %s %s: the start does not wait for %s any more", number, row->device,
                is == BF_STABLE_UNKNOWN ? "cannot be placed" : "is on no disk of this machine",
                row->name);
    else if (f->devices->places == 0 && is != BF_STABLE_UNKNOWN)
        bf_note(f->report, "warning", PATH,
                "line %u: %s (%s) is on no disk of this machine; the start waits for it", number,
                row->device, row->name);
}

// ---- Lines --------------------------------------------------------------------------------------

static void rewrite_line(struct bf_fin *f, const struct bf_line *line, unsigned number,
                         struct bf_text *out)
{
    struct row row;
    char stable[128];
    const char *why;
    struct bf_fields w = bf_fields_split(line);
    if (w.count < 2 || bf_budget_take(&f->budget, PATH, BF_BUDGET_LOOKUP)) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    read_row(&w, &row);
    note_row(f, &row, number);
    enum bf_stable is = find_device(f, &row, stable, sizeof stable, &why);
    bool missing = is_waited_for(&row) && is_missing(f, &row, true);
    if (is == BF_STABLE_UNKNOWN)
        bf_note(f->report, "warning", PATH, "line %u: %s depends on the order of the disks, and %s",
                number, row.device, why);
    if (missing)
        note_missing(f, &row, number, is);
    if (is == BF_STABLE_NEW)
        bf_fields_put(out, line, &w, 1, stable);
    else if (missing && f->plan->nofail)
        put_nofail(out, line, &w);
    else
        bf_text_add(out, line->at, line->full);
}

// A line of a copy of the table, such as an initramfs has: the same device under its stable name.
static bool copy_line(struct bf_fin *f, const struct bf_line *line, struct bf_text *out)
{
    struct row row;
    char stable[128];
    const char *why;
    struct bf_fields w = bf_fields_split(line);
    if (w.count > 1) {
        read_row(&w, &row);
        if (find_device(f, &row, stable, sizeof stable, &why) == BF_STABLE_NEW) {
            bf_fields_put(out, line, &w, 1, stable);
            return true;
        }
    }
    bf_text_add(out, line->at, line->full);
    return false;
}

bool bf_crypttab_copy(struct bf_fin *f, const char *text, size_t len, struct bf_text *out)
{
    bool other = false;
    struct bf_line line;
    for (size_t pos = 0; bf_line_next(text, len, &pos, &line);)
        other |= copy_line(f, &line, out);
    return other;
}

enum bf_err bf_adapt_crypttab(struct bf_fin *f)
{
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(f, PATH, &len, &err);
    if (!text)
        return err;
    while (bf_line_next(text, len, &pos, &line))
        rewrite_line(f, &line, ++number, &out);
    err = bf_fin_set(f, PATH, &out, "device names that do not depend on the order of the disks");
    bf_text_free(&out);
    return err;
}
