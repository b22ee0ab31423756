// SPDX-License-Identifier: Apache-2.0
// What a reader makes of one ifcfg file. The scripts and NetworkManager differ: in which file a
// variable may stand, in addresses beside DHCP, and in what switches IPv6 on.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/ifcfg.h"

#define NUMBERS 256 // IPADDR0 to IPADDR255

const char *const bf_ifcfg_numbered[] = {"IPADDR",    "PREFIX",  "NETMASK", "GATEWAY",
                                         "BROADCAST", "NETWORK", NULL};

// Loaded variables: an empty one is as good as none to both readers.
static const char *own(const struct bf_ifcfg_file *file, const char *key)
{
    return bf_shvars_get(&file->vars, key);
}

const char *bf_ifcfg_get(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                         const char *key)
{
    static const char *const global[] = {"IPV6INIT", "GATEWAY", "IPV6_DEFAULTGW"};
    bool everywhere = file->shell;
    for (size_t i = 0; i < BF_COUNT(global); i++)
        everywhere = everywhere || strcmp(key, global[i]) == 0;
    if (bf_shvars_find(&file->vars, key))
        return own(file, key);
    if (file->kind == BF_IFCFG_PLAIN && file->base && bf_shvars_find(&file->base->vars, key))
        return own(file->base, key);
    return everywhere ? bf_shvars_get(&set->network, key) : "";
}

static bool is_word(const char *value, const char *const *word)
{
    for (; *word; word++)
        if (strcasecmp(value, *word) == 0)
            return true;
    return false;
}

bool bf_ifcfg_is_yes(const char *value)
{
    static const char *const word[] = {"yes", "true", "t", "y", "1", "on", NULL};
    return is_word(value, word);
}

bool bf_ifcfg_is_no(const char *value)
{
    static const char *const word[] = {"no", "false", "f", "n", "0", "off", NULL};
    return is_word(value, word);
}

void bf_ifcfg_device(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file, char *out,
                     size_t size)
{
    if (file->kind != BF_IFCFG_PLAIN)
        file = file->base ? file->base : file;
    const char *device = bf_ifcfg_get(set, file, "DEVICE");
    const char *id = bf_ifcfg_get(set, file, "VLAN_ID"), *port = bf_ifcfg_get(set, file, "PHYSDEV");
    char name[64];
    // NetworkManager makes the name of a VLAN.
    int len = snprintf(name, sizeof name, "%s.%s", port, id);
    if (device[0] || !file->nm || !port[0] || !id[0])
        bf_net_copy(out, size, device, strcspn(device, ":"));
    else
        bf_net_copy(out, size, name, len > 0 && (size_t)len < sizeof name ? (size_t)len : size);
}

bool bf_ifcfg_at_boot(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    const char *parent = own(file, "ONPARENT");
    if (!file->shell && !file->nm)
        return false;
    if (file->kind == BF_IFCFG_PLAIN)
        return !bf_ifcfg_is_no(bf_ifcfg_get(set, file, "ONBOOT"));
    if (!file->base || (file->shell && bf_ifcfg_is_no(parent)))
        return false;
    return bf_ifcfg_at_boot(set, file->base);
}

bool bf_ifcfg_number(const char *key, const char *stem, int *number)
{
    size_t len = strlen(stem);
    if (strncmp(key, stem, len) != 0 || strlen(key) > len + 3)
        return false;
    *number = -1;
    if (!key[len])
        return true;
    if (key[len + strspn(key + len, "0123456789")] || (key[len] == '0' && key[len + 1]))
        return false;
    *number = (int)strtol(key + len, NULL, 10);
    return *number < NUMBERS;
}

// ---- Addresses ----------------------------------------------------------------------------------

