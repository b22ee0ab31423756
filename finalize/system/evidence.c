// SPDX-License-Identifier: Apache-2.0
// Evidence: at its first start the machine says from inside that it runs, and what it sees of
// itself (replica/jobs/evidence.h). This puts the script into the guest and has its init start it
// once; the script removes everything again. No init is made to wait for it, and none may fail by
// it:
//
// systemd: a service of the type "simple" counts as started when it is begun, so a target that
// wants it does not wait. It is ordered after the file systems alone: network-online.target may
// take minutes or never come, and the script itself waits for the addresses.
// OpenRC, SysV, runit: the script goes to the background. SysV's links are numbered as insserv
// orders a script that comes after all others; where startpar starts what insserv has listed in
// .depend.start, the script has to be in that list.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/evidence_script.h"
#include "finalize/system/steps.h"

#define WHY    "says once from inside that the machine runs, and removes itself"
#define NAME   "bootferry-evidence"
#define FOLDER "/etc/bootferry"
#define SCRIPT FOLDER "/evidence"
#define UNITS  "/etc/systemd/system"
#define SV     "/etc/sv/" NAME
#define DEPEND "/etc/init.d/.depend.start"

// One run: what is put into the guest, so that the script can remove it.
struct work {
    struct bf_fin *f;
    struct bf_text gone, folders;
};

static void goes(struct bf_text *list, const char *path)
{
    bf_textf(list, "%s%s", list->len ? " " : "", path);
}

static enum bf_err put(struct work *w, const char *path, unsigned mode, const char *text)
{
    struct bf_text out = {0};
    bf_text_str(&out, text);
    enum bf_err err = bf_fin_set_mode(w->f, path, &out, mode, WHY);
    bf_text_free(&out);
    goes(&w->gone, path);
    return err;
}

static enum bf_err put_link(struct work *w, const char *path, const char *target)
{
    struct bf_fault fault;
    goes(&w->gone, path);
    if (bf_edits_link(&w->f->edits, path, target, WHY, &fault))
        return bf_fail(w->f->report, "%s cannot be made: %s", path, fault.what);
    return BF_OK;
}

// ---- systemd ------------------------------------------------------------------------------------

static const char unit[] = "# Written by bootferry-finalize. It removes itself when it has run.\n"
                           "[Unit]\n"
                           "Description=Says once that this machine runs in its new home\n"
                           "ConditionPathExists=" SCRIPT "\n"
                           "\n"
                           "[Service]\n"
                           "Type=simple\n"
                           "ExecStart=-/bin/sh " SCRIPT "\n"
                           "TimeoutStopSec=5\n"
                           "\n"
                           "[Install]\n"
                           "WantedBy=multi-user.target\n";

static enum bf_err want(struct work *w, const char *target)
{
    char path[256];
    snprintf(path, sizeof path, UNITS "/%s.wants/" NAME ".service", target);
    return put_link(w, path, UNITS "/" NAME ".service");
}

