// SPDX-License-Identifier: Apache-2.0
// Agents of the home that is left are disabled: at best they fail at each start, at worst they wait
// for a hypervisor, or set addresses, names and keys that another cloud gives. Nothing is
// uninstalled, so the way back is short. The new home's agent is named, not installed.
#include "finalize/system/agents.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/disable.h"
#include "finalize/system/service.h"
#include "finalize/system/steps.h"

#define WHY "an agent of the old home"

// What became of one agent's services.
struct fate {
    const char *off[BF_AGENT_NAMES], *left[BF_AGENT_NAMES];
    size_t offs, lefts;
    const char *how;
};

// Whether the unit in force says itself that it starts under its own hypervisor only.
static bool is_bound(struct bf_fin *f, const char *name)
{
    char path[256];
    size_t len;
    for (const char *const *dir = bf_unit_folders; *dir && f->system.init == BF_INIT_SYSTEMD;
         dir++) {
        snprintf(path, sizeof path, "%s/%.100s.service", *dir, name);
        const char *text =
            bf_fin_root_exists(f->root, path) ? bf_edits_get(&f->edits, path, &len, NULL) : NULL;
        if (text)
            return bf_agent_bound(text, len, bf_agent_homes(f->plan->target));
    }
    return false;
}

// Most of the names are of no system: a look at where they would be spares one at all that is
// enabled.
static bool may_be_there(struct bf_fin *f, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "/etc/systemd/system/multi-user.target.wants/%.100s.service", name);
    return f->system.init != BF_INIT_SYSTEMD || bf_service_exists(f, name) ||
           bf_edits_link_target(&f->edits, path);
}

static enum bf_err disable_one(struct bf_fin *f, const char *name, struct fate *fate)
{
    const char *how;
    if (!may_be_there(f, name))
        return BF_OK;
    if (is_bound(f, name) && bf_service_starts(f, name)) {
        fate->left[fate->lefts++] = name;
        return BF_OK;
    }
    enum bf_err err = bf_service_disable(f, name, WHY, &how);
    if (how) {
        fate->off[fate->offs++] = name;
        fate->how = how;
    }
    return err;
}

static void note_fate(struct bf_fin *f, const struct bf_agent *a, const struct fate *fate)
{
    struct bf_text names = {0};
    if (fate->offs) {
        bf_text_list(&names, fate->off, fate->offs, " and ");
        bf_note(f->report, "info", a->title, "disabled, as the new home is another: %s (%s)",
                bf_text_get(&names), fate->how);
    }
    bf_text_free(&names);
    if (fate->lefts) {
        bf_text_list(&names, fate->left, fate->lefts, " and ");
        bf_note(f->report, "info", a->title,
                "left enabled, as systemd starts it under its own hypervisor only: %s",
                bf_text_get(&names));
    }
    bf_text_free(&names);
}

static enum bf_err disable_agent(struct bf_fin *f, const struct bf_agent *a)
{
    struct fate fate = {.offs = 0};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_AGENT_NAMES && a->name[i] && !err; i++)
        err = disable_one(f, a->name[i], &fate);
    if (!err)
        note_fate(f, a, &fate);
    return err;
}

// A mask of what the new home needs may be the administrator's, so it stays.
static void note_masked(struct bf_fin *f, const struct bf_agent *a)
{
    for (size_t i = 0; i < BF_AGENT_NAMES && a->name[i]; i++) {
        char path[256];
        snprintf(path, sizeof path, "/etc/systemd/system/%.100s.service", a->name[i]);
        const char *target = bf_edits_link_target(&f->edits, path);
        if (target && strcmp(target, "/dev/null") == 0)
            bf_note(f->report, "warning", a->title,
                    "belongs to the new home and is masked: \"systemctl unmask %s\" lets it start",
                    a->name[i]);
    }
}

static bool is_installed(struct bf_fin *f, unsigned home)
{
    for (const struct bf_agent *a = bf_agents; a->title; a++)
        for (size_t i = 0; i < BF_AGENT_NAMES && a->name[i]; i++)
            if ((a->homes & home) && bf_service_exists(f, a->name[i]))
                return true;
    return false;
}

static void note_wanted(struct bf_fin *f)
{
    static const struct {
        unsigned home;
        const char *package;
    } wanted[] = {
        {BF_HOME_KVM, "qemu-guest-agent"},  {BF_HOME_VMWARE, "open-vm-tools"},
        {BF_HOME_HYPERV, "hyperv-daemons"}, {BF_HOME_XEN, "xe-guest-utilities"},
        {BF_HOME_AZURE, "walinuxagent"},    {BF_HOME_GOOGLE, "google-guest-agent"},
    };
    unsigned homes = bf_agent_homes(f->plan->target);
    for (size_t i = 0; i < BF_COUNT(wanted) && homes != ~0u; i++) {
        bool ubuntu = strcmp(f->system.id, "ubuntu") == 0 && wanted[i].home == BF_HOME_HYPERV;
        bool suse = f->system.family == &bf_suse && wanted[i].home == BF_HOME_HYPERV;
        if ((homes & wanted[i].home) && !is_installed(f, wanted[i].home))
            bf_note(f->report, "info", "agents",
                    "the new home has an agent for its guests, which is not installed here: the "
                    "package %s",
                    ubuntu ? "linux-cloud-tools-virtual"
                    : suse ? "hyper-v"
                           : wanted[i].package);
    }
}

enum bf_err bf_adapt_agents(struct bf_fin *f)
{
    unsigned homes = bf_agent_homes(f->plan->target);
    enum bf_err err = BF_OK;
    for (const struct bf_agent *a = bf_agents; a->title && !err; a++) {
        if (a->homes & homes && homes != ~0u)
            note_masked(f, a);
        else if (!(a->homes & homes) && !f->plan->keep_agents)
            err = disable_agent(f, a);
    }
    if (!err)
        note_wanted(f);
    return err;
}
