// SPDX-License-Identifier: Apache-2.0
// Where the planned addresses are going to come from: each has to stand in some file of the
// network's configuration, and a planned name of an interface has to be tied to its card. What the
// stack makes of the files is not followed here; the network's own step reads them again for that.
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/judges.h"

#define DEPTH_MAX 2

static const char *const network_places[] = {
    "/etc/network",
    "/etc/netplan",
    "/etc/systemd/network",
    "/etc/NetworkManager/system-connections",
    "/usr/lib/NetworkManager/system-connections",
    "/etc/sysconfig/network-scripts",
    "/etc/sysconfig/network",
    "/etc/wicked/ifconfig",
    "/etc/conf.d",
    "/etc/netctl",
    "/etc/dhcpcd.conf",
    "/var/lib/connman",
    "/etc/rc.d/rc.inet1.conf",
    "/etc/ifconfig.d",
};
static const char *const naming_places[] = {"/etc/udev/rules.d", "/etc/mactab", "/etc/iftab"};

// Looks into one file; true ends the search.
typedef bool file_visitor(struct bf_walk *w, const char *path, const char *text, size_t len,
                          void *arg);

// Visits a file, or every file below a folder.
static bool visit(struct bf_walk *w, const char *path, size_t depth, file_visitor *look, void *arg)
{
    struct bf_names names;
    bool done = false;
    size_t len;
    const char *file = bf_fin_root_is_dir(w->f->root, path) ? NULL : bf_walk_text(w, path, &len);
    if (file)
        return look(w, path, file, len, arg);
    if (depth == DEPTH_MAX || bf_edits_list(&w->f->edits, path, "", &names))
        return false;
    for (size_t i = 0; i < names.count && !done; i++) {
        char below[BF_START_PATH];
        int n = snprintf(below, sizeof below, "%s/%s", path, names.name[i]);
        done = n > 0 && (size_t)n < sizeof below && visit(w, below, depth + 1, look, arg);
    }
    bf_names_free(&names);
    return done;
}

static bool visit_all(struct bf_walk *w, const char *const *place, size_t count, file_visitor *look,
                      void *arg)
{
    for (size_t i = 0; i < count; i++)
        if (visit(w, place[i], 0, look, arg))
            return true;
    return false;
}

// ---- Addresses ----------------------------------------------------------------------------------

struct wanted {
    const struct bf_address *address;
    unsigned char bytes[16];
    char file[BF_START_PATH]; // where it was found
    unsigned line;
};

static bool is_address_byte(char c)
{
    return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

// Whether a line outside of comments has the address, however it is written.
static bool line_has(const struct bf_line *line, const struct wanted *want)
{
    const char *end = line->at + line->len, *at = line->at;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at < end && (*at == '#' || *at == ';'))
        return false;
    while (at < end) {
        const char *from = at;
        while (at < end && is_address_byte(*at))
            at++;
        char token[INET6_ADDRSTRLEN];
        unsigned char bytes[16];
        size_t len = (size_t)(at - from), size = want->address->family == AF_INET ? 4 : 16;
        if (len >= sizeof token || len == 0) {
            at += len == 0;
            continue;
        }
        snprintf(token, sizeof token, "%.*s", (int)len, from);
        if (inet_pton(want->address->family, token, bytes) == 1 &&
            memcmp(bytes, want->bytes, size) == 0)
            return true;
    }
    return false;
}

static bool find_address(struct bf_walk *w, const char *path, const char *text, size_t len,
                         void *arg)
{
    struct wanted *want = arg;
    struct bf_line line;
    size_t pos = 0;
    unsigned number = 0;
    (void)w;
    while (bf_line_next(text, len, &pos, &line)) {
        number++;
        if (!line_has(&line, want))
            continue;
        snprintf(want->file, sizeof want->file, "%s", path);
        want->line = number;
        return true;
    }
    return false;
}

static void judge_address(struct bf_walk *w, const struct bf_address *address, json_t *list)
{
    struct wanted want = {.address = address};
    if (inet_pton(address->family, address->text, want.bytes) != 1)
        return;
    if (!visit_all(w, network_places, BF_COUNT(network_places), find_address, &want)) {
        // The network's step has found it; a stack may keep it where nobody looks here.
        bf_walk_say(w, BF_TROUBLE_DOUBT, "", 0,
                    "the planned address %s stands in no file of the network's configuration",
                    address->text);
        return;
    }
    char text[INET6_ADDRSTRLEN + 8];
    snprintf(text, sizeof text, "%s/%u", address->text, address->prefix);
    json_array_append_new(list, json_pack("{s:s,s:s,s:i}", "address", text, "file", want.file,
                                          "line", (int)want.line));
}

// ---- Names --------------------------------------------------------------------------------------

struct tie {
    const char *name, *mac;
};

static bool has_text(const char *text, size_t len, const char *want)
{
    size_t n = strlen(want);
    for (size_t i = 0; n && i + n <= len; i++)
        if (strncasecmp(text + i, want, n) == 0)
            return true;
    return false;
}

// One file that has the name and the card's address: a .link file, a rule, an ifcfg file, netplan.
static bool find_tie(struct bf_walk *w, const char *path, const char *text, size_t len, void *arg)
{
    const struct tie *tie = arg;
    (void)w;
    bool named = has_text(text, len, tie->name) || has_text(path, strlen(path), tie->name);
    return named && has_text(text, len, tie->mac);
}

static void judge_name(struct bf_walk *w, const struct bf_plan_nic *nic)
{
    struct tie tie = {nic->name, bf_nic_mac(nic)};
    if (!tie.name[0] || !tie.mac[0] ||
        visit_all(w, naming_places, BF_COUNT(naming_places), find_tie, &tie) ||
        visit_all(w, network_places, BF_COUNT(network_places), find_tie, &tie))
        return;
    bf_walk_say(w, BF_TROUBLE_LOOK, "", 0,
                "nothing ties the name %s to the card %s: the new machine may call it otherwise",
                tie.name, tie.mac);
}

json_t *bf_judge_addresses(struct bf_walk *w)
{
    const struct bf_plan *plan = w->f->plan;
    json_t *list = json_array();
    for (size_t i = 0; i < plan->nics; i++) {
        for (size_t k = 0; k < plan->nic[i].addresses; k++)
            judge_address(w, &plan->nic[i].address[k], list);
        judge_name(w, &plan->nic[i]);
    }
    return list;
}
