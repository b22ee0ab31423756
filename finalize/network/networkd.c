// SPDX-License-Identifier: Apache-2.0
// systemd-networkd: .network files (systemd.network(5)). networkd uses the first file, by name over
// all directories, whose [Match] fits. A file that means exactly one interface is rewritten in
// place; one that may mean several stays, and a copy for this interface is put before it.
// Interfaces are matched by name, which naming.c pins to the MAC address, because VLANs and bridges
// share a port's MAC address.
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/ini.h"
#include "finalize/system/service.h"
#include "finalize/network/stack.h"

#define ETC_DIR "/etc/systemd/network"

static const char *const unit_dirs[] = {ETC_DIR, "/usr/local/lib/systemd/network",
                                        "/usr/lib/systemd/network", "/lib/systemd/network"};

#define UNIT_DIRS BF_COUNT(unit_dirs)

// One .network file in force: its name, where it stands, its text (owned by the edit set).
struct unit {
    char name[256];
    char path[512];
    const char *text;
    size_t len;
};

struct units {
    struct unit *at;
    size_t count;
};

static bool listed(const struct units *u, const char *name)
{
    for (size_t i = 0; i < u->count; i++)
        if (strcmp(u->at[i].name, name) == 0)
            return true;
    return false;
}

static void add_unit(struct bf_fin *f, struct units *u, const char *dir, const char *name)
{
    struct unit *more = realloc(u->at, (u->count + 1) * sizeof *more);
    if (!more)
        return;
    u->at = more;
    struct unit *unit = &more[u->count];
    *unit = (struct unit){.text = NULL};
    snprintf(unit->name, sizeof unit->name, "%s", name);
    snprintf(unit->path, sizeof unit->path, "%s/%s", dir, name);
    // A link to /dev/null masks the file of that name elsewhere: it is listed, and has no text.
    unit->text = bf_edits_get(&f->edits, unit->path, &unit->len, NULL);
    u->count++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct unit *)a)->name, ((const struct unit *)b)->name);
}

static void load_units(struct bf_fin *f, struct units *u)
{
    *u = (struct units){0};
    for (size_t d = 0; d < UNIT_DIRS; d++) {
        struct bf_names names;
        if (bf_edits_list(&f->edits, unit_dirs[d], ".network", &names))
            continue;
        for (size_t i = 0; i < names.count; i++)
            if (strlen(names.name[i]) < 200 && !listed(u, names.name[i]))
                add_unit(f, u, unit_dirs[d], names.name[i]);
        bf_names_free(&names);
    }
    if (u->count)
        qsort(u->at, u->count, sizeof *u->at, by_name);
}

enum fit { FIT_NO, FIT_EXACT, FIT_PATTERN };

static bool has_glob(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("*?[!", s[i]))
            return true;
    return false;
}

// A list of names or globs against one name.
static enum fit fit_name(const char *list, size_t size, const char *name)
{
    const char *at = list, *w;
    size_t len, words = 0;
    char pattern[64];
    bool hit = false, glob = has_glob(list, size);
    while (bf_word_next(&at, list + size, &w, &len)) {
        snprintf(pattern, sizeof pattern, "%.*s", (int)len, w);
        words++;
        if (name[0] ? fnmatch(pattern, name, 0) == 0 : has_glob(w, len))
            hit = true;
    }
    if (!hit)
        return FIT_NO;
    return words == 1 && !glob ? FIT_EXACT : FIT_PATTERN;
}

static enum fit fit_mac(const char *list, size_t size, const char *mac)
{
    const char *at = list, *w;
    size_t len, words = 0;
    char one[BF_MAC_TEXT];
    bool hit = false;
    while (bf_word_next(&at, list + size, &w, &len)) {
        bf_net_copy(one, sizeof one, w, len);
        words++;
        hit = hit || (mac[0] && strcmp(one, mac) == 0);
    }
    return !hit ? FIT_NO : words == 1 ? FIT_EXACT : FIT_PATTERN;
}

static bool is_mac_key(const struct bf_ini *ini)
{
    return bf_ini_is(ini, "Match", "MACAddress") || bf_ini_is(ini, "Match", "PermanentMACAddress");
}

