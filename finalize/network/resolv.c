// SPDX-License-Identifier: Apache-2.0
// Name servers and search domains that no stack brings to the programs by itself. /etc/resolv.conf
// has them where it is a plain file; where it is a link, its owner (systemd-resolved, resolvconf,
// NetworkManager) gets them from the interface's configuration, if it runs. What an owner adds from
// files of its own is said.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/network.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define RESOLV      "/etc/resolv.conf"
#define RESOLVED    "/etc/systemd/resolved.conf.d/bootferry.conf"
#define SERVERS_MAX 3 // of resolv.conf, for the C library

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

static void write_search(struct bf_text *out, const char *key, const struct bf_link *link,
                         size_t links)
{
    const char *blank = key[strlen(key) - 1] == '=' ? "" : " ";
    if (!any_search(link, links))
        return;
    bf_text_str(out, key);
    for (size_t i = 0; i < links; i++)
        for (size_t d = 0; d < link[i].nic->search_count; d++, blank = " ")
            bf_textf(out, "%s%s", blank, link[i].nic->search[d]);
    bf_text_str(out, "\n");
}

static void write_servers(struct bf_text *out, const struct bf_link *link, size_t links)
{
    for (size_t i = 0; i < links; i++)
        for (size_t d = 0; d < link[i].nic->dns_count; d++)
            bf_textf(out, "nameserver %s\n", link[i].nic->dns[d]);
    write_search(out, "search", link, links);
}

// What is planned stands where the first line of its kind stood, or at the end; comments, options
// and what the plan leaves out stay.
static void rewrite(struct bf_text *out, const char *text, size_t len, const struct bf_link *link,
                    size_t links)
{
    size_t pos = 0, n;
    struct bf_line line;
    bool wrote = false, search = any_search(link, links), servers = count_dns(link, links) > 0;
    while (bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *w;
        bool word = bf_word_next(&at, line.at + line.len, &w, &n);
        bool server = servers && word && bf_word_is(w, n, "nameserver");
        bool domain = search && word && (bf_word_is(w, n, "search") || bf_word_is(w, n, "domain"));
        if (!wrote && (server || (domain && !servers))) {
            write_servers(out, link, links);
            wrote = true;
        }
        if (!server && !domain)
            bf_text_add(out, line.at, line.full);
    }
    if (!wrote && len && text[len - 1] != '\n')
        bf_text_str(out, "\n");
    if (!wrote)
        write_servers(out, link, links);
}

// ---- Owners -------------------------------------------------------------------------------------

static bool has_resolvconf(struct bf_fin *f)
{
    static const char *const path[] = {"/sbin/resolvconf", "/usr/sbin/resolvconf", NULL};
    char *link = bf_fin_root_readlink(f->root, "/usr/sbin/resolvconf");
    bool found = link || bf_fin_root_any(f->root, path);
    free(link);
    return found;
}

static bool has_resolved(struct bf_fin *f)
{
    return bf_service_enabled(f->root, "systemd-resolved.service");
}

// Whether systemd-resolved hears of the servers: of a stack that does not know it, by a hook.
static bool resolved_hears(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    static const char *const hook[] = {"/etc/network/if-up.d/resolved",
                                       "/etc/network/if-up.d/000resolvconf", NULL};
    bool known = true;
    for (size_t i = 0; i < links; i++)
        known = known && !(link[i].nic->dns_count && link[i].stack->dns_by_file);
    return known || bf_fin_root_any(f->root, hook);
}

