// SPDX-License-Identifier: Apache-2.0
// Finds out what a root directory holds: system, architecture, init, mounts. Reads only; kernels,
// boot loaders and the network are found in the rooms that adapt them.
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

// A field of os-release, cut out of its text.
struct field {
    const char *key;
    const char **value;
    char *at; // NULL: it is not there
    size_t len;
};

// The value of KEY=value or KEY="value".
static void find_field(struct field *f, char *text, size_t size)
{
    struct bf_line line;
    size_t pos = 0, n = strlen(f->key);
    while (!f->at && bf_line_next(text, size, &pos, &line)) {
        if (line.len <= n || strncmp(line.at, f->key, n) != 0 || line.at[n] != '=')
            continue;
        f->at = text + (line.at - text) + n + 1;
        f->len = line.len - n - 1;
        if (f->len >= 2 && (f->at[0] == '"' || f->at[0] == '\'') && f->at[f->len - 1] == f->at[0]) {
            f->at++;
            f->len -= 2;
        }
    }
}

// All fields are found before the first is cut, since that takes a line's end away.
static void read_release(struct bf_system *s, size_t size)
{
    struct field field[] = {{"ID", &s->id, NULL, 0},
                            {"VERSION_ID", &s->version, NULL, 0},
                            {"VERSION_CODENAME", &s->codename, NULL, 0},
                            {"PRETTY_NAME", &s->name, NULL, 0},
                            {"ID_LIKE", &s->like, NULL, 0}};
    for (size_t i = 0; i < BF_COUNT(field); i++)
        find_field(&field[i], s->release, size);
    for (size_t i = 0; i < BF_COUNT(field); i++) {
        struct field *f = &field[i];
        if (!f->at)
            continue;
        *f->value = bf_is_utf8(f->at, f->len) ? f->at : "?";
        f->at[f->len] = 0;
    }
}

static void inspect_os(struct bf_fin *f)
{
    size_t len;
    struct bf_system *s = &f->system;
    s->release = bf_fin_root_read(f->root, "/etc/os-release", BF_ROOT_TEXT_MAX, &len, NULL);
    if (!s->release)
        s->release = bf_fin_root_read(f->root, "/usr/lib/os-release", BF_ROOT_TEXT_MAX, &len, NULL);
    s->found = s->release || bf_fin_root_exists(f->root, "/etc/fstab");
    if (s->release) {
        read_release(s, len);
        s->family = bf_family_of(bf_families, s->id, s->like);
    }
}

// The architecture that a program was made for; NULL when it is none that can be read.
static const struct bf_architecture *architecture_of(struct bf_fin *f, const char *program)
{
    unsigned char h[20];
    if (bf_fin_root_pread(f->root, program, h, sizeof h, 0, NULL) ||
        memcmp(h, ELFMAG, SELFMAG) != 0 || h[EI_DATA] != ELFDATA2LSB)
        return NULL;
    return bf_architecture_of(f->architectures, bf_le16(h + 18));
}

static void inspect_architecture(struct bf_fin *f)
{
    static const char *const binary[] = {"/usr/bin/dash", "/bin/bash",
                                         "/bin/sh",       "/usr/lib/systemd/systemd",
                                         "/sbin/init",    "/bin/ls"};
    const struct bf_architecture **found = &f->system.architecture;
    for (size_t i = 0; i < BF_COUNT(binary) && !*found; i++)
        *found = architecture_of(f, binary[i]);
}

static void inspect_init(struct bf_fin *f)
{
    static const struct {
        const char *path;
        enum bf_init init;
    } known[] = {{"/usr/lib/systemd/systemd", BF_INIT_SYSTEMD},
                 {"/lib/systemd/systemd", BF_INIT_SYSTEMD},
                 {"/sbin/openrc-init", BF_INIT_OPENRC},
                 {"/etc/inittab", BF_INIT_SYSVINIT}};
    enum bf_init *init = &f->system.init;
    char *link = bf_fin_root_readlink(f->root, "/sbin/init");
    if (link && strstr(link, "systemd"))
        *init = BF_INIT_SYSTEMD;
    for (size_t i = 0; i < BF_COUNT(known) && *init == BF_INIT_UNKNOWN; i++)
        if (bf_fin_root_exists(f->root, known[i].path))
            *init = known[i].init;
    free(link);
}

// Cuts the first three words of a line of fstab out of its text.
static void add_mount(struct bf_system *s, const struct bf_line *line)
{
    const char *at = line->at, *end = line->at + line->len, *w[3];
    size_t n[3];
    for (size_t i = 0; i < 3; i++)
        if (!bf_word_next(&at, end, &w[i], &n[i]))
            return;
    if (w[0][0] == '#')
        return;
    for (size_t i = 0; i < 3; i++) {
        bool plain = bf_is_utf8(w[i], n[i]);
        s->fstab[w[i] - s->fstab + (ptrdiff_t)n[i]] = 0;
        w[i] = plain ? w[i] : "?";
    }
    s->mount[s->mounts++] = (struct bf_mount){w[0], w[1], w[2]};
}

static void inspect_fstab(struct bf_fin *f)
{
    size_t len = 0, pos = 0;
    struct bf_line line;
    struct bf_system *s = &f->system;
    s->fstab = bf_fin_root_read(f->root, "/etc/fstab", BF_ROOT_TEXT_MAX, &len, NULL);
    // Three words, two blanks and the line's end are the least that a line of it has.
    s->mount = s->fstab ? calloc(len / 6 + 1, sizeof *s->mount) : NULL;
    while (s->mount && bf_line_next(s->fstab, len, &pos, &line))
        add_mount(s, &line);
}

static void inspect_hibernation(struct bf_fin *f)
{
    for (size_t i = 0; i < f->devices->count; i++)
        if (strcmp(f->devices->item[i].type, "swsuspend") == 0)
            f->system.hibernated = true;
}

void bf_inspect_system(struct bf_fin *f)
{
    inspect_os(f);
    inspect_architecture(f);
    inspect_init(f);
}

void bf_inspect_mounts(struct bf_fin *f)
{
    inspect_fstab(f);
    inspect_hibernation(f);
}
