// SPDX-License-Identifier: Apache-2.0
// Keeps an interface's name in a machine where its slot, driver or MAC address is another: a .link
// file (systemd.link(5)) for each planned interface, and the old rules that spoke of its MAC
// address follow it. Firewalls, bridges and scripts go on finding the name that they know.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/core/ini.h"
#include "finalize/network/network.h"
#include "finalize/network/stack.h"

#define LINK_DIR  "/etc/systemd/network"
#define RULES_DIR "/etc/udev/rules.d"
#define OURS      "bootferry-"

// Value of a quoted udev key, as in ATTR{address}=="52:54:00:12:34:56".
static void rule_value(const char *line, size_t len, const char *key, char *out, size_t size)
{
    out[0] = 0;
    const char *at = memmem(line, len, key, strlen(key));
    if (!at)
        return;
    at += strlen(key);
    const char *end = memchr(at, '"', len - (size_t)(at - line));
    if (end)
        bf_net_copy(out, size, at, (size_t)(end - at));
}

static void scan_rules(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (bf_edits_list(&f->edits, RULES_DIR, ".rules", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[512], mac[BF_MAC_TEXT], name[BF_IFNAME];
        size_t len, pos = 0;
        struct bf_line line;
        snprintf(path, sizeof path, RULES_DIR "/%.250s", names.name[i]);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        while (text && bf_line_next(text, len, &pos, &line)) {
            rule_value(line.at, line.len, "ATTR{address}==\"", mac, sizeof mac);
            rule_value(line.at, line.len, "NAME=\"", name, sizeof name);
            if (mac[0] && name[0])
                bf_net_add(net, NULL, name, mac);
        }
    }
    bf_names_free(&names);
}

void bf_naming_scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    scan_rules(f, net);
    if (bf_edits_list(&f->edits, LINK_DIR, ".link", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[512], mac[64], name[64];
        size_t len;
        snprintf(path, sizeof path, LINK_DIR "/%.250s", names.name[i]);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        if (!text || !bf_ini_find(text, len, "Link", "Name", name, sizeof name))
            continue;
        if (!bf_ini_find(text, len, "Match", "MACAddress", mac, sizeof mac))
            bf_ini_find(text, len, "Match", "PermanentMACAddress", mac, sizeof mac);
        if (strlen(name) < BF_IFNAME && strlen(mac) == BF_MAC_TEXT - 1)
            bf_net_add(net, NULL, name, mac);
    }
    bf_names_free(&names);
}

// Replaces every old MAC address by the new one, all links at once, so that two interfaces may
// swap.
static void swap_macs(struct bf_text *out, const char *text, size_t len, const struct bf_link *link,
                      size_t links)
{
    size_t at = 0;
    while (at < len) {
        size_t hit = links;
        for (size_t i = 0; len - at >= BF_MAC_TEXT - 1 && i < links && hit == links; i++)
            if (link[i].nic->new_mac[0] && link[i].old_mac[0] &&
                strncasecmp(text + at, link[i].old_mac, BF_MAC_TEXT - 1) == 0)
                hit = i;
        if (hit < links) {
            bf_text_str(out, link[hit].nic->new_mac);
            at += BF_MAC_TEXT - 1;
        } else {
            bf_text_add(out, text + at++, 1);
        }
    }
}

static enum bf_err follow_macs(struct bf_fin *f, const char *dir, const char *suffix,
                               const struct bf_link *link, size_t links)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, dir, suffix, &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        size_t len;
        struct bf_text out = {0};
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        if (!text)
            continue;
        swap_macs(&out, text, len, link, links);
        err = bf_fin_set(f, path, &out, "the interface's new MAC address");
        bf_text_free(&out);
    }
    bf_names_free(&names);
    return err;
}

static void link_path(const struct bf_link *link, char *out, size_t size)
{
    snprintf(out, size, LINK_DIR "/00-" OURS "%s.link", link->name);
}

static enum bf_err write_link(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    char path[128];
    struct bf_text out = {0};
    const char *mac = bf_nic_mac(link->nic)[0] ? bf_nic_mac(link->nic) : link->old_mac;
    if (!mac[0] && links > 1) {
        bf_note(f->report, "warning", link->name,
                "its MAC address is not known: it is found again by its name only");
        return BF_OK;
    }
    bf_text_str(&out,
                "# Written by bootferry-finalize: keeps the interface's name in its new home.\n"
                "[Match]\n");
    // VLANs, bridges and bonds share a port's address and are of another type; veth pairs have no
    // path.
    bf_text_str(&out, "Type=ether\n");
    if (mac[0])
        bf_textf(&out, "MACAddress=%s\n", mac);
    else
        bf_text_str(&out, "Path=pci-* virtio-* platform-* acpi-* xen-* vmbus-*\n");
    bf_textf(&out, "\n[Link]\nName=%s\n", link->name);
    link_path(link, path, sizeof path);
    enum bf_err err = bf_fin_set(f, path, &out, "keeps the interface's name");
    bf_text_free(&out);
    return err;
}

// A stack that makes the .link file itself (netplan, from match and set-name) needs the MAC
// address.
static bool needs_file(const struct bf_link *link)
{
    return link->name[0] && !(link->stack->names_links && bf_nic_mac(link->nic)[0]);
}

// Our own file of an earlier plan that this plan does not write.
static enum bf_err remove_stale(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_names names;
    struct bf_fault fault;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, LINK_DIR, ".link", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512], want[128];
        bool wanted = strncmp(names.name[i], "00-" OURS, strlen("00-" OURS)) != 0;
        snprintf(path, sizeof path, LINK_DIR "/%.250s", names.name[i]);
        for (size_t k = 0; k < links && !wanted; k++) {
            link_path(&link[k], want, sizeof want);
            wanted = needs_file(&link[k]) && strcmp(path, want) == 0;
        }
        if (!wanted && bf_edits_remove(&f->edits, path, "of an earlier plan", &fault))
            err = bf_fail(f->report, "%s cannot be removed: %s", path, fault.what);
    }
    bf_names_free(&names);
    return err;
}

enum bf_err bf_naming_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    enum bf_err err = remove_stale(f, link, links);
    if (!err)
        err = follow_macs(f, RULES_DIR, ".rules", link, links);
    if (!err)
        err = follow_macs(f, LINK_DIR, ".link", link, links);
    for (size_t i = 0; i < links && !err; i++)
        if (needs_file(&link[i]))
            err = write_link(f, &link[i], links);
    return err;
}
