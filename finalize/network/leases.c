// SPDX-License-Identifier: Apache-2.0
// DHCP leases of the old home. A client asks for the address of its last lease again, and takes it
// without an answer where no server refuses it (dhclient(8)), so those of interfaces that get other
// addresses or another MAC address go. What identifies the machine to servers (DUID) stays where it
// has a file of its own: RFC 8415, section 11, wants it kept also when the card is replaced, and
// systemd and NetworkManager derive it from the machine-id, which stays.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/network.h"

// A client's files: PREFIX anything, a separator, the interface, SUFFIX.
struct client {
    const char *folder, *prefix, *suffix;
};

static const struct client clients[] = {
    {"/var/lib/dhcp", "dhclient", ".leases"}, // Debian
    {"/var/lib/dhcp", "dhclient", ".lease"},
    {"/var/lib/dhcp3", "dhclient", ".leases"},
    {"/var/lib/dhclient", "dhclient", ".leases"}, // Red Hat
    {"/var/lib/dhclient", "dhclient", ".lease"},
    {"/var/lib/NetworkManager", "internal-", ".lease"},
    {"/var/lib/NetworkManager", "dhclient", ".lease"},
    {"/var/lib/NetworkManager", "dhcpcd-", ".lease"},
    {"/var/lib/dhcpcd", "", ".lease"},
    {"/var/lib/dhcpcd", "", ".lease6"},
    {"/var/lib/dhcpcd5", "dhcpcd-", ".lease"},
    {"/var/lib/dhcpcd", "dhcpcd-", ".lease"},
    {"/var/lib/wicked", "lease-", "-dhcp-ipv4.xml"},
    {"/var/lib/wicked", "lease-", "-dhcp-ipv6.xml"},
    {"/var/lib/connman", "", ".lease"},
    {"/var/lib/udhcpc", "", ".lease"},
};

// Whether the file is the interface's, and of no other that ends so: "dhclient-UUID-eth0.lease".
static bool is_of(const struct client *c, const char *file, const char *name)
{
    size_t prefix = strlen(c->prefix), suffix = strlen(c->suffix), n = strlen(name);
    size_t len = strlen(file) - suffix;
    if (!name[0] || strncmp(file, c->prefix, prefix) != 0 || len < prefix + n ||
        memcmp(file + len - n, name, n) != 0)
        return false;
    size_t at = len - n;
    return at == prefix || (c->prefix[0] && strchr("-.", file[at - 1]));
}

static bool has_moved(const struct bf_link *link)
{
    const struct bf_plan_nic *nic = link->nic;
    return (bf_nic_readdresses(nic) && !link->settled) ||
           (nic->new_mac[0] && strcmp(nic->new_mac, nic->mac) != 0);
}

static bool is_old(const struct client *c, const char *file, const struct bf_link *link,
                   size_t links)
{
    for (size_t i = 0; i < links; i++)
        if (has_moved(&link[i]) &&
            (is_of(c, file, link[i].name) || is_of(c, file, link[i].carrier)))
            return true;
    return false;
}

// A file for all interfaces goes when each lease in it is of one that is planned.
static bool all_old(struct bf_fin *f, const char *path, const struct bf_link *link, size_t links)
{
    struct bf_line line;
    size_t len, pos = 0, leases = 0, old = 0;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *w;
        size_t n;
        bool known = false;
        if (!bf_word_next(&at, line.at + line.len, &w, &n) || !bf_word_is(w, n, "interface") ||
            !bf_word_next(&at, line.at + line.len, &w, &n) || n < 4)
            continue;
        leases++;
        for (size_t i = 0; i < links; i++)
            known = known || (has_moved(&link[i]) && (bf_word_is(w + 1, n - 3, link[i].name) ||
                                                      bf_word_is(w + 1, n - 3, link[i].carrier)));
        old += known;
    }
    return leases > 0 && leases == old;
}

static enum bf_err remove_lease(struct bf_fin *f, const char *path)
{
    struct bf_fault fault;
    if (bf_edits_remove(&f->edits, path, "a lease of the old home", &fault))
        return bf_fail(f->report, "%s cannot be removed: %s", path, fault.what);
    return BF_OK;
}

static enum bf_err clean_folder(struct bf_fin *f, const struct client *c,
                                const struct bf_link *link, size_t links)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (!bf_fin_root_is_dir(f->root, c->folder) ||
        bf_edits_list(&f->edits, c->folder, c->suffix, &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        const char *name = names.name[i];
        bool shared = strncmp(name, "dhclient", 8) == 0 &&
                      (strcmp(name + 8, c->suffix) == 0 ||
                       (name[8] == '6' && strcmp(name + 9, c->suffix) == 0));
        snprintf(path, sizeof path, "%s/%.255s", c->folder, name);
        if (shared ? all_old(f, path, link, links) : is_old(c, name, link, links))
            err = remove_lease(f, path);
    }
    bf_names_free(&names);
    return err;
}

enum bf_err bf_leases_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(clients) && !err; i++)
        err = clean_folder(f, &clients[i], link, links);
    return err;
}
