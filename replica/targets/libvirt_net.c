// SPDX-License-Identifier: Apache-2.0
// Networks. A machine's NICs are connected to what the plan names. A test's are alone: inside QEMU
// (libvirt_user.c), which changes nothing at the host, or, where QEMU has no user mode networking,
// each to a network of libvirt whose bridge has the planned gateways and that nothing is forwarded
// from. Such a gateway becomes an address of the host. It has the full length (/32), so that no
// route of the host's changes, and one that the host reaches through another interface is refused:
// the host would lose its own gateway. Two tests may have the same one.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/targets/libvirt.h"

// ---- What a NIC is connected to ----------------------------------------------------------------

// True when the network exists and is active.
static bool is_active(const struct bf_lv *lv, const char *name)
{
    virNetworkPtr net = virNetworkLookupByName(lv->conn, name);
    bool active = net && virNetworkIsActive(net) == 1;

    if (net)
        virNetworkFree(net);
    return active;
}

static enum bf_err choose_default(const struct bf_lv *lv, char out[128], struct bf_fault *fault)
{
    if (is_active(lv, "default")) {
        bf_snprintf(out, 128, "network:default");
        return BF_OK;
    }
    if (!lv->uri.session)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "name a network in the plan (network:NAME, bridge:NAME), or start "
                            "that one: virsh net-start default",
                            "the libvirt host %s has no active network \"default\"",
                            lv->uri.connect);
    bf_snprintf(out, 128, "user");
    bf_lv_tell(lv->tgt, "The session has no active network \"default\": the machine gets a user "
                        "mode network, in which nobody can reach it.");
    return BF_OK;
}

static enum bf_err choose_one(const struct bf_lv *lv, const char *wanted, char out[128],
                              struct bf_fault *fault)
{
    if (!wanted[0])
        return choose_default(lv, out, fault);
    bf_snprintf(out, 128, "%s", wanted);
    if (strcmp(wanted, "user") == 0 || strcmp(wanted, "none") == 0)
        return BF_OK;
    if (strncmp(wanted, "bridge:", 7) == 0 && wanted[7] && strlen(wanted + 7) < 16 &&
        !strchr(wanted + 7, '/'))
        return BF_OK;
    if (strncmp(wanted, "network:", 8) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "write network:NAME, bridge:NAME, user or none",
                            "\"%.64s\" is not a network of a libvirt host", wanted);
    if (!is_active(lv, wanted + 8))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "see virsh net-list --all; start it with virsh net-start, or name "
                            "another one in the plan",
                            "the libvirt host %s has no active network \"%.64s\"", lv->uri.connect,
                            wanted + 8);
    return BF_OK;
}

// ---- A test's network --------------------------------------------------------------------------

// Of the network of a NIC, where libvirt has it.
static void network_name(const struct bf_tgt_machine *m, uint32_t nic, char out[120])
{
    bf_snprintf(out, 120, "%.100s-net%u", m->name, nic);
}

static enum bf_err read_gateway(const char *text, int family, struct bf_lv_address *out,
                                struct bf_fault *fault)
{
    if (bf_lv_address_read(text, out) != BF_OK || out->family != family)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct it in the plan",
                            "the gateway \"%.60s\" is not an address", text);
    return BF_OK;
}

