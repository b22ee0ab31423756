// SPDX-License-Identifier: Apache-2.0
// Finds the file of an interface: by DEVICE, or, where it has none, by HWADDR.
#include "finalize/network/ifcfg_find.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/network/ifcfg_change.h"

// Whether a file is the device's. Without DEVICE it is the one that the scan found, or has the MAC.
static bool is_file_of(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                       const struct bf_link *link, const char *device)
{
    char name[BF_IFNAME];
    if (file->kind != BF_IFCFG_PLAIN)
        return false;
    bf_ifcfg_device(set, file, name, sizeof name);
    if (name[0])
        return strcmp(name, device) == 0;
    if (link->known && link->known->file[0] && strcmp(device, link->carrier) == 0)
        return strcmp(link->known->file, file->path) == 0;
    return link->old_mac[0] && strcasecmp(bf_shvars_get(&file->vars, "HWADDR"), link->old_mac) == 0;
}

static enum bf_err refuse_two(struct bf_fin *f, const struct bf_link *link,
                              const struct bf_ifcfg_file *a, const struct bf_ifcfg_file *b)
{
    return bf_refuse(f->report,
                     "ifcfg: %s is configured by %s and by %s, which are both read; take one away",
                     link->carrier, a->path, b->path);
}

static bool is_any_device(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    char name[BF_IFNAME];
    bf_ifcfg_device(set, file, name, sizeof name);
    return file->nm && file->kind == BF_IFCFG_PLAIN && !name[0] &&
           !bf_shvars_get(&file->vars, "HWADDR")[0] &&
           strcasecmp(bf_shvars_get(&file->vars, "TYPE"), "Ethernet") == 0;
}

static enum bf_err make_fresh(struct bf_fin *f, const struct bf_ifcfg *set,
                              const struct bf_link *link, struct bf_ifcfg_file *fresh)
{
    if (!link->carrier[0])
        return bf_refuse(f->report, "ifcfg: no file says which interface has the MAC address %s",
                         link->old_mac);
    if (link->known && link->known->kind != BF_KNOWN_HARDWARE)
        return bf_refuse(f->report, "ifcfg: %s has no file of its own, ifcfg-%s; add one",
                         link->carrier, link->carrier);
    for (size_t i = 0; i < set->count; i++)
        if (is_any_device(set, &set->file[i]))
            return bf_refuse(f->report, "ifcfg: %s is for any Ethernet device; add DEVICE=%s to it",
                             set->file[i].path, link->carrier);
    snprintf(fresh->name, sizeof fresh->name, "%s", link->carrier);
    snprintf(fresh->path, sizeof fresh->path, BF_IFCFG_DIR "/ifcfg-%s", link->carrier);
    fresh->nm = set->readers.nm;
    fresh->shell = !fresh->nm;
    return BF_OK;
}

// Of several files, the one that is brought up at boot.
static enum bf_err choose(struct bf_fin *f, const struct bf_ifcfg *set, const struct bf_link *link,
                          const struct bf_ifcfg_file **file)
{
    const struct bf_ifcfg_file *boot = NULL, *rest = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct bf_ifcfg_file *at = &set->file[i];
        if (!is_file_of(set, at, link, link->carrier))
            continue;
        bool reads = at->shell || at->nm, up = reads && bf_ifcfg_at_boot(set, at);
        if (!reads && !rest)
            rest = at;
        else if (up && boot)
            return refuse_two(f, link, boot, at);
        else if (up)
            boot = at;
        else if (reads && rest && (rest->shell || rest->nm) && !boot)
            return refuse_two(f, link, rest, at);
        else if (reads)
            rest = at;
    }
    *file = boot ? boot : rest;
    return BF_OK;
}

enum bf_err bf_ifcfg_find(struct bf_fin *f, const struct bf_ifcfg *set, const struct bf_link *link,
                          struct bf_ifcfg_file *fresh, const struct bf_ifcfg_file **file)
{
    *file = NULL;
    if (set->failed)
        return bf_refuse(f->report, BF_IFCFG_DIR ": has too many files");
    enum bf_err err = choose(f, set, link, file);
    if (!err && !*file) {
        err = make_fresh(f, set, link, fresh);
        *file = fresh;
    }
    if (err)
        return err;
    if (!(*file)->shell && !(*file)->nm)
        return bf_refuse(f->report,
                         "ifcfg: nothing reads %s, which NetworkManager is told to leave alone "
                         "(NM_CONTROLLED), as the network service is not enabled",
                         (*file)->path);
    if ((*file)->kind == BF_IFCFG_PLAIN && (*file)->base)
        return bf_refuse(f->report,
                         "ifcfg: %s gets variables from %s, which is not rewritten; put all of "
                         "them into one file",
                         (*file)->path, (*file)->base->path);
    return BF_OK;
}

bool bf_ifcfg_reaches(const char *cidr, const char *ip)
{
    struct bf_address a = {.family = strchr(cidr, ':') ? AF_INET6 : AF_INET};
    size_t len = strcspn(cidr, "/");
    a.prefix = cidr[len] ? (unsigned)strtoul(cidr + len + 1, NULL, 10) : 64;
    if (len >= sizeof a.text || a.prefix > (a.family == AF_INET ? 32 : 128))
        return false;
    memcpy(a.text, cidr, len);
    return bf_address_reaches(&a, ip);
}

