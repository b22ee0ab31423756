// SPDX-License-Identifier: Apache-2.0
// New texts of NetworkManager's profiles: what the plan speaks of stands where the first such line
// stood, everything else keeps its bytes.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/nm_edit.h"
#include "finalize/network/nm_ip.h"

// ---- What a family gets -------------------------------------------------------------------------

static const int families[2] = {AF_INET, AF_INET6};
static const char *const groups[] = {"ipv4", "ipv6", "connection", "ethernet"};
enum { IPV4, IPV6, CONNECTION, ETHERNET, GROUPS };

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

// A method with which the daemon refuses addresses and name servers.
static bool is_bare(const char *method)
{
    return is(method, "disabled") || is(method, "link-local") || is(method, "ignore");
}

// One with which it refuses name servers.
static bool is_nameless(const char *method)
{
    return is_bare(method) || is(method, "shared");
}

const char *bf_nm_method(const struct bf_plan_nic *nic, int which, const char *was)
{
    bool planned = bf_nic_address(nic, families[which]) != NULL;
    // A network that this machine serves; with a gateway or name servers it is one that serves it.
    if (planned && is(was, "shared") && !nic->dns_count && !nic->search_count &&
        !(which == IPV4 ? nic->gateway4 : nic->gateway6)[0])
        return "shared";
    if (which == IPV4)
        return planned ? "manual" : nic->dhcp ? "auto" : is_bare(was) ? was : "disabled";
    if (nic->dhcp)
        return is_bare(was) && !planned ? was : "auto";
    if (planned)
        return "manual";
    // Router advertisements go on being heard; addresses that nobody planned go.
    return is_bare(was) || is(was, "auto") ? was : "link-local";
}

static bool has_dns(const struct bf_plan_nic *nic, int which)
{
    for (size_t i = 0; i < nic->dns_count; i++)
        if ((strchr(nic->dns[i], ':') != NULL) == (which == IPV6))
            return true;
    return false;
}

// The family whose group the search domains stand in.
static int search_family(const struct bf_nm_rewrite *rw)
{
    return is_nameless(bf_nm_method(rw->nic, IPV4, rw->ip[IPV4].method)) ? IPV6 : IPV4;
}

static bool family_changes(const struct bf_nm_rewrite *rw, int which)
{
    const struct bf_plan_nic *nic = rw->nic;
    const struct bf_nm_ip *ip = &rw->ip[which];
    bool dns = has_dns(nic, which) || (ip->dns && (nic->dns_count || nic->dhcp));
    bool search = (nic->search_count && which == search_family(rw)) ||
                  (ip->search && (nic->search_count || nic->dhcp));
    return bf_nic_readdresses(nic) &&
           (!is(bf_nm_method(nic, which, ip->method), ip->method) || ip->addresses || dns ||
            search || bf_nic_address(nic, families[which]));
}

// ---- Blocks -------------------------------------------------------------------------------------

// Lines are written with the ends that the file has.
struct writer {
    struct bf_text *out;
    const char *end;
};

static void line(const struct writer *w, const char *key, const char *value)
{
    bf_textf(w->out, "%s=%s%s", key, value, w->end);
}

static void write_addresses(const struct writer *w, const struct bf_plan_nic *nic, int which)
{
    const char *gateway = which == IPV4 ? nic->gateway4 : nic->gateway6;
    unsigned n = 0;
    for (size_t i = 0; i < nic->addresses; i++) {
        const struct bf_address *a = &nic->address[i];
        if (a->family != families[which])
            continue;
        bf_textf(w->out, "address%u=%s/%u", ++n, a->text, a->prefix);
        if (n == 1 && gateway[0])
            bf_textf(w->out, ",%s", gateway);
        bf_text_str(w->out, w->end);
    }
}