static struct bf_lv_address address_of(const struct sockaddr *at, const struct sockaddr *mask)
{
    struct bf_lv_address a = {.family = at->sa_family};
    size_t bytes = a.family == AF_INET ? 4 : 16;
    const void *from = a.family == AF_INET
                           ? (const void *)&((const struct sockaddr_in *)at)->sin_addr
                           : &((const struct sockaddr_in6 *)at)->sin6_addr;
    const uint8_t *bits = a.family == AF_INET
                              ? (const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr
                              : (const uint8_t *)&((const struct sockaddr_in6 *)mask)->sin6_addr;

    memcpy(a.bytes, from, bytes);
    while (a.length < bytes * 8 && bits[a.length / 8] & 0x80 >> a.length % 8)
        a.length++;
    return a;
}

static bool is_link_local(const struct bf_lv_address *a)
{
    return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

// Whether this host reaches the address directly, through an interface of its own; then it may be
// its own gateway.
static bool is_a_neighbour(const struct bf_lv_address *gateway)
{
    struct ifaddrs *all, *i;
    bool found = false;

    if (is_link_local(gateway) || getifaddrs(&all) != 0)
        return false;
    for (i = all; i && !found; i = i->ifa_next) {
        struct bf_lv_address a;

        if (!i->ifa_addr || !i->ifa_netmask || i->ifa_addr->sa_family != gateway->family)
            continue;
        a = address_of(i->ifa_addr, i->ifa_netmask);
        found = bf_lv_address_in(&a, gateway) && a.length < (a.family == AF_INET ? 32u : 128u);
    }
    freeifaddrs(all);
    return found;
}

static enum bf_err check_gateway(const struct bf_lv *lv, const char *text, int family, bool at_host,
                                 struct bf_fault *fault)
{
    struct bf_lv_address gateway;
    enum bf_err err = text[0] ? read_gateway(text, family, &gateway, fault) : BF_OK;

    if (!err && text[0] && at_host && is_a_neighbour(&gateway))
        err = bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                           "test at another host, or with isolate=user where QEMU has user mode "
                           "networking",
                           "the test would take the gateway %s, which this host may need itself",
                           text);
    return err;
}

static enum bf_err too_many(uint32_t nics, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                        "leave NICs out of the plan, or connect them to networks of the host",
                        "only the first %d NICs of a machine can have user mode networks, and this "
                        "one has %u",
                        BF_LV_USER_NICS, nics);
}

static enum bf_err choose_isolated(const struct bf_lv *lv, struct bf_lv_choice *choice,
                                   struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;
    enum bf_err err = BF_OK;

    choice->user_network = lv->uri.isolate == BF_LV_ISOLATE_USER ||
                           (lv->uri.isolate == BF_LV_ISOLATE_AUTO && lv->host.user_network);
    if (choice->user_network && m->nics > BF_LV_USER_NICS)
        return too_many(m->nics, fault);
    if (!choice->user_network && lv->uri.session)
        return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                            "use qemu:///system, or a QEMU with user mode networking (slirp)",
                            "a session cannot make the isolated network that a test needs");
    for (uint32_t i = 0; !err && i < m->nics; i++) {
        bool at_host = !choice->user_network && lv->uri.local;

        bf_snprintf(choice->network[i], sizeof choice->network[i], "network:");
        network_name(m, i, choice->network[i] + 8);
        err = check_gateway(lv, m->nic[i].gateway4, AF_INET, at_host, fault);
        if (!err)
            err = check_gateway(lv, m->nic[i].gateway6, AF_INET6, at_host, fault);
    }
    return err;
}

enum bf_err bf_lv_networks_choose(const struct bf_lv *lv, struct bf_lv_choice *choice,
                                  struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;
    enum bf_err err = BF_OK;

    if (m->isolated)
        return choose_isolated(lv, choice, fault);
    for (uint32_t i = 0; !err && i < m->nics; i++) {
        err = choose_one(lv, m->nic[i].network, choice->network[i], fault);
        if (!err && i >= BF_LV_USER_NICS && strcmp(choice->network[i], "user") == 0)
            err = too_many(m->nics, fault);
    }
    return err;
}

// ---- Networks of libvirt -----------------------------------------------------------------------

static void add_gateway(struct _xmlNode *net, const char *text)
{
    struct bf_lv_address a;
    struct _xmlNode *ip;
    char address[64];

    if (!text[0] || bf_lv_address_read(text, &a) != BF_OK)
        return;
    bf_lv_address_text(&a, address);
    ip = bf_lv_add(net, "ip");
    bf_lv_set(ip, "family", a.family == AF_INET ? "ipv4" : "ipv6");
    bf_lv_set(ip, "address", address);
    bf_lv_set(ip, "prefix", a.family == AF_INET ? "32" : "128");
}

