// SPDX-License-Identifier: Apache-2.0
// systemd.link(5): the names that .link files give, and one of our own for each planned interface
// that no file names by its MAC address. The first file that matches decides everything, so ours
// has the settings of the one that decided before.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/ini.h"
#include "finalize/network/naming.h"
#include "finalize/network/stack.h"

#define LINK_DIR "/etc/systemd/network"
#define OURS     "00-bootferry-"

// A .link file with its drop-ins.
struct link_file {
    const char *path;
    char name[BF_IFNAME], alias[BF_IFNAME];
    char mac[BF_MACS_OF_RULE][BF_MAC_TEXT];
    size_t macs;
    bool tied; // to more than MAC addresses and the type
    unsigned line;
};

static void take_macs(struct link_file *l, const char *at, size_t len)
{
    const char *end = at + len, *w;
    size_t n;
    if (len == 0)
        l->macs = 0;
    while (bf_word_next(&at, end, &w, &n))
        if (l->macs < BF_MACS_OF_RULE && bf_naming_mac(w, n, l->mac[l->macs]))
            l->macs++;
}

static void take_key(struct link_file *l, const struct bf_ini *ini, unsigned line)
{
    const char *at = ini->value, *w;
    size_t n;
    if (bf_ini_is(ini, "Link", "Name")) {
        bf_net_copy(l->name, sizeof l->name, ini->value, ini->value_len);
        l->line = line;
    } else if (bf_ini_is(ini, "Link", "AlternativeName")) {
        if (bf_word_next(&at, ini->value + ini->value_len, &w, &n))
            bf_net_copy(l->alias, sizeof l->alias, w, n);
    } else if (bf_ini_is(ini, "Match", "MACAddress") ||
               bf_ini_is(ini, "Match", "PermanentMACAddress")) {
        take_macs(l, ini->value, ini->value_len);
    } else if (ini->kind == BF_INI_KEY && strcmp(ini->section, "Match") == 0 &&
               !(strcmp(ini->key, "Type") == 0 && bf_word_is(at, ini->value_len, "ether"))) {
        l->tied = true;
    }
}

static enum bf_err take_file(struct bf_fin *f, const char *path, const char *text, size_t len,
                             void *arg)
{
    struct bf_ini ini;
    unsigned line = 0;
    (void)f;
    (void)path;
    bf_ini_init(&ini, text, len);
    while (bf_ini_next(&ini))
        take_key(arg, &ini, ++line);
    return BF_OK;
}

// A file and the drop-ins of its name, which count from all folders.
static void read_link(struct bf_fin *f, const char *path, const char *text, size_t len,
                      struct link_file *l)
{
    char folder[4][512];
    const char *list[5] = {0};
    *l = (struct link_file){.path = path};
    take_file(f, path, text, len, l);
    for (size_t i = 0; i < BF_COUNT(folder) && bf_link_folders[i]; i++) {
        snprintf(folder[i], sizeof folder[i], "%s%.255s.d", bf_link_folders[i], strrchr(path, '/'));
        list[i] = folder[i];
    }
    bf_naming_each(f, list, ".conf", take_file, l);
    if (!bf_naming_is_plain(l->name))
        l->name[0] = 0;
}

static enum bf_err scan_link(struct bf_fin *f, const char *path, const char *text, size_t len,
                             void *arg)
{
    struct link_file l;
    struct bf_named named = {0};
    read_link(f, path, text, len, &l);
    if (!l.name[0])
        return BF_OK;
    memcpy(named.name, l.name, sizeof named.name);
    memcpy(named.alias, l.alias, sizeof named.alias);
    snprintf(named.file, sizeof named.file, "%.255s", path);
    named.line = l.line;
    named.tied = l.tied;
    for (size_t i = 0; i < l.macs; i++) {
        memcpy(named.mac, l.mac[i], sizeof named.mac);
        bf_naming_add(arg, &named);
    }
    if (!l.macs)
        bf_naming_add(arg, &named);
    return BF_OK;
}

void bf_link_files_scan(struct bf_fin *f, struct bf_naming *naming)
{
    bf_naming_each(f, bf_link_folders, ".link", scan_link, naming);
}

// ---- Our own ------------------------------------------------------------------------------------

static bool is_ours(const char *path)
{
    return strncmp(strrchr(path, '/') + 1, OURS, strlen(OURS)) == 0;
}

// What the other files make of an interface.
struct search {
    const struct bf_link *link;
    bool unclear; // an earlier file may match, by something that the new home decides
    bool named;   // a file names it so by its MAC address, and nothing else decides
    bool done;
    struct bf_text settings; // of the file that names it, to be repeated in ours
};

