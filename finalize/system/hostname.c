// SPDX-License-Identifier: Apache-2.0
// The machine's name: /etc/hostname and what other systems have instead, its names in /etc/hosts,
// and /etc/mailname. A full name in the plan sets the short one where the old file had a short one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/shvar.h"
#include "finalize/system/steps.h"

struct names {
    char old_short[65], old_full[256];
    char new_short[65], new_full[256];
};

static void short_of(const char *full, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)strcspn(full, "."), full);
}

// The old domain goes on when the plan's name has none.
static void fill(struct names *n, const char *old, const char *planned)
{
    snprintf(n->old_full, sizeof n->old_full, "%s", old);
    short_of(old, n->old_short, sizeof n->old_short);
    short_of(planned, n->new_short, sizeof n->new_short);
    const char *domain = strchr(old, '.');
    snprintf(n->new_full, sizeof n->new_full, "%s%s", planned,
             !strchr(planned, '.') && domain ? domain : "");
}

static bool first_word(const char *text, size_t len, char *out, size_t size)
{
    struct bf_line line;
    size_t pos = 0, n;
    while (bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *w;
        if (!bf_word_next(&at, line.at + line.len, &w, &n) || w[0] == '#')
            continue;
        snprintf(out, size, "%.*s", (int)n, w);
        return n < size;
    }
    return false;
}

// "old", "old.example.org" and the same with the old domain become the new name.
static void put_host_word(struct bf_text *out, const struct names *n, const char *w, size_t len,
                          const char *planned)
{
    size_t old = strlen(n->old_short);
    if (bf_word_is(w, len, n->old_short)) {
        bf_text_str(out, n->new_short);
    } else if (len > old && memcmp(w, n->old_short, old) == 0 && w[old] == '.') {
        bf_text_str(out, strchr(planned, '.') ? planned : n->new_short);
        if (!strchr(planned, '.'))
            bf_text_add(out, w + old, len - old);
    } else {
        bf_text_add(out, w, len);
    }
}

static enum bf_err rewrite_hosts(struct bf_fin *f, const struct names *n)
{
    size_t size, pos = 0, len;
    struct bf_line line;
    struct bf_text out = {0};
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, "/etc/hosts", &size, &fault);
    if (!text) {
        if (fault.code != BF_ERR_NOT_FOUND)
            bf_note(f->report, "skipped", "/etc/hosts", "cannot be read: %s", fault.what);
        return BF_OK;
    }
    while (bf_line_next(text, size, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w, *done = line.at;
        bool first = true;
        while (bf_word_next(&at, end, &w, &len) && w[0] != '#') {
            bf_text_add(&out, done, (size_t)(w - done));
            if (first)
                bf_text_add(&out, w, len);
            else
                put_host_word(&out, n, w, len, f->plan->hostname);
            first = false;
            done = w + len;
        }
        bf_text_add(&out, done, (size_t)(line.at + line.full - done));
    }
    enum bf_err err = bf_fin_set(f, "/etc/hosts", &out, "host name as planned");
    bf_text_free(&out);
    return err;
}

static enum bf_err rewrite_mailname(struct bf_fin *f, const struct names *n)
{
    size_t len;
    char name[256];
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, "/etc/mailname", &len, NULL);
    if (!text || !first_word(text, len, name, sizeof name))
        return BF_OK;
    put_host_word(&out, n, name, strlen(name), f->plan->hostname);
    bf_text_str(&out, "\n");
    bool same = strncmp(bf_text_get(&out), name, strlen(name)) == 0 && out.len == strlen(name) + 1;
    enum bf_err err = same ? BF_OK : bf_fin_set(f, "/etc/mailname", &out, "host name as planned");
    bf_text_free(&out);
    return err;
}

// ---- Where the name stands ----------------------------------------------------------------------

// A file that some init reads the name from. Which of them counts differs by release, so all that
// are there follow the plan.
static const struct place {
    const char *path;
    const char *key; // of a file of shell variables; NULL: the name is its first word
} places[] = {
    {"/etc/hostname", NULL},
    {"/etc/HOSTNAME", NULL},                // SUSE before 12, Slackware
    {"/etc/sysconfig/network", "HOSTNAME"}, // Red Hat before 7
    {"/etc/conf.d/hostname", "hostname"},   // OpenRC
    {"/etc/rc.conf", "HOSTNAME"},           // Void
};

// The name in a place, "" when it has none.
static void name_in(struct bf_fin *f, const struct place *place, char *out, size_t size)
{
    size_t len;
    struct bf_shvar sv;
    out[0] = 0;
    const char *text = bf_edits_get(&f->edits, place->path, &len, NULL);
    if (text && !place->key && !first_word(text, len, out, size))
        out[0] = 0;
    if (!text || !place->key)
        return;
    bf_shvar_init(&sv, text, len);
    while (bf_shvar_next(&sv))
        if (bf_shvar_is(&sv, place->key))
            bf_shvar_value(&sv, out, size);
}

void bf_inspect_hostname(struct bf_fin *f)
{
    char *name = f->system.hostname;
    for (size_t i = 0; i < BF_COUNT(places) && !name[0]; i++) {
        name_in(f, &places[i], name, sizeof f->system.hostname);
        if (!bf_is_utf8(name, strlen(name)))
            name[0] = 0;
    }
}

// Whether the init of this system reads /etc/hostname, so that it is made where it is missing.
static bool reads_hostname(const struct bf_system *s)
{
    return s->init == BF_INIT_SYSTEMD || s->init == BF_INIT_RUNIT ||
           (s->family && (s->family == &bf_debian || s->family == &bf_alpine));
}

static enum bf_err set_name(struct bf_fin *f, const struct place *place, const char *name)
{
    size_t len = 0;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, place->path, &len, NULL);
    struct bf_shvar_change change = {place->key, name};
    if (place->key)
        bf_shvar_edit(&out, text ? text : "", text ? len : 0, &change, 1);
    else
        bf_textf(&out, "%s\n", name);
    enum bf_err err = bf_fin_set(f, place->path, &out, "host name as planned");
    bf_text_free(&out);
    return err;
}

// A name that was written short stays short, and one with a domain keeps the domain.
static bool is_so(const char *now, const char *planned, const struct names *n)
{
    return strcmp(now, planned) == 0 || (!strchr(now, '.') && strcmp(now, n->new_short) == 0);
}

static enum bf_err set_places(struct bf_fin *f, struct names *n, bool *any)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(places) && !err; i++) {
        char now[256];
        name_in(f, &places[i], now, sizeof now);
        if (!now[0] && (i > 0 || !reads_hostname(&f->system)))
            continue;
        *any = true;
        if (is_so(now, f->plan->hostname, n))
            continue; // also after a first run
        fill(n, now, f->plan->hostname);
        err = set_name(f, &places[i], strchr(now, '.') ? n->new_full : n->new_short);
    }
    return err;
}

enum bf_err bf_adapt_hostname(struct bf_fin *f)
{
    struct names n = {.old_short = ""};
    bool any = false;
    if (!f->plan->hostname[0])
        return BF_OK;
    short_of(f->plan->hostname, n.new_short, sizeof n.new_short);
    enum bf_err err = set_places(f, &n, &any);
    if (!err && !any) // nothing says where this system has its name
        err = set_name(f, &places[0], n.new_short);
    if (err || !n.old_short[0] || strcmp(n.old_short, "localhost") == 0)
        return err;
    err = rewrite_hosts(f, &n);
    return err ? err : rewrite_mailname(f, &n);
}
