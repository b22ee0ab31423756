// SPDX-License-Identifier: Apache-2.0
// The configuration as a whole: lines, precedence of the origins, the rule of trust, and what must
// hold between keys. What each value may be is in config_network.c, config_run.c and
// config_identity.c, the table of keys in config_table.c.
#include <string.h>

#include "base/config_rules.h"
#include "base/fmt.h"

static const char *const origin_names[BF_ORIGINS] = {
    [BF_ORIGIN_DEFAULT] = "default",     [BF_ORIGIN_SECTION] = "section of the EFI file",
    [BF_ORIGIN_FILE] = "bootferry.conf", [BF_ORIGIN_SMBIOS] = "SMBIOS",
    [BF_ORIGIN_FW_CFG] = "fw_cfg",
};

const char *bf_origin_name(enum bf_origin origin)
{
    return (uint32_t)origin < BF_ORIGINS ? origin_names[origin] : "unknown";
}

void bf_config_defaults(struct bf_config *c)
{
    memset(c, 0, sizeof *c);
    c->dhcp = 1;
    c->retry_seconds = 300;
    c->connections = 4;
    c->end = BF_END_POWEROFF;
    c->on_failure = BF_FAILURE_WAIT;
    c->failure_wait = 60;
    c->serial = BF_SERIAL_LINES;
    c->workers = BF_CONFIG_WORKERS_AUTO;
}

static uint32_t find_key(struct bf_config_value name)
{
    uint32_t count, i = 0;
    const struct bf_config_key *table = bf_config_table(&count);
    while (i < count && !bf_value_is(name, table[i].name))
        i++;
    return i;
}

// The rule of trust: what vouches for the server and for this machine comes from the medium, and
// what nobody signed does not replace what somebody may have signed.
static enum bf_err may_set(const struct bf_config *c, uint32_t key, enum bf_origin origin,
                           char *reason, size_t size)
{
    uint32_t count;
    const struct bf_config_key *k = &bf_config_table(&count)[key];
    if (c->origin[key] == origin && origin != BF_ORIGIN_DEFAULT && !k->repeat)
        return bf_config_refuse(reason, size, "%s= is given twice", k->name);
    if (k->trust && (origin == BF_ORIGIN_SMBIOS || origin == BF_ORIGIN_FW_CFG))
        return bf_config_refuse(reason, size, "%s= may not come from %s", k->name,
                                bf_origin_name(origin));
    if (k->trust && origin != BF_ORIGIN_SECTION && c->origin[key] != BF_ORIGIN_DEFAULT)
        return bf_config_refuse(reason, size, "%s= is set by the %s and cannot be replaced",
                                k->name, bf_origin_name((enum bf_origin)c->origin[key]));
    return BF_OK;
}

static int is_clean(struct bf_config_value v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((uint8_t)v.at[i] < 0x20 || (uint8_t)v.at[i] > 0x7e)
            return 0;
    return 1;
}

// Names the key if it looks like one: anything else in its place may be what nobody should read.
static enum bf_err refuse_key(struct bf_config_value name, char *reason, size_t size)
{
    size_t i = 0;
    while (i < name.len && ((name.at[i] >= 'a' && name.at[i] <= 'z') || name.at[i] == '-' ||
                            (name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '_'))
        i++;
    if (!i || i < name.len || i > 32)
        return bf_config_refuse(reason, size, "unknown key");
    return bf_config_refuse(reason, size, "unknown key %.*s=", (int)i, name.at);
}

// Keys that may be repeated: how much of each was given. A later origin begins them anew, and does
// not when its value cannot be used.
struct lists {
    uint8_t disks, copies, copy_all, copy_given;
};

static struct lists lists_of(const struct bf_config *c)
{
    return (struct lists){c->disks, c->copies, c->copy_all, c->copy_given};
}

static void restore_lists(struct bf_config *c, const struct lists *l)
{
    c->disks = l->disks;
    c->copies = l->copies;
    c->copy_all = l->copy_all;
    c->copy_given = l->copy_given;
}

static void empty_list(struct bf_config *c, uint32_t key)
{
    if (key == BF_KEY_DISK)
        c->disks = 0;
    if (key == BF_KEY_COPY)
        c->copies = c->copy_all = c->copy_given = 0;
}

static enum bf_err set_value(struct bf_config *c, struct bf_config_value name,
                             struct bf_config_value value, enum bf_origin origin, char *reason,
                             size_t size)
{
    uint32_t count, key = find_key(name);
    const struct bf_config_key *table = bf_config_table(&count);
    if (key == count)
        return refuse_key(name, reason, size);
    enum bf_err err = may_set(c, key, origin, reason, size);
    if (err != BF_OK)
        return err;
    char why[160] = "";
    const struct lists before = lists_of(c);
    if (c->origin[key] != origin)
        empty_list(c, key);
    if (!value.len)
        err = bf_config_refuse(why, sizeof why, "has no value");
    else if (!is_clean(value))
        err = bf_config_refuse(why, sizeof why, "may contain printable ASCII only");
    else
        err = bf_config_rules[key].set(c, value, why, sizeof why);
    if (err == BF_OK)
        c->origin[key] = (uint8_t)origin;
    else
        restore_lists(c, &before);
    if (err != BF_OK)
        bf_config_refuse(reason, size, "%s= %s (form: %s)", table[key].name, why, table[key].form);
    return err;
}

enum bf_err bf_config_set(struct bf_config *c, const char *key, const char *value,
                          enum bf_origin origin, char *reason, size_t reason_size)
{
    struct bf_config_value k = bf_value_trimmed((struct bf_config_value){key, strlen(key)});
    struct bf_config_value v = bf_value_trimmed((struct bf_config_value){value, strlen(value)});
    return set_value(c, k, v, origin, reason, reason_size);
}

static enum bf_err parse_line(struct bf_config *c, struct bf_config_value line,
                              enum bf_origin origin, char *reason, size_t size)
{
    struct bf_config_value key, rest;
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    line = bf_value_trimmed(line);
    if (!line.len || line.at[0] == '#')
        return BF_OK;
    const char *equals = memchr(line.at, '=', line.len);
    if (!equals)
        return bf_config_refuse(reason, size, "this line is not KEY=VALUE");
    key = (struct bf_config_value){line.at, (size_t)(equals - line.at)};
    rest = (struct bf_config_value){equals + 1, line.len - key.len - 1};
    return set_value(c, bf_value_trimmed(key), bf_value_trimmed(rest), origin, reason, size);
}

enum bf_err bf_config_parse(struct bf_config *c, const char *text, size_t len,
                            enum bf_origin origin, uint32_t *line, char *reason, size_t reason_size)
{
    static const char mark[] = "\xef\xbb\xbf"; // what some editors put before UTF-8
    *line = 0;
    if (len > BF_CONFIG_TEXT_MAX)
        return bf_config_refuse(reason, reason_size, "longer than %d bytes", BF_CONFIG_TEXT_MAX);
    if (len >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        len -= 3;
    }
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        ++*line;
        enum bf_err err =
            parse_line(c, (struct bf_config_value){text, n}, origin, reason, reason_size);
        if (err != BF_OK)
            return err;
        n += end != NULL;
        text += n;
        len -= n;
    }
    return BF_OK;
}

