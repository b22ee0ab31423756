// SPDX-License-Identifier: Apache-2.0
// Loads NetworkManager's profiles; see nm_profile.h. What is taken, refused and preferred is what
// NetworkManager 1.42 was seen to do.
#include "finalize/network/nm_profile.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/nm_ip.h"

#define FILES_MAX  1024 // of a folder: each profile is compared with all
#define TIMESTAMPS "/var/lib/NetworkManager/timestamps"

// ---- One file -----------------------------------------------------------------------------------

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

static void take_int(const struct bf_keyfile *k, int low, int high, int *out)
{
    char text[24], *stop;
    if (!bf_keyfile_string(k, text, sizeof text) || !text[0])
        return;
    long v = strtol(text, &stop, 10);
    if (!*stop)
        *out = v >= low && v <= high ? (int)v : 0;
}

static void set_type(struct bf_nm_profile *p, const char *type)
{
    if (strcmp(type, "802-3-ethernet") == 0)
        type = "ethernet";
    else if (strcmp(type, "802-11-wireless") == 0)
        type = "wifi";
    bf_net_copy(p->type, sizeof p->type, type, strlen(type));
}

// Groups by which a profile without a type has one.
static bool is_base_type(const char *group)
{
    static const char *const base[] = {"ethernet",   "802-3-ethernet", "wifi", "802-11-wireless",
                                       "infiniband", "bridge",         "bond", "team",
                                       "vlan"};
    for (size_t i = 0; i < BF_COUNT(base); i++)
        if (strcmp(group, base[i]) == 0)
            return true;
    return false;
}

static void take_connection(struct bf_nm_profile *p, const struct bf_keyfile *k)
{
    char word[64];
    if (strcmp(k->key, "id") == 0)
        bf_keyfile_string(k, p->id, sizeof p->id);
    else if (strcmp(k->key, "uuid") == 0 && bf_keyfile_string(k, p->uuid, sizeof p->uuid))
        lower(p->uuid);
    else if (strcmp(k->key, "type") == 0 && bf_keyfile_string(k, word, sizeof word))
        set_type(p, word);
    else if (strcmp(k->key, "interface-name") == 0 && k->value_len)
        p->misnamed = !bf_keyfile_string(k, p->name, sizeof p->name) || strpbrk(p->name, "/ \t");
    else if (strcmp(k->key, "slave-type") == 0 || strcmp(k->key, "port-type") == 0)
        p->port = k->value_len > 0;
    else if (strcmp(k->key, "master") == 0 || strcmp(k->key, "controller") == 0)
        bf_keyfile_string(k, p->master, sizeof p->master);
    else if (strcmp(k->key, "autoconnect") == 0)
        p->autoconnect = bf_keyfile_bool(k, true);
    else if (strcmp(k->key, "autoconnect-priority") == 0)
        take_int(k, -999, 999, &p->priority);
    else if (strcmp(k->key, "permissions") == 0)
        p->restricted = k->value_len > 0;
}

static bool is_ethernet(const char *group)
{
    return strcmp(group, "ethernet") == 0 || strcmp(group, "802-3-ethernet") == 0 ||
           strcmp(group, "wifi") == 0 || strcmp(group, "802-11-wireless") == 0;
}

static void take_device(struct bf_nm_profile *p, const struct bf_keyfile *k)
{
    if (strcmp(k->key, "mac-address") == 0)
        bf_keyfile_mac(k, p->mac);
    else if (strcmp(k->key, "cloned-mac-address") == 0)
        bf_keyfile_mac(k, p->set_mac);
    else if (strcmp(k->key, "mac-address-blacklist") == 0 ||
             strcmp(k->key, "mac-address-denylist") == 0)
        bf_keyfile_string(k, p->blacklist, sizeof p->blacklist);
}

static void take_vlan(struct bf_nm_profile *p, const struct bf_keyfile *k)
{
    if (strcmp(k->key, "parent") == 0)
        bf_keyfile_string(k, p->parent, sizeof p->parent);
    else if (strcmp(k->key, "id") == 0)
        take_int(k, 0, 4094, &p->vlan_id);
}

