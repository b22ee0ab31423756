// SPDX-License-Identifier: Apache-2.0
// What of LVM would hide the new disks: a filter by names (lvm.conf(5)), and the devices file,
// which lists disks by their hardware's identity (lvmdevices(8)). A filter gets a pattern in front
// that accepts the names of the new home's disks; the rest of it stays. A devices file goes: where
// there is none, LVM looks at all disks, and vgimportdevices makes it anew.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/lvm.h"
#include "finalize/system/lvm_conf.h"
#include "finalize/system/lvm_filter.h"
#include "finalize/system/new_names.h"
#include "finalize/system/steps.h"

#define NAMES_MAX   64
#define DEVICES     "/etc/lvm/devices/system.devices"
#define FILTER_WHY  "the filter accepts the disks of the new home"
#define DEVICES_WHY "it lists disks by the identity of the old hardware"

// The names that the physical volumes may have, and what the list at hand says of each.
struct names {
    char name[NAMES_MAX][BF_NEW_NAME];
    enum bf_lvm_verdict verdict[NAMES_MAX];
    size_t count;
    bool assumed; // no disks are known: those of a usual system
};

static void add_names(struct bf_fin *f, struct names *n, const struct bf_device *dev)
{
    if (n->count + BF_NEW_NAMES <= NAMES_MAX)
        n->count += bf_new_names(f, dev, &n->name[n->count]);
}

static void find_names(struct bf_fin *f, struct names *n)
{
    *n = (struct names){.assumed = f->devices->count == 0};
    for (size_t i = 0; i < f->devices->count; i++)
        if (!f->devices->item[i].stacked && strcmp(f->devices->item[i].type, "LVM2_member") == 0)
            add_names(f, n, &f->devices->item[i]);
    for (unsigned part = 1; n->assumed && part <= 3; part++)
        add_names(f, n, &(struct bf_device){.part = part});
}

// One list of patterns.
struct filter {
    const char *key;
    unsigned line;
    size_t at;      // where its elements begin
    bool has_other; // and it has some
    struct names n;
};

static void judge(struct bf_fin *f, struct filter *flt, const struct bf_lvm_conf *c,
                  const char *path)
{
    flt->has_other = true;
    for (size_t i = 0; i < flt->n.count; i++) {
        if (flt->n.verdict[i] != BF_LVM_NEXT || bf_budget_take(&f->budget, path, BF_BUDGET_LOOKUP))
            continue;
        flt->n.verdict[i] = bf_lvm_match(c->value, c->value_len, flt->n.name[i]);
    }
}

static size_t count(const struct filter *flt, enum bf_lvm_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < flt->n.count; i++)
        n += flt->n.verdict[i] == verdict;
    return n;
}

struct conf {
    struct bf_fin *f;
    const char *path, *text;
    size_t done;
    struct bf_text out;
};

// What becomes of a list once all of it was read.
static void finish(struct conf *cf, const struct filter *flt)
{
    const char *stem[BF_NEW_NAMES];
    if (!flt->key || (!count(flt, BF_LVM_REJECTS) && !count(flt, BF_LVM_UNKNOWN)))
        return;
    if (flt->n.assumed || !count(flt, BF_LVM_REJECTS)) {
        bf_note(cf->f->report, "warning", cf->path,
                "line %u: %s may reject the disks of the new home: it was not decided%s", flt->line,
                flt->key, flt->n.assumed ? ", as no disks are known" : "");
        return;
    }
    bf_text_add(&cf->out, cf->text + cf->done, flt->at - cf->done);
    size_t n = bf_new_stems(cf->f, stem);
    for (size_t i = 0; i < n; i++)
        bf_textf(&cf->out, "%s\"a|^%s|\"%s", i ? "" : " ", stem[i],
                 i + 1 < n        ? ", "
                 : flt->has_other ? ","
                                  : "");
    cf->done = flt->at;
    bf_note(cf->f->report, "info", cf->path,
            "line %u: %s rejected the names that disks have in the new home; they are accepted now",
            flt->line, flt->key);
}

