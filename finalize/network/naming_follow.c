// SPDX-License-Identifier: Apache-2.0
// Old naming files follow the MAC addresses: all interfaces at once, so that two may have exchanged
// theirs.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/naming.h"

struct follow {
    const struct bf_link *link;
    size_t links;
};

static bool is_mac_char(char c)
{
    return isxdigit((unsigned char)c) || c == ':' || c == '-' || c == '.';
}

// The planned address of an old one that has moved; NULL when it stays.
static const char *moved(const struct follow *w, const char *at, size_t len)
{
    char mac[BF_MAC_TEXT];
    if (!bf_naming_mac(at, len, mac))
        return NULL;
    for (size_t i = 0; i < w->links; i++)
        if (w->link[i].nic->new_mac[0] && strcmp(w->link[i].old_mac, mac) == 0)
            return w->link[i].nic->new_mac;
    return NULL;
}

// Spelt as the old one was.
static void put_mac(struct bf_text *out, const char *mac, const char *old, size_t len)
{
    bool upper = false, pairs = memchr(old, '.', len) != NULL;
    for (size_t i = 0; i < len; i++)
        upper = upper || isupper((unsigned char)old[i]);
    for (size_t i = 0; mac[i]; i++) {
        char c = upper ? (char)toupper((unsigned char)mac[i]) : mac[i];
        if (c == ':' && pairs)
            c = i % 6 == 5 ? '.' : 0;
        else if (c == ':' && memchr(old, '-', len))
            c = '-';
        if (c)
            bf_text_add(out, &c, 1);
    }
}

static void follow_line(struct bf_text *out, const struct bf_line *line, const struct follow *w)
{
    const char *at = line->at, *end = line->at + line->full;
    while (at < end && strchr(" \t", *at) && *at)
        bf_text_add(out, at++, 1);
    bool comment = at < end && (*at == '#' || *at == ';');
    while (at < end) {
        const char *start = at;
        const char *mac = NULL;
        while (at < end && is_mac_char(*at))
            at++;
        if (at > start && !comment && (start == line->at || !isalnum((unsigned char)start[-1])) &&
            (at == end || !isalnum((unsigned char)*at)))
            mac = moved(w, start, (size_t)(at - start));
        if (mac)
            put_mac(out, mac, start, (size_t)(at - start));
        else
            bf_text_add(out, start, (size_t)(at - start));
        start = at;
        while (at < end && !is_mac_char(*at))
            at++;
        bf_text_add(out, start, (size_t)(at - start));
    }
}

void bf_naming_swap_macs(struct bf_text *out, const char *text, size_t len,
                         const struct bf_link *link, size_t links)
{
    struct follow w = {link, links};
    struct bf_line line;
    size_t pos = 0;
    while (bf_line_next(text, len, &pos, &line))
        follow_line(out, &line, &w);
}

static enum bf_err follow_file(struct bf_fin *f, const char *path, const char *text, size_t len,
                               void *arg)
{
    const struct follow *w = arg;
    struct bf_text out = {0};
    enum bf_err err = BF_OK;
    bf_naming_swap_macs(&out, text, len, w->link, w->links);
    if (!bf_text_ok(&out) || out.len != len || memcmp(out.data, text, len) != 0)
        err = bf_fin_set(f, path, &out, "the interface's new MAC address");
    bf_text_free(&out);
    return err;
}

enum bf_err bf_naming_follow(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    static const char *const table[] = {BF_MACTAB, BF_IFTAB};
    struct follow w = {link, links};
    bool any = false;
    for (size_t i = 0; i < links; i++)
        any = any || (link[i].nic->new_mac[0] && link[i].old_mac[0]);
    if (!any)
        return BF_OK;
    enum bf_err err = bf_naming_each(f, bf_rule_folders, ".rules", follow_file, &w);
    if (!err)
        err = bf_naming_each(f, bf_link_folders, ".link", follow_file, &w);
    for (size_t i = 0; i < BF_COUNT(table) && !err; i++) {
        size_t len;
        const char *text = bf_edits_get(&f->edits, table[i], &len, NULL);
        if (text && len)
            err = follow_file(f, table[i], text, len, &w);
    }
    return err;
}
