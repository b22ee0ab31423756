// SPDX-License-Identifier: Apache-2.0
// A login on the serial console, where the plan decides about one; the kernel's command line is the
// boot loaders' part. systemd's generator starts one where the kernel has a console (so does RHEL
// 6's serial.conf), unless it is masked; every other init has to be told. Root may log in only
// where /etc/securetty, if there is one, says so (securetty(5)).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

#define WHY "a login on the serial console as planned"

const char *bf_serial_port(const struct bf_fin *f)
{
    const char *machine = f->system.architecture ? f->system.architecture->name : "";
    return strcmp(machine, "aarch64") == 0 || strcmp(machine, "arm") == 0 ? "ttyAMA0" : "ttyS0";
}

static enum bf_err set_link(struct bf_fin *f, const char *path, const char *target)
{
    struct bf_fault fault;
    if (bf_edits_link(&f->edits, path, target, WHY, &fault))
        return bf_fail(f->report, "%s cannot be changed: %s", path, fault.what);
    return BF_OK;
}

// Writes a file that is not there.
static enum bf_err put_new(struct bf_fin *f, const char *path, unsigned mode, const char *text)
{
    struct bf_text out = {0};
    if (bf_fin_root_exists(f->root, path))
        return BF_OK;
    bf_text_str(&out, text);
    enum bf_err err = bf_fin_set_mode(f, path, &out, mode, WHY);
    bf_text_free(&out);
    return err;
}

// ---- systemd ------------------------------------------------------------------------------------

static bool is_null_link(struct bf_fin *f, const char *path)
{
    const char *target = bf_edits_link_target(&f->edits, path);
    return target && strcmp(target, "/dev/null") == 0;
}

#define WANTS    "/etc/systemd/system/getty.target.wants"
#define TEMPLATE "/usr/lib/systemd/system/serial-getty@.service"

static enum bf_err on_systemd(struct bf_fin *f, const char *port)
{
    static const char *const generator[] = {
        "/etc/systemd/system-generators/systemd-getty-generator",
        "/usr/local/lib/systemd/system-generators/systemd-getty-generator"};
    char unit[128], wanted[160];
    bool off = false;
    enum bf_err err = BF_OK;
    snprintf(unit, sizeof unit, "/etc/systemd/system/serial-getty@%s.service", port);
    snprintf(wanted, sizeof wanted, WANTS "/serial-getty@%s.service", port);
    const char *const masks[] = {unit, "/etc/systemd/system/serial-getty@.service",
                                 "/etc/systemd/system/getty.target"};
    for (size_t i = 0; i < BF_COUNT(masks) && !err; i++)
        if (is_null_link(f, masks[i]))
            err = set_link(f, masks[i], NULL);
    for (size_t i = 0; i < BF_COUNT(generator); i++)
        off = off || is_null_link(f, generator[i]);
    return err || !off ? err : set_link(f, wanted, TEMPLATE);
}

// Instances that were enabled by hand; the generator's go with the console.
static enum bf_err off_systemd(struct bf_fin *f)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, WANTS, ".service", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        snprintf(path, sizeof path, WANTS "/%.250s", names.name[i]);
        if (strncmp(names.name[i], "serial-getty@ttyS", 17) == 0 &&
            bf_edits_link_target(&f->edits, path))
            err = set_link(f, path, NULL);
    }
    bf_names_free(&names);
    return err;
}

// ---- inittab ------------------------------------------------------------------------------------

#define INITTAB "/etc/inittab"

// Fields between colons: id, run levels, action, process. BusyBox takes the id for the terminal.
struct entry {
    const char *at[4];
    size_t len[4];
};

// False for a comment and for what is no entry.
static bool split(const struct bf_line *line, struct entry *e)
{
    const char *at = line->at, *end = line->at + line->len;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == end || *at == '#')
        return false;
    for (size_t i = 0; i < 4; i++) {
        const char *colon = i < 3 ? memchr(at, ':', (size_t)(end - at)) : end;
        if (!colon)
            return false;
        e->at[i] = at;
        e->len[i] = (size_t)(colon - at);
        at = colon + (i < 3);
    }
    return true;
}