static void write_ip(const struct writer *w, const struct bf_nm_rewrite *rw, int which)
{
    const struct bf_plan_nic *nic = rw->nic;
    const char *method = bf_nm_method(nic, which, rw->ip[which].method);
    line(w, "method", method);
    write_addresses(w, nic, which);
    if (has_dns(nic, which) && !is_nameless(method)) {
        bf_text_str(w->out, "dns=");
        for (size_t i = 0; i < nic->dns_count; i++)
            if ((strchr(nic->dns[i], ':') != NULL) == (which == IPV6))
                bf_textf(w->out, "%s;", nic->dns[i]);
        bf_text_str(w->out, w->end);
    }
    if (nic->search_count && which == search_family(rw) && !is_nameless(method)) {
        bf_text_str(w->out, "dns-search=");
        for (size_t i = 0; i < nic->search_count; i++)
            bf_textf(w->out, "%s;", nic->search[i]);
        bf_text_str(w->out, w->end);
    }
}

static void write_connection(const struct writer *w, const struct bf_nm_rewrite *rw)
{
    if (rw->copy) {
        line(w, "id", rw->id);
        line(w, "uuid", rw->uuid);
    }
    if (rw->name[0])
        line(w, "interface-name", rw->name);
    if (rw->copy && rw->priority)
        bf_textf(w->out, "autoconnect-priority=%d%s", rw->priority, w->end);
}

static void write_group(const struct writer *w, const struct bf_nm_rewrite *rw, int group)
{
    if (group == CONNECTION)
        write_connection(w, rw);
    else if (group == ETHERNET)
        line(w, "mac-address", rw->mac);
    else
        write_ip(w, rw, group);
}

// ---- Lines that go ------------------------------------------------------------------------------

static bool is_any(const char *key, const char *const *list)
{
    for (; *list; list++)
        if (is(key, *list))
            return true;
    return false;
}

// Its "routeN_options", which may stay, mean nothing without it.
static bool is_default_route(const struct bf_nm_rewrite *rw, const struct bf_keyfile *k)
{
    return (bf_nic_address(rw->nic, k->group[3] == '6' ? AF_INET6 : AF_INET) || rw->nic->dhcp) &&
           bf_nm_ip_is_default_route(k);
}

static bool ip_key_goes(const struct bf_nm_rewrite *rw, const struct bf_keyfile *k, int which)
{
    const struct bf_plan_nic *nic = rw->nic;
    bool bare = is_nameless(bf_nm_method(nic, which, rw->ip[which].method));
    long index;
    if (is(k->key, "method") || is(k->key, "gateway") ||
        bf_nm_ip_indexed(k->key, "address", &index) ||
        bf_nm_ip_indexed(k->key, "addresses", &index))
        return true;
    if (is(k->key, "dns"))
        return nic->dns_count || nic->dhcp || bare;
    if (is(k->key, "dns-search"))
        return nic->search_count || nic->dhcp || bare;
    if (is(k->key, "never-default")) // the planned gateway is to be used
        return (which == IPV4 ? nic->gateway4 : nic->gateway6)[0] != 0;
    return is_default_route(rw, k);
}

// The group of the rewriting that a line is in, or GROUPS.
static int group_of(const struct bf_keyfile *k)
{
    int g = 0;
    while (g < GROUPS && !is(k->group, groups[g]))
        g++;
    return g == GROUPS && is(k->group, "802-3-ethernet") ? ETHERNET : g;
}

static bool key_goes(const struct bf_nm_rewrite *rw, const struct bf_keyfile *k)
{
    static const char *const own[] = {"id",          "uuid",        "interface-name",
                                      "timestamp",   "autoconnect", "autoconnect-priority",
                                      "permissions", NULL};
    static const char *const hardware[] = {"mac-address", "mac-address-blacklist",
                                           "mac-address-denylist", "cloned-mac-address", NULL};
    int g = group_of(k);
    if (k->kind != BF_KEYFILE_KEY || g == GROUPS)
        return false;
    if (g <= IPV6)
        return family_changes(rw, g) && ip_key_goes(rw, k, g);
    if (g == CONNECTION)
        return rw->copy ? is_any(k->key, own) : rw->name[0] && is(k->key, "interface-name");
    return rw->copy && is_any(k->key, hardware);
}

// ---- The whole ----------------------------------------------------------------------------------

// What a profile asks of the slot and the driver does not hold in the new home; a copy for one
// device asks nothing else of it, either.
static bool is_condition(const struct bf_nm_rewrite *rw, const struct bf_keyfile *k)
{
    return is(k->group, "match") && (rw->copy || (k->kind == BF_KEYFILE_KEY &&
                                                  (is(k->key, "driver") || is(k->key, "path"))));
}

