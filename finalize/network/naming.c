// SPDX-License-Identifier: Apache-2.0
// Keeps an interface's name in a machine where its slot, driver or MAC address is another, so that
// firewalls, bridges and scripts go on finding the name that they know. What old files say of the
// MAC address follows it, and what names interfaces here gets a rule of its own kind.
#include "finalize/network/naming.h"

#include <stdlib.h>
#include <string.h>

#include "finalize/network/stack.h"

// ---- What the files say -------------------------------------------------------------------------

static void gather(struct bf_fin *f, struct bf_naming *naming)
{
    enum bf_namer namer = bf_naming_namer(f);
    memset(naming, 0, sizeof *naming);
    if (namer != BF_NAMER_MDEV)
        bf_rules_scan(f, naming);
    if (namer == BF_NAMER_SYSTEMD)
        bf_link_files_scan(f, naming);
    bf_mactab_scan(f, naming);
}

// One name may have several MAC addresses, of cards that were replaced.
static void add_known(struct bf_net *net, const struct bf_named *named)
{
    struct bf_known *k = NULL;
    for (size_t i = 0; i < net->count && !k; i++)
        if (!net->known[i].stack && strcmp(net->known[i].name, named->name) == 0 &&
            strcmp(net->known[i].mac, named->mac) == 0)
            k = &net->known[i];
    if (k || net->count == BF_NET_MAX)
        return;
    k = &net->known[net->count++];
    *k = (struct bf_known){0};
    memcpy(k->name, named->name, sizeof k->name);
    memcpy(k->alias, named->alias, sizeof k->alias);
    memcpy(k->mac, named->mac, sizeof k->mac);
    bf_net_where(k, named->file, named->line);
}

void bf_naming_scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_naming *naming = calloc(1, sizeof *naming);
    if (!naming)
        return;
    gather(f, naming);
    for (size_t i = 0; i < naming->count; i++) {
        if (naming->item[i].mac[0] || naming->item[i].alias[0])
            add_known(net, &naming->item[i]);
    }
    free(naming);
}

// ---- What the plan's interfaces are to be called ------------------------------------------------

static const struct bf_named *by_slot(const struct bf_naming *naming, const char *name)
{
    for (size_t i = 0; i < naming->count; i++)
        if (!naming->item[i].mac[0] && strcmp(naming->item[i].name, name) == 0)
            return &naming->item[i];
    return NULL;
}

// What is not in the plan has the name that the new machine gives it.
static void warn_of_others(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    const struct bf_net *net = f->system.net;
    struct bf_naming *naming = calloc(1, sizeof *naming);
    if (!naming || !net) {
        free(naming);
        return;
    }
    gather(f, naming);
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        if (!bf_naming_is_card(k) || bf_naming_is_planned(k, link, links) || k->mac[0])
            continue;
        const struct bf_named *slot = by_slot(naming, k->name);
        if (slot)
            bf_note(f->report, "warning", k->name,
                    "gets its name by more than a MAC address (%s, line %u), and is not in the "
                    "plan: in the new machine it may have another name",
                    slot->file, slot->line);
        else if (!bf_naming_is_kernels(k->name))
            bf_note(f->report, "warning", k->name,
                    "is not in the plan, and nothing ties its name to a MAC address: in the new "
                    "machine it may have another name");
    }
    free(naming);
}

static enum bf_err adapt_unknown(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    for (size_t i = 0; i < links; i++)
        if (bf_naming_keeps(f, &link[i]))
            bf_note(f->report, "warning", link[i].name,
                    "neither udev nor mdev is installed: in the new machine it may have another "
                    "name");
    return BF_OK;
}

enum bf_err bf_naming_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    static enum bf_err (*const adapt[])(struct bf_fin *, const struct bf_link *, size_t) = {
        [BF_NAMER_SYSTEMD] = bf_link_files_adapt,
        [BF_NAMER_UDEV] = bf_rules_adapt,
        [BF_NAMER_MDEV] = bf_mactab_adapt,
        [BF_NAMER_NONE] = adapt_unknown,
    };
    enum bf_err err = bf_naming_follow(f, link, links);
    if (!err)
        err = adapt[bf_naming_namer(f)](f, link, links);
    if (!err)
        err = bf_naming_boot_adapt(f, link, links);
    warn_of_others(f, link, links);
    return err;
}
