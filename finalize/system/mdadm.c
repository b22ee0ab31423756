// SPDX-License-Identifier: Apache-2.0
// mdadm.conf(5): DEVICE lines that name disks would hide those of the new home, so that no array is
// assembled, and an ARRAY line with devices= waits for the old names. The scan of all partitions is
// mdadm's own default; an array is told by its UUID. A line goes on in those that begin with a
// blank, and a word that begins with '#' ends it.
#include "finalize/system/mdadm.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/system/new_names.h"
#include "finalize/system/stable.h"
#include "finalize/system/steps.h"

#define WHY         "arrays are found by their own identity"
#define PATTERN_MAX 128

enum keyword { KW_OTHER, KW_DEVICE, KW_ARRAY };

// Words of the file, each with the keyword that it belongs to.
struct words {
    const char *text;
    size_t len, pos;      // where the next physical line begins
    unsigned line, begun; // its number; that of the keyword's line
    const char *at, *end; // what is left of the line
    enum keyword keyword;
    bool first; // the word is the keyword itself
};

// mdadm takes three letters and more of a keyword.
static bool is_keyword(const char *word, size_t len, const char *keyword)
{
    return len >= 3 && len <= strlen(keyword) && strncasecmp(word, keyword, len) == 0;
}

static bool next_word(struct words *w, const char **word, size_t *len)
{
    struct bf_line line;
    for (;;) {
        bool more = w->at && bf_word_next(&w->at, w->end, word, len);
        if (more && **word != '#')
            break;
        if (!bf_line_next(w->text, w->len, &w->pos, &line))
            return false;
        w->line++;
        w->at = line.at;
        w->end = line.at + line.len;
        w->first = line.len && line.at[0] != ' ' && line.at[0] != '\t' && line.at[0] != '#';
    }
    if (w->first) {
        w->first = false;
        w->keyword = is_keyword(*word, *len, "DEVICE")  ? KW_DEVICE
                     : is_keyword(*word, *len, "ARRAY") ? KW_ARRAY
                                                        : KW_OTHER;
        w->begun = w->line;
    }
    return true;
}

// A word that chooses disks by names, which may be others' in the new home.
static bool names_disks(const char *word, size_t len)
{
    static const char *const lasting[] = {"/dev/md", "/dev/mapper/", "/dev/disk/by-uuid/",
                                          "/dev/disk/by-partuuid/", "/dev/disk/by-id/md-uuid"};
    if (len < 5 || memcmp(word, "/dev/", 5) != 0)
        return false;
    for (size_t i = 0; i < BF_COUNT(lasting); i++)
        if (len >= strlen(lasting[i]) && memcmp(word, lasting[i], strlen(lasting[i])) == 0)
            return false;
    return true;
}

struct md {
    struct bf_fin *f;
    const char *path;
    bool scans;                              // some DEVICE line has "partitions"
    bool containers;                         // and "containers"
    unsigned names;                          // the first DEVICE line with disks; 0: none
    bool seen[BF_DEVICES_MAX][BF_NEW_NAMES]; // members that a pattern finds by their new names
};

static bool has_stars(const char *pattern)
{
    unsigned n = 0;
    for (; *pattern; pattern++)
        n += *pattern == '*';
    return n > 3; // fnmatch's work grows with each
}

static void match_members(struct md *md, const char *word, size_t len)
{
    char pattern[PATTERN_MAX], name[BF_NEW_NAMES][BF_NEW_NAME];
    snprintf(pattern, sizeof pattern, "%.*s", len < sizeof pattern ? (int)len : 0, word);
    if (bf_budget_take(&md->f->budget, md->path, BF_BUDGET_LOOKUP) || has_stars(pattern))
        return;
    for (size_t i = 0; i < md->f->devices->count; i++) {
        const struct bf_device *dev = &md->f->devices->item[i];
        if (dev->stacked || strcmp(dev->type, "linux_raid_member") != 0)
            continue;
        size_t n = bf_new_names(md->f, dev, name);
        for (size_t k = 0; k < n; k++)
            md->seen[i][k] = md->seen[i][k] || fnmatch(pattern, name[k], FNM_PATHNAME) == 0;
    }
}

// Whether all members are found, whatever the new home calls them.
static bool finds_all(const struct md *md)
{
    char name[BF_NEW_NAMES][BF_NEW_NAME];
    size_t members = 0;
    for (size_t i = 0; i < md->f->devices->count; i++) {
        const struct bf_device *dev = &md->f->devices->item[i];
        if (dev->stacked || strcmp(dev->type, "linux_raid_member") != 0)
            continue;
        members++;
        size_t n = bf_new_names(md->f, dev, name);
        for (size_t k = 0; k < n; k++)
            if (!md->seen[i][k])
                return false;
    }
    return members > 0;
}

static void look(struct md *md, const char *text, size_t len)
{
    struct words w = {.text = text, .len = len};
    const char *word;
    size_t n;
    while (next_word(&w, &word, &n)) {
        if (w.keyword != KW_DEVICE)
            continue;
        md->scans = md->scans || bf_word_is(word, n, "partitions");
        md->containers = md->containers || bf_word_is(word, n, "containers");
        if (names_disks(word, n)) {
            md->names = md->names ? md->names : w.begun;
            match_members(md, word, n);
        }
    }
}

// ---- ARRAY --------------------------------------------------------------------------------------

static bool has_key(const char *word, size_t len, const char *key)
{
    size_t n = strlen(key);
    return len > n && strncasecmp(word, key, n) == 0;
}

