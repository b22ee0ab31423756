// SPDX-License-Identifier: Apache-2.0
// Finds out what a root directory holds: architecture and mounts here, the distribution in
// release.c and the init in init.c. Reads only; kernels, boot loaders and the network are found in
// the rooms that adapt them.
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/fields.h"
#include "finalize/system/steps.h"

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

// Cuts the first three words of a line of fstab out of its text.
static void add_mount(struct bf_system *s, const struct bf_line *line)
{
    struct bf_fields w = bf_fields_split(line);
    if (w.count < 3)
        return;
    for (size_t i = 0; i < 3; i++) {
        bool plain = bf_is_utf8(w.at[i], w.len[i]);
        s->fstab[w.at[i] - s->fstab + (ptrdiff_t)w.len[i]] = 0;
        w.at[i] = plain ? w.at[i] : "?";
    }
    s->mount[s->mounts++] = (struct bf_mount){w.at[0], w.at[1], w.at[2]};
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
    bf_inspect_release(f);
    inspect_architecture(f);
    bf_inspect_init(f);
}

void bf_inspect_mounts(struct bf_fin *f)
{
    inspect_fstab(f);
    inspect_hibernation(f);
}
