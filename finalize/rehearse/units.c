// SPDX-License-Identifier: Apache-2.0
// What systemd waits for besides /etc/fstab: mount and swap units that are enabled
// (systemd.mount(5), systemd.swap(5)), and which target the start is for (bootup(7)).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/ini.h"
#include "finalize/rehearse/judges.h"

#define UNITS_MAX 64

static const char *const folders[] = {"/etc/systemd/system", "/run/systemd/system",
                                      "/usr/lib/systemd/system", "/lib/systemd/system"};

// The unit's file in the first folder that has it; NULL when it is masked, or nowhere.
static const char *read_unit(struct bf_walk *w, const char *name, char *path, size_t size,
                             size_t *len)
{
    for (size_t i = 0; i < BF_COUNT(folders); i++) {
        snprintf(path, size, "%s/%.200s", folders[i], name);
        const char *to = bf_edits_link_target(&w->f->edits, path);
        if (to && strcmp(to, "/dev/null") == 0)
            return NULL;
        const char *text = bf_walk_text(w, path, len);
        if (text)
            return text;
    }
    return NULL;
}

static bool is_optional(const char *options)
{
    return strstr(options, "nofail") || strstr(options, "_netdev");
}

static void judge_unit(struct bf_walk *w, const char *name, bool swap, bool required)
{
    char path[256], what[256] = "", options[256] = "";
    size_t len;
    const char *section = swap ? "Swap" : "Mount";
    const char *text = read_unit(w, name, path, sizeof path, &len);
    if (!text || !bf_ini_find(text, len, section, "What", what, sizeof what))
        return;
    bf_ini_find(text, len, section, "Options", options, sizeof options);
    bool order = bf_name_kind(what) == BF_NAME_ORDER;
    bool device =
        order || strncmp(what, "/dev/disk/by-", 13) == 0 || strncmp(what, "/dev/mapper/", 12) == 0;
    if (!device || is_optional(options) || bf_device_unprobed(what) ||
        (!order && bf_device_find(w->f->devices, what)))
        return;
    bf_walk_say(w, required ? bf_walk_missing(w) : BF_TROUBLE_LOOK, path, 0, "%.200s %s: %s", what,
                order ? "is a name that depends on the machine and the order of its disks"
                      : "is on none of the disks",
                required ? "the start would end in an emergency shell; mask the unit on the "
                           "source, or give its disk to the new machine"
                         : "the start waits for it, 90 seconds as a rule");
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

// The units in a folder of links. Without a required one, local-fs.target fails.
static void judge_folder(struct bf_walk *w, const char *folder, bool required)
{
    struct bf_names names;
    if (bf_edits_list(&w->f->edits, folder, "", &names))
        return;
    for (size_t i = 0; i < names.count && i < UNITS_MAX; i++)
        if (ends_in(names.name[i], ".mount"))
            judge_unit(w, names.name[i], false, required);
        else if (ends_in(names.name[i], ".swap"))
            judge_unit(w, names.name[i], true, false);
    bf_names_free(&names);
}

// default.target as an administrator has set it.
static void judge_target(struct bf_walk *w)
{
    static const char path[] = "/etc/systemd/system/default.target";
    static const char *const shell[] = {"rescue.target", "emergency.target", "runlevel1.target",
                                        "null"};
    const char *to = bf_edits_link_target(&w->f->edits, path);
    const char *slash = to ? strrchr(to, '/') : NULL, *name = slash ? slash + 1 : to;
    for (size_t i = 0; name && i < BF_COUNT(shell); i++)
        if (strcmp(name, shell[i]) == 0)
            bf_walk_say(w, BF_TROUBLE_LOOK, path, 0,
                        "leads to %.60s, with which the start ends in a shell or in rescue mode",
                        to);
}

void bf_judge_units(struct bf_walk *w)
{
    static const char *const target[] = {"local-fs.target",  "multi-user.target", "swap.target",
                                         "graphical.target", "default.target",    "sysinit.target"};
    char folder[128];
    if (w->f->devices->count == 0 ||
        !bf_fin_root_any(w->f->root, (const char *const[]){"/usr/lib/systemd/systemd",
                                                           "/lib/systemd/systemd", NULL}))
        return;
    judge_target(w);
    for (size_t i = 0; i < BF_COUNT(target); i++)
        for (int requires = 0; requires <= 1; requires ++) {
            snprintf(folder, sizeof folder, "/etc/systemd/system/%s.%s", target[i],
                     requires ? "requires" : "wants");
            judge_folder(w, folder, requires && i == 0);
        }
}