// Whether a file's [Match] means the interface. Conditions on hardware (Path, Driver, Property)
// cannot be judged from here and are taken to hold: with them alone, the file is a pattern.
static enum fit fits(const struct unit *unit, const char *name, const char *mac)
{
    struct bf_ini ini;
    enum fit result = FIT_NO, one;
    bool any = false, exact = false;
    if (!unit->text)
        return FIT_NO;
    bf_ini_init(&ini, unit->text, unit->len);
    while (bf_ini_next(&ini)) {
        if (ini.kind != BF_INI_KEY || strcmp(ini.section, "Match") != 0)
            continue;
        if (bf_ini_is(&ini, "Match", "Name"))
            one = fit_name(ini.value, ini.value_len, name);
        else if (is_mac_key(&ini))
            one = fit_mac(ini.value, ini.value_len, mac);
        else
            one = FIT_PATTERN;
        if (one == FIT_NO)
            return FIT_NO;
        any = true;
        exact = exact || one == FIT_EXACT;
    }
    if (any)
        result = exact ? FIT_EXACT : FIT_PATTERN;
    return result;
}

static void scan_unit(struct bf_net *net, const struct unit *unit)
{
    char name[64], mac[64], kind[64], master[BF_IFNAME];
    if (!unit->text)
        return;
    bf_ini_find(unit->text, unit->len, "Match", "Name", name, sizeof name);
    if (!bf_ini_find(unit->text, unit->len, "Match", "MACAddress", mac, sizeof mac))
        bf_ini_find(unit->text, unit->len, "Match", "PermanentMACAddress", mac, sizeof mac);
    bool made = bf_ini_find(unit->text, unit->len, "Match", "Kind", kind, sizeof kind);
    bool pattern = has_glob(name, strlen(name)) || strchr(name, ' ') || (!name[0] && !mac[0]);
    struct bf_known *k = bf_net_add(net, &bf_networkd, pattern ? "" : name,
                                    strlen(mac) == BF_MAC_TEXT - 1 ? mac : "");
    if (!k)
        return;
    if (made)
        k->kind = BF_KNOWN_OTHER;
    k->pattern = pattern;
    if (bf_ini_find(unit->text, unit->len, "Network", "Bridge", master, sizeof master) ||
        bf_ini_find(unit->text, unit->len, "Network", "Bond", master, sizeof master))
        bf_net_copy(k->master, sizeof k->master, master, strlen(master));
}