// The target that the system starts, where it is none of those that lead to multi-user.target.
static bool other_target(const struct bf_fin *f, char *out, size_t size)
{
    static const char name[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@-";
    char *link = bf_fin_root_readlink(f->root, UNITS "/default.target");
    const char *slash = link ? strrchr(link, '/') : NULL, *base = slash ? slash + 1 : link;
    size_t len = base ? strlen(base) : 0;
    bool other = len > 7 && len < size && strspn(base, name) == len &&
                 strcmp(base + len - 7, ".target") == 0 && strcmp(base, "multi-user.target") != 0 &&
                 strcmp(base, "graphical.target") != 0 && strncmp(base, "runlevel", 8) != 0;
    if (other)
        memcpy(out, base, len + 1);
    free(link);
    return other;
}

static enum bf_err on_systemd(struct work *w)
{
    char target[100];
    enum bf_err err = put(w, UNITS "/" NAME ".service", 0644, unit);
    if (!err)
        err = want(w, "multi-user.target");
    return err || !other_target(w->f, target, sizeof target) ? err : want(w, target);
}

// ---- OpenRC and runit ---------------------------------------------------------------------------

static enum bf_err on_openrc(struct work *w)
{
    static const char *const run[] = {"/sbin/openrc-run", "/usr/sbin/openrc-run", NULL};
    char text[512];
    snprintf(text, sizeof text,
             "#!/sbin/%s\n"
             "# Written by bootferry-finalize. It removes itself when it has run.\n"
             "description=\"Says once that this machine runs in its new home\"\n"
             "depend() {\n"
             "    need localmount\n"
             "    after *\n"
             "}\n"
             "start() {\n"
             "    /bin/sh " SCRIPT " detach\n"
             "    return 0\n"
             "}\n",
             bf_fin_root_any(w->f->root, run) ? "openrc-run" : "runscript");
    enum bf_err err = put(w, "/etc/init.d/" NAME, 0755, text);
    return err ? err : put_link(w, "/etc/runlevels/default/" NAME, "/etc/init.d/" NAME);
}

// runsv restarts what ends; where its state cannot be written beside the service, it follows the
// link. The folder of the service goes with all that runsv has made there.
static enum bf_err on_runit(struct work *w)
{
    static const char text[] =
        "#!/bin/sh\n"
        "# Written by bootferry-finalize. It removes itself when it has run.\n"
        "[ ! -e " SCRIPT " ] || /bin/sh " SCRIPT " detach\n"
        "exec sleep 86400\n";
    bool here = bf_fin_root_is_dir(w->f->root, "/etc/runit/runsvdir/default");
    enum bf_err err =
        put_link(w, here ? "/etc/runit/runsvdir/default/" NAME : "/etc/service/" NAME, SV);
    if (!err)
        err = put_link(w, SV "/supervise", "/run/runit/supervise." NAME);
    if (!err)
        err = put(w, SV "/run", 0755, text);
    goes(&w->gone, SV);
    return err;
}

// ---- SysV ---------------------------------------------------------------------------------------

static const char sysv[] = "#!/bin/sh\n"
                           "# Written by bootferry-finalize. It removes itself when it has run.\n"
                           "# chkconfig: 2345 99 01\n"
                           "# description: Says once that this machine runs in its new home\n"
                           "### BEGIN INIT INFO\n"
                           "# Provides:          " NAME "\n"
                           "# Required-Start:    $local_fs $all\n"
                           "# Required-Stop:\n"
                           "# Default-Start:     2 3 4 5\n"
                           "# Default-Stop:\n"
                           "# Short-Description: Says once that this machine runs in its new home\n"
                           "### END INIT INFO\n"
                           "[ \"$1\" != start ] || /bin/sh " SCRIPT " detach\n"
                           "exit 0\n";

// Where the folders of the run levels are, and what leads from there to the scripts. SUSE's
// /etc/rc.d is a link to /etc/init.d.
static const struct place {
    const char *base, *script;
} places[] = {
    {"/etc", "../init.d/" NAME}, {"/etc/init.d", "../" NAME}, {"/etc/rc.d", "../init.d/" NAME}};

static bool has_level(const struct bf_fin *f, const struct place *p, int level)
{
    char dir[64];
    snprintf(dir, sizeof dir, "%s/rc%d.d", p->base, level);
    return bf_fin_root_is_dir(f->root, dir);
}

static enum bf_err link_level(struct work *w, const struct place *p, int level)
{
    char path[128];
    snprintf(path, sizeof path, "%s/rc%d.d/S99" NAME, p->base, level);
    return put_link(w, path, p->script);
}

// Adds the script to insserv's list, "TARGETS = ...", of which startpar takes what it starts.
static enum bf_err list_for_startpar(struct work *w)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(w->f, DEPEND, &len, &err);
    if (!text || memmem(text, len, NAME, sizeof NAME - 1))
        return err;
    while (bf_line_next(text, len, &pos, &line)) {
        bool targets = line.len > 7 && memcmp(line.at, "TARGETS", 7) == 0;
        bf_text_add(&out, line.at, line.len);
        bf_text_str(&out, targets ? " " NAME : "");
        bf_text_add(&out, line.at + line.len, line.full - line.len);
    }
    err = bf_fin_set(w->f, DEPEND, &out, WHY);
    bf_text_free(&out);
    return err;
}

