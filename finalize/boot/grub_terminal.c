// SPDX-License-Identifier: Apache-2.0
// GRUB's own serial terminal, in its menu and in /etc/default/grub, from which update-grub makes
// the menu. On other processors than Intel's, GRUB is on whatever console the firmware has.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/grub.h"
#include "finalize/boot/grub_pass.h"
#include "finalize/boot/grub_port.h"
#include "finalize/boot/lines.h"
#include "finalize/core/shvar.h"

#define SERIAL   "serial --unit=0 --speed=115200"
#define TERMINAL SERIAL "\nterminal_input --append serial\nterminal_output --append serial\n"

static bool has_port(const struct bf_fin *f)
{
    const struct bf_architecture *a = f->system.architecture;
    return !a || strcmp(a->name, "x86_64") == 0 || strcmp(a->name, "i386") == 0;
}

// ---- In a menu ----------------------------------------------------------------------------------

static bool is_terminal(const struct bf_grub_word *w)
{
    return bf_word_is(w->at, w->len, "terminal_input") ||
           bf_word_is(w->at, w->len, "terminal_output") || bf_word_is(w->at, w->len, "terminal");
}

static bool is_serial(const struct bf_grub_word *w)
{
    return bf_word_is(w->at, w->len, "serial");
}

static bool is_menu_start(const struct bf_grub_command *c)
{
    static const char *const words[] = {"menuentry", "submenu", "blscfg", "bls_import"};
    const char *rest;
    struct bf_grub_word w = bf_grub_first(c, &rest);
    for (size_t i = 0; i < BF_COUNT(words) && c->depth == 0; i++)
        if (bf_word_is(w.at, w.len, words[i]))
            return true;
    return false;
}

static bool speaks_of_serial(const struct bf_grub_command *c)
{
    const char *rest;
    struct bf_grub_word w = bf_grub_first(c, &rest);
    return is_serial(&w) ||
           (is_terminal(&w) && memmem(rest, (size_t)(c->end - rest), "serial", 6) != NULL);
}

void bf_grub_terminal_begin(struct bf_grub_pass *p)
{
    p->terminal = p->menu && p->f->plan->serial_console == BF_ON && has_port(p->f);
    for (size_t i = 0; i < p->script.commands && p->terminal; i++)
        p->terminal = !speaks_of_serial(&p->script.command[i]);
}

// A command goes, with its line where it has one to itself.
static void remove_command(struct bf_grub_pass *p, const struct bf_grub_command *c)
{
    const char *from = c->at, *to = c->end;
    while (from > p->done && (from[-1] == ' ' || from[-1] == '\t'))
        from--;
    bool begins =
        from == p->done ? !p->out.len || p->out.data[p->out.len - 1] == '\n' : from[-1] == '\n';
    if (begins && *to == '\n')
        bf_grub_replace(p, from, to + 1, "", 0);
    else
        bf_grub_replace(p, c->at, to, "true", 4);
}

// The other terminals of a command stay; one that has no other gets the console.
static void remove_terminal(struct bf_grub_pass *p, const struct bf_grub_command *c,
                            const char *rest)
{
    const char *at = rest;
    struct bf_grub_word w;
    size_t others = 0, serial = 0;
    bool option = false;
    while (bf_grub_word_next(&at, c->end, &w)) {
        serial += is_serial(&w);
        option = option || w.at[0] == '-';
        others += !is_serial(&w) && w.at[0] != '-';
    }
    if (!serial)
        return;
    if (!others && option) {
        remove_command(p, c);
        return;
    }
    for (at = rest; bf_grub_word_next(&at, c->end, &w);)
        if (is_serial(&w) && !others++)
            bf_grub_replace(p, w.at, w.at + w.len, "console", 7);
        else if (is_serial(&w))
            bf_grub_replace(p, w.at - 1 > p->done ? w.at - 1 : w.at, w.at + w.len, "", 0);
}