// Interfaces that a .netdev file makes.
static void scan_netdevs(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (bf_edits_list(&f->edits, ETC_DIR, ".netdev", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[512], name[BF_IFNAME];
        size_t len;
        snprintf(path, sizeof path, ETC_DIR "/%.200s", names.name[i]);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        if (!text || !bf_ini_find(text, len, "NetDev", "Name", name, sizeof name))
            continue;
        struct bf_known *k = bf_net_add(net, &bf_networkd, name, "");
        if (k)
            k->kind = BF_KNOWN_OTHER;
    }
    bf_names_free(&names);
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct units u;
    load_units(f, &u);
    for (size_t i = 0; i < u.count; i++)
        // What systemd ships by default means containers and virtual machines' own links.
        if (strncmp(u.at[i].path, ETC_DIR, strlen(ETC_DIR)) == 0)
            scan_unit(net, &u.at[i]);
    scan_netdevs(f, net);
    free(u.at);
}

static bool is_default_route(const char *text, size_t size, unsigned ordinal)
{
    struct bf_ini ini;
    bool gateway = false, elsewhere = false;
    bf_ini_init(&ini, text, size);
    while (bf_ini_next(&ini)) {
        if (ini.ordinal != ordinal || ini.kind != BF_INI_KEY)
            continue;
        if (strcmp(ini.key, "Gateway") == 0)
            gateway = true;
        if (strcmp(ini.key, "Destination") == 0)
            elsewhere = !bf_word_is(ini.value, ini.value_len, "0.0.0.0/0") &&
                        !bf_word_is(ini.value, ini.value_len, "::/0");
    }
    return gateway && !elsewhere;
}

static bool key_goes(const struct bf_ini *ini, const struct bf_plan_nic *nic)
{
    static const char *const address[] = {"DHCP", "Address", "Gateway"};
    if (nic->new_mac[0] && bf_ini_is(ini, "Link", "MACAddress"))
        return true;
    if (ini->kind != BF_INI_KEY || strcmp(ini->section, "Network") != 0 || !bf_nic_readdresses(nic))
        return false;
    for (size_t i = 0; i < BF_COUNT(address); i++)
        if (strcmp(ini->key, address[i]) == 0)
            return true;
    if (strcmp(ini->key, "DNS") == 0)
        return nic->dns_count > 0 || nic->dhcp;
    return strcmp(ini->key, "Domains") == 0 && (nic->search_count > 0 || nic->dhcp);
}

static bool section_goes(const struct bf_ini *ini, const struct bf_plan_nic *nic)
{
    if (!bf_nic_readdresses(nic))
        return false;
    if (strcmp(ini->section, "Address") == 0)
        return true;
    return strcmp(ini->section, "Route") == 0 &&
           is_default_route(ini->text, ini->size, ini->ordinal);
}

static void write_network_keys(struct bf_text *out, const struct bf_plan_nic *nic)
{
    if (!bf_nic_readdresses(nic))
        return;
    bf_textf(out, "DHCP=%s\n", nic->dhcp ? "yes" : "no");
    for (size_t i = 0; i < nic->addresses; i++)
        bf_textf(out, "Address=%s/%u\n", nic->address[i].text, nic->address[i].prefix);
    if (nic->gateway4[0])
        bf_textf(out, "Gateway=%s\n", nic->gateway4);
    if (nic->gateway6[0])
        bf_textf(out, "Gateway=%s\n", nic->gateway6);
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(out, "DNS=%s\n", nic->dns[i]);
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(out, "%s%s", i ? " " : "Domains=", nic->search[i]);
    if (nic->search_count)
        bf_text_str(out, "\n");
}

// The [Match] of a rewritten file. By name where there is one; what the old one said about the slot
// or the driver does not hold in the new home.
static void write_match(struct bf_text *out, const struct bf_link *link, const char *name,
                        const char *pattern)
{
    if (name[0])
        bf_textf(out, "Name=%s\n", name);
    else if (pattern[0])
        bf_textf(out, "Name=%s\n", pattern);
    if (!name[0] && bf_nic_mac(link->nic)[0])
        bf_textf(out, "MACAddress=%s\n", bf_nic_mac(link->nic));
}

struct rewrite {
    const struct bf_link *link;
    struct bf_old *old; // gets the addresses that go
    const char *name;   // the interface whose file this is: the carrier, or the hardware
    bool match;         // write [Match] anew
    bool insert;        // write the new addresses (not in drop-ins)
};

static void take_line(struct rewrite *rw, const struct bf_ini *ini, bool goes, struct bf_text *out)
{
    if (goes && ini->kind == BF_INI_KEY && strcmp(ini->key, "Address") == 0)
        bf_old_add(rw->old, ini->value, ini->value_len);
    if (!goes)
        bf_text_add(out, ini->line.at, ini->line.full);
}

static void rewrite_unit(struct rewrite *rw, const char *text, size_t size, struct bf_text *out)
{
    struct bf_ini ini;
    char pattern[64];
    const struct bf_plan_nic *nic = rw->link->nic;
    bool skip = false, wrote = false, matched = false;
    bf_ini_find(text, size, "Match", "Name", pattern, sizeof pattern);
    bf_ini_init(&ini, text, size);
    while (bf_ini_next(&ini)) {
        if (ini.kind == BF_INI_SECTION)
            skip = section_goes(&ini, nic);
        bool in_match = rw->match && strcmp(ini.section, "Match") == 0;
        bool goes = skip || (ini.kind == BF_INI_KEY && (in_match || key_goes(&ini, nic)));
        take_line(rw, &ini, goes, out);
        if (ini.kind != BF_INI_SECTION)
            continue;
        if (in_match && !matched) {
            write_match(out, rw->link, rw->name, pattern);
            matched = true;
        }
        if (rw->insert && !wrote && strcmp(ini.section, "Network") == 0) {
            write_network_keys(out, nic);
            wrote = true;
        }
    }
    if (rw->insert && !wrote && bf_nic_readdresses(nic)) {
        bf_text_str(out, out->len && out->data[out->len - 1] != '\n' ? "\n\n[Network]\n"
                                                                     : "\n[Network]\n");
        write_network_keys(out, nic);
    }
}

static enum bf_err rewrite_to(struct bf_fin *f, struct rewrite *rw, const char *text, size_t len,
                              const char *path)
{
    struct bf_text out = {0};
    rewrite_unit(rw, text, len, &out);
    enum bf_err err = bf_fin_set(f, path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

// NAME.network.d/*.conf add to the file: what they say about addresses goes.
static enum bf_err rewrite_dropins(struct bf_fin *f, struct rewrite *rw, const char *unit_name)
{
    struct bf_names names;
    char dir[512], path[1024];
    enum bf_err err = BF_OK;
    struct rewrite quiet = *rw;
    quiet.insert = quiet.match = false;
    snprintf(dir, sizeof dir, ETC_DIR "/%s.d", unit_name);
    if (bf_edits_list(&f->edits, dir, ".conf", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        size_t len;
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        if (text)
            err = rewrite_to(f, &quiet, text, len, path);
    }
    bf_names_free(&names);
    return err;
}

// A name in /etc that sorts before the pattern's file.
static void name_before(const char *unit, const char *iface, char *out, size_t size)
{
    static const char *const prefix[] = {"05", "00", "0000", "000000"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++) {
        snprintf(out, size, "%s-bootferry-%s.network", prefix[i], iface);
        if (!unit || strcmp(out, unit) < 0)
            return;
    }
}

// The name that new files carry: the interface's, or its MAC address without colons.
static void file_label(const struct bf_link *link, const char *name, char *out, size_t size)
{
    const char *mac = bf_nic_mac(link->nic);
    size_t n = 0;
    for (const char *c = name[0] ? name : mac; *c && n + 1 < size; c++)
        if (*c != ':')
            out[n++] = *c;
    out[n] = 0;
}

static enum bf_err adapt_interface(struct bf_fin *f, struct rewrite *rw)
{
    struct units u;
    char label[32], name[128], path[512];
    enum fit fit = FIT_NO;
    const struct bf_link *link = rw->link;
    const struct unit *unit = NULL;
    load_units(f, &u);
    for (size_t i = 0; i < u.count && !unit; i++) {
        fit = fits(&u.at[i], rw->name, link->old_mac);
        // After a first run the file matches by the new address.
        if (fit == FIT_NO && !rw->name[0])
            fit = fits(&u.at[i], rw->name, bf_nic_mac(link->nic));
        unit = fit != FIT_NO ? &u.at[i] : NULL;
    }
    file_label(link, rw->name, label, sizeof label);
    name_before(unit ? unit->name : NULL, label, name, sizeof name);
    rw->match = true;
    enum bf_err err;
    if (!unit) {
        static const char empty[] = "[Match]\n\n[Network]\n";
        snprintf(path, sizeof path, ETC_DIR "/%s", name);
        err = rewrite_to(f, rw, empty, sizeof empty - 1, path);
    } else {
        snprintf(path, sizeof path, ETC_DIR "/%s", fit == FIT_EXACT ? unit->name : name);
        err = rewrite_to(f, rw, unit->text, unit->len, path);
        // A pattern's drop-ins speak of other interfaces too; they stay with its file.
        if (!err && fit == FIT_EXACT)
            err = rewrite_dropins(f, rw, unit->name);
    }
    free(u.at);
    return err;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct rewrite rw = {.link = link, .old = old, .name = link->carrier, .insert = true};
    bool by_mac_only = !link->name[0] && strcmp(bf_nic_mac(link->nic), link->old_mac) == 0;
    if (!bf_nic_readdresses(link->nic) && (link->name[0] || by_mac_only))
        return BF_OK; // the name is pinned by naming.c, or the address stays
    return adapt_interface(f, &rw);
}

static bool in_use(struct bf_fin *f)
{
    return f->system.init == BF_INIT_SYSTEMD &&
           bf_service_enabled(f->root, "systemd-networkd.service");
}

const struct bf_stack_ops bf_networkd = {
    .name = "networkd",
    .title = "systemd-networkd",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
