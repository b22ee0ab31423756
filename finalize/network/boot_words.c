// SPDX-License-Identifier: Apache-2.0
// The network that an initramfs configures before the root is there (dropbear, clevis, iSCSI, NFS
// roots): words of the kernel's command line as dracut.cmdline(7), the kernel's nfsroot.txt and
// initramfs-tools(7) have them, and IP= in the configuration of initramfs-tools. Such a word
// follows the plan when it names an address, or a MAC address, that the plan replaces.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/network.h"

#define FIELDS_MAX 12
#define FIELD_MAX  64

// ip=<client>:<server>:<gateway>:<netmask>:<host name>:<device>:<autoconf>[:<more>...]
enum { CLIENT, SERVER, GATEWAY, NETMASK, HOST, DEVICE, AUTOCONF, DNS0, DNS1 };

struct fields {
    char at[FIELDS_MAX][FIELD_MAX];
    size_t count;
};

// Cuts a word at its colons; an IPv6 address stands in brackets. False for what does not fit.
static bool split(const char *word, size_t len, struct fields *out)
{
    size_t n = 0;
    bool inside = false;
    *out = (struct fields){.count = 1};
    for (size_t i = 0; i < len; i++) {
        inside = word[i] == '[' || (inside && word[i] != ']');
        if (word[i] == ':' && !inside) {
            if (out->count == FIELDS_MAX)
                return false;
            out->count++;
            n = 0;
        } else if (n + 1 < FIELD_MAX) {
            out->at[out->count - 1][n++] = word[i];
        } else {
            return false;
        }
    }
    return true;
}

static void unbracket(const char *field, char out[FIELD_MAX])
{
    size_t len = strlen(field);
    bool brackets = len >= 2 && field[0] == '[' && field[len - 1] == ']';
    snprintf(out, FIELD_MAX, "%.*s", (int)(brackets ? len - 2 : len), field + brackets);
}

// The link whose carrier had the address before.
static const struct bf_link *link_of(const struct bf_fin *f, const char *ip)
{
    for (size_t i = 0; f->links && i < f->plan->nics; i++) {
        const struct bf_known *k = f->links[i].known;
        for (size_t a = 0; k && bf_nic_readdresses(f->links[i].nic) && a < k->addresses; a++)
            if (bf_net_same_ip(ip, k->address[a]))
                return &f->links[i];
    }
    return NULL;
}

static void mask_of(const struct bf_address *a, bool dotted, char out[FIELD_MAX])
{
    snprintf(out, FIELD_MAX, "%u", a->prefix);
    if (!dotted || a->family != AF_INET)
        return;
    uint32_t bits = a->prefix ? ~0u << (32 - a->prefix) : 0; // at most 32
    snprintf(out, FIELD_MAX, "%u.%u.%u.%u", bits >> 24, bits >> 16 & 255, bits >> 8 & 255,
             bits & 255);
}

static void set_dns(struct fields *w, const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < 2 && nic->dns_count; i++) {
        char *field = w->at[DNS0 + i];
        unsigned char raw[16];
        if (w->count <= DNS0 + i || inet_pton(AF_INET, field, raw) != 1)
            continue;
        snprintf(field, FIELD_MAX, "%s", i < nic->dns_count ? nic->dns[i] : "");
    }
}

// The fields of a static address become the planned ones, or those of DHCP.
static bool readdress(struct fields *w, const struct bf_plan_nic *nic, int family)
{
    const struct bf_address *a = bf_nic_address(nic, family);
    const char *gateway = family == AF_INET ? nic->gateway4 : nic->gateway6;
    const char *open = family == AF_INET6 ? "[" : "", *close = family == AF_INET6 ? "]" : "";
    if (!a && !nic->dhcp)
        return false;
    if (!a) {
        w->at[CLIENT][0] = w->at[GATEWAY][0] = w->at[NETMASK][0] = 0;
        snprintf(w->at[AUTOCONF], FIELD_MAX, family == AF_INET ? "dhcp" : "auto6");
        w->count = w->count > AUTOCONF ? w->count : AUTOCONF + 1;
        return true;
    }
    bool dotted = !w->at[NETMASK][0] || strchr(w->at[NETMASK], '.');
    snprintf(w->at[CLIENT], FIELD_MAX, "%s%s%s", open, a->text, close);
    mask_of(a, dotted, w->at[NETMASK]);
    snprintf(w->at[GATEWAY], FIELD_MAX, "%s%s%s", gateway[0] ? open : "", gateway,
             gateway[0] ? close : "");
    w->count = w->count > NETMASK ? w->count : NETMASK + 1;
    set_dns(w, nic);
    return true;
}