// The MAC addresses of devices that the profile makes are set, those of hardware are looked for.
static void finish_macs(struct bf_nm_profile *p, const char *bridge_mac)
{
    if (bf_nm_is_hardware(p))
        return;
    if (strcmp(p->type, "vlan") == 0 && !p->parent[0])
        snprintf(p->parent, sizeof p->parent, "%s", p->mac);
    if (!p->set_mac[0])
        bf_net_copy(p->set_mac, sizeof p->set_mac, bridge_mac, strlen(bridge_mac));
    p->mac[0] = 0;
}

static void parse(struct bf_nm_profile *p)
{
    struct bf_keyfile k;
    char bridge_mac[BF_MAC_TEXT] = "";
    char group[sizeof p->type] = "";
    bool modern = memmem(p->text, p->len, "[802-3-ethernet]", 16) == NULL;
    p->autoconnect = true;
    bf_keyfile_init(&k, p->text, p->len);
    while (bf_keyfile_next(&k)) {
        p->matches = p->matches || strcmp(k.group, "match") == 0;
        if (k.kind == BF_KEYFILE_GROUP && is_base_type(k.group))
            bf_net_copy(group, sizeof group, k.group, strlen(k.group));
        if (k.kind != BF_KEYFILE_KEY)
            continue;
        if (strcmp(k.group, "connection") == 0)
            take_connection(p, &k);
        else if (is_ethernet(k.group) && (modern || strcmp(k.group, "ethernet") != 0))
            take_device(p, &k);
        else if (strcmp(k.group, "vlan") == 0)
            take_vlan(p, &k);
        else if (bf_keyfile_is(&k, "bridge", "mac-address"))
            bf_keyfile_mac(&k, bridge_mac);
        else if (bf_keyfile_is(&k, "match", "interface-name"))
            bf_keyfile_string(&k, p->match, sizeof p->match);
        else if (is_base_type(k.group) && strcmp(k.key, "interface-name") == 0 && !p->name[0])
            bf_keyfile_string(&k, p->name, sizeof p->name); // of old
    }
    if (!p->type[0])
        set_type(p, group);
    finish_macs(p, bridge_mac);
    bf_nm_ip_parse(p->text, p->len, p->ip);
}

bool bf_nm_is_hardware(const struct bf_nm_profile *p)
{
    return strcmp(p->type, "ethernet") == 0 || strcmp(p->type, "wifi") == 0 ||
           strcmp(p->type, "infiniband") == 0;
}

// ---- Files that count ---------------------------------------------------------------------------

// Names that the daemon takes for another program's copy. Most backups, like x.bak and x.rpmsave,
// are profiles.
static bool is_ignored(const char *name, bool vendor)
{
    static const char *const suffix[] = {"~", ".nmmeta", ".pem", ".der", ".rpmnew", NULL};
    static const char word[] = ".nmconnection";
    size_t len = strlen(name);
    for (size_t i = 0; suffix[i]; i++)
        if (len >= strlen(suffix[i]) && strcmp(name + len - strlen(suffix[i]), suffix[i]) == 0)
            return true;
    if (vendor)
        return len <= strlen(word) || strcmp(name + len - strlen(word), word) != 0;
    // What mkstemp() makes: six letters or digits behind a dot, so x.backup, too.
    const char *dot = strrchr(name, '.');
    size_t plain = 0;
    while (dot && isalnum((unsigned char)dot[plain + 1]))
        plain++;
    return dot && plain == 6 && !dot[7];
}

// Why the daemon leaves a file alone that others could read or have written; NULL when it takes it.
static const char *distrusts(struct bf_fin *f, const char *path, struct bf_nm_profile *p)
{
    struct stat st, root;
    if (bf_fin_root_stat(f->root, path, &st, NULL))
        return NULL; // will be made
    p->mtime = st.st_mtim;
    if (!S_ISREG(st.st_mode))
        return "is no regular file";
    if (st.st_mode & 077)
        return "has permissions for others than its owner";
    if (!bf_fin_root_stat(f->root, "/", &root, NULL) && st.st_uid && st.st_uid != root.st_uid)
        return "does not belong to root";
    return NULL;
}