static int is_link_local(const struct bf_ip *ip)
{
    return ip->family == 6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static int is_name(const char *host)
{
    struct bf_ip ip;
    return bf_ip_parse(host, strlen(host), &ip) != BF_OK;
}

// A static address comes without DNS servers. With a proxy only its own name is resolved here.
static enum bf_err check_names(const struct bf_config *c, char *reason, size_t size)
{
    if (c->dhcp || c->dns_count)
        return BF_OK;
    if (c->proxy.port && is_name(c->proxy.host))
        return bf_config_refuse(reason, size,
                                "proxy= has a host name, so a static address needs dns=");
    for (uint32_t i = 0; !c->proxy.port && i < c->servers; i++)
        if (is_name(c->server[i].host))
            return bf_config_refuse(reason, size,
                                    "server= has a host name, so a static address needs dns=");
    return BF_OK;
}

static enum bf_err check_network(const struct bf_config *c, char *reason, size_t size)
{
    const struct bf_ip *gateway = &c->gateway;
    // One of a single address (/32, /128) may be in any network: it is looked for on the link.
    uint32_t whole = c->address.family == 4 ? 32 : 128;
    if (c->mtu && c->mtu < BF_CONFIG_MTU_IPV6 && c->address.family == 6)
        return bf_config_refuse(reason, size,
                                "mtu= is below 1280, which IPv6 needs, and address= is IPv6");
    if (!c->dhcp && gateway->family &&
        (gateway->family != c->address.family ||
         (c->prefix != whole && !is_link_local(gateway) &&
          !bf_ip_same_net(gateway, &c->address, c->prefix))))
        return bf_config_refuse(reason, size, "gateway= is not within the network of address=");
    if (!c->dhcp && gateway->family && memcmp(gateway, &c->address, sizeof *gateway) == 0)
        return bf_config_refuse(reason, size, "gateway= is the machine's own address=");
    return check_names(c, reason, size);
}

enum bf_err bf_config_check(const struct bf_config *c, char *reason, size_t reason_size)
{
    if (!c->servers)
        return bf_config_refuse(reason, reason_size, "server= is missing");
    if (!c->root.len)
        return bf_config_refuse(reason, reason_size, "root= is missing");
    if (!c->certificate.len != !c->key.len)
        return bf_config_refuse(reason, reason_size, "%s= is missing",
                                c->key.len ? "certificate" : "key");
    if (!c->key.len && !c->has_enrol_key)
        return bf_config_refuse(reason, reason_size,
                                "certificate= and key=, or enrol-key=, are missing");
    if (!c->key.len && !c->name[0])
        return bf_config_refuse(reason, reason_size, "enrol-key= needs name=");
    for (uint32_t i = 0; i < c->disks; i++)
        if (c->disks > 1 && strcmp(c->disk[i], "all") == 0)
            return bf_config_refuse(reason, reason_size,
                                    "disk=all cannot be combined with other disks");
    return check_network(c, reason, reason_size);
}

enum bf_err bf_config_check_signed(const struct bf_config *c, char *reason, size_t reason_size)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    for (uint32_t i = 0; i < count; i++)
        if (table[i].trust && c->origin[i] > BF_ORIGIN_SECTION)
            return bf_config_refuse(reason, reason_size,
                                    "Secure Boot is on: %s= must be in the signed section, not in "
                                    "%s",
                                    table[i].name, bf_origin_name((enum bf_origin)c->origin[i]));
    return BF_OK;
}

int bf_config_has(const struct bf_config *c, enum bf_origin origin)
{
    for (uint32_t i = 0; i < BF_CONFIG_KEYS; i++)
        if (c->origin[i] == origin)
            return 1;
    return 0;
}

void bf_config_show(const struct bf_config *c, uint32_t i, char *out, size_t size)
{
    if (i < BF_CONFIG_KEYS)
        bf_config_rules[i].show(c, out, size);
    else
        bf_snprintf(out, size, "%s", "");
}
