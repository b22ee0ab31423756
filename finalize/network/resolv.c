// SPDX-License-Identifier: Apache-2.0
// /etc/resolv.conf, when it is a plain file that nothing else makes. Where it is a link, its owner
// (systemd-resolved, resolvconf, NetworkManager) gets the servers from the interface's
// configuration.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/network/network.h"

#define RESOLV "/etc/resolv.conf"

// A DHCP client writes the file by itself; then the plan's static servers would not last.
static bool any_dhcp(const struct bf_link *link, size_t links)
{
    for (size_t i = 0; i < links; i++)
        if (link[i].nic->dhcp)
            return true;
    return false;
}

static size_t count_dns(const struct bf_link *link, size_t links)
{
    size_t n = 0;
    for (size_t i = 0; i < links; i++)
        n += link[i].nic->dns_count;
    return n;
}

static bool any_search(const struct bf_link *link, size_t links)
{
    for (size_t i = 0; i < links; i++)
        if (link[i].nic->search_count)
            return true;
    return false;
}

static void write_servers(struct bf_text *out, const struct bf_link *link, size_t links)
{
    for (size_t i = 0; i < links; i++)
        for (size_t d = 0; d < link[i].nic->dns_count; d++)
            bf_textf(out, "nameserver %s\n", link[i].nic->dns[d]);
    if (!any_search(link, links))
        return;
    bf_text_str(out, "search");
    for (size_t i = 0; i < links; i++)
        for (size_t d = 0; d < link[i].nic->search_count; d++)
            bf_textf(out, " %s", link[i].nic->search[d]);
    bf_text_str(out, "\n");
}

// The servers stand where the first one stood, or at the end; comments and options stay.
static void rewrite(struct bf_text *out, const char *text, size_t len, const struct bf_link *link,
                    size_t links)
{
    size_t pos = 0, n;
    struct bf_line line;
    bool wrote = false, search = any_search(link, links);
    while (bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *w;
        bool word = bf_word_next(&at, line.at + line.len, &w, &n);
        bool server = word && bf_word_is(w, n, "nameserver");
        bool goes = server ||
                    (search && word && (bf_word_is(w, n, "search") || bf_word_is(w, n, "domain")));
        if (server && !wrote) {
            write_servers(out, link, links);
            wrote = true;
        }
        if (!goes)
            bf_text_add(out, line.at, line.full);
    }
    if (!wrote && len && text[len - 1] != '\n')
        bf_text_str(out, "\n");
    if (!wrote)
        write_servers(out, link, links);
}

enum bf_err bf_resolv_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    size_t len;
    struct bf_text out = {0};
    if (any_dhcp(link, links) || count_dns(link, links) == 0)
        return BF_OK;
    char *target = bf_fin_root_readlink(f->root, RESOLV);
    if (target) {
        bf_note(f->report, "info", RESOLV,
                "is a link to %s; whatever maintains it is given the DNS servers", target);
        free(target);
        return BF_OK;
    }
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, RESOLV, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND) {
        bf_note(f->report, "skipped", RESOLV, "cannot be read: %s", fault.what);
        return BF_OK;
    }
    rewrite(&out, text ? text : "", text ? len : 0, link, links);
    enum bf_err err = bf_fin_set(f, RESOLV, &out, "name servers as planned");
    bf_text_free(&out);
    return err;
}