bool bf_ifcfg_has_gateway(const struct bf_ifcfg *set, const struct bf_known *before,
                          const char *device, const char *key)
{
    char gateway[BF_CIDR_TEXT];
    const char *value = bf_shvars_get(&set->network, key), *scope = strchr(value, '%');
    // A link-local one lies in every interface's network: only the name of a device tells.
    if (!scope && strncasecmp(value, "fe80:", 5) == 0)
        return strcmp(bf_shvars_get(&set->network, "IPV6_DEFAULTDEV"), device) == 0;
    if (scope)
        return strcmp(scope + 1, device) == 0;
    bf_net_copy(gateway, sizeof gateway, value, strlen(value));
    for (size_t i = 0; gateway[0] && i < before->addresses; i++)
        if (bf_ifcfg_reaches(before->address[i], gateway))
            return true;
    return false;
}

// ---- MAC addresses ------------------------------------------------------------------------------

// In the letters that the file has: capitals, unless the old one had small ones.
static void want_mac(struct bf_ifcfg_changes *to, const char *key, const char *old, const char *mac)
{
    char text[BF_MAC_TEXT];
    bool small = old[strcspn(old, "abcdef")] != 0;
    snprintf(text, sizeof text, "%s", mac);
    for (char *c = text; *c && !small; c++)
        *c = (char)toupper((unsigned char)*c);
    bf_ifcfg_want(to, key, "%s", text);
}

// Whether a device is a planned one's hardware, other than the link's: it looks after itself.
static bool is_others(const struct bf_fin *f, const struct bf_link *link, const char *name)
{
    for (size_t i = 0; name[0] && i < f->plan->nics; i++)
        if (&f->plan->nic[i] != link->nic && strcmp(f->plan->nic[i].name, name) == 0)
            return true;
    return false;
}

// Whether another interface of the plan is given the MAC address that this one had: then only this
// one's own files tell which of the two is meant.
static bool is_exchanged(const struct bf_fin *f, const struct bf_link *link)
{
    for (size_t i = 0; i < f->plan->nics; i++)
        if (strcmp(f->plan->nic[i].new_mac, link->old_mac) == 0)
            return true;
    return false;
}

// Whether an interface of the plan had the MAC address, or gets it: its own turn sees to that.
static bool is_planned_mac(const struct bf_fin *f, const char *mac)
{
    const struct bf_net *net = f->system.net;
    for (size_t i = 0; i < f->plan->nics; i++) {
        const struct bf_plan_nic *nic = &f->plan->nic[i];
        if (strcasecmp(nic->new_mac, mac) == 0 || strcasecmp(nic->mac, mac) == 0)
            return true;
        for (size_t k = 0; nic->name[0] && net && k < net->count; k++)
            if (strcmp(net->known[k].name, nic->name) == 0 &&
                strcasecmp(net->known[k].mac, mac) == 0)
                return true;
    }
    return false;
}

static bool is_mac(const char *text)
{
    return strlen(text) == BF_MAC_TEXT - 1 && strspn(text, "0123456789abcdefABCDEF:") == 17;
}

// MACADDR is the address that a device is given. The hardware's own is the plan's, whatever it was;
// a device above it may have one of its own.
static void follow_set_mac(struct bf_fin *f, const struct bf_ifcfg *set, const struct bf_link *link,
                           const struct bf_ifcfg_file *file, struct bf_ifcfg_changes *to)
{
    char name[BF_IFNAME];
    const char *mac = link->nic->new_mac;
    const struct bf_shvar_var *v = bf_shvars_find(&file->vars, "MACADDR");
    bool own = is_file_of(set, file, link, link->name);
    bf_ifcfg_device(set, file, name, sizeof name);
    bool carrier = strcmp(name, link->carrier) == 0;
    bool on = own || carrier || (!is_exchanged(f, link) && !is_others(f, link, name));
    if (!v || !is_mac(v->value)) // to NetworkManager also "stable" and the like
        return;
    if (own || (on && link->old_mac[0] && strcasecmp(v->value, link->old_mac) == 0))
        want_mac(to, "MACADDR", v->value, mac);
    else if (carrier && (file->shell || file->nm) && !is_planned_mac(f, v->value))
        bf_note(f->report, "warning", file->path,
                "line %u: MACADDR gives %s the MAC address %s, which stays", v->line, name,
                v->value);
}

enum bf_err bf_ifcfg_follow_mac(struct bf_fin *f, const struct bf_ifcfg *set,
                                const struct bf_link *link)
{
    enum bf_err err = BF_OK;
    const char *mac = link->nic->new_mac;
    for (size_t i = 0; !err && mac[0] && i < set->count; i++) {
        const struct bf_ifcfg_file *file = &set->file[i];
        struct bf_ifcfg_changes to = {.count = 0};
        const char *hw = bf_shvars_get(&file->vars, "HWADDR");
        if (link->old_mac[0] && is_file_of(set, file, link, link->name) &&
            strcasecmp(hw, link->old_mac) == 0)
            want_mac(&to, "HWADDR", hw, mac);
        follow_set_mac(f, set, link, file, &to);
        if (to.count)
            err = bf_ifcfg_apply(f, &to, file->path, NULL, "the interface's new MAC address");
        bf_ifcfg_changes_free(&to);
    }
    return err;
}