// Its own configuration, or none of an earlier plan.
static enum bf_err adapt_resolved(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_text out = {0};
    struct bf_fault fault;
    if (!has_resolved(f) || resolved_hears(f, link, links)) {
        if (bf_fin_root_exists(f->root, RESOLVED) &&
            bf_edits_remove(&f->edits, RESOLVED, "of an earlier plan", &fault))
            return bf_fail(f->report, "%s cannot be removed: %s", RESOLVED, fault.what);
        return BF_OK;
    }
    bf_text_str(&out, "# Written by bootferry-finalize: nothing else tells systemd-resolved.\n"
                      "[Resolve]\nDNS=");
    const char *blank = "";
    for (size_t i = 0; i < links; i++)
        for (size_t d = 0; d < link[i].nic->dns_count; d++, blank = " ")
            bf_textf(&out, "%s%s", blank, link[i].nic->dns[d]);
    bf_text_str(&out, "\n");
    write_search(&out, "Domains=", link, links);
    enum bf_err err = bf_fin_set(f, RESOLVED, &out, "name servers as planned");
    bf_text_free(&out);
    return err;
}

// A line of a file that an owner puts into every resolv.conf.
static void note_file(struct bf_fin *f, const char *path, const char *const *word)
{
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        number++;
        for (size_t i = 0; word[i]; i++)
            if (line.len > strlen(word[i]) && memcmp(line.at, word[i], strlen(word[i])) == 0)
                bf_note(f->report, "warning", path,
                        "line %u names a DNS server or a search domain besides the planned ones",
                        number);
    }
}

static void note_files(struct bf_fin *f)
{
    static const char *const part[] = {"head", "base", "tail", "original"};
    static const char *const lines[] = {"nameserver", "search", "domain", NULL};
    static const char *const settings[] = {"name_servers", "prepend_nameservers",
                                           "append_nameservers", "search_domains", NULL};
    char path[64];
    for (size_t i = 0; i < BF_COUNT(part); i++) {
        snprintf(path, sizeof path, "/etc/resolvconf/resolv.conf.d/%s", part[i]);
        note_file(f, path, lines);
    }
    note_file(f, "/etc/resolvconf.conf", settings);
}

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

// What a link leads to. True when it is a file that lasts, to be written as if it were no link.
static bool follow_link(struct bf_fin *f, const char *target)
{
    char *real = bf_fin_root_real(f->root, RESOLV, NULL);
    bool lasts = real && !begins(real, "/run/") && !begins(real, "/var/run/") &&
                 !begins(real, "/tmp/") && !begins(real, "/dev/") && !begins(real, "/proc/") &&
                 !begins(real, "/usr/") && !strstr(target, "resolvconf");
    bool missing = (strstr(target, "resolvconf") && !has_resolvconf(f)) ||
                   (strstr(target, "systemd/resolve") && !has_resolved(f));
    free(real);
    if (missing)
        bf_note(f->report, "warning", RESOLV,
                "is a link to %s, and what makes that is not installed or not enabled: the planned "
                "DNS servers are used only where a program gets them otherwise",
                target);
    else if (!lasts)
        bf_note(f->report, "info", RESOLV,
                "is a link to %s; whatever maintains it is given the DNS servers", target);
    return lasts;
}

static enum bf_err adapt_file(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    size_t len;
    struct bf_text out = {0};
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, RESOLV, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND) {
        bf_note(f->report, "skipped", RESOLV, "cannot be read: %s", fault.what);
        return BF_OK;
    }
    rewrite(&out, text ? text : "", text ? len : 0, link, links);
    enum bf_err err = bf_fin_set(f, RESOLV, &out, "name servers as planned");
    bf_text_free(&out);
    if (count_dns(link, links) > SERVERS_MAX)
        bf_note(f->report, "warning", RESOLV,
                "names more than three DNS servers, of which programs use the first three");
    if (any_dhcp(link, links))
        bf_note(f->report, "warning", RESOLV,
                "a DHCP client may put its own DNS servers in place of the planned ones");
    return err;
}

enum bf_err bf_resolv_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    if (count_dns(link, links) == 0 && !any_search(link, links))
        return BF_OK;
    note_files(f);
    char *target = bf_fin_root_readlink(f->root, RESOLV);
    bool plain = !target || follow_link(f, target);
    free(target);
    enum bf_err err = adapt_resolved(f, link, links);
    return err || !plain ? err : adapt_file(f, link, links);
}
