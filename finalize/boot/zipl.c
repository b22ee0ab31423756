// SPDX-License-Identifier: Apache-2.0
// zipl of s390x: parameters= in the sections of /etc/zipl.conf (zipl.conf(5)). The boot record has
// a copy of them, which only zipl itself writes.
#include <string.h>

#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

static const char path[] = "/etc/zipl.conf";

static void found(struct bf_fin *f, const char *esp)
{
    if (!esp && bf_fin_root_exists(f->root, path))
        bf_system_add_loader(&f->system, bf_zipl.name, path);
}

// parameters = "root=..."
static void read_line(struct bf_menu_line *l)
{
    const char *at = l->line.at;
    size_t len = l->line.len;
    bf_menu_trim(&at, &len);
    if (len < 10 || memcmp(at, "parameters", 10) != 0)
        return;
    at += 10;
    len -= 10;
    bf_menu_trim(&at, &len);
    if (!len || *at != '=')
        return;
    at++;
    len--;
    bf_menu_trim(&at, &len);
    bool quoted = len >= 2 && (*at == '"' || *at == '\'') && at[len - 1] == *at;
    l->words = at + quoted;
    l->words_len = len - 2 * (size_t)quoted;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    struct bf_menu m;
    bool there;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    for (size_t i = 0; i < m.lines && !err; i++)
        read_line(&m.line[i]);
    if (there && !err) {
        m.entry[0].initrd = true;
        bf_note(f->report, "warning", path,
                "zipl has to be run: its boot record has a copy of the kernel's command line");
        err = bf_menu_write(f, path, &m);
    }
    bf_menu_free(&m);
    return err;
}

const struct bf_loader_ops bf_zipl = {
    .name = "zipl",
    .title = "zipl",
    .found = found,
    .rewrite = rewrite,
};