// The new home has its serial console at the first port; the speed stays.
static void take_first_port(struct bf_grub_pass *p, const struct bf_grub_command *c,
                            const char *rest)
{
    struct bf_grub_word w, before = {.len = 0};
    for (const char *at = rest; bf_grub_word_next(&at, c->end, &w); before = w) {
        size_t from;
        const char *first = bf_grub_first_port(w.at, w.len, before.at, before.len, &from);
        if (first)
            bf_grub_replace(p, w.at + from, w.at + w.len, first, strlen(first));
    }
}

void bf_grub_terminal(struct bf_grub_pass *p, size_t command)
{
    const struct bf_grub_command *c = &p->script.command[command];
    const char *rest;
    struct bf_grub_word w = bf_grub_first(c, &rest);
    if (p->terminal && is_menu_start(c)) {
        bf_grub_replace(p, c->at, c->at, TERMINAL, strlen(TERMINAL));
        p->terminal = false;
    }
    if (p->f->plan->serial_console == BF_KEEP || p->shell)
        return;
    if (p->f->plan->serial_console == BF_ON) {
        if (is_serial(&w) && has_port(p->f))
            take_first_port(p, c, rest);
    } else if (is_serial(&w))
        remove_command(p, c);
    else if (is_terminal(&w))
        remove_terminal(p, c, rest);
}

// ---- /etc/default/grub --------------------------------------------------------------------------

#define TERM        "GRUB_TERMINAL"
#define TERM_INPUT  "GRUB_TERMINAL_INPUT"
#define TERM_OUTPUT "GRUB_TERMINAL_OUTPUT"
#define COMMAND     "GRUB_SERIAL_COMMAND"

struct changes {
    struct bf_shvar_change list[4];
    char value[4][256];
    size_t count;
};

static void change(struct changes *c, const char *key, const char *value)
{
    if (value)
        snprintf(c->value[c->count], sizeof c->value[0], "%s", value);
    c->list[c->count] = (struct bf_shvar_change){key, value ? c->value[c->count] : NULL};
    c->count++;
}

static bool has_word(const char *list, const char *word)
{
    const char *at = list, *end = list + strlen(list), *w;
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        if (bf_word_is(w, len, word))
            return true;
    return false;
}

// The terminals of GRUB's modules (terminal.lst). A name that is not one of them is a terminal of a
// distribution's own (ec2-console), or a mistake: GRUB then carries out nothing of the
// command that has it (grub-core/commands/terminal.c), and grub-mkconfig ends without a menu for
// most names that it does not know. So nothing is added to it.
static bool is_known(const char *w, size_t len)
{
    static const char *const known[] = {"console",  "serial",   "gfxterm",     "ofconsole",
                                        "vga_text", "mda_text", "at_keyboard", "usb_keyboard",
                                        "spkmodem", "morse",    "audio",       "cbmemc"};
    for (size_t i = 0; i < BF_COUNT(known); i++)
        if (bf_word_is(w, len, known[i]))
            return true;
    return len > 7 && memcmp(w, "serial_", 7) == 0; // of a port by name
}

static bool all_known(struct bf_fin *f, const char *path, const struct bf_shvars *vars,
                      const char *key)
{
    const char *old = bf_shvars_get(vars, key), *at = old, *end = old + strlen(old), *w;
    const struct bf_shvar_var *var = bf_shvars_find(vars, key);
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        if (!is_known(w, len)) {
            bf_note(f->report, "warning", path,
                    "line %u: %s has \"%.*s\", which is no terminal of GRUB itself, so the serial "
                    "console is not added there: the next update of the menu loses the serial "
                    "console of the loader, unless it is one",
                    var->line, key, (int)(len < 60 ? len : 60), w);
            return false;
        }
    return true;
}

static bool has_serial(const char *list)
{
    return has_word(list, "serial") || strncmp(list, "serial_", 7) == 0 || strstr(list, " serial_");
}

// Adds the serial terminal to a list of terminals.
static void add_terminal(struct changes *c, const struct bf_shvars *vars, const char *key)
{
    char value[200];
    const char *old = bf_shvars_get(vars, key);
    if (has_serial(old) || strlen(old) > 150)
        return;
    snprintf(value, sizeof value, "%s serial", old[0] ? old : "console");
    change(c, key, value);
}

