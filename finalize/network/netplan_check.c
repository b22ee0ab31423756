// SPDX-License-Identifier: Apache-2.0
// What netplan would reject in a definition: unknown keys, wrong types, addresses that are none.
// One such mistake and nothing is configured at all.
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/netplan.h"

// Every key of a definition of any kind, up to netplan 1.2.
static const char *const def_keys[] = {"accept-ra",
                                       "access-points",
                                       "activation-mode",
                                       "addresses",
                                       "ageing",
                                       "apn",
                                       "arp-proxy",
                                       "auth",
                                       "auto-config",
                                       "bonding",
                                       "checksums",
                                       "critical",
                                       "delay-virtual-functions-rebind",
                                       "device-id",
                                       "dhcp-identifier",
                                       "dhcp4",
                                       "dhcp4-overrides",
                                       "dhcp6",
                                       "dhcp6-overrides",
                                       "do-not-fragment",
                                       "embedded-switch-mode",
                                       "emit-lldp",
                                       "extensions",
                                       "flow-label",
                                       "gateway4",
                                       "gateway6",
                                       "generic-receive-offload",
                                       "generic-segmentation-offload",
                                       "id",
                                       "if_id",
                                       "ignore-carrier",
                                       "independent",
                                       "infiniband-mode",
                                       "interfaces",
                                       "ipv6-address-generation",
                                       "ipv6-address-token",
                                       "ipv6-mtu",
                                       "ipv6-privacy",
                                       "key",
                                       "keys",
                                       "large-receive-offload",
                                       "limit",
                                       "link",
                                       "link-local",
                                       "local",
                                       "mac-learning",
                                       "macaddress",
                                       "mark",
                                       "match",
                                       "mode",
                                       "mtu",
                                       "nameservers",
                                       "neigh-suppress",
                                       "network-id",
                                       "networkmanager",
                                       "notifications",
                                       "number",
                                       "openvswitch",
                                       "optional",
                                       "optional-addresses",
                                       "parameters",
                                       "password",
                                       "peer",
                                       "peers",
                                       "pin",
                                       "port",
                                       "port-range",
                                       "ra-overrides",
                                       "receive-checksum-offload",
                                       "regulatory-domain",
                                       "remote",
                                       "renderer",
                                       "routes",
                                       "routing-policy",
                                       "set-name",
                                       "short-circuit",
                                       "sim-id",
                                       "sim-operator-id",
                                       "table",
                                       "tcp-segmentation-offload",
                                       "tcp6-segmentation-offload",
                                       "transmit-checksum-offload",
                                       "ttl",
                                       "type-of-service",
                                       "username",
                                       "virtual-function-count",
                                       "wakeonlan",
                                       "wakeonwlan",
                                       NULL};

void bf_netplan_trouble(struct bf_netplan *np, const struct bf_sheet *s, const yaml_node_t *n,
                        const char *fmt, ...)
{
    va_list ap;
    char what[256];
    if (np->trouble[0])
        return;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (n)
        snprintf(np->trouble, sizeof np->trouble, "netplan: %.200s, line %u: %s", s->path,
                 bf_sheet_line(n), what);
    else
        snprintf(np->trouble, sizeof np->trouble, "netplan: %.200s: %s", s->path, what);
}

const char *bf_netplan_address(struct bf_sheet *s, yaml_node_t *item)
{
    return bf_yaml_text(bf_yaml_is_map(item) && bf_yaml_size(item) ? bf_yaml_key(s, item, 0)
                                                                   : item);
}

bool bf_netplan_in_words(const char *key, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(*words, key) == 0)
            return true;
    return false;
}

bool bf_netplan_is_yes(const char *text)
{
    static const char *const yes[] = {"true", "on", "yes", "y"};
    for (size_t i = 0; i < BF_COUNT(yes); i++)
        if (strcasecmp(text, yes[i]) == 0)
            return true;
    return false;
}

static bool is_no(const char *text)
{
    static const char *const no[] = {"false", "off", "no", "n"};
    for (size_t i = 0; i < BF_COUNT(no); i++)
        if (strcasecmp(text, no[i]) == 0)
            return true;
    return false;
}

