// SPDX-License-Identifier: Apache-2.0
// See disable.h. Each init is told in its own way:
//
// systemd: a link to /dev/null masks the unit (systemd.unit(5)), as "systemctl mask" makes it. To
// remove the links that enable it would not be enough: presets and scripts of packages make them
// again, devices and other units start it, and a SysV script is a unit without a link.
// SysV: S links become K links, as update-rc.d and chkconfig make them; with any link left there,
// an update of the package adds none. OpenRC, runit: the link in the run level goes. Upstart: an
// override file with "manual" (init(5)); Red Hat's does not read those.
#include "finalize/system/disable.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/service.h"

const char *const bf_unit_folders[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
                                       "/usr/lib/systemd/system", "/lib/systemd/system", NULL};

static enum bf_err set_link(struct bf_fin *f, const char *path, const char *target, const char *why)
{
    struct bf_fault fault;
    if (bf_edits_link(&f->edits, path, target, why, &fault))
        return bf_fail(f->report, "%s cannot be changed: %s", path, fault.what);
    return BF_OK;
}

bool bf_service_exists(struct bf_fin *f, const char *name)
{
    static const struct {
        const char *dir, *suffix;
    } places[] = {
        {"/etc/init.d", ""}, {"/etc/rc.d/init.d", ""}, {"/etc/init", ".conf"}, {"/etc/sv", ""}};
    char path[256];
    for (const char *const *dir = bf_unit_folders; *dir; dir++) {
        snprintf(path, sizeof path, "%s/%.100s.service", *dir, name);
        if (f->system.init == BF_INIT_SYSTEMD && bf_fin_root_exists(f->root, path))
            return true;
    }
    for (size_t i = 0; i < BF_COUNT(places); i++) {
        snprintf(path, sizeof path, "%s/%.100s%s", places[i].dir, name, places[i].suffix);
        if (bf_fin_root_exists(f->root, path))
            return true;
    }
    return false;
}

// ---- systemd ------------------------------------------------------------------------------------

static enum bf_err mask(struct bf_fin *f, const char *name, const char *why, const char **how)
{
    char path[256];
    snprintf(path, sizeof path, "/etc/systemd/system/%.100s.service", name);
    const char *target = bf_edits_link_target(&f->edits, path);
    if (target && strcmp(target, "/dev/null") == 0)
        return BF_OK;
    // An alias of another unit; a mask in its place would not keep that one from being started.
    const char *base = target ? strrchr(target, '/') : NULL;
    size_t n = base ? strlen(base + 1) : 0;
    if (n > 8 && strcmp(base + 1 + n - 8, ".service") == 0)
        snprintf(path, sizeof path, "/etc/systemd/system/%.150s", base + 1);
    target = bf_edits_link_target(&f->edits, path);
    if (target && strcmp(target, "/dev/null") == 0)
        return BF_OK;
    if (!target && bf_fin_root_exists(f->root, path)) {
        bf_note(f->report, "warning", path,
                "%s is left as it is, since its unit stands where a mask would; disable it by hand",
                name);
        return BF_OK;
    }
    *how = "masked";
    return set_link(f, path, "/dev/null", why);
}

// ---- SysV ---------------------------------------------------------------------------------------

// "S20name": the number, or -1.
static int sysv_number(const char *entry, char kind, const char *name)
{
    bool is = entry[0] == kind && isdigit((unsigned char)entry[1]) &&
              isdigit((unsigned char)entry[2]) && strcmp(entry + 3, name) == 0;
    return is ? (entry[1] - '0') * 10 + entry[2] - '0' : -1;
}

static enum bf_err stop_link(struct bf_fin *f, const char *dir, const char *entry, int number,
                             const char *why)
{
    char path[512], stop[512];
    snprintf(path, sizeof path, "%s/%.200s", dir, entry);
    const char *target = bf_edits_link_target(&f->edits, path);
    if (!target) {
        bf_note(f->report, "warning", path, "is left as it is: it is no link");
        return BF_OK;
    }
    char *copy = strdup(target);
    int stops = number == 0 ? 99 : number < 99 ? 100 - number : 1;
    snprintf(stop, sizeof stop, "%s/K%02d%.200s", dir, stops, entry + 3);
    enum bf_err err = copy ? set_link(f, path, NULL, why) : bf_fail(f->report, "out of memory");
    // SUSE's insserv and rcS.d have none; where one is there already it stays.
    bool levels = strstr(dir, "/rc") && !strstr(dir, "init.d") && !strstr(dir, "rcS");
    if (!err && levels && !bf_edits_link_target(&f->edits, stop))
        err = set_link(f, stop, copy, why);
    free(copy);
    return err;
}