// For a NIC that asks for an address: one of the networks that RFC 2544 keeps for tests of devices.
// Which one depends on the names, so that tests seldom want the same.
static void add_dhcp(struct _xmlNode *net, const char *name)
{
    uint32_t hash = 2166136261; // FNV-1a
    struct _xmlNode *ip, *range;

    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619;
    ip = bf_lv_add(net, "ip");
    bf_lv_setf(ip, "address", "198.%u.%u.1", 18 + (hash >> 8) % 2, hash % 256);
    bf_lv_set(ip, "prefix", "24");
    range = bf_lv_add(bf_lv_add(ip, "dhcp"), "range");
    bf_lv_setf(range, "start", "198.%u.%u.100", 18 + (hash >> 8) % 2, hash % 256);
    bf_lv_setf(range, "end", "198.%u.%u.199", 18 + (hash >> 8) % 2, hash % 256);
}

char *bf_lv_network_xml(const struct bf_tgt_machine *m, uint32_t nic)
{
    struct _xmlNode *net = bf_lv_tree("network"), *bridge;
    char name[120];

    network_name(m, nic, name);
    bf_lv_add_text(net, "name", name);
    bridge = bf_lv_add(net, "bridge"); // libvirt finds a name for it
    bf_lv_set(bridge, "stp", "off");
    bf_lv_set(bridge, "delay", "0");
    bf_lv_set(bf_lv_add(net, "dns"), "enable", "no");
    add_gateway(net, m->nic[nic].gateway4);
    add_gateway(net, m->nic[nic].gateway6);
    if (m->nic[nic].dhcp)
        add_dhcp(net, name);
    return bf_lv_tree_text(net);
}

static enum bf_err start_one(const struct bf_lv *lv, uint32_t nic, struct bf_fault *fault)
{
    char name[120];
    char *xml;
    virNetworkPtr net;
    enum bf_err err = BF_OK;

    network_name(lv->tgt->machine, nic, name);
    if (is_active(lv, name))
        return BF_OK;
    xml = bf_lv_network_xml(lv->tgt->machine, nic);
    net = xml ? virNetworkCreateXML(lv->conn, xml) : NULL;
    if (net)
        virNetworkFree(net);
    else
        err = bf_lv_fault(lv, fault, "the isolated network %s cannot be made", name);
    free(xml);
    return err;
}

enum bf_err bf_lv_networks_start(const struct bf_lv *lv, const struct bf_lv_choice *choice,
                                 struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    if (!lv->tgt->machine->isolated || choice->user_network)
        return BF_OK;
    for (uint32_t i = 0; !err && i < lv->tgt->machine->nics; i++)
        err = start_one(lv, i, fault);
    return err;
}

// It is transient, so it is gone when it was stopped.
static enum bf_err stop_one(const struct bf_lv *lv, uint32_t nic, struct bf_fault *fault)
{
    char name[120];
    virNetworkPtr net;
    enum bf_err err = BF_OK;

    network_name(lv->tgt->machine, nic, name);
    net = virNetworkLookupByName(lv->conn, name);
    if (!net)
        return virGetLastErrorCode() == VIR_ERR_NO_NETWORK ||
                       virGetLastErrorCode() == VIR_ERR_NO_SUPPORT
                   ? BF_OK
                   : bf_lv_fault(lv, fault, "the network %s cannot be looked up", name);
    if (virNetworkIsActive(net) == 1 && virNetworkDestroy(net) != 0)
        err = bf_lv_fault(lv, fault, "the isolated network %s cannot be removed", name);
    virNetworkFree(net);
    return err;
}

enum bf_err bf_lv_networks_stop(const struct bf_lv *lv, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    if (!lv->tgt->machine->isolated)
        return BF_OK;
    for (uint32_t i = 0; !err && i < lv->tgt->machine->nics; i++)
        err = stop_one(lv, i, fault);
    return err;
}
