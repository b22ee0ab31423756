// SPDX-License-Identifier: Apache-2.0
// What the reader and the editors of SUSE's ifcfg files both need to know: who reads the files,
// which of them, and what their variables mean.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/suse.h"
#include "finalize/system/service.h"

#define ALIAS "/etc/systemd/system/network.service"

void bf_suse_path(char out[BF_SUSE_PATH], const char *kind, const char *name)
{
    snprintf(out, BF_SUSE_PATH, BF_SUSE_DIR "/%s-%.200s", kind, name);
}

// ---- Who reads the files ------------------------------------------------------------------------

// network.service is the alias of whatever is enabled; where it is missing, the unit's own link
// counts.
bool bf_suse_is_wicked(struct bf_fin *f)
{
    char *alias = bf_fin_root_readlink(f->root, ALIAS);
    const char *base = alias ? strrchr(alias, '/') : NULL;
    base = base ? base + 1 : alias;
    bool wicked =
        base ? strcmp(base, "wicked.service") == 0 : bf_service_enabled(f->root, "wicked.service");
    free(alias);
    return wicked && f->system.init == BF_INIT_SYSTEMD;
}

static bool is_started(struct bf_fin *f, const char *dir)
{
    struct bf_names names;
    bool found = false;
    if (bf_fin_root_list(f->root, dir, "network", &names))
        return false;
    for (size_t i = 0; i < names.count && !found; i++)
        found = strlen(names.name[i]) == 10 && names.name[i][0] == 'S';
    bf_names_free(&names);
    return found;
}

// Init's links of runlevels 3 and 5, or systemd's of the same script.
static bool runs_ifup(struct bf_fin *f)
{
    static const char *const ifup[] = {"/sbin/ifup", "/usr/sbin/ifup", BF_SUSE_DIR "/scripts/ifup",
                                       NULL};
    if (!bf_fin_root_any(f->root, ifup) || bf_fin_root_exists(f->root, ALIAS))
        return false;
    return is_started(f, "/etc/init.d/rc3.d") || is_started(f, "/etc/init.d/rc5.d") ||
           (f->system.init == BF_INIT_SYSTEMD && bf_service_enabled(f->root, "network.service"));
}

// The script leaves the interfaces to NetworkManager when it is told so.
static bool is_left_to_networkmanager(struct bf_fin *f)
{
    size_t len;
    struct bf_shvars vars;
    const char *text = bf_edits_get(&f->edits, BF_SUSE_DIR "/config", &len, NULL);
    if (!text)
        return false;
    bf_shvars_load(&vars, text, len);
    bool left = strcmp(bf_shvars_get(&vars, "NETWORKMANAGER"), "yes") == 0;
    bf_shvars_free(&vars);
    return left;
}

bool bf_suse_in_use(struct bf_fin *f)
{
    if (!bf_fin_root_is_dir(f->root, BF_SUSE_DIR))
        return false;
    return bf_suse_is_wicked(f) || (runs_ifup(f) && !is_left_to_networkmanager(f));
}

// ---- Which files are read -----------------------------------------------------------------------

bool bf_suse_ends_in(const char *name, const char *const *suffix)
{
    size_t len = strlen(name);
    for (; *suffix; suffix++) {
        size_t n = strlen(*suffix);
        if (len >= n && strcmp(name + len - n, *suffix) == 0)
            return true;
    }
    return false;
}

// Backups. ifup knows fewer of them than wicked: a bridge in ifcfg-br0.bak is one more bridge
// there.
static bool is_backup(const char *name, bool wicked)
{
    static const char *const both[] = {"~", ".old", ".scpmbackup", ".rpmnew", ".rpmsave", NULL};
    static const char *const more[] = {".bak", ".orig", ".rpmorig", NULL};
    return bf_suse_ends_in(name, both) || (wicked && bf_suse_ends_in(name, more));
}

static bool is_interface(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return len > 0 && len < BF_IFNAME && !name[len] && strcmp(name, "lo") != 0;
}

