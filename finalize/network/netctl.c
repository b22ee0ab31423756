// SPDX-License-Identifier: Apache-2.0
// netctl of Arch: profiles in /etc/netctl, each for one interface and enabled by a link of
// netctl@PROFILE.service (netctl.profile(5)). A profile of a plain Ethernet interface is rewritten.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/assign.h"
#include "finalize/network/stack.h"

#define DIR   "/etc/netctl"
#define WANTS "/etc/systemd/system/multi-user.target.wants"
#define UNIT  "netctl@"
#define TAIL  ".service"

// What a profile says.
struct profile {
    struct bf_known known;
    char connection[16];
    char ip6[16];
    const char *odd;
    unsigned line;
};

static bool is_enabled(const char *name)
{
    return strncmp(name, UNIT, strlen(UNIT)) == 0 && strlen(name) > strlen(UNIT) + strlen(TAIL) &&
           !strchr(name, '\\');
}

static bool in_use(struct bf_fin *f)
{
    struct bf_names names;
    bool any = false;
    if (bf_fin_root_list(f->root, WANTS, TAIL, &names))
        return false;
    for (size_t i = 0; i < names.count; i++)
        any = any || is_enabled(names.name[i]);
    bf_names_free(&names);
    return any;
}

static void take(char *out, size_t size, const struct bf_assign *a)
{
    size_t pos = 0, len;
    const char *item;
    out[0] = 0;
    if (bf_assign_item(a, &pos, &item, &len))
        bf_net_copy(out, size, item, len);
}

static void take_addresses(struct bf_known *k, const struct bf_assign *a)
{
    size_t pos = 0, len;
    const char *item;
    while (bf_assign_item(a, &pos, &item, &len))
        bf_net_address(k, item, len);
}

static void read_statement(struct profile *p, const struct bf_assign *a)
{
    char ip[16];
    if (a->odd && !p->odd) {
        p->odd = "a line that is more than an assignment";
        p->line = a->number;
    }
    if (bf_assign_is(a, "Interface"))
        take(p->known.name, sizeof p->known.name, a);
    else if (bf_assign_is(a, "Connection"))
        take(p->connection, sizeof p->connection, a);
    else if (bf_assign_is(a, "IP6"))
        take(p->ip6, sizeof p->ip6, a);
    else if (bf_assign_is(a, "Address") || bf_assign_is(a, "Address6"))
        take_addresses(&p->known, a);
    else if (bf_assign_is(a, "IP")) {
        take(ip, sizeof ip, a);
        p->known.dhcp = strcmp(ip, "dhcp") == 0;
    } else if ((bf_assign_is(a, "IPCustom") || bf_assign_is(a, "Routes") ||
                bf_assign_is(a, "ExecUpPost")) &&
               !p->odd) {
        p->odd = "settings beyond addresses";
        p->line = a->number;
    }
}

static void read_profile(struct profile *p, const char *path, const char *text, size_t len)
{
    struct bf_assign a;
    *p = (struct profile){.known = {.stack = &bf_netctl, .line = 1}};
    snprintf(p->known.file, sizeof p->known.file, "%s", path);
    bf_assign_init(&a, text, len);
    while (bf_assign_next(&a))
        read_statement(p, &a);
    p->known.dhcp = p->known.dhcp || strncmp(p->ip6, "dhcp", 4) == 0;
    if (strcmp(p->connection, "ethernet") != 0)
        p->known.kind = BF_KNOWN_OTHER;
}