static bool is_tombstone(struct bf_fin *f, const struct bf_nm_profiles *all, const char *uuid)
{
    char path[512];
    if (!uuid[0] || strchr(uuid, '/'))
        return false;
    snprintf(path, sizeof path, "%s/%s.nmmeta", all->conf.profiles, uuid);
    char *link = bf_fin_root_readlink(f->root, path);
    bool found = link && strcmp(link, "/dev/null") == 0;
    free(link);
    return found;
}

// Of two with one UUID: /etc before /usr/lib, the newer, the later name.
static bool replaces(const struct bf_nm_profile *a, const struct bf_nm_profile *b)
{
    if (a->vendor != b->vendor)
        return !a->vendor;
    if (a->mtime.tv_sec != b->mtime.tv_sec)
        return a->mtime.tv_sec > b->mtime.tv_sec;
    if (a->mtime.tv_nsec != b->mtime.tv_nsec)
        return a->mtime.tv_nsec > b->mtime.tv_nsec;
    return strcmp(a->path, b->path) > 0;
}

static void add(struct bf_fin *f, struct bf_nm_profiles *all, const struct bf_nm_profile *p)
{
    for (size_t i = 0; p->uuid[0] && i < all->count; i++) {
        struct bf_nm_profile *at = &all->at[i];
        if (strcmp(at->uuid, p->uuid) != 0)
            continue;
        bool wins = replaces(p, at);
        if (!p->vendor && !at->vendor)
            bf_note(f->report, "warning", wins ? at->path : p->path,
                    "has the UUID of %s, which is newer: NetworkManager uses it as soon as that "
                    "one is gone or older",
                    wins ? p->path : at->path);
        if (wins)
            *at = *p;
        return;
    }
    struct bf_nm_profile *more = realloc(all->at, (all->count + 1) * sizeof *more);
    if (!more) {
        all->failed = true;
        return;
    }
    all->at = more;
    more[all->count++] = *p;
}

const char *bf_nm_disk_text(struct bf_fin *f, const char *path, size_t *len)
{
    const char *text = bf_edits_get(&f->edits, path, len, NULL);
    char *real = bf_fin_root_real(f->root, path, NULL);
    for (size_t i = 0; real && i < f->edits.count; i++)
        if (strcmp(f->edits.item[i]->path, real) == 0) {
            text = f->edits.item[i]->existed ? f->edits.item[i]->old : NULL;
            *len = text ? f->edits.item[i]->old_len : 0;
        }
    free(real);
    return text;
}

// Why the daemon does not take a profile, or NULL.
static const char *refusal(const struct bf_nm_profile *p)
{
    if (!p->type[0])
        return "connection.type is missing";
    if (p->misnamed)
        return "connection.interface-name is no name of an interface";
    if (p->uuid[0] && (strlen(p->uuid) < 36 || strspn(p->uuid, "0123456789abcdef-") < 36))
        return "connection.uuid is no UUID";
    if (p->port != (p->master[0] != 0))
        return "of the port's master and its type one is missing";
    return p->port ? NULL : bf_nm_ip_refusal(p->ip);
}

static void load_file(struct bf_fin *f, struct bf_nm_profiles *all, struct bf_nm_profile *p,
                      enum bf_nm_text which, struct bf_net *net)
{
    struct bf_fault fault = {.code = BF_OK};
    const char *why = distrusts(f, p->path, p);
    if (!why) {
        p->text = bf_edits_get(&f->edits, p->path, &p->len, &fault);
        if (which == BF_NM_ON_DISK)
            p->text = bf_nm_disk_text(f, p->path, &p->len);
    }
    if (!why && !p->text && fault.code && fault.code != BF_ERR_NOT_FOUND && net)
        bf_net_trouble(net, "%s cannot be read: %s", p->path, fault.what);
    if (why)
        bf_note(f->report, "warning", p->path, "%s: NetworkManager ignores it", why);
    if (!p->text)
        return;
    unsigned line = bf_keyfile_bad_line(p->text, p->len);
    if (line) {
        bf_note(f->report, "warning", p->path,
                "line %u is neither key=value, [group] nor a # comment: NetworkManager ignores "
                "the whole file",
                line);
        return;
    }
    parse(p);
    why = refusal(p);
    if (why)
        bf_note(f->report, "warning", p->path, "%s: NetworkManager ignores the whole file", why);
    else if (!is_tombstone(f, all, p->uuid))
        add(f, all, p);
}

