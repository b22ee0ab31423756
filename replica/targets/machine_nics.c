// SPDX-License-Identifier: Apache-2.0
// The new machine's NICs: those of the source in its order, so that a system that numbers them
// finds them where they were. An entry of the plan belongs to the NIC of its MAC address, else of
// its name. One that the inventory knows by neither (a match by address, a bridge or a bond) goes
// to the one NIC that is left, where that is the only one.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/targets/machine_parts.h"

enum { NOBODY = -1 };

// Which entry of the plan each NIC has.
struct pairs {
    int entry[BF_TGT_NICS]; // NOBODY: none
    bool used[BF_PLAN_NICS];
};

static bool is_mac(const char *s)
{
    for (int i = 0; i < BF_MAC_TEXT - 1; i++)
        if (i % 3 == 2 ? s[i] != ':' : bf_hex_digit(s[i]) < 0)
            return false;
    return s[BF_MAC_TEXT - 1] == 0 && !strchr("13579bdfBDF", s[1]);
}

// ---- Pairing -----------------------------------------------------------------------------------

static int entry_of(const struct bf_plan *plan, const struct pairs *p, const json_t *nic)
{
    const char *mac = bf_tgt_field(nic, "mac"), *name = bf_tgt_field(nic, "name");

    for (size_t i = 0; i < plan->nics; i++)
        if (!p->used[i] && plan->nic[i].mac[0] && strcasecmp(plan->nic[i].mac, mac) == 0)
            return (int)i;
    for (size_t i = 0; name[0] && i < plan->nics; i++)
        if (!p->used[i] && !plan->nic[i].mac[0] && strcmp(plan->nic[i].name, name) == 0)
            return (int)i;
    return NOBODY;
}

static void pair_known(const struct bf_tgt_source *s, const json_t *nics, uint32_t count,
                       struct pairs *p)
{
    for (uint32_t i = 0; i < count; i++) {
        p->entry[i] = entry_of(s->plan, p, json_array_get(nics, i));
        if (p->entry[i] != NOBODY)
            p->used[p->entry[i]] = true;
    }
}

static const char *entry_name(const struct bf_plan_nic *n)
{
    return n->name[0] ? n->name : n->mac[0] ? n->mac : n->old_address;
}

static void pair_left(const struct bf_tgt_source *s, uint32_t count, struct pairs *p,
                      struct bf_tgt_machine *m)
{
    uint32_t free_nics = 0, free_entries = 0, nic = 0;
    size_t entry = 0;

    for (uint32_t i = 0; i < count; i++)
        if (p->entry[i] == NOBODY) {
            free_nics++;
            nic = i;
        }
    for (size_t i = 0; i < s->plan->nics; i++)
        if (!p->used[i] && bf_nic_readdresses(&s->plan->nic[i])) {
            free_entries++;
            entry = i;
        }
    if (free_nics == 1 && free_entries == 1) {
        p->entry[nic] = (int)entry;
        p->used[entry] = true;
        return;
    }
    for (size_t i = 0; i < s->plan->nics; i++)
        if (!p->used[i] && bf_nic_readdresses(&s->plan->nic[i]))
            bf_tgt_note(m,
                        "it is not known which NIC has what the plan calls %s: in a test, nothing "
                        "answers for its gateway",
                        entry_name(&s->plan->nic[i]));
}

// ---- Filling -----------------------------------------------------------------------------------

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

static void take_entry(const struct bf_plan_nic *entry, struct bf_tgt_nic *nic)
{
    if (entry->new_mac[0])
        bf_snprintf(nic->mac, sizeof nic->mac, "%s", entry->new_mac);
    nic->dhcp = entry->dhcp;
    for (size_t i = 0; i < entry->addresses && nic->addresses < BF_TGT_ADDRESSES; i++)
        bf_snprintf(nic->address[nic->addresses++], sizeof nic->address[0], "%s/%u",
                    entry->address[i].text, entry->address[i].prefix);
    bf_snprintf(nic->gateway4, sizeof nic->gateway4, "%s", entry->gateway4);
    bf_snprintf(nic->gateway6, sizeof nic->gateway6, "%s", entry->gateway6);
}

