// SPDX-License-Identifier: Apache-2.0
// The values of the configuration that concern the network and the clock.
#include <string.h>

#include "base/config_rules.h"
#include "base/fmt.h"

static int is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static int is_host_name(struct bf_config_value v)
{
    if (!v.len || v.len > 253 || v.at[0] == '.' || v.at[0] == '-')
        return 0;
    for (size_t i = 0; i < v.len; i++)
        if (!is_host_char(v.at[i]) || (v.at[i] == '.' && i && v.at[i - 1] == '.'))
            return 0;
    return 1;
}

static int is_zero(const uint8_t *bytes, size_t len)
{
    while (len && !bytes[len - 1])
        len--;
    return len == 0;
}

static int is_address(struct bf_config_value v)
{
    struct bf_ip ip;
    return bf_ip_parse(v.at, v.len, &ip) == BF_OK;
}

// Digits and dots alone are meant as an IPv4 address, so a wrong one is not taken for a name.
static int looks_like_v4(struct bf_config_value v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] != '.' && (v.at[i] < '0' || v.at[i] > '9'))
            return 0;
    return 1;
}

// Splits HOST, HOST:PORT, [ADDR], [ADDR]:PORT, or an IPv6 address by itself.
static int split_port(struct bf_config_value v, struct bf_config_value *host,
                      struct bf_config_value *port)
{
    *port = (struct bf_config_value){NULL, 0};
    *host = v;
    if (v.len && v.at[0] == '[') {
        const char *close = memchr(v.at, ']', v.len);
        if (!close)
            return 0;
        *host = (struct bf_config_value){v.at + 1, (size_t)(close - v.at) - 1};
        size_t rest = v.len - host->len - 2;
        if (rest && close[1] != ':')
            return 0;
        if (rest)
            *port = (struct bf_config_value){close + 2, rest - 1};
        return is_address(*host) && memchr(host->at, ':', host->len) && (!rest || port->len);
    }
    const char *colon = memchr(v.at, ':', v.len);
    if (!colon || is_address(v))
        return 1;
    host->len = (size_t)(colon - v.at);
    *port = (struct bf_config_value){colon + 1, v.len - host->len - 1};
    return port->len > 0;
}

int bf_value_place(struct bf_config_value v, uint16_t otherwise, struct bf_config_server *out)
{
    struct bf_config_value host, port;
    uint64_t number = otherwise;
    struct bf_ip ip = {0};
    if (!split_port(v, &host, &port) || host.len >= sizeof out->host)
        return 0;
    if (bf_ip_parse(host.at, host.len, &ip) == BF_OK ? is_zero(ip.bytes, sizeof ip.bytes)
                                                     : !is_host_name(host) || looks_like_v4(host))
        return 0;
    if (port.len && (!bf_value_number(port, 65535, &number) || !number))
        return 0;
    memset(out, 0, sizeof *out);
    memcpy(out->host, host.at, host.len);
    out->port = (uint16_t)number;
    return 1;
}

enum bf_err bf_set_server(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    struct bf_config_server server[BF_CONFIG_SERVERS];
    struct bf_config_value part;
    uint8_t count = 0;
    while (bf_value_split(&v, ',', &part)) {
        if (count == BF_CONFIG_SERVERS)
            return bf_config_refuse(reason, size, "may have at most %d servers", BF_CONFIG_SERVERS);
        if (memchr(part.at, '%', part.len))
            return bf_config_refuse(reason, size,
                                    "number %u has a zone (%%): leave it out, the NIC in use is "
                                    "meant",
                                    count + 1u);
        if (!bf_value_place(part, BF_CONFIG_PORT, &server[count++]))
            return bf_config_refuse(
                reason, size, "number %u is not HOST, HOST:PORT, ADDRESS or [IPV6]:PORT", count);
    }
    memcpy(c->server, server, count * sizeof server[0]);
    c->servers = count;
    return BF_OK;
}

void bf_show_server(const struct bf_config *c, char *out, size_t size)
{
    size_t at = 0;
    bf_snprintf(out, size, "%s", "");
    for (uint32_t i = 0; i < c->servers && at < size; i++) {
        const struct bf_config_server *s = &c->server[i];
        char place[sizeof s->host + sizeof "[]:65535"];
        bf_place_text(place, sizeof place, s->host, s->port);
        at += (size_t)bf_snprintf(out + at, size - at, "%s%s", i ? "," : "", place);
    }
}

static int is_unusable(const struct bf_ip *ip)
{
    int multicast = ip->family == 4 ? ip->bytes[0] >= 224 : ip->bytes[0] == 0xff;
    return multicast || is_zero(ip->bytes, ip->family == 4 ? 4 : sizeof ip->bytes) ||
           (ip->family == 4 && ip->bytes[0] == 127);
}

// True when all bits of the address after the prefix are equal to bit.
static int host_part_is(const struct bf_ip *ip, uint32_t prefix, uint32_t bit)
{
    uint32_t bits = ip->family == 4 ? 32 : 128;
    for (uint32_t i = prefix; i < bits; i++)
        if ((ip->bytes[i / 8] >> (7 - i % 8) & 1u) != bit)
            return 0;
    return 1;
}