static void load_dir(struct bf_fin *f, struct bf_nm_profiles *all, bool vendor,
                     enum bf_nm_text which, struct bf_net *net)
{
    struct bf_names names;
    const char *dir = vendor ? BF_NM_USR_DIR : all->conf.profiles;
    if (bf_edits_list(&f->edits, dir, "", &names))
        return;
    if (names.count > FILES_MAX && net)
        bf_net_trouble(net, "%s has more than %d files, which is too many to be a network's", dir,
                       FILES_MAX);
    for (size_t i = 0; names.count <= FILES_MAX && i < names.count; i++) {
        struct bf_nm_profile p = {.vendor = vendor};
        snprintf(p.path, sizeof p.path, "%s/%.250s", dir, names.name[i]);
        if (!is_ignored(names.name[i], vendor))
            load_file(f, all, &p, which, net);
    }
    bf_names_free(&names);
}

static void load_timestamps(struct bf_fin *f, struct bf_nm_profiles *all)
{
    struct bf_keyfile k;
    size_t len;
    char value[32];
    const char *text = bf_edits_get(&f->edits, TIMESTAMPS, &len, NULL);
    if (!text || bf_keyfile_bad_line(text, len))
        return;
    bf_keyfile_init(&k, text, len);
    while (bf_keyfile_next(&k))
        for (size_t i = 0; k.kind == BF_KEYFILE_KEY && i < all->count; i++)
            if (strcmp(all->at[i].uuid, k.key) == 0 && bf_keyfile_string(&k, value, sizeof value))
                all->at[i].timestamp = strtoll(value, NULL, 10);
}

const char *bf_nm_device_of(const struct bf_nm_profiles *all, const char *reference)
{
    for (size_t i = 0; reference[0] && i < all->count; i++) {
        const struct bf_nm_profile *p = &all->at[i];
        bool card = bf_nm_is_hardware(p) && strcasecmp(p->mac, reference) == 0;
        if (card || strcasecmp(p->uuid, reference) == 0)
            return p->name;
    }
    return strlen(reference) < BF_IFNAME ? reference : "";
}

// A VLAN without a name is called by its parent's and its number.
static void name_vlans(struct bf_nm_profiles *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct bf_nm_profile *p = &all->at[i];
        char name[BF_IFNAME + 8];
        const char *parent = strcmp(p->type, "vlan") == 0 ? bf_nm_device_of(all, p->parent) : "";
        if (p->name[0] || !parent[0])
            continue;
        snprintf(name, sizeof name, "%s.%d", parent, p->vlan_id);
        bf_net_copy(p->name, sizeof p->name, name, strlen(name));
    }
}

void bf_nm_profiles_load(struct bf_fin *f, struct bf_nm_profiles *all, enum bf_nm_text which,
                         struct bf_net *net)
{
    *all = (struct bf_nm_profiles){.at = NULL};
    bf_nm_conf_load(f, &all->conf, net);
    load_dir(f, all, false, which, net);
    load_dir(f, all, true, which, net);
    load_timestamps(f, all);
    name_vlans(all);
    if (all->failed && net)
        bf_net_trouble(net, "out of memory");
}

void bf_nm_profiles_free(struct bf_nm_profiles *all)
{
    bf_nm_conf_free(&all->conf);
    free(all->at);
    *all = (struct bf_nm_profiles){.at = NULL};
}