// By MAC address, else by number, else what all others have; a test has its own.
static void take_network(const struct bf_plan_machine *plan, uint32_t number, const char *mac,
                         struct bf_tgt_nic *nic)
{
    const struct bf_plan_network *best = NULL;
    int rank = 0;

    for (size_t i = 0; i < plan->networks; i++) {
        const char *key = plan->network[i].nic;
        int fits = strcasecmp(key, mac) == 0                               ? 3
                   : strcmp(key, "*") == 0                                 ? 1
                   : !strchr(key, ':') && strtoul(key, NULL, 10) == number ? 2
                                                                           : 0;
        if (fits > rank) {
            rank = fits;
            best = &plan->network[i];
        }
    }
    if (best)
        bf_snprintf(nic->network, sizeof nic->network, "%s", best->to);
}

static enum bf_err distinct(const struct bf_tgt_machine *m, struct bf_fault *fault)
{
    for (uint32_t i = 0; i < m->nics; i++)
        for (uint32_t j = 0; j < i; j++)
            if (m->nic[i].mac[0] && strcmp(m->nic[i].mac, m->nic[j].mac) == 0)
                return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                                    "give one of them another nics[].mac in the plan",
                                    "NICs %u and %u would both have the MAC address %s", j, i,
                                    m->nic[i].mac);
    return BF_OK;
}

static enum bf_err fill(const struct bf_tgt_source *s, const json_t *nics, const struct pairs *p,
                        struct bf_tgt_machine *m, struct bf_fault *fault)
{
    const struct bf_plan_machine *planned = &s->plan->machine;

    for (uint32_t i = 0; i < m->nics; i++) {
        const char *mac = bf_tgt_field(json_array_get(nics, i), "mac");
        struct bf_tgt_nic *nic = &m->nic[i];
        if (is_mac(mac))
            bf_snprintf(nic->mac, sizeof nic->mac, "%s", mac);
        lower(nic->mac);
        if (p->entry[i] != NOBODY)
            take_entry(&s->plan->nic[p->entry[i]], nic);
        take_network(planned, i, mac, nic);
        if (!nic->mac[0])
            return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_SOURCE,
                                "give it one with nics[].mac in the plan",
                                "the source's NIC %u has no MAC address of its own (%s)", i, mac);
    }
    return distinct(m, fault);
}

// Without an inventory the plan's own entries are all that is known.
static json_t *nics_of_plan(const struct bf_plan *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; i < plan->nics; i++)
        if (bf_nic_mac(&plan->nic[i])[0])
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "mac",
                                plan->nic[i].mac[0] ? plan->nic[i].mac : plan->nic[i].new_mac,
                                "name", plan->nic[i].name));
    return list;
}

enum bf_err bf_tgt_fill_nics(const struct bf_tgt_source *source, struct bf_tgt_machine *m,
                             struct bf_fault *fault)
{
    json_t *had = json_incref(json_object_get(source->inventory, "nics"));
    struct pairs pairs;
    enum bf_err err = BF_OK;

    BF_ASSERT(m->nics == 0);
    memset(&pairs, 0, sizeof pairs);
    if (!json_array_size(had)) {
        json_decref(had);
        had = nics_of_plan(source->plan);
        bf_tgt_note(m, "it is not known which NICs the source had; it gets those of the plan");
    }
    if (json_array_size(had) > BF_TGT_NICS)
        err = bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SOURCE, "make the machine by hand",
                           "the source has %zu NICs; a new machine has at most %d",
                           json_array_size(had), BF_TGT_NICS);
    else
        m->nics = (uint32_t)json_array_size(had);
    pair_known(source, had, m->nics, &pairs);
    if (!err) {
        pair_left(source, m->nics, &pairs, m);
        err = fill(source, had, &pairs, m, fault);
    }
    json_decref(had);
    return err;
}