static enum bf_err stop_in(struct bf_fin *f, const char *dir, const char *name, const char *why,
                           const char **how)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, dir, name, &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        int number = sysv_number(names.name[i], 'S', name);
        if (number < 0)
            continue;
        *how = "disabled in its run levels";
        err = stop_link(f, dir, names.name[i], number, why);
    }
    bf_names_free(&names);
    return err;
}

static enum bf_err stop_sysv(struct bf_fin *f, const char *name, const char *why, const char **how)
{
    enum bf_err err = BF_OK;
    for (const char *const *dir = bf_sysv_folders; *dir && !err; dir++)
        err = stop_in(f, *dir, name, why, how);
    return err;
}

// ---- OpenRC and runit ---------------------------------------------------------------------------

static enum bf_err take_out(struct bf_fin *f, const char *path, const char *why, const char **how)
{
    if (!bf_edits_link_target(&f->edits, path))
        return BF_OK;
    *how = "taken out of its run level";
    return set_link(f, path, NULL, why);
}

// Takes the link out of each folder below `base` ("/etc/runlevels").
static enum bf_err unlink_below(struct bf_fin *f, const char *base, const char *name,
                                const char *why, const char **how)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_fin_root_list(f->root, base, "", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%.200s/%.100s", base, names.name[i], name);
        err = take_out(f, path, why, how);
    }
    bf_names_free(&names);
    return err;
}

// Void links its services in runsvdir, Debian and Devuan in /etc/service.
static enum bf_err disable_runit(struct bf_fin *f, const char *name, const char *why,
                                 const char **how)
{
    char path[256];
    snprintf(path, sizeof path, "/etc/service/%.100s", name);
    enum bf_err err = unlink_below(f, "/etc/runit/runsvdir", name, why, how);
    return err ? err : take_out(f, path, why, how);
}

// ---- Upstart ------------------------------------------------------------------------------------

static enum bf_err set_manual(struct bf_fin *f, const char *name, const char *why, const char **how)
{
    char job[256], path[256];
    size_t len = 0, pos = 0;
    struct bf_text out = {0};
    struct bf_line line;
    bool is = false;
    snprintf(job, sizeof job, "/etc/init/%.100s.conf", name);
    snprintf(path, sizeof path, "/etc/init/%.100s.override", name);
    if (!bf_fin_root_exists(f->root, job))
        return BF_OK;
    if (f->system.family == &bf_redhat) {
        bf_note(f->report, "warning", job,
                "is left as it is: this Upstart has no override files; take its \"start on\" away");
        return BF_OK;
    }
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line))
        is = is || bf_word_is(line.at, line.len, "manual");
    if (is)
        return BF_OK;
    if (text)
        bf_text_add(&out, text, len);
    bf_textf(&out, "%smanual\n", text && len && text[len - 1] != '\n' ? "\n" : "");
    *how = "set to manual";
    enum bf_err err = bf_fin_set(f, path, &out, why);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_service_disable(struct bf_fin *f, const char *name, const char *why,
                               const char **how)
{
    enum bf_err err = BF_OK;
    *how = NULL;
    switch (f->system.init) {
    case BF_INIT_SYSTEMD:
        return bf_service_starts(f, name) ? mask(f, name, why, how) : BF_OK;
    case BF_INIT_OPENRC:
        return unlink_below(f, "/etc/runlevels", name, why, how);
    case BF_INIT_RUNIT:
        return disable_runit(f, name, why, how);
    case BF_INIT_UPSTART:
        err = set_manual(f, name, why, how);
        return err ? err : stop_sysv(f, name, why, how);
    default:
        return stop_sysv(f, name, why, how);
    }
}
