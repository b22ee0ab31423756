// SPDX-License-Identifier: Apache-2.0
// The table of names that files give, and which network cards are to keep theirs.
#include <string.h>

#include "finalize/network/naming.h"

// ---- Names that files give ----------------------------------------------------------------------

void bf_naming_add(struct bf_naming *naming, const struct bf_named *named)
{
    struct bf_named *at = NULL;
    for (size_t i = 0; i < naming->count && !at; i++)
        if (named->mac[0]
                ? strcmp(naming->item[i].mac, named->mac) == 0
                : !naming->item[i].mac[0] && strcmp(naming->item[i].name, named->name) == 0)
            at = &naming->item[i];
    if (at && (at->final || !named->rule || !named->mac[0]))
        return;
    if (!at && naming->count < BF_NAMED_MAX)
        at = &naming->item[naming->count++];
    if (at)
        *at = *named;
}

const struct bf_named *bf_naming_of(const struct bf_naming *naming, const char *mac)
{
    for (size_t i = 0; mac[0] && i < naming->count; i++)
        if (strcmp(naming->item[i].mac, mac) == 0)
            return &naming->item[i];
    return NULL;
}

// ---- Cards of the plan, and others --------------------------------------------------------------

const char *bf_naming_new_mac(const struct bf_link *link)
{
    return bf_nic_mac(link->nic)[0] ? bf_nic_mac(link->nic) : link->old_mac;
}

// The kernel's and systemd's names for InfiniBand (ib0, ibp65s0). Its addresses have 20 bytes, of
// which the first change with each start: no rule for cards of Ethernet is for it.
static bool is_infiniband(const char *name)
{
    return strncmp(name, "ib", 2) == 0 && name[2] && strchr("0123456789psox", name[2]) &&
           strpbrk(name, "0123456789");
}

bool bf_naming_keeps(const struct bf_fin *f, const struct bf_link *link)
{
    const struct bf_net *net = f->system.net;
    if (is_infiniband(link->name))
        return false;
    for (size_t i = 0; net && i < net->count; i++)
        if (net->known[i].kind != BF_KNOWN_HARDWARE && strcmp(net->known[i].name, link->name) == 0)
            return false;
    return bf_naming_is_plain(link->name);
}

bool bf_naming_is_card(const struct bf_known *k)
{
    return bf_net_is_hardware(k) && !k->pattern && bf_naming_is_plain(k->name);
}

bool bf_naming_is_planned(const struct bf_known *k, const struct bf_link *link, size_t links)
{
    for (size_t i = 0; i < links; i++)
        if (strcmp(link[i].name, k->name) == 0)
            return true;
    return false;
}

size_t bf_naming_cards(const struct bf_fin *f, const struct bf_link *link, size_t links)
{
    const struct bf_net *net = f->system.net;
    size_t count = links;
    for (size_t i = 0; net && i < net->count; i++) {
        bool again =
            !bf_naming_is_card(&net->known[i]) || bf_naming_is_planned(&net->known[i], link, links);
        for (size_t k = 0; k < i && !again; k++)
            again = bf_naming_is_card(&net->known[k]) &&
                    strcmp(net->known[k].name, net->known[i].name) == 0;
        count += !again;
    }
    return count;
}