// Whether the ARRAY line whose keyword was just read tells its array by what the members hold.
static bool has_identity(struct words ahead)
{
    static const char *const key[] = {"uuid=", "name=", "super-minor=", "container="};
    unsigned begun = ahead.begun;
    const char *word;
    size_t n;
    while (next_word(&ahead, &word, &n) && ahead.begun == begun)
        for (size_t i = 0; i < BF_COUNT(key); i++)
            if (has_key(word, n, key[i]))
                return true;
    return false;
}

// The UUID that all devices of a list have, as mdadm writes it; false when that is not known.
static bool uuid_of_list(struct bf_fin *f, const char *list, size_t len, char *out, size_t size)
{
    const char *uuid = NULL, *end = list + len;
    for (const char *at = list; at < end;) {
        char name[128];
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t n = (size_t)((comma ? comma : end) - at);
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : 0, at);
        const struct bf_device *dev = bf_stable_device(f, name, "linux_raid_member");
        if (!dev || strcmp(dev->type, "linux_raid_member") != 0 || strlen(dev->uuid) != 36 ||
            (uuid && strcmp(uuid, dev->uuid) != 0))
            return false;
        uuid = dev->uuid;
        at += n + 1;
    }
    size_t put = 0;
    for (size_t i = 0, digits = 0; uuid && uuid[i] && put + 2 < size; i++)
        if (uuid[i] != '-') {
            if (digits && digits % 8 == 0)
                out[put++] = ':';
            out[put++] = uuid[i];
            digits++;
        }
    out[put] = 0;
    return uuid != NULL;
}

// ---- Rewriting ----------------------------------------------------------------------------------

struct rewrite {
    struct md *md;
    struct bf_text out;
    const char *done; // up to where the file was copied
    unsigned scanned; // the DEVICE line that has its "partitions" already
    unsigned array;   // the ARRAY line at hand
    bool told;        // it has an identity besides the names of its disks
};

// Puts `with` in the place of a word; NULL: the word goes, with the blanks before it. Those at the
// beginning of a line stay, since they make it a part of the one before.
static void put(struct rewrite *rw, const char *text, const char *word, size_t len,
                const char *with)
{
    const char *until = word;
    while (!with && until > text && (until[-1] == ' ' || until[-1] == '\t'))
        until--;
    if (until == text || until[-1] == '\n')
        until = word;
    if (until > rw->done)
        bf_text_add(&rw->out, rw->done, (size_t)(until - rw->done));
    if (with)
        bf_text_str(&rw->out, with);
    rw->done = word + len;
}

static void rewrite_device(struct rewrite *rw, const struct words *w, const char *word, size_t len)
{
    const char *all = rw->md->containers ? "partitions" : "partitions containers";
    put(rw, w->text, word, len, rw->scanned == w->begun ? NULL : all);
    rw->scanned = w->begun;
}

static void rewrite_array(struct rewrite *rw, const struct words *w, const char *word, size_t len)
{
    struct bf_fin *f = rw->md->f;
    char uuid[48], with[64];
    size_t key = strlen("devices=");
    if (bf_budget_take(&f->budget, rw->md->path, BF_BUDGET_LOOKUP))
        return;
    if (rw->told) {
        put(rw, w->text, word, len, NULL);
    } else if (uuid_of_list(f, word + key, len - key, uuid, sizeof uuid)) {
        snprintf(with, sizeof with, "UUID=%s", uuid);
        put(rw, w->text, word, len, with);
    } else {
        bf_note(f->report, "warning", rw->md->path,
                "line %u: the array is told by the names of its disks, which the new home may give "
                "to others, and its UUID is not known; write UUID= there (mdadm --detail --scan)",
                w->line);
    }
}

static void rewrite(struct rewrite *rw, const char *text, size_t len)
{
    struct md *md = rw->md;
    struct words w = {.text = text, .len = len};
    bool hides = md->names && !md->scans && !finds_all(md);
    const char *word;
    size_t n;
    while (next_word(&w, &word, &n)) {
        if (w.keyword == KW_ARRAY && rw->array != w.begun) {
            rw->array = w.begun;
            rw->told = has_identity(w);
        }
        if (w.keyword == KW_DEVICE && hides && names_disks(word, n))
            rewrite_device(rw, &w, word, n);
        else if (w.keyword == KW_ARRAY && has_key(word, n, "devices=") &&
                 memmem(word, n, "/dev/", 5))
            rewrite_array(rw, &w, word, n);
    }
    bf_text_add(&rw->out, rw->done, len - (size_t)(rw->done - text));
    if (hides)
        bf_note(md->f->report, "info", md->path,
                "line %u: DEVICE named disks by names that would have hidden those of the new "
                "home; now all partitions are looked at",
                md->names);
}

bool bf_mdadm_accept(struct bf_fin *f, const char *name, const char *text, size_t len,
                     struct bf_text *out)
{
    struct md md = {.f = f, .path = name};
    struct rewrite rw = {.md = &md, .done = text};
    look(&md, text, len);
    rewrite(&rw, text, len);
    *out = rw.out;
    return out->len != len || memcmp(bf_text_get(out), text, len) != 0;
}

static enum bf_err adapt_file(struct bf_fin *f, const char *path, void *arg)
{
    struct bf_text out = {0};
    size_t len;
    enum bf_err err;
    (void)arg;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    bf_mdadm_accept(f, path, text, len, &out);
    err = bf_fin_set(f, path, &out, WHY);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_adapt_mdadm(struct bf_fin *f)
{
    static const char *const files[] = {"/etc/mdadm.conf", "/etc/mdadm/mdadm.conf"};
    static const char *const folders[] = {"/etc/mdadm.conf.d", "/etc/mdadm/mdadm.conf.d"};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(files) && !err; i++)
        err = adapt_file(f, files[i], NULL);
    for (size_t i = 0; i < BF_COUNT(folders) && !err; i++)
        err = bf_fin_each(f, folders[i], ".conf", adapt_file, NULL);
    return err;
}
