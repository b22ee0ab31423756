// SPDX-License-Identifier: Apache-2.0
// /etc/mactab, by which BusyBox's nameif names interfaces when mdev tells it of one (mdev.conf of
// Alpine), and /etc/iftab of ifrename, which has the same shape.
#include <stdio.h>
#include <string.h>

#include "finalize/network/naming.h"

// "eth0 52:54:00:00:00:01", "eth0 mac=52:...", "eth0 mac 52:..."
static bool parse(const struct bf_line *line, struct bf_named *named)
{
    const char *at = line->at, *end = line->at + line->len, *w;
    size_t len;
    *named = (struct bf_named){0};
    if (!bf_word_next(&at, end, &w, &len) || w[0] == '#')
        return false;
    bf_net_copy(named->name, sizeof named->name, w, len);
    while (!named->mac[0] && bf_word_next(&at, end, &w, &len)) {
        bool prefixed = len > 4 && strncmp(w, "mac=", 4) == 0;
        bf_naming_mac(w + (prefixed ? 4 : 0), len - (prefixed ? 4 : 0), named->mac);
    }
    return bf_naming_is_plain(named->name) && named->mac[0];
}

static void scan(struct bf_fin *f, const char *path, struct bf_naming *naming)
{
    struct bf_line line;
    struct bf_named named;
    size_t len, pos = 0;
    unsigned number = 0;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        number++;
        if (!parse(&line, &named))
            continue;
        named.line = number;
        snprintf(named.file, sizeof named.file, "%s", path);
        bf_naming_add(naming, &named);
    }
}

void bf_mactab_scan(struct bf_fin *f, struct bf_naming *naming)
{
    scan(f, BF_MACTAB, naming);
    scan(f, BF_IFTAB, naming);
}

// Whether mdev has nameif called for interfaces.
static bool calls_nameif(struct bf_fin *f)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, "/etc/mdev.conf", &len, NULL);
    return text && memmem(text, len, "nameif", strlen("nameif"));
}

static enum bf_err write_mactab(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_text out = {0};
    struct bf_line line;
    size_t len, pos = 0;
    const char *text = bf_edits_get(&f->edits, BF_MACTAB, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        struct bf_named named;
        bool replaced = false;
        for (size_t i = 0; parse(&line, &named) && i < links; i++)
            replaced =
                replaced || (bf_naming_keeps(f, &link[i]) && bf_naming_new_mac(&link[i])[0] &&
                             (strcmp(named.name, link[i].name) == 0 ||
                              strcmp(named.mac, bf_naming_new_mac(&link[i])) == 0));
        if (!replaced)
            bf_text_add(&out, line.at, line.full);
    }
    if (out.len && out.data[out.len - 1] != '\n')
        bf_text_str(&out, "\n");
    for (size_t i = 0; i < links; i++)
        if (bf_naming_keeps(f, &link[i]) && bf_naming_new_mac(&link[i])[0])
            bf_textf(&out, "%s %s\n", link[i].name, bf_naming_new_mac(&link[i]));
    enum bf_err err =
        out.len ? bf_fin_set(f, BF_MACTAB, &out, "keeps the interface's name") : BF_OK;
    bf_text_free(&out);
    return err;
}

// nameif takes no name in between (BusyBox networking/nameif.c): it fails where a name is taken.
enum bf_err bf_mactab_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    size_t cards = bf_naming_cards(f, link, links);
    bool called = calls_nameif(f);
    for (size_t i = 0; i < links; i++) {
        if (!bf_naming_keeps(f, &link[i]) || (cards < 2 && bf_naming_is_kernels(link[i].name)))
            continue;
        if (!called)
            bf_note(f->report, "warning", link[i].name,
                    "nothing here names interfaces by their MAC address: in the new machine it may "
                    "have another name");
        else if (bf_naming_is_kernels(link[i].name))
            bf_note(f->report, "warning", link[i].name,
                    "nameif cannot exchange names of the kernel's kind: give the network cards of "
                    "the new machine the order that they had");
    }
    bool single = cards < 2 && links == 1 && bf_naming_is_kernels(link[0].name);
    return called && !single ? write_mactab(f, link, links) : BF_OK;
}