static bool has_word(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word)) != NULL;
}

// An entry that keeps a login on a port: "ttyS" for any.
static bool is_login(const struct bf_line *line, const struct entry *e, const char *port)
{
    return (bf_word_is(e->at[2], e->len[2], "respawn") ||
            bf_word_is(e->at[2], e->len[2], "askfirst")) &&
           has_word(line->at, line->len, port);
}

// What is known of the file before it is changed.
struct inittab {
    bool busybox, login;
    size_t last;      // where the last login's line ends; 0: there is none
    const char *free; // an id that no line has
};

static struct inittab look(struct bf_fin *f, const char *text, size_t len, const char *port)
{
    static const char *const ids[] = {"T0", "S0", "s0", "T9"};
    bool used[BF_COUNT(ids)] = {false};
    struct inittab t = {.free = ids[0]};
    struct bf_line line;
    struct entry e;
    char *init = bf_fin_root_readlink(f->root, "/sbin/init");
    t.busybox = init && strstr(init, "busybox");
    free(init);
    for (size_t pos = 0; bf_line_next(text, len, &pos, &line);) {
        if (!split(&line, &e))
            continue;
        t.busybox = t.busybox || (e.len[0] == 0 && bf_word_is(e.at[2], e.len[2], "sysinit"));
        t.login = t.login || is_login(&line, &e, port);
        if (has_word(e.at[3], e.len[3], "getty"))
            t.last = pos;
        for (size_t i = 0; i < BF_COUNT(ids); i++)
            used[i] = used[i] || bf_word_is(e.at[0], e.len[0], ids[i]);
    }
    for (size_t i = BF_COUNT(ids); i-- > 0;)
        t.free = used[i] ? t.free : ids[i];
    return t;
}

// agetty and Debian's getty take the port before the speed, BusyBox's either way.
static void put_login(struct bf_fin *f, const struct inittab *t, const char *port,
                      struct bf_text *out)
{
    bool getty = bf_fin_root_exists(f->root, "/sbin/getty") ||
                 (f->system.family == &bf_debian && !bf_fin_root_exists(f->root, "/sbin/agetty"));
    if (t->busybox)
        bf_textf(out, "%s::respawn:/sbin/getty -L 115200 %s vt100\n", port, port);
    else
        bf_textf(out, "%s:2345:respawn:/sbin/%s -L %s 115200 vt100\n", t->free,
                 getty ? "getty" : "agetty", port);
}

static enum bf_err on_inittab(struct bf_fin *f, const char *port)
{
    size_t len;
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(f, INITTAB, &len, &err);
    if (!text)
        return err;
    struct inittab t = look(f, text, len, port);
    if (t.login)
        return BF_OK;
    size_t at = t.last ? t.last : len;
    bf_text_add(&out, text, at);
    if (at && text[at - 1] != '\n')
        bf_text_str(&out, "\n");
    put_login(f, &t, port, &out);
    bf_text_add(&out, text + at, len - at);
    err = bf_fin_set(f, INITTAB, &out, WHY);
    bf_text_free(&out);
    return err;
}

static enum bf_err off_inittab(struct bf_fin *f)
{
    size_t len, pos = 0;
    struct bf_text out = {0};
    struct bf_line line;
    struct entry e;
    enum bf_err err;
    const char *text = bf_fin_get(f, INITTAB, &len, &err);
    if (!text)
        return err;
    while (bf_line_next(text, len, &pos, &line)) {
        if (split(&line, &e) && is_login(&line, &e, "ttyS"))
            bf_text_str(&out, "#");
        bf_text_add(&out, line.at, line.full);
    }
    err = bf_fin_set(f, INITTAB, &out, WHY);
    bf_text_free(&out);
    return err;
}

// ---- OpenRC without an inittab, runit, Upstart --------------------------------------------------