// The variable of a number. False, with its name in `bad`, when it is set and not literal.
static bool get_numbered(const struct bf_ifcfg_file *file, const char *stem, int number,
                         const char **value, char bad[BF_SHVAR_KEY])
{
    char key[BF_SHVAR_KEY];
    if (number < 0)
        snprintf(key, sizeof key, "%s", stem);
    else
        snprintf(key, sizeof key, "%s%d", stem, number);
    const struct bf_shvar_var *v = bf_shvars_find(&file->vars, key);
    if (!v && file->kind == BF_IFCFG_PLAIN && file->base)
        v = bf_shvars_find(&file->base->vars, key);
    *value = v ? v->value : "";
    if (v && !v->literal)
        memcpy(bad, key, sizeof key);
    return !v || v->literal;
}

// The length that a mask stands for; false when it is none.
static bool length_of(const char *mask, unsigned *len)
{
    struct in_addr a;
    if (inet_pton(AF_INET, mask, &a) != 1)
        return false;
    uint32_t bits = ntohl(a.s_addr), host = ~bits;
    *len = 0;
    for (; bits & UINT32_C(0x80000000); bits <<= 1)
        ++*len;
    return (host & (host + 1)) == 0;
}

// The length of an address without one, by its class.
static unsigned class_of(const char *ip)
{
    long first = strtol(ip, NULL, 10);
    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

// The length of an address of IPv4: PREFIX, else NETMASK. What an alias lacks is its interface's,
// and to the scripts a PREFIX of the interface is stronger than a NETMASK of the alias. False when
// it is not understood.
static bool read_length(const struct bf_ifcfg_file *file, int number, const char *ip, unsigned *len,
                        char bad[BF_SHVAR_KEY])
{
    const char *prefix, *mask;
    if (!get_numbered(file, "PREFIX", number, &prefix, bad) ||
        !get_numbered(file, "NETMASK", number, &mask, bad))
        return false;
    if (!prefix[0] && file->kind != BF_IFCFG_PLAIN && file->base &&
        (!mask[0] || (file->shell && bf_shvars_get(&file->base->vars, "PREFIX")[0])))
        return read_length(file->base, number, ip, len, bad);
    if (prefix[0]) {
        char *end;
        unsigned long n = strtoul(prefix, &end, 10);
        *len = (unsigned)n;
        snprintf(bad, BF_SHVAR_KEY, "PREFIX");
        return !*end && n <= 32;
    }
    *len = class_of(ip);
    snprintf(bad, BF_SHVAR_KEY, "NETMASK");
    return !mask[0] || length_of(mask, len);
}

// One address. *found says whether there is one of that number.
static bool read_address(const struct bf_ifcfg_file *file, int number, struct bf_known *k,
                         bool *found, char bad[BF_SHVAR_KEY])
{
    unsigned char raw[4];
    char cidr[BF_CIDR_TEXT];
    const char *ip;
    unsigned len;
    if (!get_numbered(file, "IPADDR", number, &ip, bad))
        return false;
    *found = ip[0] != 0;
    if (!*found)
        return true;
    snprintf(bad, BF_SHVAR_KEY, "IPADDR");
    if (inet_pton(AF_INET, ip, raw) != 1 || !read_length(file, number, ip, &len, bad))
        return false;
    snprintf(cidr, sizeof cidr, "%s/%u", ip, len);
    bf_net_address(k, cidr, strlen(cidr));
    return true;
}

// IPADDR, IPADDR0 and IPADDR1 may be missing; the first one that is missing behind them ends them.
static bool read_addresses(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                           struct bf_known *k, char bad[BF_SHVAR_KEY])
{
    bool many =
        file->kind == BF_IFCFG_PLAIN && (file->nm || (file->shell && set->readers.numbered));
    for (int i = -1; i < (many ? NUMBERS : 0); i++) {
        bool found;
        if (!read_address(file, i, k, &found, bad))
            return false;
        if (!found && i > 1)
            break;
    }
    return true;
}

static bool read_range(const struct bf_ifcfg_file *file, struct bf_known *k, char bad[BF_SHVAR_KEY])
{
    const char *start = own(file, "IPADDR_START"), *end = own(file, "IPADDR_END");
    struct in_addr a, b;
    unsigned len;
    char ip[INET_ADDRSTRLEN], cidr[BF_CIDR_TEXT];
    snprintf(bad, BF_SHVAR_KEY, "IPADDR_START");
    if (inet_pton(AF_INET, start, &a) != 1 || inet_pton(AF_INET, end, &b) != 1 ||
        ntohl(a.s_addr) >> 8 != ntohl(b.s_addr) >> 8 || !read_length(file, -1, start, &len, bad))
        return false;
    for (uint32_t at = ntohl(a.s_addr); at <= ntohl(b.s_addr); at++) {
        struct in_addr one = {.s_addr = htonl(at)};
        inet_ntop(AF_INET, &one, ip, sizeof ip);
        snprintf(cidr, sizeof cidr, "%s/%u", ip, len);
        bf_net_address(k, cidr, strlen(cidr));
    }
    return true;
}

static bool has_ipv6(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    const char *init = bf_ifcfg_get(set, file, "IPV6INIT");
    const char *global = bf_shvars_get(&set->network, "NETWORKING_IPV6");
    if (file->nm)
        return bf_ifcfg_is_yes(init) && !bf_ifcfg_is_yes(own(file, "IPV6_DISABLED"));
    if (set->readers.global_six && !bf_ifcfg_is_yes(global))
        return false;
    return set->readers.old_ipv6 ? bf_ifcfg_is_yes(init) : !bf_ifcfg_is_no(init);
}

static bool read_ipv6(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                      struct bf_known *k, char bad[BF_SHVAR_KEY])
{
    static const char *const key[] = {"IPV6ADDR", "IPV6ADDR_SECONDARIES"};
    for (size_t i = 0; i < BF_COUNT(key); i++) {
        const char *at = bf_ifcfg_get(set, file, key[i]), *end = at + strlen(at), *w;
        size_t len;
        snprintf(bad, BF_SHVAR_KEY, "%s", key[i]);
        while (bf_word_next(&at, end, &w, &len)) {
            unsigned char raw[16];
            char ip[BF_CIDR_TEXT];
            const char *slash = memchr(w, '/', len);
            bf_net_copy(ip, sizeof ip, w, slash ? (size_t)(slash - w) : len);
            if (inet_pton(AF_INET6, ip, raw) != 1)
                return false;
            char cidr[BF_CIDR_TEXT + 3];
            snprintf(cidr, sizeof cidr, "%.*s%s", (int)len, w, slash ? "" : "/64");
            bf_net_address(k, cidr, strlen(cidr));
        }
    }
    return true;
}

// DHCPv6 alone. To NetworkManager, DHCPV6C matters only where routers' advertisements are not asked
// first, which is the default of what does not forward.
static bool has_dhcp6(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    const char *automatic = own(file, "IPV6_AUTOCONF");
    bool asks =
        automatic[0] ? bf_ifcfg_is_yes(automatic) : !bf_ifcfg_is_yes(own(file, "IPV6FORWARDING"));
    return bf_ifcfg_is_yes(bf_ifcfg_get(set, file, "DHCPV6C")) && !(file->nm && asks);
}

bool bf_ifcfg_addresses(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                        struct bf_known *k, char bad[BF_SHVAR_KEY])
{
    const char *proto = bf_ifcfg_get(set, file, "BOOTPROTO");
    bool six = has_ipv6(set, file), dhcp = false;
    if (file->kind == BF_IFCFG_RANGE)
        return read_range(file, k, bad);
    if (file->kind == BF_IFCFG_PLAIN) {
        dhcp = strcasecmp(proto, "dhcp") == 0 || strcasecmp(proto, "bootp") == 0;
        k->dhcp = k->dhcp || dhcp || (six && has_dhcp6(set, file));
    }
    // The scripts set no address of the file beside DHCP; NetworkManager sets both.
    if (!(dhcp && file->shell) && !read_addresses(set, file, k, bad))
        return false;
    return !six || file->kind != BF_IFCFG_PLAIN || read_ipv6(set, file, k, bad);
}
