// SPDX-License-Identifier: Apache-2.0
// netctl of Arch: profiles in /etc/netctl, each for one interface and enabled by a link of
// netctl@PROFILE.service (netctl.profile(5)). Bridges, bonds, VLANs and Open vSwitch's bridges have
// profiles of their own, with the same settings for addresses; these are rewritten.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/assign.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define DIR   "/etc/netctl"
#define STATE "/var/lib/netctl/netctl.state"

// What a profile says.
struct profile {
    struct bf_known known;
    struct bf_known four, six; // whose addresses count by IP and IP6
    struct bf_assign ports;    // BindsToInterfaces; no key: none
    char connection[16];
    char ip[16], ip6[16];
    const char *odd;
    unsigned line;
};

static bool in_use(struct bf_fin *f)
{
    struct bf_names names;
    if (bf_service_instances(f->root, "netctl@", &names))
        return false;
    bool any = names.count > 0;
    bf_names_free(&names);
    return any;
}

// ---- Reading ------------------------------------------------------------------------------------

static void mark_odd(struct profile *p, const struct bf_assign *a, const char *what)
{
    if (p->odd)
        return;
    p->odd = what;
    p->line = a->number;
}

static void take(char *out, size_t size, const struct bf_assign *a)
{
    size_t pos = 0, len;
    const char *item;
    out[0] = 0;
    if (bf_assign_item(a, &pos, &item, &len))
        bf_net_copy(out, size, item, len);
}

// The last assignment counts. An address of IPv6 may be followed by words for ip(8).
static void take_addresses(struct profile *p, struct bf_known *k, const struct bf_assign *a)
{
    size_t pos = 0, len, n;
    const char *item, *w, *rest;
    k->addresses = 0;
    while (bf_assign_item(a, &pos, &item, &len)) {
        const char *at = item;
        if (!bf_word_next(&at, item + len, &w, &n))
            continue;
        bf_net_address(k, w, n);
        if (k == &p->four && bf_word_next(&at, item + len, &rest, &n))
            mark_odd(p, a, "several words as one address");
    }
}

static void check_routes(struct profile *p, const struct bf_assign *a)
{
    static const char *const word[] = {"default", "0.0.0.0/0", "::/0"};
    size_t pos = 0, len, n;
    const char *item, *w;
    while (bf_assign_item(a, &pos, &item, &len)) {
        const char *at = item;
        bool some = bf_word_next(&at, item + len, &w, &n);
        for (size_t i = 0; some && i < BF_COUNT(word); i++)
            if (bf_word_is(w, n, word[i]))
                mark_odd(p, a, "a default route beside Gateway");
    }
}

static void read_addresses(struct profile *p, const struct bf_assign *a)
{
    if (bf_assign_is(a, "IP"))
        take(p->ip, sizeof p->ip, a);
    else if (bf_assign_is(a, "IP6"))
        take(p->ip6, sizeof p->ip6, a);
    else if (bf_assign_is(a, "Address"))
        take_addresses(p, &p->four, a);
    else if (bf_assign_is(a, "Address6"))
        take_addresses(p, &p->six, a);
    else if (bf_assign_is(a, "Gateway"))
        take(p->known.gateway4, sizeof p->known.gateway4, a);
    else if (bf_assign_is(a, "Gateway6"))
        take(p->known.gateway6, sizeof p->known.gateway6, a);
    else if (bf_assign_is(a, "Routes") || bf_assign_is(a, "Routes6"))
        check_routes(p, a);
}

static void read_statement(struct profile *p, const struct bf_assign *a)
{
    if (a->odd)
        mark_odd(p, a, "a line that is more than an assignment");
    if (bf_assign_is(a, "Interface"))
        take(p->known.name, sizeof p->known.name, a);
    else if (bf_assign_is(a, "Connection"))
        take(p->connection, sizeof p->connection, a);
    else if (bf_assign_is(a, "MACAddress"))
        take(p->known.set_mac, sizeof p->known.set_mac, a);
    else if (bf_assign_is(a, "BindsToInterfaces"))
        p->ports = *a;
    else if (bf_assign_is(a, "IPCustom") || bf_assign_is(a, "ExecUpPost"))
        mark_odd(p, a, "settings beyond addresses");
    else
        read_addresses(p, a);
}

