// SPDX-License-Identifier: Apache-2.0
// See nm_ip.h.
#include "finalize/network/nm_ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64

static const char *const group_of[2] = {"ipv4", "ipv6"};

// A line "addressN=", of which those are taken in the order of N.
struct slot {
    long index;
    bool plural; // "addressesN", after "addressN"
    unsigned line;
    char value[160];
};

struct slots {
    struct slot at[SLOTS];
    size_t count;
};

bool bf_nm_ip_indexed(const char *key, const char *base, long *index)
{
    size_t len = strlen(base);
    if (strncmp(key, base, len) != 0)
        return false;
    const char *digits = key + len;
    *index = -1;
    if (!*digits)
        return true;
    if ((digits[0] == '0' && digits[1]) || strlen(digits) > 9 ||
        strspn(digits, "0123456789") != strlen(digits))
        return false;
    *index = strtol(digits, NULL, 10);
    return true;
}

static bool is_before(const struct slot *a, const struct slot *b)
{
    return a->index != b->index ? a->index < b->index : !a->plural && b->plural;
}

static bool is_same(const struct slot *a, const struct slot *b)
{
    return a->index == b->index && a->plural == b->plural;
}

// Keeps the slots sorted; the later of two with one key stays.
static void put_slot(struct slots *s, const struct slot *slot)
{
    size_t i = 0;
    while (i < s->count && is_before(&s->at[i], slot))
        i++;
    if (i < s->count && is_same(&s->at[i], slot)) {
        s->at[i] = *slot;
    } else if (s->count < SLOTS) {
        memmove(&s->at[i + 1], &s->at[i], (s->count - i) * sizeof s->at[0]);
        s->at[i] = *slot;
        s->count++;
    }
}

// Cuts a field of `chars` out of *at, up to one of "/;,". NULL when there is none, and *bad is set
// when something else stands there.
static char *field(char **at, const char *chars, bool *bad)
{
    if (!*at || !**at)
        return NULL;
    char *start = *at, *end = start + strspn(start, chars);
    if (*end && !strchr("/;,", *end)) {
        *bad = true;
        return NULL;
    }
    *at = *end ? end + 1 : NULL;
    *end = 0;
    return start;
}

static void take_address(struct bf_nm_ip *ip, int family, struct slot *slot)
{
    static const char digits[] = "0123456789", any[] = "0123456789abcdefABCDEF:.%";
    unsigned char raw[16];
    char *at = slot->value;
    bool bad = false, skipped = false;
    unsigned long most = family == AF_INET ? 32 : 128, len = family == AF_INET ? 24 : 64;
    char *address = field(&at, any, &bad);
    char *length = bad ? NULL : field(&at, digits, &skipped);
    char *gateway = bad ? NULL : field(&at, any, &bad);
    if (bad || !address || (at && *at) || inet_pton(family, address, raw) != 1)
        return;
    if (length && *length && strlen(length) < 4 && strtoul(length, NULL, 10) <= most)
        len = strtoul(length, NULL, 10);
    ip->gateway = ip->gateway || (gateway && *gateway);
    ip->line = ip->line ? ip->line : slot->line;
    if (ip->addresses < BF_KNOWN_ADDRESSES)
        snprintf(ip->address[ip->addresses++], BF_CIDR_TEXT, "%.45s/%lu", address, len);
}

static bool any_dns(const struct bf_keyfile *k, int family)
{
    const char *at = k->value, *part;
    size_t len;
    unsigned char raw[16];
    while (bf_keyfile_part(&at, k->value + k->value_len, ";", &part, &len)) {
        char text[64] = "";
        if (len < sizeof text)
            memcpy(text, part, len);
        if (inet_pton(family, text, raw) == 1)
            return true;
    }
    return false;
}

static void take_key(struct bf_nm_ip *ip, int family, struct slots *slots,
                     const struct bf_keyfile *k)
{
    struct slot slot = {.line = k->number};
    bool plain = bf_nm_ip_indexed(k->key, "address", &slot.index);
    slot.plural = !plain && bf_nm_ip_indexed(k->key, "addresses", &slot.index);
    if (plain || slot.plural) {
        if (bf_keyfile_string(k, slot.value, sizeof slot.value))
            put_slot(slots, &slot);
    } else if (strcmp(k->key, "method") == 0) {
        bf_keyfile_string(k, ip->method, sizeof ip->method);
    } else if (strcmp(k->key, "gateway") == 0) {
        ip->gateway = k->value_len > 0;
    } else if (strcmp(k->key, "dns") == 0) {
        ip->dns = any_dns(k, family);
    } else if (strcmp(k->key, "dns-search") == 0) {
        ip->search = k->value_len > 0;
    }
}

static void parse(const char *text, size_t len, struct bf_nm_ip *ip, int which)
{
    int family = which == 0 ? AF_INET : AF_INET6;
    struct slots slots = {.count = 0};
    struct bf_keyfile k;
    *ip = (struct bf_nm_ip){.section = false};
    bf_keyfile_init(&k, text, len);
    while (bf_keyfile_next(&k)) {
        if (strcmp(k.group, group_of[which]) != 0)
            continue;
        ip->section = true;
        if (k.kind == BF_KEYFILE_KEY)
            take_key(ip, family, &slots, &k);
    }
    for (size_t i = 0; i < slots.count; i++)
        take_address(ip, family, &slots.at[i]);
    if (!ip->section)
        snprintf(ip->method, sizeof ip->method, "auto");
}

void bf_nm_ip_parse(const char *text, size_t len, struct bf_nm_ip ip[2])
{
    parse(text, len, &ip[0], 0);
    parse(text, len, &ip[1], 1);
}

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

const char *bf_nm_ip_refusal(const struct bf_nm_ip ip[2])
{
    static const char *const methods[] = {"auto",   "manual", "disabled", "link-local",
                                          "shared", "ignore", "dhcp",     NULL};
    static const char *const bare[] = {"disabled", "link-local", "ignore", NULL};
    for (int i = 0; i < 2; i++) {
        bool known =
            is_one_of(ip[i].method, methods) && (i == 1 || !is_one_of(ip[i].method, methods + 5));
        if (!known)
            return i ? "ipv6.method is missing or unknown" : "ipv4.method is missing or unknown";
        if (strcmp(ip[i].method, "manual") == 0 && !ip[i].addresses)
            return "the method is manual, and there is no address";
        if (ip[i].gateway && !ip[i].addresses)
            return "there is a gateway, and no address";
        if (is_one_of(ip[i].method, bare) && (ip[i].addresses || ip[i].dns || ip[i].search))
            return "the method does not allow addresses and name servers";
        if (i == 0 && strcmp(ip[i].method, "shared") == 0 && (ip[i].dns || ip[i].search))
            return "the method does not allow name servers";
    }
    return NULL;
}

bool bf_nm_ip_is_default_route(const struct bf_keyfile *k)
{
    long index;
    char value[256], *at = value;
    bool bad = false;
    if (k->kind != BF_KEYFILE_KEY ||
        (!bf_nm_ip_indexed(k->key, "route", &index) && !bf_nm_ip_indexed(k->key, "routes", &index)))
        return false;
    if (!bf_keyfile_string(k, value, sizeof value))
        return false;
    unsigned char raw[16];
    const char *to = field(&at, "0123456789abcdefABCDEF:.", &bad);
    const char *length = to ? field(&at, "0123456789", &bad) : NULL;
    return length && strspn(length, "0") == strlen(length) && *length &&
           (inet_pton(AF_INET, to, raw) == 1 || inet_pton(AF_INET6, to, raw) == 1);
}
