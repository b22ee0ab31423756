// SPDX-License-Identifier: Apache-2.0
// MAC addresses that systemd-networkd's files write down: those by which an interface is matched,
// and those that are given to it, or to a bridge, bond or VLAN above it.
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/networkd.h"

static bool is_mac_line(const struct bf_networkd_line *line)
{
    return bf_networkd_is(line, "Match", "MACAddress") ||
           bf_networkd_is(line, "Match", "PermanentMACAddress") ||
           bf_networkd_is(line, "Link", "MACAddress") ||
           bf_networkd_is(line, "NetDev", "MACAddress");
}

static const char *followed(const char *at, size_t len, const struct bf_link *link, size_t links)
{
    char mac[BF_MAC_TEXT];
    if (!bf_networkd_mac(at, len, mac))
        return NULL;
    for (size_t i = 0; i < links; i++)
        if (link[i].nic->new_mac[0] && strcmp(mac, link[i].old_mac) == 0)
            return link[i].nic->new_mac;
    return NULL;
}

// Copies a line; each old address in it becomes the new one, all at once, so that two interfaces
// may swap.
static void follow_line(struct bf_text *out, const struct bf_networkd_line *line,
                        const struct bf_link *link, size_t links)
{
    static const char in_mac[] = "0123456789abcdefABCDEF:.-";
    const char *at = line->at, *end = at + line->full, *eq = memchr(at, '=', line->full);
    bf_text_add(out, at, eq ? (size_t)(eq + 1 - at) : 0);
    for (at = eq ? eq + 1 : at; at < end;) {
        size_t len = 0;
        while (at + len < end && at[len] && strchr(in_mac, at[len]))
            len++;
        const char *mac = followed(at, len, link, links);
        if (mac)
            bf_text_str(out, mac);
        else
            bf_text_add(out, at, len ? len : 1);
        at += len ? len : 1;
    }
}

static enum bf_err follow_file(struct bf_fin *f, const struct bf_networkd_file *file,
                               const struct bf_link *link, size_t links)
{
    struct bf_text out = {0};
    bf_networkd_head(&out, file);
    for (size_t i = 0; i < file->lines; i++)
        if (is_mac_line(&file->line[i]))
            follow_line(&out, &file->line[i], link, links);
        else
            bf_text_add(&out, file->line[i].at, file->line[i].full);
    enum bf_err err = bf_networkd_set(f, file, &out, "the interface's new MAC address");
    bf_text_free(&out);
    return err;
}

enum bf_err bf_networkd_follow(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    static const char *const suffix[] = {".network", ".netdev"};
    enum bf_err err = BF_OK;
    for (size_t s = 0; s < BF_COUNT(suffix) && !err; s++) {
        struct bf_networkd_units u;
        bf_networkd_load(f, suffix[s], &u);
        for (size_t i = 0; i < u.count; i++)
            for (size_t k = 0; k < u.at[i].files && !err; k++)
                err = follow_file(f, &u.at[i].file[k], link, links);
        bf_networkd_free(&u);
    }
    return err;
}
