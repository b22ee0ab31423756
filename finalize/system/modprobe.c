// SPDX-License-Identifier: Apache-2.0
// modprobe.d(5): a "blacklist" or an "install NAME /bin/false" keeps a driver from being loaded.
// Where the plan's target needs that driver, the line becomes a comment: in /etc where it stands,
// in a package's folder by a file of the same name in /etc, which goes before it. Everything else,
// options among it, stays.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"
#include "finalize/target/targets.h"

#define WHY "a driver that the new home needs is loaded"
#define ETC "/etc/modprobe.d"

// Module names are the same with '-' and '_'.
static bool same_name(const char *word, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        char c = word[i] == '-' ? '_' : word[i];
        if (!name[i] || c != (name[i] == '-' ? '_' : name[i]))
            return false;
    }
    return len && !name[len];
}

// What people forbid on purpose, and no disk or card of the target hangs on.
static bool is_needed(const struct bf_target *target, const char *word, size_t len)
{
    const char *const *lists[] = {target->disk, target->other, target->bus};
    if (same_name(word, len, "usb_storage") || same_name(word, len, "sr_mod"))
        return false;
    for (size_t i = 0; i < BF_COUNT(lists); i++)
        for (const char *const *d = lists[i]; d && *d; d++)
            if (same_name(word, len, *d))
                return true;
    return false;
}

static bool does_nothing(const char *word, size_t len)
{
    static const char *const commands[] = {
        "/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "true", "false", ":"};
    for (size_t i = 0; i < BF_COUNT(commands); i++)
        if (bf_word_is(word, len, commands[i]))
            return true;
    return false;
}

// Whether the line keeps a driver of the target from being loaded; its name into *name.
static bool forbids(const struct bf_fin *f, const struct bf_line *line, const char **name,
                    size_t *len)
{
    const char *at = line->at, *end = line->at + line->len, *word, *command;
    size_t n, m;
    if (!bf_word_next(&at, end, &word, &n) || !bf_word_next(&at, end, name, len))
        return false;
    bool black = bf_word_is(word, n, "blacklist");
    bool no_op = bf_word_is(word, n, "install") && bf_word_next(&at, end, &command, &m) &&
                 does_nothing(command, m);
    return (black || no_op) && is_needed(f->target, *name, *len);
}

// `path` is read; `to` is written where something of it forbids a driver.
static enum bf_err adapt_file(struct bf_fin *f, const char *path, const char *to)
{
    size_t len, n;
    unsigned number = 0, found = 0;
    struct bf_line line;
    struct bf_text out = {0};
    const char *name;
    enum bf_err err;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    for (size_t pos = 0; bf_line_next(text, len, &pos, &line);) {
        number++;
        if (forbids(f, &line, &name, &n)) {
            found++;
            bf_text_str(&out, "#");
            bf_note(f->report, "info", path,
                    "line %u kept %.*s from being loaded, which the new home needs%s", number,
                    (int)(n < 64 ? n : 64), name,
                    strcmp(path, to) == 0 ? "; it is a comment now"
                                          : "; a file of the same name in " ETC " goes before it");
        }
        bf_text_add(&out, line.at, line.full);
    }
    if (found)
        err = bf_fin_set(f, to, &out, WHY);
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt_own(struct bf_fin *f, const char *path, void *arg)
{
    (void)arg;
    return adapt_file(f, path, path);
}

static enum bf_err adapt_package(struct bf_fin *f, const char *path, void *arg)
{
    char to[512];
    (void)arg;
    snprintf(to, sizeof to, ETC "/%.250s", strrchr(path, '/') + 1);
    // One in /etc, or its mask, counts in place of the package's.
    return bf_fin_root_exists(f->root, to) || bf_edits_link_target(&f->edits, to)
               ? BF_OK
               : adapt_file(f, path, to);
}

enum bf_err bf_adapt_modprobe(struct bf_fin *f)
{
    enum bf_err err = bf_fin_each(f, ETC, ".conf", adapt_own, NULL);
    if (!err)
        err = adapt_file(f, "/etc/modprobe.conf", "/etc/modprobe.conf");
    if (!err)
        err = bf_fin_each(f, "/usr/lib/modprobe.d", ".conf", adapt_package, NULL);
    // Where /lib is /usr/lib, all of it has a file in /etc by now, or forbids nothing.
    return err ? err : bf_fin_each(f, "/lib/modprobe.d", ".conf", adapt_package, NULL);
}