struct plan_of_groups {
    bool wanted[GROUPS]; // a block of it is to be written
    bool seen[GROUPS];   // the file has the group
    bool drops[GROUPS];  // it has a line that goes, where the block will stand
};

static struct plan_of_groups look(const struct bf_nm_rewrite *rw, const char *text, size_t len)
{
    struct plan_of_groups p = {.wanted = {family_changes(rw, IPV4), family_changes(rw, IPV6),
                                          rw->copy || rw->name[0],
                                          rw->copy && !rw->name[0] && rw->mac[0]}};
    struct bf_keyfile k;
    bf_keyfile_init(&k, text, len);
    while (bf_keyfile_next(&k)) {
        int g = group_of(&k);
        if (g == GROUPS)
            continue;
        p.seen[g] = true;
        p.drops[g] = p.drops[g] || key_goes(rw, &k);
    }
    return p;
}

static void write_once(const struct writer *w, const struct bf_nm_rewrite *rw,
                       struct plan_of_groups *p, int g)
{
    if (g < GROUPS && p->wanted[g])
        write_group(w, rw, g);
    if (g < GROUPS)
        p->wanted[g] = false;
}

static void end_line(const struct writer *w)
{
    if (w->out->len && w->out->data[w->out->len - 1] != '\n')
        bf_text_str(w->out, w->end);
}

void bf_nm_rewrite(const struct bf_nm_rewrite *rw, const char *text, size_t len,
                   struct bf_text *out)
{
    struct plan_of_groups p = look(rw, text, len);
    struct writer w = {.out = out, .end = memmem(text, len, "\r\n", 2) ? "\r\n" : "\n"};
    struct bf_keyfile k;
    bf_keyfile_init(&k, text, len);
    while (bf_keyfile_next(&k)) {
        int g = group_of(&k);
        if (is_condition(rw, &k))
            continue;
        if (key_goes(rw, &k)) {
            write_once(&w, rw, &p, g);
            continue;
        }
        bf_text_add(out, k.line.at, k.line.full);
        if (k.kind == BF_KEYFILE_GROUP && g < GROUPS && !p.drops[g]) {
            end_line(&w);
            write_once(&w, rw, &p, g);
        }
    }
    for (int g = 0; g < GROUPS; g++) {
        if (!p.wanted[g])
            continue;
        end_line(&w);
        bf_textf(out, "%s[%s]%s", out->len ? w.end : "", groups[g], w.end);
        write_once(&w, rw, &p, g);
    }
}

void bf_nm_follow_mac(const char *disk, size_t disk_len, const char *text, size_t len,
                      const char *from, const char *to, struct bf_text *out)
{
    static const char *const place[][2] = {
        {"ethernet", "mac-address"},       {"ethernet", "cloned-mac-address"},
        {"802-3-ethernet", "mac-address"}, {"802-3-ethernet", "cloned-mac-address"},
        {"bridge", "mac-address"},         {"vlan", "parent"},
    };
    bool had[BF_COUNT(place)] = {false};
    struct bf_keyfile k;
    char mac[BF_MAC_TEXT];
    bf_keyfile_init(&k, disk, disk_len);
    while (bf_keyfile_next(&k))
        for (size_t i = 0; i < BF_COUNT(place); i++)
            if (bf_keyfile_is(&k, place[i][0], place[i][1]))
                had[i] = bf_keyfile_mac(&k, mac) && is(mac, from);
    bf_keyfile_init(&k, text, len);
    while (bf_keyfile_next(&k)) {
        bool goes = false;
        for (size_t i = 0; i < BF_COUNT(place) && !goes; i++)
            goes = had[i] && bf_keyfile_is(&k, place[i][0], place[i][1]) &&
                   bf_keyfile_mac(&k, mac) && is(mac, from);
        if (!goes) {
            bf_text_add(out, k.line.at, k.line.full);
            continue;
        }
        const char *after = k.value + k.value_len;
        bf_text_add(out, k.line.at, (size_t)(k.value - k.line.at));
        bf_text_str(out, to);
        bf_text_add(out, after, (size_t)(k.line.at + k.line.full - after));
    }
}