static const char *filter_key(const char *key)
{
    static const char *const keys[] = {"devices/filter", "devices/global_filter"};
    for (size_t i = 0; i < BF_COUNT(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return keys[i];
    return NULL;
}

static void note_setting(struct bf_fin *f, const char *path, const struct bf_lvm_conf *c)
{
    if (strcmp(c->key, "devices/devicesfile") == 0 && c->is_text &&
        !bf_word_is(c->value, c->value_len, "system.devices"))
        bf_note(f->report, "warning", path,
                "line %u: LVM uses the list of devices %.*s, which may not have the disks of the "
                "new home",
                c->line, (int)(c->value_len < 80 ? c->value_len : 80), c->value);
    if (strcmp(c->key, "devices/scan") == 0 && c->is_text &&
        !bf_word_is(c->value, c->value_len, "/dev") && !bf_word_is(c->value, c->value_len, "/dev/"))
        bf_note(f->report, "warning", path,
                "line %u: LVM looks for disks in %.*s, where those of the new home may not be",
                c->line, (int)(c->value_len < 80 ? c->value_len : 80), c->value);
}

// A single pattern without brackets, which LVM takes for a list of one.
static void note_single(struct bf_fin *f, const char *path, const char *key,
                        const struct bf_lvm_conf *c, const struct names *names)
{
    struct filter flt = {.key = key, .n = *names};
    judge(f, &flt, c, path);
    if (count(&flt, BF_LVM_REJECTS) || count(&flt, BF_LVM_UNKNOWN))
        bf_note(f->report, "warning", path,
                "line %u: %s rejects the names that disks may have in the new home, and is left as "
                "it is: it is one pattern and no list",
                c->line, key);
}

// Reads a whole lvm.conf; what it becomes is in cf->out.
static void rewrite(struct conf *cf, size_t len, const struct names *names)
{
    struct bf_fin *f = cf->f;
    struct bf_lvm_conf c = {.text = cf->text, .len = len};
    struct filter flt = {.key = NULL};
    while (bf_lvm_conf_next(&c)) {
        const char *key = filter_key(c.key);
        if (flt.key && (!key || flt.at != c.list || !c.in_list)) {
            finish(cf, &flt);
            flt.key = NULL;
        }
        if (key && !c.in_list && c.is_text)
            note_single(f, cf->path, key, &c, names);
        if (key && c.in_list && !flt.key)
            flt = (struct filter){.key = key, .line = c.line, .at = c.list, .n = *names};
        if (flt.key)
            judge(f, &flt, &c, cf->path);
        note_setting(f, cf->path, &c);
    }
    finish(cf, &flt);
    bf_text_add(&cf->out, cf->text + cf->done, len - cf->done);
}

bool bf_lvm_accept(struct bf_fin *f, const char *name, const char *text, size_t len,
                   struct bf_text *out)
{
    struct names names;
    struct conf cf = {.f = f, .path = name, .text = text};
    find_names(f, &names);
    rewrite(&cf, len, &names);
    bool other = cf.out.len != len || memcmp(bf_text_get(&cf.out), text, len) != 0;
    *out = cf.out;
    return other;
}

static enum bf_err adapt_conf(struct bf_fin *f, const char *path, const struct names *names)
{
    size_t len;
    enum bf_err err;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    struct conf cf = {.f = f, .path = path, .text = text};
    rewrite(&cf, len, names);
    err = bf_fin_set(f, path, &cf.out, FILTER_WHY);
    bf_text_free(&cf.out);
    return err;
}

// ---- The devices file ---------------------------------------------------------------------------

// Identities that LVM and md give themselves travel with the disk.
static bool is_of_hardware(const char *word, size_t len)
{
    static const char *const lasting[] = {"IDTYPE=md_uuid", "IDTYPE=crypt_uuid",
                                          "IDTYPE=lvmlv_uuid", "IDTYPE=loop_file"};
    if (len < 7 || memcmp(word, "IDTYPE=", 7) != 0)
        return false;
    for (size_t i = 0; i < BF_COUNT(lasting); i++)
        if (bf_word_is(word, len, lasting[i]))
            return false;
    return true;
}

unsigned bf_lvm_devices_of_hardware(const char *text, size_t len)
{
    struct bf_line line;
    unsigned number = 0;
    for (size_t pos = 0, n; bf_line_next(text, len, &pos, &line);) {
        const char *at = line.at, *word;
        number++;
        while (line.at[0] != '#' && bf_word_next(&at, line.at + line.len, &word, &n))
            if (is_of_hardware(word, n))
                return number;
    }
    return 0;
}

static enum bf_err adapt_devices_file(struct bf_fin *f)
{
    size_t len;
    enum bf_err err;
    struct bf_fault fault;
    const char *text = bf_fin_get(f, DEVICES, &len, &err);
    unsigned line = text ? bf_lvm_devices_of_hardware(text, len) : 0;
    if (!line)
        return err;
    if (bf_edits_remove(&f->edits, DEVICES, DEVICES_WHY, &fault))
        return bf_fail(f->report, DEVICES " cannot be removed: %s", fault.what);
    bf_note(f->report, "info", DEVICES,
            "line %u names a disk by the old hardware, so that LVM would not find its volumes; "
            "without the file it looks at all disks. \"vgimportdevices -a\" makes it anew",
            line);
    return BF_OK;
}

enum bf_err bf_adapt_lvm(struct bf_fin *f)
{
    struct names names;
    find_names(f, &names);
    enum bf_err err = adapt_conf(f, "/etc/lvm/lvm.conf", &names);
    if (!err)
        err = adapt_conf(f, "/etc/lvm/lvmlocal.conf", &names);
    return err ? err : adapt_devices_file(f);
}
