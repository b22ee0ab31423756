// SPDX-License-Identifier: Apache-2.0
// systemd-networkd: .network and .netdev files (systemd.network(5), systemd.netdev(5)). An
// interface is configured by the first file, by name over all folders, whose [Match] means it: what
// that file and its drop-ins say is gathered for each interface that anything names.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/networkd.h"
#include "finalize/system/service.h"

// A name that some file gives to a device.
struct candidate {
    char name[BF_IFNAME];
    char kind[16]; // as in Kind=; "" for hardware, or not known
    const struct bf_networkd_unit *unit;
};

struct scan {
    struct bf_fin *f;
    struct bf_net *net;
    struct bf_networkd_units units;
    struct candidate at[BF_NET_MAX];
    size_t count;
};

static void add_name(struct scan *s, const char *name, const char *kind)
{
    struct candidate *c = NULL;
    if (!name[0] || strlen(name) >= BF_IFNAME)
        return;
    for (size_t i = 0; i < s->count && !c; i++)
        if (strcmp(s->at[i].name, name) == 0)
            c = &s->at[i];
    if (!c && s->count == BF_NET_MAX) {
        bf_net_trouble(s->net, "systemd-networkd: its files name more than %d interfaces",
                       BF_NET_MAX);
        return;
    }
    if (!c) {
        c = &s->at[s->count++];
        *c = (struct candidate){.unit = NULL};
        bf_net_copy(c->name, sizeof c->name, name, strlen(name));
    }
    if (!c->kind[0])
        bf_net_copy(c->kind, sizeof c->kind, kind, strlen(kind));
}

// ---- .netdev ------------------------------------------------------------------------------------

static enum bf_known_kind kind_of(const char *kind)
{
    if (strcmp(kind, "bridge") == 0)
        return BF_KNOWN_BRIDGE;
    if (strcmp(kind, "bond") == 0)
        return BF_KNOWN_BOND;
    if (strcmp(kind, "vlan") == 0)
        return BF_KNOWN_VLAN;
    return kind[0] ? BF_KNOWN_OTHER : BF_KNOWN_HARDWARE;
}

// The last value of a key in any section of that name.
static const char *last_value(const struct bf_networkd_unit *unit, const char *section,
                              const char *key)
{
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0;
    const char *value = "";
    while ((line = bf_networkd_next(unit, &file, &at)))
        if (bf_networkd_is(line, section, key))
            value = line->value;
    return value;
}

// Devices that networkd makes. Of two files with one name, the first counts.
static void scan_devices(struct scan *s)
{
    struct bf_networkd_units u;
    bf_networkd_load(s->f, ".netdev", &u);
    for (size_t i = 0; i < u.count; i++) {
        const struct bf_networkd_unit *unit = &u.at[i];
        const char *name = last_value(unit, "NetDev", "Name");
        const char *kind = last_value(unit, "NetDev", "Kind");
        const char *mac = last_value(unit, "NetDev", "MACAddress");
        if (unit->match.off || !name[0] || !kind[0] || strlen(name) >= BF_IFNAME ||
            bf_net_find(s->net, &bf_networkd, name))
            continue;
        struct bf_known *k = bf_net_add(s->net, &bf_networkd, name, "");
        if (!k)
            continue;
        k->kind = kind_of(kind);
        bf_networkd_mac(mac, strlen(mac), k->set_mac);
        add_name(s, name, kind);
    }
    if (u.trouble[0])
        bf_net_trouble(s->net, "%s", u.trouble);
    bf_networkd_free(&u);
}

// ---- Names --------------------------------------------------------------------------------------

// Keys of [Network] that name another device, and what that is then.
static const struct {
    const char *key, *kind;
    bool above; // it lies on this interface; else it is the master of it
} stacked[] = {
    {"Bridge", "bridge", false},  {"Bond", "bond", false},      {"VLAN", "vlan", true},
    {"MACVLAN", "macvlan", true}, {"MACVTAP", "macvtap", true}, {"IPVLAN", "ipvlan", true},
    {"IPVTAP", "ipvtap", true},
};

static size_t find_stacked(const struct bf_networkd_line *line)
{
    size_t i = 0;
    if (line->kind != BF_NETWORKD_KEY || strcmp(line->section, "Network") != 0)
        return BF_COUNT(stacked);
    while (i < BF_COUNT(stacked) && strcmp(line->key, stacked[i].key) != 0)
        i++;
    return i;
}

static void gather_unit(struct scan *s, const struct bf_networkd_unit *unit)
{
    const struct bf_networkd_line *line;
    const char *name, *kind = "";
    size_t at = 0, file = 0;
    while ((line = bf_networkd_next(unit, &file, &at))) {
        size_t i = find_stacked(line);
        if (i < BF_COUNT(stacked))
            add_name(s, line->value, stacked[i].kind);
        if (bf_networkd_is(line, "Match", "Kind") && kind_of(line->value) != BF_KNOWN_OTHER)
            kind = line->value;
    }
    at = 0;
    while ((name = bf_networkd_next_name(&unit->match, &at)))
        add_name(s, name, kind);
}

