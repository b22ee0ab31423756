// SPDX-License-Identifier: Apache-2.0
// teamd: a team's configuration is a file of JSON in /etc/teamd, named by the instance of
// teamd@NAME.service or read by ifcfg files that have their own. It is read for which interfaces
// are a team's ports; the addresses stand in the files of another stack.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define DIR "/etc/teamd"

static bool in_use(struct bf_fin *f)
{
    struct bf_names names;
    if (bf_service_instances(f->root, "teamd@", &names))
        return false;
    bool any = names.count > 0;
    bf_names_free(&names);
    return any;
}

// Other stacks' files know the name, and not what it is.
static void tell(struct bf_net *net, const char *name, enum bf_known_kind kind, const char *master,
                 const char *file)
{
    struct bf_known *own = bf_net_add(net, &bf_teamd, name, "");
    if (own)
        bf_net_where(own, file, 0);
    bf_net_describe(net, name, kind, master, "");
}

static void read_team(struct bf_net *net, const char *path, const char *instance, const char *text,
                      size_t len)
{
    json_t *team = json_loadb(text, len, 0, NULL), *port;
    const char *name = json_string_value(json_object_get(team, "device")), *of;
    name = name ? name : instance;
    if (!team)
        bf_net_trouble(net, "teamd: %s is not understood", path);
    if (team && name[0] && strlen(name) < BF_IFNAME) {
        tell(net, name, BF_KNOWN_BOND, "", path);
        json_object_foreach(json_object_get(team, "ports"), of, port)
        {
            if (of[0] && strlen(of) < BF_IFNAME && net->count < BF_NET_MAX)
                tell(net, of, BF_KNOWN_HARDWARE, name, path);
        }
    }
    json_decref(team);
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (bf_service_instances(f->root, "teamd@", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[128];
        struct bf_fault fault;
        size_t len;
        snprintf(path, sizeof path, DIR "/%.90s.conf", names.name[i]);
        const char *text = bf_edits_get(&f->edits, path, &len, &fault);
        if (text)
            read_team(net, path, names.name[i], text, len);
        else
            bf_net_trouble(net, "teamd: %s cannot be read: %s", path, fault.what);
    }
    bf_names_free(&names);
}

const struct bf_stack_ops bf_teamd = {
    .name = "teamd",
    .title = "teamd (" DIR ")",
    .in_use = in_use,
    .scan = scan,
};