static void add(struct bf_net *net, const struct profile *p)
{
    const struct bf_known *other = bf_net_find(net, &bf_netctl, p->known.name);
    if (other) {
        bf_net_trouble(net, "netctl: %s and %s are both for %s", other->file, p->known.file,
                       p->known.name);
        return;
    }
    struct bf_known *k = p->known.name[0] ? bf_net_add(net, &bf_netctl, p->known.name, "") : NULL;
    if (k)
        *k = p->known;
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (bf_fin_root_list(f->root, WANTS, TAIL, &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[160];
        struct profile p;
        struct bf_fault fault;
        size_t len;
        if (!is_enabled(names.name[i]))
            continue;
        const char *profile = names.name[i] + strlen(UNIT);
        snprintf(path, sizeof path, DIR "/%.*s", (int)(strlen(profile) - strlen(TAIL)), profile);
        const char *text = bf_edits_get(&f->edits, path, &len, &fault);
        if (!text) {
            bf_net_trouble(net, "netctl: %s cannot be read: %s", path, fault.what);
            continue;
        }
        read_profile(&p, path, text, len);
        add(net, &p);
    }
    bf_names_free(&names);
}

static void put_list(struct bf_text *out, const char *key, const struct bf_plan_nic *nic,
                     int family)
{
    bf_textf(out, "%s=(", key);
    for (size_t i = 0, n = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family)
            bf_textf(out, "%s'%s/%u'", n++ ? " " : "", nic->address[i].text,
                     nic->address[i].prefix);
    bf_text_str(out, ")\n");
}

static void put_addresses(struct bf_text *out, const struct bf_plan_nic *nic, const char *ip6)
{
    bool four = bf_nic_address(nic, AF_INET), six = bf_nic_address(nic, AF_INET6);
    bf_textf(out, "IP=%s\n", nic->dhcp ? "dhcp" : four ? "static" : "no");
    if (four)
        put_list(out, "Address", nic, AF_INET);
    if (nic->gateway4[0])
        bf_textf(out, "Gateway='%s'\n", nic->gateway4);
    if (six)
        bf_text_str(out, "IP6=static\n");
    else if (nic->dhcp && ip6[0] && strcmp(ip6, "static") != 0)
        bf_textf(out, "IP6=%s\n", ip6);
    if (six)
        put_list(out, "Address6", nic, AF_INET6);
    if (nic->gateway6[0])
        bf_textf(out, "Gateway6='%s'\n", nic->gateway6);
}

static void put_names(struct bf_text *out, const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(out, "%s'%s'", i ? " " : "DNS=(", nic->dns[i]);
    bf_text_str(out, nic->dns_count ? ")\n" : "");
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(out, "%s'%s'", i ? " " : "DNSSearch=(", nic->search[i]);
    bf_text_str(out, nic->search_count ? ")\n" : "");
}

static enum bf_err rewrite(struct bf_fin *f, const struct bf_plan_nic *nic, const struct profile *p,
                           const char *text, size_t len)
{
    const char *key[9] = {"IP", "IP6", "Address", "Address6", "Gateway", "Gateway6"};
    size_t keys = 6;
    struct bf_text put = {0}, out = {0};
    if (nic->dns_count)
        key[keys++] = "DNS";
    if (nic->search_count)
        key[keys++] = "DNSSearch";
    put_addresses(&put, nic, p->ip6);
    put_names(&put, nic);
    bf_assign_replace(&out, text, len, key, bf_text_get(&put));
    enum bf_err err = bf_fin_set(f, p->known.file, &out, "addresses as planned");
    bf_text_free(&put);
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    const struct bf_plan_nic *nic = link->nic;
    struct profile p;
    size_t len;
    (void)old; // what the carrier had is gathered by the caller
    if (!bf_nic_readdresses(nic))
        return BF_OK;
    const char *text = link->known ? bf_edits_get(&f->edits, link->known->file, &len, NULL) : NULL;
    if (!text)
        return bf_refuse(f->report, "netctl: no enabled profile of " DIR " is for %s",
                         link->carrier);
    read_profile(&p, link->known->file, text, len);
    if (p.odd)
        return bf_refuse(f->report, "netctl: %s, line %u: %s, which is not rewritten", p.known.file,
                         p.line, p.odd);
    if (p.known.kind != BF_KNOWN_HARDWARE)
        return bf_refuse(f->report, "netctl: %s is no profile of a plain Ethernet interface",
                         p.known.file);
    if (bf_nic_on_link(nic, AF_INET) || bf_nic_on_link(nic, AF_INET6))
        return bf_refuse(f->report,
                         "netctl: %s: a gateway outside the planned networks is not written here",
                         p.known.file);
    return rewrite(f, nic, &p, text, len);
}

const struct bf_stack_ops bf_netctl = {
    .name = "netctl",
    .title = "netctl",
    .says_addresses = true,
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