// Names of .link files and udev rules, and of the plan, that patterns may mean.
static void gather_others(struct scan *s)
{
    for (size_t i = 0; i < s->net->count; i++)
        if (!s->net->known[i].stack)
            add_name(s, s->net->known[i].name, "");
    for (size_t i = 0; s->f->plan && i < s->f->plan->nics; i++)
        add_name(s, s->f->plan->nic[i].name, "");
}

// ---- What a file gives --------------------------------------------------------------------------

static void take_address(struct bf_known *k, const struct bf_networkd_file *file,
                         const struct bf_networkd_line *line, const char *value)
{
    if (!bf_networkd_is_address(value))
        return;
    bf_net_address(k, value, strlen(value));
    bf_net_where(k, file->path, line->number);
}

// An [Address] section is one address; with a wrong one in it, it is none.
static void take_section(struct bf_known *k, const struct bf_networkd_file *file,
                         const struct bf_networkd_line *section)
{
    const struct bf_networkd_line *end = file->line + file->lines, *last = NULL;
    for (const struct bf_networkd_line *line = section + 1;
         line < end && line->ordinal == section->ordinal; line++) {
        if (!bf_networkd_is(line, "Address", "Address"))
            continue;
        if (!bf_networkd_is_address(line->value))
            return;
        last = line;
    }
    if (last)
        take_address(k, file, last, last->value);
}

static void fill(struct bf_known *k, const struct bf_networkd_unit *unit)
{
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0;
    k->dhcp = bf_networkd_dhcp(unit) != 0;
    while ((line = bf_networkd_next(unit, &file, &at))) {
        size_t i = find_stacked(line);
        if (i < BF_COUNT(stacked) && !stacked[i].above)
            bf_net_copy(k->master, sizeof k->master, line->value, strlen(line->value));
        if (bf_networkd_is(line, "Network", "Address"))
            take_address(k, &unit->file[file], line, line->value);
        if (line->kind == BF_NETWORKD_SECTION && strcmp(line->section, "Address") == 0)
            take_section(k, &unit->file[file], line);
        if (bf_networkd_is(line, "Network", "DHCP") && k->dhcp)
            bf_net_where(k, unit->file[file].path, line->number);
        if (bf_networkd_is(line, "Link", "MACAddress"))
            bf_networkd_mac(line->value, strlen(line->value), k->set_mac);
    }
    bf_net_where(k, unit->file[0].path, 0);
}

static bool is_unmanaged(const struct bf_networkd_unit *unit)
{
    const char *value = last_value(unit, "Link", "Unmanaged");
    return strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 || strcmp(value, "1") == 0 ||
           strcmp(value, "on") == 0;
}

// netplan writes files for networkd as well, into /run: of these names.
static bool netplan_is_first(const struct bf_net *net, const char *name,
                             const struct bf_networkd_unit *unit)
{
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        char file[64];
        if (!k->stack || strcmp(k->stack->name, "netplan") != 0 || strcmp(k->name, name) != 0)
            continue;
        snprintf(file, sizeof file, "10-netplan-%s.network", k->alias[0] ? k->alias : k->name);
        if (strcmp(file, unit->name) < 0)
            return true;
    }
    return false;
}

// The MAC addresses that an interface may be matched by: a naming rule's, else those of the plan,
// before and after a run.
static void macs_of(const struct scan *s, const char *name, const char *mac[2])
{
    mac[0] = mac[1] = "";
    for (size_t i = 0; i < s->net->count; i++)
        if (!s->net->known[i].stack && strcmp(s->net->known[i].name, name) == 0)
            mac[0] = s->net->known[i].mac;
    for (size_t i = 0; !mac[0][0] && s->f->plan && i < s->f->plan->nics; i++)
        if (strcmp(s->f->plan->nic[i].name, name) == 0) {
            mac[0] = s->f->plan->nic[i].mac;
            mac[1] = s->f->plan->nic[i].new_mac;
            return;
        }
}

static void scan_name(struct scan *s, struct candidate *c)
{
    const char *mac[2];
    macs_of(s, c->name, mac);
    for (size_t i = 0; i < 2; i++) {
        struct bf_networkd_iface iface = {c->name, mac[i], c->kind[0] ? c->kind : NULL};
        const struct bf_networkd_unit *unit = bf_networkd_first(s->f, &s->units, &iface, NULL);
        if (unit && (!c->unit || unit < c->unit))
            c->unit = unit;
    }
    if (!c->unit || is_unmanaged(c->unit) || netplan_is_first(s->net, c->name, c->unit)) {
        c->unit = NULL;
        return;
    }
    struct bf_known *k = bf_net_add(s->net, &bf_networkd, c->name, "");
    if (!k)
        return;
    if (k->kind == BF_KNOWN_HARDWARE)
        k->kind = kind_of(c->kind);
    if (k->kind == BF_KNOWN_HARDWARE && !k->mac[0])
        bf_networkd_only_mac(&c->unit->match, k->mac);
    fill(k, c->unit);
}