enum bf_err bf_set_address(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    struct bf_ip ip;
    struct bf_config_value part;
    uint64_t prefix;
    if (bf_value_is(v, "dhcp")) {
        c->dhcp = 1;
        memset(&c->address, 0, sizeof c->address);
        c->prefix = 0;
        return BF_OK;
    }
    if (!bf_value_split(&v, '/', &part) || bf_ip_parse(part.at, part.len, &ip) != BF_OK)
        return bf_config_refuse(reason, size, "must be dhcp or ADDRESS/LENGTH");
    if (!bf_value_number(v, ip.family == 4 ? 32 : 128, &prefix) || !prefix)
        return bf_config_refuse(reason, size, "must end with the length of its prefix, /1 to /%d",
                                ip.family == 4 ? 32 : 128);
    if (is_unusable(&ip) ||
        (ip.family == 4 && prefix <= 30 &&
         (host_part_is(&ip, (uint32_t)prefix, 0) || host_part_is(&ip, (uint32_t)prefix, 1))))
        return bf_config_refuse(reason, size, "is not the address of a single machine");
    c->dhcp = 0;
    c->address = ip;
    c->prefix = (uint8_t)prefix;
    return BF_OK;
}

void bf_show_address(const struct bf_config *c, char *out, size_t size)
{
    char text[48];
    bf_ip_text(text, sizeof text, &c->address);
    if (c->dhcp)
        bf_snprintf(out, size, "dhcp");
    else
        bf_snprintf(out, size, "%s/%u", text, c->prefix);
}

enum bf_err bf_set_gateway(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    struct bf_ip ip;
    if (bf_ip_parse(v.at, v.len, &ip) != BF_OK || is_unusable(&ip))
        return bf_config_refuse(reason, size, "must be the address of a router");
    c->gateway = ip;
    return BF_OK;
}

void bf_show_gateway(const struct bf_config *c, char *out, size_t size)
{
    bf_ip_text(out, size, &c->gateway);
}

enum bf_err bf_set_dns(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    struct bf_ip dns[BF_CONFIG_DNS];
    struct bf_config_value part;
    uint8_t count = 0;
    while (bf_value_split(&v, ',', &part)) {
        if (count == BF_CONFIG_DNS)
            return bf_config_refuse(reason, size, "may have at most %d addresses", BF_CONFIG_DNS);
        if (bf_ip_parse(part.at, part.len, &dns[count]) != BF_OK || is_unusable(&dns[count]))
            return bf_config_refuse(reason, size, "must be addresses, separated by commas");
        count++;
    }
    memcpy(c->dns, dns, count * sizeof dns[0]);
    c->dns_count = count;
    return BF_OK;
}

void bf_show_dns(const struct bf_config *c, char *out, size_t size)
{
    size_t at = 0;
    bf_snprintf(out, size, "%s", "");
    for (uint32_t i = 0; i < c->dns_count && at < size; i++) {
        char text[48];
        bf_ip_text(text, sizeof text, &c->dns[i]);
        at += (size_t)bf_snprintf(out + at, size - at, "%s%s", i ? "," : "", text);
    }
}

enum bf_err bf_set_nic(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    uint8_t mac[6];
    int good = v.len == 17;
    for (size_t i = 0; good && i < 6; i++) {
        int byte = bf_hex_byte(v.at + 3 * i);
        good = byte >= 0 && (i == 5 || v.at[3 * i + 2] == ':' || v.at[3 * i + 2] == '-');
        mac[i] = (uint8_t)byte;
    }
    if (!good || (mac[0] & 1) || is_zero(mac, sizeof mac))
        return bf_config_refuse(reason, size, "must be the MAC of a NIC, like 52:54:00:12:34:56");
    memcpy(c->nic, mac, sizeof mac);
    c->has_nic = 1;
    return BF_OK;
}

void bf_show_nic(const struct bf_config *c, char *out, size_t size)
{
    const uint8_t *m = c->nic;
    bf_snprintf(out, size, "%s", "");
    if (c->has_nic)
        bf_snprintf(out, size, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

// Days since 1970-01-01 of a date in the Gregorian calendar; years begin in March, so that the
// leap day is the last of its year.
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t month_of_march = (month + 9) % 12;
    int64_t era_day = 365 * year + year / 4 - year / 100 + year / 400;
    return era_day + (153 * month_of_march + 2) / 5 + day - 1 - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    int64_t next = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);
    return next - days_of(year, month, 1);
}

enum bf_err bf_set_time(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    int64_t field[6] = {0};
    int good = v.len == sizeof form - 1;
    for (size_t i = 0, f = 0; good && form[i]; i++) {
        if (form[i] != 'd') {
            good = v.at[i] == form[i];
            f++;
        } else {
            good = v.at[i] >= '0' && v.at[i] <= '9';
            field[f] = field[f] * 10 + (v.at[i] - '0');
        }
    }
    good = good && field[0] >= 2000 && field[1] >= 1 && field[1] <= 12 && field[2] >= 1 &&
           field[2] <= days_in_month(field[0], field[1]) && field[3] < 24 && field[4] < 60 &&
           field[5] < 60;
    if (!good)
        return bf_config_refuse(reason, size, "must be a time in UTC, like 2026-11-20T15:00:00Z");
    c->time =
        days_of(field[0], field[1], field[2]) * 86400 + field[3] * 3600 + field[4] * 60 + field[5];
    return BF_OK;
}

void bf_show_time(const struct bf_config *c, char *out, size_t size)
{
    int64_t days = c->time / 86400, second = c->time % 86400;
    int64_t year = 1970, month = 1;
    bf_snprintf(out, size, "%s", "");
    if (!c->time)
        return;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && days_of(year, month + 1, 1) <= days)
        month++;
    bf_snprintf(out, size, "%04u-%02u-%02uT%02u:%02u:%02uZ", (uint32_t)year, (uint32_t)month,
                (uint32_t)(days - days_of(year, month, 1) + 1), (uint32_t)(second / 3600),
                (uint32_t)(second / 60 % 60), (uint32_t)(second % 60));
}