static void copy_settings(struct bf_text *out, const char *text, size_t len)
{
    struct bf_ini ini;
    bf_ini_init(&ini, text, len);
    while (bf_ini_next(&ini))
        if (bf_ini_is(&ini, ini.section, ini.key) && strcmp(ini.section, "Link") == 0 &&
            strcmp(ini.key, "Name") != 0 && strcmp(ini.key, "NamePolicy") != 0 &&
            strcmp(ini.key, "Description") != 0) {
            bf_text_add(out, ini.line.at, ini.line.len);
            bf_text_str(out, "\n");
        }
}

static enum bf_err search_link(struct bf_fin *f, const char *path, const char *text, size_t len,
                               void *arg)
{
    struct search *s = arg;
    struct link_file l;
    bool ours = false;
    if (s->done || is_ours(path))
        return BF_OK;
    read_link(f, path, text, len, &l);
    for (size_t i = 0; i < l.macs; i++)
        ours = ours || strcmp(l.mac[i], bf_naming_new_mac(s->link)) == 0;
    bool named = strcmp(l.name, s->link->name) == 0;
    if (ours && named && !l.tied)
        s->named = !s->unclear;
    if (ours || (named && !l.macs)) {
        copy_settings(&s->settings, text, len);
        s->done = true;
    }
    s->unclear = s->unclear || !l.macs;
    return BF_OK;
}

static void link_path(const struct bf_link *link, char *out, size_t size)
{
    snprintf(out, size, LINK_DIR "/" OURS "%s.link", link->name);
}

static enum bf_err write_link(struct bf_fin *f, const struct bf_link *link,
                              const struct bf_text *settings)
{
    char path[128];
    struct bf_text out = {0};
    const char *mac = bf_naming_new_mac(link);
    // VLANs, bridges and bonds share a port's address and are of another type; veth pairs have no
    // path.
    bf_textf(&out,
             "# Written by bootferry-finalize: keeps the interface's name in its new home.\n"
             "[Match]\nType=%s\n",
             strncmp(link->name, "wl", 2) == 0 ? "wlan" : "ether");
    if (mac[0])
        bf_textf(&out, "MACAddress=%s\n", mac);
    else
        bf_text_str(&out, "Path=pci-* virtio-* platform-* acpi-* xen-* vmbus-*\n");
    bf_textf(&out, "\n[Link]\nName=%s\n", link->name);
    bf_text_str(&out, bf_text_get(settings));
    link_path(link, path, sizeof path);
    enum bf_err err = bf_fin_set(f, path, &out, "keeps the interface's name");
    bf_text_free(&out);
    return err;
}

// A stack that makes the .link file itself (netplan, from match and set-name) needs the MAC
// address.
static bool needs_file(struct bf_fin *f, const struct bf_link *link)
{
    return bf_naming_keeps(f, link) && !(link->stack->names_links && bf_naming_new_mac(link)[0]);
}

// Our own file of an earlier plan that this plan does not write.
static enum bf_err remove_stale(struct bf_fin *f, const char *const *wanted, size_t count)
{
    struct bf_names names;
    struct bf_fault fault;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, LINK_DIR, ".link", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        bool stale = strncmp(names.name[i], OURS, strlen(OURS)) == 0;
        size_t n = strlen(names.name[i]) - strlen(".link");
        for (size_t k = 0; k < count && stale; k++)
            stale = !bf_word_is(names.name[i] + strlen(OURS), n - strlen(OURS), wanted[k]);
        snprintf(path, sizeof path, LINK_DIR "/%.250s", names.name[i]);
        if (stale && bf_edits_remove(&f->edits, path, "of an earlier plan", &fault))
            err = bf_fail(f->report, "%s cannot be removed: %s", path, fault.what);
    }
    bf_names_free(&names);
    return err;
}

enum bf_err bf_link_files_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    const char *wanted[BF_PLAN_NICS];
    size_t count = 0, cards = bf_naming_cards(f, link, links);
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < links && !err; i++) {
        struct search s = {.link = &link[i]};
        if (!needs_file(f, &link[i]))
            continue;
        if (!bf_naming_new_mac(&link[i])[0] && cards > 1) {
            bf_note(f->report, "warning", link[i].name,
                    "its MAC address is not known: it is found again by its name only");
            continue;
        }
        err = bf_naming_each(f, bf_link_folders, ".link", search_link, &s);
        if (!err && !s.named) {
            wanted[count++] = link[i].name;
            err = write_link(f, &link[i], &s.settings);
        }
        bf_text_free(&s.settings);
    }
    return err ? err : remove_stale(f, wanted, count);
}