static enum bf_err link_levels(struct work *w, const struct place *p)
{
    enum bf_err err = put(w, "/etc/init.d/" NAME, 0755, sysv);
    for (int level = 2; level <= 5 && !err; level++)
        if (has_level(w->f, p, level))
            err = link_level(w, p, level);
    return err ? err : list_for_startpar(w);
}

// Slackware's own scripts run those of SysV where there are any (rc.sysvinit).
static enum bf_err on_slackware(struct work *w)
{
    static const char *const folders[] = {"/etc/rc.d/rc3.d", "/etc/rc.d/rc4.d", "/etc/rc.d/init.d"};
    enum bf_err err = put(w, "/etc/rc.d/init.d/" NAME, 0755, sysv);
    for (int level = 3; level <= 4 && !err; level++)
        err = link_level(w, &places[2], level);
    for (size_t i = 0; i < BF_COUNT(folders); i++)
        goes(&w->folders, folders[i]);
    return err;
}

static enum bf_err no_way(const struct work *w)
{
    return bf_refuse(w->f->report,
                     "\"evidence\": nothing is known that would start a script with this system's "
                     "init; leave \"evidence\" out, and look at the new machine yourself");
}

static enum bf_err on_sysv(struct work *w)
{
    const struct bf_fin_root *root = w->f->root;
    if (bf_fin_root_exists(root, "/etc/rc.d/rc.sysvinit"))
        return on_slackware(w);
    for (size_t i = 0; i < BF_COUNT(places); i++)
        if (has_level(w->f, &places[i], 3) || has_level(w->f, &places[i], 2))
            return link_levels(w, &places[i]);
    // Small systems with busybox: rcS starts each script of the folder whose name is like this.
    if (bf_fin_root_exists(root, "/etc/init.d/rcS"))
        return put(w, "/etc/init.d/S99" NAME, 0755, sysv);
    return no_way(w);
}

// ---- All of it ----------------------------------------------------------------------------------

static enum bf_err by_init(struct work *w)
{
    switch (w->f->system.init) {
    case BF_INIT_SYSTEMD:
        return on_systemd(w);
    case BF_INIT_OPENRC:
        return on_openrc(w);
    case BF_INIT_RUNIT:
        return on_runit(w);
    case BF_INIT_OTHER:
        return no_way(w);
    default:
        return on_sysv(w);
    }
}

// Last, since it names all the others. The word is a secret of the job.
static enum bf_err put_script(struct work *w)
{
    struct bf_text out = {0};
    goes(&w->gone, SCRIPT);
    goes(&w->folders, FOLDER);
    bf_evidence_script(w->f, bf_text_get(&w->gone), bf_text_get(&w->folders), &out);
    out.failed = out.failed || w->gone.failed || w->folders.failed;
    enum bf_err err = bf_fin_set_mode(w->f, SCRIPT, &out, 0700, WHY);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_adapt_evidence(struct bf_fin *f)
{
    struct work w = {.f = f};
    if (!f->plan->evidence_word[0] && f->plan->evidence_to[0])
        bf_note(f->report, "info", SCRIPT,
                "\"evidence\" has no word, so this machine reports nothing; bootferry failover "
                "gives it one");
    if (!f->plan->evidence_word[0])
        return BF_OK;
    enum bf_err err = by_init(&w);
    if (!err)
        err = put_script(&w);
    bf_text_free(&w.gone);
    bf_text_free(&w.folders);
    if (!err)
        bf_note(f->report, "info", SCRIPT,
                "runs once at the first start, says what the machine sees of itself to the port "
                "org.bootferry.evidence, else to %s, and removes itself",
                bf_serial_port(f));
    return err;
}
