// SPDX-License-Identifier: Apache-2.0
// The machine's name: /etc/hostname, its names in /etc/hosts, and /etc/mailname. A full name in the
// plan sets the short one in /etc/hostname where the old file had a short one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum bf_err bf_adapt_hostname(struct bf_fin *f)
{
    size_t len = 0;
    char old[256] = "";
    struct names n = {.old_short = ""};
    struct bf_text out = {0};
    if (!f->plan->hostname[0])
        return BF_OK;
    const char *text = bf_edits_get(&f->edits, "/etc/hostname", &len, NULL);
    if (text)
        first_word(text, len, old, sizeof old);
    fill(&n, old, f->plan->hostname);
    if (strcmp(old, f->plan->hostname) == 0 || (!strchr(old, '.') && strcmp(old, n.new_short) == 0))
        return BF_OK; // already so, also after a first run
    bf_textf(&out, "%s\n", strchr(old, '.') ? n.new_full : n.new_short);
    enum bf_err err = bf_fin_set(f, "/etc/hostname", &out, "host name as planned");
    bf_text_free(&out);
    if (err || !n.old_short[0] || strcmp(n.old_short, "localhost") == 0)
        return err;
    err = rewrite_hosts(f, &n);
    return err ? err : rewrite_mailname(f, &n);
}
