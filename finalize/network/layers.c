// SPDX-License-Identifier: Apache-2.0
// See layers.h. What is on what comes from a guest's files, in circles too, so the depth is
// bounded.
#include "finalize/network/layers.h"

#include <string.h>

#define DEPTH_MAX 8 // devices on one another

// Whether `k` lies on `below` with nothing between.
static bool lies_next(const struct bf_known *k, const struct bf_known *below)
{
    return below->name[0] && k->name[0] &&
           (strcmp(k->parent, below->name) == 0 || strcmp(below->master, k->name) == 0);
}

// Marks what lies on a device that is marked already; false when that is nothing.
static bool mark_above(const struct bf_net *net, bool *on)
{
    bool any = false, next[BF_NET_MAX] = {false};
    for (size_t i = 0; i < net->count; i++)
        for (size_t b = 0; !on[i] && !next[i] && b < net->count; b++)
            next[i] = on[b] && lies_next(&net->known[i], &net->known[b]);
    for (size_t i = 0; i < net->count; i++) {
        any = any || next[i];
        on[i] = on[i] || next[i];
    }
    return any;
}

bool bf_net_lies_on(const struct bf_net *net, const struct bf_known *k, const char *base)
{
    int depth = 0;
    bool on[BF_NET_MAX];
    if (!k->name[0] || !base[0])
        return false;
    for (size_t i = 0; i < net->count; i++)
        on[i] = strcmp(net->known[i].name, base) == 0 || strcmp(net->known[i].parent, base) == 0;
    while (depth < DEPTH_MAX && mark_above(net, on))
        depth++;
    for (size_t i = 0; i < net->count; i++)
        if (on[i] && strcmp(net->known[i].name, k->name) == 0)
            return true;
    return strcmp(k->name, base) == 0;
}

const char *bf_net_top_of(const struct bf_net *net, const char *name)
{
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        const struct bf_known *k = bf_net_find(net, NULL, name);
        if (!k || !k->master[0])
            return name;
        name = k->master;
    }
    return name;
}

static const char *hardware_of(const struct bf_net *net, const char *name, int depth,
                               const struct bf_known **entry)
{
    const struct bf_known *k = bf_net_find(net, NULL, name), *port = NULL;
    *entry = k && k->kind == BF_KNOWN_HARDWARE ? k : NULL;
    if (!k || *entry)
        return k ? k->name : name;
    if (depth > DEPTH_MAX)
        return "";
    if (k->parent[0])
        return hardware_of(net, k->parent, depth + 1, entry);
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *other = &net->known[i];
        if (!other->stack || strcmp(other->master, name) != 0)
            continue;
        if (port && (!port->name[0] || strcmp(port->name, other->name) != 0))
            return "";
        port = other;
    }
    if (port && port->name[0])
        return hardware_of(net, port->name, depth + 1, entry);
    *entry = port;
    return "";
}

const char *bf_net_hardware_of(const struct bf_net *net, const char *name,
                               const struct bf_known **entry)
{
    return hardware_of(net, name, 0, entry);
}