static enum bf_err switch_openrc(struct bf_fin *f, const char *port, bool on)
{
    char script[64], level[96], conf[64];
    snprintf(script, sizeof script, "/etc/init.d/agetty.%s", port);
    snprintf(level, sizeof level, "/etc/runlevels/default/agetty.%s", port);
    snprintf(conf, sizeof conf, "/etc/conf.d/agetty.%s", port);
    if (!on)
        return set_link(f, level, NULL);
    enum bf_err err = bf_fin_root_exists(f->root, script) ? BF_OK : set_link(f, script, "agetty");
    if (!err)
        err = put_new(f, conf, 0644, "baud=\"115200\"\nterm_type=\"vt100\"\n");
    return err ? err : set_link(f, level, script);
}

static enum bf_err switch_runit(struct bf_fin *f, const char *port, bool on)
{
    char service[64], run[80], level[96], text[128];
    snprintf(service, sizeof service, "/etc/sv/agetty-%s", port);
    snprintf(run, sizeof run, "%s/run", service);
    snprintf(level, sizeof level, "/etc/runit/runsvdir/default/agetty-%s", port);
    if (!on)
        return set_link(f, level, NULL);
    snprintf(text, sizeof text, "#!/bin/sh\nexec agetty -L %s 115200 vt100\n", port);
    enum bf_err err = put_new(f, run, 0755, text);
    return err ? err : set_link(f, level, service);
}

static enum bf_err switch_upstart(struct bf_fin *f, const char *port, bool on)
{
    char job[64], text[256];
    size_t len;
    struct bf_fault fault;
    snprintf(job, sizeof job, "/etc/init/%s.conf", port);
    snprintf(text, sizeof text,
             "# Written by bootferry-finalize: a login on the serial console.\n"
             "start on stopped rc RUNLEVEL=[2345]\n"
             "stop on runlevel [!2345]\n"
             "respawn\n"
             "exec /sbin/getty -L 115200 %s vt100\n",
             port);
    if (bf_fin_root_exists(f->root, "/etc/init/serial.conf"))
        return BF_OK;
    if (on)
        return put_new(f, job, 0644, text);
    const char *now = bf_edits_get(&f->edits, job, &len, NULL);
    if (now && strcmp(now, text) == 0 && bf_edits_remove(&f->edits, job, WHY, &fault))
        return bf_fail(f->report, "%s cannot be removed: %s", job, fault.what);
    if (now && strcmp(now, text) != 0)
        bf_note(f->report, "warning", job, "keeps a login on a serial port, and is left as it is");
    return BF_OK;
}

// ---- Which of them ------------------------------------------------------------------------------

static enum bf_err allow_root(struct bf_fin *f, const char *port)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(f, "/etc/securetty", &len, &err);
    if (!text)
        return err;
    while (bf_line_next(text, len, &pos, &line))
        if (bf_word_is(line.at, line.len, port))
            return BF_OK;
    bf_text_add(&out, text, len);
    bf_textf(&out, "%s%s\n", len && text[len - 1] != '\n' ? "\n" : "", port);
    err = bf_fin_set(f, "/etc/securetty", &out, WHY);
    bf_text_free(&out);
    return err;
}

static enum bf_err switch_login(struct bf_fin *f, const char *port, bool on)
{
    enum bf_init init = f->system.init;
    if (init == BF_INIT_SYSTEMD)
        return on ? on_systemd(f, port) : off_systemd(f);
    if (init == BF_INIT_UPSTART)
        return switch_upstart(f, port, on);
    if (init == BF_INIT_RUNIT)
        return switch_runit(f, port, on);
    if (bf_fin_root_exists(f->root, INITTAB))
        return on ? on_inittab(f, port) : off_inittab(f);
    if (init == BF_INIT_OPENRC)
        return switch_openrc(f, port, on);
    bf_note(f->report, "warning", "console",
            "a login on %s is not changed, since this system's init is not known", port);
    return BF_OK;
}

enum bf_err bf_adapt_getty(struct bf_fin *f)
{
    bool on = f->plan->serial_console == BF_ON;
    if (f->plan->serial_console == BF_KEEP)
        return BF_OK;
    enum bf_err err = switch_login(f, bf_serial_port(f), on);
    return err || !on ? err : allow_root(f, bf_serial_port(f));
}