static void set_kind(struct profile *p)
{
    static const struct {
        const char *connection;
        enum bf_known_kind kind;
    } row[] = {{"ethernet", BF_KNOWN_HARDWARE},
               {"bridge", BF_KNOWN_BRIDGE},
               {"openvswitch", BF_KNOWN_BRIDGE},
               {"bond", BF_KNOWN_BOND},
               {"vlan", BF_KNOWN_VLAN}};
    p->known.kind = BF_KNOWN_OTHER;
    for (size_t i = 0; i < BF_COUNT(row); i++)
        if (strcmp(p->connection, row[i].connection) == 0)
            p->known.kind = row[i].kind;
    if (p->known.kind == BF_KNOWN_VLAN && p->ports.key[0])
        take(p->known.parent, sizeof p->known.parent, &p->ports);
}

static void read_profile(struct profile *p, const char *path, const char *text, size_t len)
{
    struct bf_assign a;
    *p = (struct profile){.known = {.stack = &bf_netctl, .line = 1}};
    snprintf(p->known.file, sizeof p->known.file, "%s", path);
    bf_assign_init(&a, text, len);
    while (bf_assign_next(&a))
        read_statement(p, &a);
    set_kind(p);
    p->known.dhcp = strcmp(p->ip, "dhcp") == 0 || strcmp(p->ip6, "dhcp") == 0;
    bool four = strcmp(p->ip, "static") == 0;
    bool six = strcmp(p->ip6, "static") == 0 || strcmp(p->ip6, "stateless") == 0;
    for (size_t i = 0; four && i < p->four.addresses; i++)
        bf_net_address(&p->known, p->four.address[i], strlen(p->four.address[i]));
    for (size_t i = 0; six && i < p->six.addresses; i++)
        bf_net_address(&p->known, p->six.address[i], strlen(p->six.address[i]));
    if (!four)
        p->known.gateway4[0] = 0;
    if (!six)
        p->known.gateway6[0] = 0;
}

static void add_ports(struct bf_net *net, const struct profile *p)
{
    size_t pos = 0, len;
    const char *item;
    char name[BF_IFNAME];
    bool has = p->known.kind == BF_KNOWN_BRIDGE || p->known.kind == BF_KNOWN_BOND;
    while (has && p->ports.key[0] && bf_assign_item(&p->ports, &pos, &item, &len)) {
        bf_net_copy(name, sizeof name, item, len);
        struct bf_known *k = name[0] ? bf_net_add(net, &bf_netctl, name, "") : NULL;
        if (!k)
            continue;
        memcpy(k->master, p->known.name, sizeof k->master);
        bf_net_where(k, p->known.file, p->ports.number);
    }
}

static void add(struct bf_net *net, const struct profile *p)
{
    const struct bf_known *other = bf_net_find(net, &bf_netctl, p->known.name);
    if (other && !other->master[0]) {
        bf_net_trouble(net, "netctl: %s and %s are both for %s", other->file, p->known.file,
                       p->known.name);
        return;
    }
    struct bf_known *k = p->known.name[0] ? bf_net_add(net, &bf_netctl, p->known.name, "") : NULL;
    if (!k)
        return;
    char master[BF_IFNAME];
    memcpy(master, k->master, sizeof master);
    *k = p->known;
    memcpy(k->master, master, sizeof master);
    add_ports(net, p);
}

static bool is_executable(struct bf_fin *f, const char *path)
{
    struct stat st;
    return !bf_fin_root_stat(f->root, path, &st, NULL) && S_ISREG(st.st_mode) &&
           (st.st_mode & 0111);
}

// Scripts that netctl reads before and after each profile.
static void check_scripts(struct bf_fin *f, struct bf_net *net)
{
    static const char *const dir[] = {DIR "/hooks", DIR "/interfaces"};
    for (size_t d = 0; d < BF_COUNT(dir); d++) {
        struct bf_names names;
        if (bf_fin_root_list(f->root, dir[d], "", &names))
            continue;
        for (size_t i = 0; i < names.count; i++) {
            char path[160];
            snprintf(path, sizeof path, "%s/%.120s", dir[d], names.name[i]);
            if (is_executable(f, path))
                bf_net_trouble(
                    net, "netctl: %s is read as a part of profiles, and is not rewritten", path);
        }
        bf_names_free(&names);
    }
}