// Takes the names that do not count out of the list, and "ifcfg-" off the others.
static void keep_interfaces(struct bf_names *names, bool wicked)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        char *name = names->name[i];
        bool counts =
            strncmp(name, "ifcfg-", 6) == 0 && is_interface(name + 6) && !is_backup(name, wicked);
        if (!counts) {
            free(name);
            continue;
        }
        memmove(name, name + 6, strlen(name + 6) + 1);
        names->name[kept++] = name;
    }
    names->count = kept;
}

enum bf_err bf_suse_files(struct bf_fin *f, struct bf_names *out)
{
    enum bf_err err = bf_edits_list(&f->edits, BF_SUSE_DIR, "", out);
    if (!err)
        keep_interfaces(out, bf_suse_is_wicked(f));
    return err;
}

// ---- What variables mean
// -------------------------------------------------------------------------

bool bf_suse_boots(const struct bf_shvars *vars)
{
    static const char *const mode[] = {"auto",    "boot",    "onboot", "on",
                                       "nfsroot", "hotplug", "ifplugd"};
    for (size_t i = 0; i < BF_COUNT(mode); i++)
        if (strcmp(bf_shvars_get(vars, "STARTMODE"), mode[i]) == 0)
            return true;
    return false;
}

bool bf_suse_dhcp(struct bf_fin *f, const struct bf_shvars *vars, bool four)
{
    const char *at = bf_shvars_get(vars, "BOOTPROTO");
    bool exact = bf_suse_is_wicked(f); // ifup takes "DHCP", too
    while (*at) {
        size_t len = strcspn(at, "+");
        char word[8];
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        int (*compare)(const char *, const char *) = exact ? strcmp : strcasecmp;
        if (len < sizeof word && (compare(word, "dhcp") == 0 || compare(word, "dhcp4") == 0 ||
                                  (!four && compare(word, "dhcp6") == 0)))
            return true;
        at += len + (at[len] == '+');
    }
    return false;
}

bool bf_suse_is_static(const char *bootproto)
{
    return !bootproto[0] || strcasecmp(bootproto, "static") == 0;
}

// ---- Addresses ----------------------------------------------------------------------------------

// The length that a netmask stands for; 0 when it is none.
static unsigned long mask_bits(const char *mask)
{
    struct in_addr a;
    if (inet_pton(AF_INET, mask, &a) != 1)
        return 0;
    return (unsigned long)__builtin_popcount(a.s_addr);
}

static const char *with(const struct bf_shvars *vars, const char *key, const char *suffix)
{
    char name[2 * BF_SHVAR_KEY];
    snprintf(name, sizeof name, "%s%s", key, suffix);
    return bf_shvars_get(vars, name);
}

// What follows the slash goes before PREFIXLEN, and that before NETMASK. With none of them the
// address stands alone.
void bf_suse_address(const struct bf_shvars *vars, const char *suffix, char out[BF_CIDR_TEXT])
{
    static const unsigned char none[16];
    unsigned char raw[16];
    char ip[INET6_ADDRSTRLEN];
    const char *value = with(vars, "IPADDR", suffix);
    size_t len = strcspn(value, "/");
    out[0] = 0;
    if (len >= sizeof ip)
        return;
    memcpy(ip, value, len);
    ip[len] = 0;
    int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    unsigned long max = family == AF_INET ? 32 : 128, prefix = 0;
    if (inet_pton(family, ip, raw) != 1 || memcmp(raw, none, max / 8) == 0)
        return;
    if (value[len])
        prefix = strtoul(value + len + 1, NULL, 10);
    if (prefix == 0 || prefix > max)
        prefix = with(vars, "PREFIXLEN", suffix)[0]
                     ? strtoul(with(vars, "PREFIXLEN", suffix), NULL, 0)
                 : family == AF_INET ? mask_bits(with(vars, "NETMASK", suffix))
                                     : 0;
    if (prefix == 0 || prefix > max)
        prefix = max;
    snprintf(out, BF_CIDR_TEXT, "%s/%lu", ip, prefix);
}
