// SPDX-License-Identifier: Apache-2.0
// NetworkManager: the devices that its profiles configure. Which files count and which of several
// profiles the daemon activates is said by nm_profile.h, rewriting is nm_edit.c's. Devices that its
// configuration leaves to others are not its own here, either.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/network.h"
#include "finalize/network/nm_edit.h"
#include "finalize/network/nm_profile.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

// What kind of device a profile is for; false when it is for none that has a name in the kernel.
static bool kind_of(const struct bf_nm_profile *p, enum bf_known_kind *kind)
{
    static const struct {
        const char *type;
        enum bf_known_kind kind;
    } kinds[] = {
        {"ethernet", BF_KNOWN_HARDWARE}, {"infiniband", BF_KNOWN_HARDWARE},
        {"bridge", BF_KNOWN_BRIDGE},     {"bond", BF_KNOWN_BOND},
        {"team", BF_KNOWN_BOND},         {"vlan", BF_KNOWN_VLAN},
        {"wifi", BF_KNOWN_OTHER},        {"dummy", BF_KNOWN_OTHER},
        {"macvlan", BF_KNOWN_OTHER},     {"ip-tunnel", BF_KNOWN_OTHER},
        {"tun", BF_KNOWN_OTHER},         {"vrf", BF_KNOWN_OTHER},
        {"vxlan", BF_KNOWN_OTHER},       {"veth", BF_KNOWN_OTHER},
        {"wireguard", BF_KNOWN_OTHER},   {"ovs-interface", BF_KNOWN_OTHER},
    };
    for (size_t i = 0; i < BF_COUNT(kinds); i++)
        if (strcmp(p->type, kinds[i].type) == 0) {
            *kind = kinds[i].kind;
            return true;
        }
    return false;
}

// The other names and places that a profile gives its device.
static void describe(const struct bf_nm_profiles *all, struct bf_known *k,
                     const struct bf_nm_profile *p)
{
    const char *master = bf_nm_device_of(all, p->master);
    const char *parent = strcmp(p->type, "vlan") == 0 ? bf_nm_device_of(all, p->parent) : "";
    bf_net_copy(k->master, sizeof k->master, master, strlen(master));
    bf_net_copy(k->parent, sizeof k->parent, parent, strlen(parent));
    bf_net_copy(k->set_mac, sizeof k->set_mac, p->set_mac, strlen(p->set_mac));
    bf_net_where(k, p->path, p->ip[0].line ? p->ip[0].line : p->ip[1].line);
    for (size_t i = 0; i < all->count; i++)
        if (k->pattern || strcmp(all->at[i].name, p->id) == 0)
            return; // a name that is a device's
    bf_net_copy(k->alias, sizeof k->alias, p->id, strlen(p->id));
}

static void fill(const struct bf_nm_profiles *all, struct bf_known *k,
                 const struct bf_nm_profile *p)
{
    describe(all, k, p);
    if (p->port || !bf_nm_is_automatic(p))
        return; // a port has no addresses of its own
    k->dhcp = strcmp(p->ip[0].method, "auto") == 0 || strcmp(p->ip[1].method, "dhcp") == 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t a = 0; a < p->ip[i].addresses; a++)
            bf_net_address(k, p->ip[i].address[a], strlen(p->ip[i].address[a]));
}

// Names and MAC addresses that naming rules tie together; they are gathered before the stacks.
static const struct bf_known *rule(const struct bf_net *net, const char *name, const char *mac)
{
    for (size_t i = 0; i < net->count; i++)
        if (!net->known[i].stack && ((name[0] && strcmp(net->known[i].name, name) == 0) ||
                                     (mac[0] && strcmp(net->known[i].mac, mac) == 0)))
            return &net->known[i];
    return NULL;
}

// The entry of a device, to be filled; NULL when another profile has done that, or the table is
// full.
static struct bf_known *entry(struct bf_net *net, const struct bf_nm_profile *p, const char *name,
                              const char *mac)
{
    struct bf_known *k = bf_net_add(net, &bf_networkmanager, name, mac);
    if (!k)
        bf_net_trouble(net, "%s: NetworkManager has profiles for more than %d devices", p->path,
                       BF_NET_MAX);
    return k && !k->file[0] ? k : NULL;
}