// What else chooses profiles at boot.
static void check_others(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (!bf_service_instances(f->root, "netctl-ifplugd@", &names) && names.count)
        bf_net_trouble(net,
                       "netctl: netctl-ifplugd@%s.service chooses among the profiles of " DIR
                       ", which is not rewritten",
                       names.name[0]);
    bf_names_free(&names);
    if (bf_service_enabled(f->root, "netctl.service") && bf_fin_root_exists(f->root, STATE))
        bf_net_trouble(net, "netctl: netctl.service brings up the profiles that " STATE
                            " names, which is not rewritten");
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (bf_service_instances(f->root, "netctl@", &names))
        return;
    check_scripts(f, net);
    check_others(f, net);
    for (size_t i = 0; i < names.count; i++) {
        char path[160];
        struct profile p;
        struct bf_fault fault;
        size_t len;
        snprintf(path, sizeof path, DIR "/%.140s", names.name[i]);
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

// ---- Rewriting ----------------------------------------------------------------------------------

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
    else if (strcmp(ip6, "no") == 0 || strcmp(ip6, "stateless") == 0 ||
             (nic->dhcp && strncmp(ip6, "dhcp", 4) == 0))
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
        bf_textf(out, "%s%s", i ? " " : "DNSSearch='", nic->search[i]);
    bf_text_str(out, nic->search_count ? "'\n" : "");
}

// A MAC address of its own that is the interface's old one.
static enum bf_err follow_mac(struct bf_fin *f, const struct bf_link *link, const char *file)
{
    struct bf_text out = {0};
    size_t len;
    const struct bf_assign_pair pair[] = {{"MACAddress", link->nic->new_mac}, {NULL, NULL}};
    const char *text = bf_edits_get(&f->edits, file, &len, NULL);
    if (!text || !link->known->set_mac[0] || !link->nic->new_mac[0] ||
        strcmp(link->known->set_mac, link->old_mac) != 0)
        return BF_OK;
    bf_assign_put(&out, text, len, pair);
    enum bf_err err = bf_fin_set(f, file, &out, "MAC address as planned");
    bf_text_free(&out);
    return err;
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

static enum bf_err check(struct bf_fin *f, const struct profile *p, const struct bf_plan_nic *nic)
{
    if (p->odd)
        return bf_refuse(f->report, "netctl: %s, line %u: %s, which is not rewritten",
                         p->known.file, p->line, p->odd);
    if (p->known.kind == BF_KNOWN_OTHER)
        return bf_refuse(f->report, "netctl: %s is no profile of a connection that is rewritten",
                         p->known.file);
    if (bf_nic_on_link(nic, AF_INET) || bf_nic_on_link(nic, AF_INET6))
        return bf_refuse(f->report,
                         "netctl: %s: a gateway outside the planned networks is not written here",
                         p->known.file);
    return BF_OK;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    const struct bf_plan_nic *nic = link->nic;
    struct profile p;
    size_t len;
    (void)old; // what the carrier had is gathered by the caller
    // What only a name's file speaks of has no profile.
    bool ours = link->known && link->known->stack == &bf_netctl;
    enum bf_err err = ours ? follow_mac(f, link, link->known->file) : BF_OK;
    if (err || !bf_nic_readdresses(nic))
        return err;
    const char *text = ours ? bf_edits_get(&f->edits, link->known->file, &len, NULL) : NULL;
    if (!text)
        return bf_refuse(f->report, "netctl: no enabled profile of " DIR " is for %s",
                         link->carrier);
    read_profile(&p, link->known->file, text, len);
    err = check(f, &p, nic);
    return err ? err : rewrite(f, nic, &p, text, len);
}

const struct bf_stack_ops bf_netctl = {
    .name = "netctl",
    .title = "netctl",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
