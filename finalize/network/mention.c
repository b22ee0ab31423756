// SPDX-License-Identifier: Apache-2.0
// See mention.h. Lines are cut into runs of the characters that addresses are made of, so what is
// found is an address and not a part of a longer number.
#include "finalize/network/mention.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static bool is_address_byte(char c)
{
    return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

static bool same_address(const char *a, const char *b, int family, unsigned prefix)
{
    struct bf_address net = {.family = family, .prefix = prefix};
    snprintf(net.text, sizeof net.text, "%s", a);
    return bf_address_reaches(&net, b);
}

static unsigned whole(int family)
{
    return family == AF_INET ? 32 : 128;
}

// What an address that was read is to the machine.
static enum bf_mention_kind kind_of(const char *ip, int family, const struct bf_old *old)
{
    enum bf_mention_kind kind = BF_MENTION_NONE;
    for (size_t i = 0; i < old->count; i++) {
        int own = strchr(old->address[i], ':') ? AF_INET6 : AF_INET;
        if (own != family)
            continue;
        if (same_address(old->address[i], ip, family, whole(family)))
            return BF_MENTION_ADDRESS;
        if (old->prefix[i] && same_address(old->address[i], ip, family, old->prefix[i]))
            kind = BF_MENTION_NEAR;
    }
    for (size_t i = 0; i < old->servers; i++)
        if (same_address(old->server[i], ip, family, whole(family)))
            return BF_MENTION_DNS;
    return kind;
}

// A run of address bytes: an IPv4 address with or without ":port", an IPv6 or a MAC address.
static enum bf_mention_kind judge_run(char *run, const struct bf_old *old)
{
    unsigned char raw[16];
    size_t len = strlen(run);
    while (len && (run[len - 1] == '.' || (run[len - 1] == ':' && len > 1 && run[len - 2] != ':')))
        run[--len] = 0;
    for (size_t i = 0; i < old->macs; i++)
        if (strcasecmp(run, old->mac[i]) == 0)
            return BF_MENTION_MAC;
    char *dot = strchr(run, '.'), *colon = strchr(run, ':');
    if (dot && colon && colon > dot)
        *colon = 0; // the port
    int family = strchr(run, ':') ? AF_INET6 : AF_INET;
    if (len < 3 || inet_pton(family, run, raw) != 1)
        return BF_MENTION_NONE;
    return kind_of(run, family, old);
}

// Names of disks that the next machine may give to another one, or to none.
static size_t disk_at(const char *at, size_t len)
{
    static const char *const start[] = {"/dev/sd",    "/dev/hd",           "/dev/vd",
                                        "/dev/xvd",   "/dev/nvme",         "/dev/dasd",
                                        "/dev/cciss", "/dev/disk/by-path", "/dev/disk/by-id"};
    for (size_t i = 0; i < BF_COUNT(start); i++) {
        size_t n = strlen(start[i]);
        if (len <= n || memcmp(at, start[i], n) != 0 ||
            (!isalnum((unsigned char)at[n]) && at[n] != '/'))
            continue;
        while (n < len && (isalnum((unsigned char)at[n]) || strchr("/-_:.", at[n])))
            n++;
        return n;
    }
    return 0;
}

static void take(struct bf_mention *m, enum bf_mention_kind kind, const char *text, size_t len)
{
    if (kind <= m->kind)
        return;
    m->kind = kind;
    snprintf(m->text, sizeof m->text, "%.*s", (int)len, text);
}

struct bf_mention bf_mention_in(const char *line, size_t len, const struct bf_old *old)
{
    struct bf_mention m = {BF_MENTION_NONE, ""};
    for (size_t i = 0; i < len;) {
        size_t disk = line[i] == '/' ? disk_at(line + i, len - i) : 0, n = 0;
        if (disk) {
            take(&m, BF_MENTION_DISK, line + i, disk);
            i += disk;
            continue;
        }
        while (i + n < len && is_address_byte(line[i + n]))
            n++;
        // "eth0.192" and "a1.2" begin before their first digit.
        bool begins = i == 0 || !(isalnum((unsigned char)line[i - 1]) || line[i - 1] == '_');
        bool ends = i + n == len || !(isalnum((unsigned char)line[i + n]) || line[i + n] == '_');
        char run[64];
        if (begins && ends && n >= 3 && n < sizeof run) {
            snprintf(run, sizeof run, "%.*s", (int)n, line + i);
            take(&m, judge_run(run, old), run, strlen(run));
        }
        i += n ? n : 1;
    }
    return m;
}

// ---- Certificates -------------------------------------------------------------------------------

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// Decodes what stands up to the next '-' into `out`, which has room for it. The count of bytes.
static size_t decode(const char *at, const char *end, unsigned char *out)
{
    unsigned bits = 0, have = 0;
    size_t n = 0;
    for (; at < end && *at != '-'; at++) {
        int value = base64_value(*at);
        if (value < 0)
            continue;
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out[n++] = (unsigned char)(bits >> have);
    }
    return n;
}

// An iPAddress is the tag 0x87, the length, and the raw address.
static const char *address_in(const unsigned char *der, size_t len, const struct bf_old *old)
{
    for (size_t i = 0; i < old->count; i++) {
        int family = strchr(old->address[i], ':') ? AF_INET6 : AF_INET;
        unsigned char name[18] = {0x87, family == AF_INET ? 4 : 16};
        if (inet_pton(family, old->address[i], name + 2) == 1 &&
            memmem(der, len, name, 2u + name[1]))
            return old->address[i];
    }
    return NULL;
}

bool bf_mention_certificate(const char *text, size_t len, const struct bf_old *old,
                            char address[INET6_ADDRSTRLEN])
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    const char *at = text, *end = text + len, *found = NULL;
    unsigned char *der = len ? malloc(len) : NULL;
    while (der && !found && (at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1))) {
        at += sizeof begin - 1;
        found = address_in(der, decode(at, end, der), old);
    }
    free(der);
    if (found)
        snprintf(address, INET6_ADDRSTRLEN, "%s", found);
    return found;
}
