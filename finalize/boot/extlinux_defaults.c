// SPDX-License-Identifier: Apache-2.0
// Alpine's update-extlinux.conf, and Debian's /etc/default/extlinux and, of u-boot-menu,
// /etc/default/u-boot: files of shell variables.
#include "finalize/boot/extlinux_defaults.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/cmdline_names.h"
#include "finalize/boot/lines.h"
#include "finalize/core/shvar.h"

#define LIST_MAX 6

enum kind {
    DEVICE,  // its value is the root's name
    WORDS,   // words of the command line
    OPTIONS, // those of every entry: consoles go there
};

static const struct setting {
    const char *path, *key;
    enum kind kind;
} settings[] = {
    {"/etc/update-extlinux.conf", "root", DEVICE},
    {"/etc/update-extlinux.conf", "default_kernel_opts", OPTIONS},
    {"/etc/default/extlinux", "EXTLINUX_ROOT", WORDS},
    {"/etc/default/extlinux", "EXTLINUX_PARAMETERS", OPTIONS},
    {"/etc/default/u-boot", "U_BOOT_ROOT", WORDS},
    {"/etc/default/u-boot", "U_BOOT_PARAMETERS", OPTIONS},
};

struct changes {
    struct bf_shvar_change list[LIST_MAX];
    struct bf_text value[LIST_MAX];
    size_t count;
};

static void change(struct changes *c, const char *key, const char *value)
{
    struct bf_text *text = &c->value[c->count];
    bf_text_str(text, value);
    c->list[c->count++] = (struct bf_shvar_change){key, bf_text_get(text)};
}

static enum bf_err rewrite_value(struct bf_fin *f, const struct setting *s,
                                 const struct bf_shvar_var *v, struct changes *c)
{
    struct bf_text out = {0};
    const char *old = v ? v->value : "";
    struct bf_cmdline at = {
        .path = s->path, .line = v ? v->line : 0, .console = s->kind == OPTIONS};
    enum bf_err err = BF_OK;
    if (s->kind == DEVICE)
        bf_cmdline_root(f, &at, old, strlen(old), &out); // refuses nothing
    else
        err = bf_cmdline_edit(f, &at, old, strlen(old), &out);
    if (!err && bf_text_ok(&out) && out.len && strcmp(bf_text_get(&out), old) != 0)
        change(c, s->key, bf_text_get(&out));
    bf_text_free(&out);
    return err;
}

// Alpine's script writes SERIAL from these.
static void set_port(const struct bf_fin *f, const struct bf_shvars *vars, struct changes *c)
{
    bool has = bf_shvars_get(vars, "serial_port")[0] != 0;
    if (f->plan->serial_console == BF_ON && !has) {
        change(c, "serial_port", "0");
        if (!bf_shvars_get(vars, "serial_baud")[0])
            change(c, "serial_baud", "115200");
    }
    if (f->plan->serial_console == BF_OFF && has)
        change(c, "serial_port", "");
}

static enum bf_err collect(struct bf_fin *f, const char *path, const struct bf_shvars *vars,
                           struct changes *c)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(settings) && !err; i++) {
        const struct bf_shvar_var *v = bf_shvars_find(vars, settings[i].key);
        if (strcmp(settings[i].path, path) != 0)
            continue;
        if (v && !v->literal)
            bf_note(f->report, "skipped", path, "line %u: %s is made by a program", v->line,
                    settings[i].key);
        else
            err = rewrite_value(f, &settings[i], v, c);
    }
    if (!err && strcmp(path, settings[0].path) == 0)
        set_port(f, vars, c);
    return err;
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path)
{
    size_t len;
    enum bf_err err;
    struct bf_shvars vars;
    struct changes c = {.count = 0};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    bf_shvars_load(&vars, text, len);
    if (!vars.failed)
        err = collect(f, path, &vars, &c);
    bf_shvars_free(&vars);
    if (!err)
        err = bf_lines_set_variables(f, path, c.list, c.count);
    for (size_t i = 0; i < c.count; i++)
        bf_text_free(&c.value[i]);
    return err;
}

enum bf_err bf_extlinux_defaults(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(settings) && !err; i += 2)
        err = rewrite_file(f, settings[i].path);
    return err;
}