static void add_hardware(struct bf_net *net, const struct bf_nm_profiles *all,
                         const struct bf_nm_profile *p)
{
    const struct bf_known *named = rule(net, p->name, p->mac);
    const char *name = p->name[0] ? p->name : named ? named->name : "";
    const char *mac = p->mac[0] ? p->mac : named ? named->mac : "";
    struct bf_nm_device device = {.name = name, .mac = mac, .type = p->type};
    bool pattern = !p->name[0] && !p->mac[0];
    if (bf_nm_conf_leaves(&all->conf, &device) || (pattern && !bf_nm_is_automatic(p)))
        return;
    const struct bf_nm_profile *active = pattern ? p : bf_nm_active(all, name, mac);
    struct bf_known *k = entry(net, p, pattern ? "" : name, mac);
    if (!k)
        return;
    k->pattern = pattern;
    fill(all, k, active ? active : p);
}

static void add_profile(struct bf_net *net, const struct bf_nm_profiles *all,
                        const struct bf_nm_profile *p)
{
    enum bf_known_kind kind;
    struct bf_nm_device device = {.name = p->name, .mac = "", .type = p->type};
    if (!kind_of(p, &kind))
        return;
    if (kind == BF_KNOWN_HARDWARE) {
        add_hardware(net, all, p);
        return;
    }
    if (!p->name[0] || bf_nm_conf_leaves(&all->conf, &device))
        return;
    const struct bf_nm_profile *maker = bf_nm_maker(all, p->name);
    struct bf_known *k = entry(net, p, p->name, "");
    if (!k)
        return;
    k->kind = kind;
    fill(all, k, maker ? maker : p);
}

// The MAC address of the card that a VLAN's profile means, which has no name there.
static const char *card_of_vlan(const struct bf_nm_profiles *all, const struct bf_nm_profile *p)
{
    for (size_t i = 0; p->parent[0] && i < all->count; i++)
        if (bf_nm_is_hardware(&all->at[i]) && strcasecmp(all->at[i].uuid, p->parent) == 0)
            return all->at[i].mac;
    return p->parent[0] ? p->parent : p->mac;
}

// VLANs on cards that only their MAC address names; what lies on such a card calls it by its other
// name.
static void add_parents(struct bf_net *net, const struct bf_nm_profiles *all)
{
    for (size_t i = 0; i < net->count; i++) {
        struct bf_known *k = &net->known[i];
        const struct bf_nm_profile *p = NULL;
        if (k->stack == &bf_networkmanager && k->kind == BF_KNOWN_VLAN && !k->parent[0])
            p = bf_nm_maker(all, k->name);
        const char *mac = p ? card_of_vlan(all, p) : "";
        for (size_t c = 0; mac[0] && c < net->count; c++) {
            const struct bf_known *card = &net->known[c];
            const char *name = card->name[0] ? card->name : card->alias;
            if (card->stack == k->stack && card->kind == BF_KNOWN_HARDWARE &&
                strcasecmp(card->mac, mac) == 0)
                bf_net_copy(k->parent, sizeof k->parent, name, strlen(name));
        }
    }
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_nm_profiles all;
    bf_nm_profiles_load(f, &all, BF_NM_PENDING, net);
    for (size_t i = 0; i < all.count; i++)
        add_profile(net, &all, &all.at[i]);
    add_parents(net, &all);
    bf_nm_profiles_free(&all);
}

// D-Bus starts it under its other name where the unit has no link of its own.
static bool starts_by_bus(struct bf_fin *f)
{
    static const char unit[] = "/etc/systemd/system/NetworkManager.service";
    static const char alias[] = "/etc/systemd/system/dbus-org.freedesktop.NetworkManager.service";
    char *link = bf_fin_root_readlink(f->root, alias), *mask = bf_fin_root_readlink(f->root, unit);
    bool starts =
        link && strcmp(link, "/dev/null") != 0 && !(mask && strcmp(mask, "/dev/null") == 0);
    free(link);
    free(mask);
    return starts;
}

// Started at boot, and not told to leave all cables to others.
static bool in_use(struct bf_fin *f)
{
    if (!bf_service_starts(f, "NetworkManager") && !starts_by_bus(f))
        return false;
    struct bf_nm_conf conf;
    struct bf_nm_device any = {.name = "", .mac = "", .type = "ethernet"};
    bf_nm_conf_load(f, &conf, NULL);
    bool leaves = bf_nm_conf_leaves(&conf, &any);
    bf_nm_conf_free(&conf);
    return !leaves;
}

const struct bf_stack_ops bf_networkmanager = {
    .name = "networkmanager",
    .title = "NetworkManager",
    .finds_by_mac = true,
    .takes_all = true,
    .in_use = in_use,
    .scan = scan,
    .adapt = bf_nm_adapt,
};