// What lies on an interface, by its file.
static void set_parents(struct scan *s, const struct candidate *c)
{
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0;
    while (c->unit && (line = bf_networkd_next(c->unit, &file, &at))) {
        size_t i = find_stacked(line);
        if (i == BF_COUNT(stacked) || !stacked[i].above || !line->value[0] ||
            strlen(line->value) >= BF_IFNAME)
            continue;
        struct bf_known *k = bf_net_add(s->net, &bf_networkd, line->value, "");
        if (!k)
            continue;
        if (k->kind == BF_KNOWN_HARDWARE)
            k->kind = kind_of(stacked[i].kind);
        if (!k->parent[0])
            memcpy(k->parent, c->name, sizeof k->parent);
    }
}

// Whether something gives the interface with that MAC address a name, by which it is found already.
static bool has_name(const struct scan *s, const char *mac)
{
    for (size_t i = 0; i < s->net->count; i++)
        if (s->net->known[i].name[0] && strcmp(s->net->known[i].mac, mac) == 0)
            return true;
    for (size_t i = 0; s->f->plan && i < s->f->plan->nics; i++) {
        const struct bf_plan_nic *nic = &s->f->plan->nic[i];
        if (nic->name[0] && (strcmp(nic->mac, mac) == 0 || strcmp(nic->new_mac, mac) == 0))
            return true;
    }
    return false;
}

// Interfaces that are known by their MAC address only.
static void scan_macs(struct scan *s, const struct bf_networkd_unit *unit)
{
    char mac[BF_MAC_TEXT];
    size_t at = 0;
    while (bf_networkd_next_mac(&unit->match, &at, mac)) {
        struct bf_networkd_iface iface = {"", mac, NULL};
        if (has_name(s, mac) || bf_networkd_first(s->f, &s->units, &iface, NULL) != unit ||
            is_unmanaged(unit))
            continue;
        struct bf_known *k = bf_net_add(s->net, &bf_networkd, "", mac);
        if (k)
            fill(k, unit);
    }
}

static void scan_pattern(struct scan *s, const struct bf_networkd_unit *unit)
{
    struct bf_networkd_iface any = {"", "", NULL};
    if (!unit->match.is_hardware || bf_networkd_fits(s->f, unit, &any) == BF_NETWORKD_NO ||
        is_unmanaged(unit))
        return;
    struct bf_known *k = bf_net_add(s->net, &bf_networkd, "", "");
    if (!k)
        return;
    k->pattern = true;
    fill(k, unit);
}

static void scan_networks(struct scan *s)
{
    const struct bf_networkd_units *u = &s->units;
    if (u->trouble[0])
        bf_net_trouble(s->net, "%s", u->trouble);
    for (size_t i = 0; i < u->count; i++) {
        if (!u->at[i].match.given)
            bf_note(s->f->report, "skipped", u->at[i].file[0].path,
                    "has nothing in [Match]: systemd-networkd ignores the file, and old versions "
                    "take it for every interface");
        // A file of containers (systemd's own 80-container-host0.network) names nothing of a
        // machine.
        if (!u->at[i].match.off)
            gather_unit(s, &u->at[i]);
    }
    gather_others(s);
    for (size_t i = 0; i < s->count; i++)
        scan_name(s, &s->at[i]);
    for (size_t i = 0; i < s->count; i++)
        set_parents(s, &s->at[i]);
    for (size_t i = 0; i < u->count; i++) {
        scan_macs(s, &u->at[i]);
        scan_pattern(s, &u->at[i]);
    }
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct scan *s = calloc(1, sizeof *s);
    if (!s) {
        bf_net_trouble(net, "out of memory");
        return;
    }
    s->f = f;
    s->net = net;
    scan_devices(s);
    bf_networkd_load(f, ".network", &s->units);
    scan_networks(s);
    bf_networkd_free(&s->units);
    free(s);
}

// The socket starts it, too, at the first message of the kernel about a link.
static bool in_use(struct bf_fin *f)
{
    char *mask = bf_fin_root_readlink(f->root, "/etc/systemd/system/systemd-networkd.service");
    bool masked = mask && strcmp(mask, "/dev/null") == 0;
    free(mask);
    return f->system.init == BF_INIT_SYSTEMD && !masked &&
           (bf_service_enabled(f->root, "systemd-networkd.service") ||
            bf_service_enabled(f->root, "systemd-networkd.socket"));
}

const struct bf_stack_ops bf_networkd = {
    .name = "networkd",
    .title = "systemd-networkd",
    .finds_by_mac = true,
    .in_use = in_use,
    .scan = scan,
    .follow = bf_networkd_follow,
    .adapt = bf_networkd_adapt,
};