static void join(const struct fields *w, struct bf_text *out)
{
    for (size_t i = 0; i < w->count; i++)
        bf_textf(out, "%s%s", i ? ":" : "", w->at[i]);
}

// What stands behind ip= or IP=. False when it stays.
static bool rewrite_ip(const struct bf_fin *f, const char *value, size_t len, struct bf_text *out)
{
    struct fields w;
    char client[FIELD_MAX];
    if (!split(value, len, &w))
        return false;
    unbracket(w.at[CLIENT], client);
    const struct bf_link *link = link_of(f, client);
    if (!link || !readdress(&w, link->nic, strchr(client, ':') ? AF_INET6 : AF_INET))
        return false;
    join(&w, out);
    return true;
}

// ifname=NAME:MAC
static bool rewrite_ifname(const struct bf_fin *f, const char *value, size_t len,
                           struct bf_text *out)
{
    const char *colon = memchr(value, ':', len);
    size_t name = colon ? (size_t)(colon - value) + 1 : len;
    for (size_t i = 0; f->links && len - name == BF_MAC_TEXT - 1 && i < f->plan->nics; i++) {
        const struct bf_link *l = &f->links[i];
        if (!l->nic->new_mac[0] || strncasecmp(value + name, l->old_mac, BF_MAC_TEXT - 1) != 0)
            continue;
        bf_textf(out, "%.*s%s", (int)name, value, l->nic->new_mac);
        return true;
    }
    return false;
}

// nameserver=ADDRESS; the first of the plan's takes the place of each that the machine had.
static bool rewrite_server(const struct bf_fin *f, const char *value, size_t len,
                           struct bf_text *out)
{
    for (size_t i = 0; f->old && i < f->old->servers; i++)
        for (size_t n = 0; bf_word_is(value, len, f->old->server[i]) && n < f->plan->nics; n++)
            if (f->plan->nic[n].dns_count) {
                bf_text_str(out, f->plan->nic[n].dns[i < f->plan->nic[n].dns_count ? i : 0]);
                return true;
            }
    return false;
}

static bool rewrite_word(const struct bf_fin *f, const char *word, size_t len, struct bf_text *out)
{
    static const struct {
        const char *key;
        bool (*rewrite)(const struct bf_fin *, const char *, size_t, struct bf_text *);
    } words[] = {{"ip=", rewrite_ip}, {"ifname=", rewrite_ifname}, {"nameserver=", rewrite_server}};
    for (size_t i = 0; i < BF_COUNT(words); i++) {
        size_t n = strlen(words[i].key);
        if (len < n || memcmp(word, words[i].key, n) != 0)
            continue;
        size_t mark = out->len;
        bf_text_add(out, word, n);
        if (words[i].rewrite(f, word + n, len - n, out))
            return true;
        if (bf_text_ok(out) && out->data)
            out->data[out->len = mark] = 0;
        return false;
    }
    return false;
}

// ---- initramfs-tools ----------------------------------------------------------------------------

static void rewrite_line(const struct bf_fin *f, const struct bf_line *line, struct bf_text *out)
{
    const char *value = line->at + 3, *end = line->at + line->len;
    char quote = line->len > 3 && (value[0] == '"' || value[0] == '\'') ? value[0] : 0;
    size_t len = line->len > 3 ? (size_t)(end - value) : 0;
    struct bf_text new = {0};
    if (quote && len >= 2 && value[len - 1] == quote) {
        value++;
        len -= 2;
    }
    if (line->len > 3 && memcmp(line->at, "IP=", 3) == 0 && rewrite_ip(f, value, len, &new)) {
        bf_text_add(out, line->at, (size_t)(value - line->at));
        bf_text_add(out, bf_text_get(&new), new.len);
        bf_text_add(out, value + len, (size_t)(line->at + line->full - value) - len);
    } else {
        bf_text_add(out, line->at, line->full);
    }
    bf_text_free(&new);
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path, void *unused)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (!text)
        return BF_OK;
    while (bf_line_next(text, len, &pos, &line))
        rewrite_line(f, &line, &out);
    enum bf_err err = bf_fin_set(f, path, &out, "the initramfs' network as planned");
    bf_text_free(&out);
    return err;
}

enum bf_err bf_boot_words_adapt(struct bf_fin *f)
{
    enum bf_err err = rewrite_file(f, "/etc/initramfs-tools/initramfs.conf", NULL);
    f->network_word = rewrite_word;
    return err ? err : bf_fin_each(f, "/etc/initramfs-tools/conf.d", "", rewrite_file, NULL);
}
