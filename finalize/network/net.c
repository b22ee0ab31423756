// SPDX-License-Identifier: Apache-2.0
// Fills the shared picture of a guest's network: interfaces, bounded fields, and addresses that are
// given up. Names and addresses come from a guest, so whatever does not fit is left out.
#include "finalize/network/net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bf_net_copy(char *out, size_t size, const char *s, size_t len)
{
    out[0] = 0;
    if (len >= size)
        return;
    for (size_t i = 0; i < len; i++)
        out[i] = size == BF_MAC_TEXT ? (char)tolower((unsigned char)s[i]) : s[i];
    out[len] = 0;
}

struct bf_known *bf_net_add(struct bf_net *net, const struct bf_stack_ops *stack, const char *name,
                            const char *mac)
{
    struct bf_known *k = NULL;
    for (size_t i = 0; i < net->count && !k; i++) {
        struct bf_known *at = &net->known[i];
        if (at->stack == stack && (name[0] ? strcmp(at->name, name) == 0
                                           : !at->name[0] && mac[0] && strcmp(at->mac, mac) == 0))
            k = at;
    }
    if (!k && net->count < BF_NET_MAX) {
        k = &net->known[net->count++];
        *k = (struct bf_known){.stack = stack};
        bf_net_copy(k->name, sizeof k->name, name, strlen(name));
    }
    if (k && mac[0])
        bf_net_copy(k->mac, sizeof k->mac, mac, strlen(mac));
    return k;
}

void bf_net_address(struct bf_known *k, const char *text, size_t len)
{
    char cidr[BF_CIDR_TEXT];
    bf_net_copy(cidr, sizeof cidr, text, len);
    for (size_t i = 0; i < k->addresses; i++)
        if (strcmp(k->address[i], cidr) == 0)
            return;
    if (cidr[0] && k->addresses < BF_KNOWN_ADDRESSES)
        memcpy(k->address[k->addresses++], cidr, sizeof cidr);
}

int bf_net_prefix(const char *text, size_t len)
{
    char mask[INET_ADDRSTRLEN];
    struct in_addr a;
    bf_net_copy(mask, sizeof mask, text, len);
    if (mask[0] && strlen(mask) <= 3 && strspn(mask, "0123456789") == strlen(mask))
        return atoi(mask) <= 128 ? atoi(mask) : -1;
    if (inet_pton(AF_INET, mask, &a) != 1)
        return -1;
    unsigned host = ~ntohl(a.s_addr);
    return host & (host + 1) ? -1 : __builtin_popcount(a.s_addr);
}

// False when it is no address.
static bool parse_ip(const char *text, unsigned char raw[16], int *family)
{
    char ip[INET6_ADDRSTRLEN];
    bf_net_copy(ip, sizeof ip, text, strcspn(text, "/"));
    *family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    return inet_pton(*family, ip, raw) == 1;
}

bool bf_net_same_ip(const char *a, const char *b)
{
    unsigned char left[16], right[16];
    int of_left, of_right;
    return parse_ip(a, left, &of_left) && parse_ip(b, right, &of_right) && of_left == of_right &&
           memcmp(left, right, of_left == AF_INET ? 4 : 16) == 0;
}

void bf_net_where(struct bf_known *k, const char *file, unsigned line)
{
    if (k->file[0])
        return;
    snprintf(k->file, sizeof k->file, "%s", file);
    k->line = line;
}

void bf_net_trouble(struct bf_net *net, const char *fmt, ...)
{
    va_list ap;
    if (net->trouble[0])
        return;
    va_start(ap, fmt);
    vsnprintf(net->trouble, sizeof net->trouble, fmt, ap);
    va_end(ap);
}

bool bf_net_is_hardware(const struct bf_known *k)
{
    return k->stack && k->kind == BF_KNOWN_HARDWARE && strcmp(k->name, "lo") != 0;
}

bool bf_net_is_addressed(const struct bf_known *k)
{
    return k->dhcp || k->addresses > 0;
}

void bf_net_describe(struct bf_net *net, const char *name, enum bf_known_kind kind,
                     const char *master, const char *parent)
{
    for (size_t i = 0; name[0] && i < net->count; i++) {
        struct bf_known *k = &net->known[i];
        if (!k->stack || strcmp(k->name, name) != 0)
            continue;
        if (k->kind == BF_KNOWN_HARDWARE)
            k->kind = kind;
        if (!k->master[0])
            bf_net_copy(k->master, sizeof k->master, master, strlen(master));
        if (!k->parent[0])
            bf_net_copy(k->parent, sizeof k->parent, parent, strlen(parent));
    }
}

const struct bf_known *bf_net_find(const struct bf_net *net, const struct bf_stack_ops *stack,
                                   const char *name)
{
    for (size_t i = 0; name[0] && i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        if (k->stack && (!stack || k->stack == stack) &&
            (strcmp(k->name, name) == 0 || strcmp(k->alias, name) == 0))
            return k;
    }
    return NULL;
}

void bf_old_add(struct bf_old *old, const char *address, size_t len)
{
    const char *slash = memchr(address, '/', len);
    size_t n = slash ? (size_t)(slash - address) : len;
    if (n == 0 || n >= INET6_ADDRSTRLEN || old->count >= BF_NET_MAX)
        return;
    memcpy(old->address[old->count], address, n);
    old->address[old->count][n] = 0;
    for (const char *c = slash ? slash + 1 : address + len;
         c < address + len && isdigit((unsigned char)*c); c++)
        old->prefix[old->count] = (old->prefix[old->count] * 10 + (unsigned)(*c - '0')) % 1000;
    old->prefix[old->count] %= 129;
    old->count++;
}
