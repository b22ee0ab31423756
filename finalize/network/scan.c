// SPDX-License-Identifier: Apache-2.0
// Gathers what all stacks in use, and the rules that name interfaces, say of a guest's network.
#include <string.h>

#include "finalize/network/network.h"
#include "finalize/network/stack.h"

// "enx525400123456" has the MAC address in it.
static void mac_of_enx(struct bf_known *k)
{
    const char *hex = k->name + 3;
    if (k->mac[0] || strncmp(k->name, "enx", 3) != 0 || strlen(hex) != 12 ||
        strspn(hex, "0123456789abcdef") != 12)
        return;
    for (size_t i = 0; i < 6; i++) {
        memcpy(k->mac + 3 * i, hex + 2 * i, 2);
        k->mac[3 * i + 2] = i < 5 ? ':' : 0;
    }
}

// What a naming rule says of a name holds for the stacks that use the name.
static void take_from_rule(struct bf_known *k, const struct bf_known *rule)
{
    if (rule->stack || strcmp(rule->name, k->name) != 0)
        return;
    if (bf_net_is_hardware(k) && !k->mac[0])
        memcpy(k->mac, rule->mac, sizeof k->mac);
    if (!k->alias[0])
        memcpy(k->alias, rule->alias, sizeof k->alias);
}

static void take_from_rules(struct bf_net *net)
{
    for (size_t i = 0; i < net->count; i++) {
        mac_of_enx(&net->known[i]);
        for (size_t r = 0; net->known[i].stack && net->known[i].name[0] && r < net->count; r++)
            take_from_rule(&net->known[i], &net->known[r]);
    }
}

void bf_network_scan(struct bf_fin *f, struct bf_net *net)
{
    memset(net, 0, sizeof *net);
    for (const struct bf_stack_ops *const *s = bf_stacks; *s; s++)
        if ((*s)->in_use(f))
            net->stack[net->stacks++] = *s;
    // First what the rules call each MAC address: stacks match by both.
    bf_naming_scan(f, net);
    for (size_t i = 0; i < net->stacks; i++)
        if (net->stack[i]->scan)
            net->stack[i]->scan(f, net);
    take_from_rules(net);
}