static void drop_terminal(struct changes *c, const struct bf_shvars *vars, const char *key)
{
    char value[200] = "";
    const char *old = bf_shvars_get(vars, key), *at = old, *end = old + strlen(old), *w;
    size_t len, n = 0;
    if (!has_word(old, "serial") || strlen(old) > 150)
        return;
    while (bf_word_next(&at, end, &w, &len))
        if (!bf_word_is(w, len, "serial"))
            n += (size_t)snprintf(value + n, sizeof value - n, "%s%.*s", n ? " " : "", (int)len, w);
    change(c, key, n ? value : "console");
}

// The same for what update-grub puts into the menu.
static void take_first_port_of(struct changes *c, const struct bf_shvars *vars)
{
    char value[256];
    const char *old = bf_shvars_get(vars, COMMAND), *done = old, *at = old,
               *end = old + strlen(old), *w, *before = old;
    size_t len, before_len = 0, from, n = 0;
    if ((size_t)(end - old) > sizeof value / 4)
        return;
    for (; bf_word_next(&at, end, &w, &len); before = w, before_len = len) {
        const char *first = bf_grub_first_port(w, len, before, before_len, &from);
        if (!first)
            continue;
        n += (size_t)snprintf(value + n, sizeof value - n, "%.*s%s", (int)(w + from - done), done,
                              first);
        done = w + len;
    }
    snprintf(value + n, sizeof value - n, "%s", done);
    if (done != old)
        change(c, COMMAND, value);
}

static bool is_set(const struct bf_shvars *vars, const char *key)
{
    return bf_shvars_get(vars, key)[0] != 0;
}

static void switch_on(struct changes *c, const struct bf_shvars *vars, bool main_file)
{
    bool separate = is_set(vars, TERM_INPUT) || is_set(vars, TERM_OUTPUT);
    if (is_set(vars, TERM) || (main_file && !separate)) {
        add_terminal(c, vars, TERM);
    } else if (separate) {
        if (main_file || is_set(vars, TERM_INPUT))
            add_terminal(c, vars, TERM_INPUT);
        if (main_file || is_set(vars, TERM_OUTPUT))
            add_terminal(c, vars, TERM_OUTPUT);
    }
    if (is_set(vars, COMMAND))
        take_first_port_of(c, vars);
    else if (main_file)
        change(c, COMMAND, SERIAL);
}

static void switch_off(struct changes *c, const struct bf_shvars *vars)
{
    drop_terminal(c, vars, TERM);
    drop_terminal(c, vars, TERM_INPUT);
    drop_terminal(c, vars, TERM_OUTPUT);
    if (bf_shvars_find(vars, COMMAND))
        change(c, COMMAND, NULL);
}

// What a shell computes stays.
static bool is_literal(struct bf_fin *f, const struct bf_shvars *vars, const char *path)
{
    static const char *const keys[] = {TERM, TERM_INPUT, TERM_OUTPUT, COMMAND};
    for (size_t i = 0; i < BF_COUNT(keys); i++) {
        const struct bf_shvar_var *v = bf_shvars_find(vars, keys[i]);
        if (v && !v->literal) {
            bf_note(f->report, "skipped", path, "line %u: %s is made by a program", v->line,
                    keys[i]);
            return false;
        }
    }
    return true;
}

enum bf_err bf_grub_default_terminal(struct bf_fin *f, const char *path, bool main_file)
{
    size_t len;
    enum bf_err err;
    struct bf_shvars vars;
    struct changes c = {.count = 0};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text || f->plan->serial_console == BF_KEEP || !has_port(f))
        return err;
    bf_shvars_load(&vars, text, len);
    if (!vars.failed && is_literal(f, &vars, path)) {
        if (f->plan->serial_console != BF_ON)
            switch_off(&c, &vars);
        else if (all_known(f, path, &vars, TERM) && all_known(f, path, &vars, TERM_INPUT) &&
                 all_known(f, path, &vars, TERM_OUTPUT))
            switch_on(&c, &vars, main_file);
    }
    bf_shvars_free(&vars);
    return bf_lines_set_variables(f, path, c.list, c.count);
}