static bool is_cidr(const char *text)
{
    char ip[INET6_ADDRSTRLEN], *end;
    unsigned char raw[16];
    size_t len = strcspn(text, "/");
    if (!text[len] || len >= sizeof ip || text[len + 1] < '0' || text[len + 1] > '9')
        return false;
    memcpy(ip, text, len);
    ip[len] = 0;
    unsigned long prefix = strtoul(text + len + 1, &end, 10);
    if (*end)
        return false;
    return inet_pton(AF_INET, ip, raw) == 1 ? prefix <= 32
                                            : inet_pton(AF_INET6, ip, raw) == 1 && prefix <= 128;
}

static void check_addresses(struct bf_netplan *np, struct bf_sheet *s, yaml_node_t *list)
{
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        yaml_node_t *item = bf_yaml_key(s, list, i);
        const char *text = bf_netplan_address(s, item);
        if (!is_cidr(text))
            bf_netplan_trouble(np, s, item, "\"%.60s\" is no address with /length", text);
    }
}

// The types of the values that are read here; netplan holds others to theirs, too.
static void check_key(struct bf_netplan *np, struct bf_sheet *s, yaml_node_t *key,
                      yaml_node_t *value)
{
    static const char *const lists[] = {"addresses", "interfaces", "routes", "routing-policy",
                                        NULL};
    static const char *const maps[] = {"match",           "nameservers",   "dhcp4-overrides",
                                       "dhcp6-overrides", "parameters",    "networkmanager",
                                       "openvswitch",     "access-points", NULL};
    static const char *const texts[] = {"set-name", "macaddress", "link", "renderer", "gateway4",
                                        "gateway6", "id",         "mtu",  NULL};
    const char *name = bf_yaml_text(key), *text = bf_yaml_text(value);
    if (!bf_netplan_in_words(name, def_keys))
        bf_netplan_trouble(np, s, key, "netplan knows no key \"%.60s\" here", name);
    else if (bf_netplan_in_words(name, lists) && !bf_yaml_is_list(value))
        bf_netplan_trouble(np, s, key, "%s is not a list", name);
    else if (bf_netplan_in_words(name, maps) && !bf_yaml_is_map(value))
        bf_netplan_trouble(np, s, key, "%s is not a mapping", name);
    else if (bf_netplan_in_words(name, texts) && value->type != YAML_SCALAR_NODE)
        bf_netplan_trouble(np, s, key, "%s is not a single value", name);
    else if (strncmp(name, "dhcp", 4) == 0 && !name[5] && !bf_netplan_is_yes(text) && !is_no(text))
        bf_netplan_trouble(np, s, key, "\"%.60s\" is neither true nor false", text);
    else if (strcmp(name, "addresses") == 0)
        check_addresses(np, s, value);
}

static void check_match(struct bf_netplan *np, struct bf_sheet *s, yaml_node_t *match)
{
    static const char *const keys[] = {"name", "macaddress", "driver", NULL};
    for (size_t i = 0; i < bf_yaml_size(match); i++) {
        yaml_node_t *key = bf_yaml_key(s, match, i), *value = bf_yaml_value(s, match, i);
        const char *text = bf_yaml_text(value), *star;
        size_t stars = 0;
        if (!bf_netplan_in_words(bf_yaml_text(key), keys))
            bf_netplan_trouble(np, s, key, "netplan knows no key \"%.60s\" here",
                               bf_yaml_text(key));
        else if (value->type != YAML_SCALAR_NODE && strcmp(bf_yaml_text(key), "driver") != 0)
            bf_netplan_trouble(np, s, key, "%s is not a single value", bf_yaml_text(key));
        for (star = text; (star = strchr(star, '*')); star++)
            stars++;
        // Comparing takes time that grows with the power of its stars.
        if (strcmp(bf_yaml_text(key), "name") == 0 && (strlen(text) > 64 || stars > 4))
            bf_netplan_trouble(np, s, key, "the pattern is too long to be compared");
    }
}

void bf_netplan_check(struct bf_netplan *np, struct bf_sheet *s, yaml_node_t *value)
{
    yaml_node_t *match = bf_yaml_get(s, value, "match");
    for (size_t i = 0; i < bf_yaml_size(value); i++)
        check_key(np, s, bf_yaml_key(s, value, i), bf_yaml_value(s, value, i));
    if (match)
        check_match(np, s, match);
}
