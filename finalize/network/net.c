// SPDX-License-Identifier: Apache-2.0
// Fills the shared picture of a guest's network: interfaces, bounded fields, and addresses that are
// given up. Names and addresses come from a guest, so whatever does not fit is left out.
#include "finalize/network/net.h"

#include <ctype.h>
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

void bf_old_add(struct bf_old *old, const char *address, size_t len)
{
    const char *slash = memchr(address, '/', len);
    if (slash)
        len = (size_t)(slash - address);
    if (len == 0 || len >= INET6_ADDRSTRLEN || old->count >= BF_NET_MAX)
        return;
    memcpy(old->address[old->count], address, len);
    old->address[old->count++][len] = 0;
}
