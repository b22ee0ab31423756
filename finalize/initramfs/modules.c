// SPDX-License-Identifier: Apache-2.0
// Reads modules.dep and modules.builtin (modules.dep(5)). modules.dep names all dependencies of a
// module, not only the direct ones, so one line answers everything. Paths are taken only if they
// are plain and relative: the files come from a guest.
#include "finalize/initramfs/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/text.h"

#define DEP_MAX ((size_t)8 << 20)
#define SET_MAX 512

enum bf_err bf_modules_open(const struct bf_fin_root *root, const char *version,
                            struct bf_modules *m)
{
    char path[512];
    *m = (struct bf_modules){.dep = NULL};
    snprintf(path, sizeof path, "/lib/modules/%s", version);
    char *real = bf_fin_root_real(root, path, NULL);
    if (!real)
        return BF_ERR_NOT_FOUND;
    bool fits = strlen(real) < sizeof m->dir;
    snprintf(m->dir, sizeof m->dir, "%s", real);
    free(real);
    if (!fits)
        return BF_ERR_LIMIT;
    snprintf(path, sizeof path, "%s/modules.dep", m->dir);
    m->dep = bf_fin_root_read(root, path, DEP_MAX, &m->dep_len, NULL);
    if (!m->dep)
        return BF_ERR_NOT_FOUND;
    snprintf(path, sizeof path, "%s/modules.builtin", m->dir);
    m->builtin = bf_fin_root_read(root, path, DEP_MAX, &m->builtin_len, NULL);
    return BF_OK;
}

void bf_modules_close(struct bf_modules *m)
{
    free(m->dep);
    free(m->builtin);
    *m = (struct bf_modules){.dep = NULL};
}

// True when a path like kernel/drivers/block/virtio-blk.ko.xz is the module of that name.
static bool is_module(const char *path, size_t len, const char *name)
{
    const char *base = memrchr(path, '/', len);
    base = base ? base + 1 : path;
    len -= (size_t)(base - path);
    const char *ko = memmem(base, len, ".ko", 3);
    if (!ko || (size_t)(ko - base) != strlen(name))
        return false;
    for (const char *a = base, *b = name; a < ko; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
            return false;
    return true;
}

static bool is_safe(const char *path, size_t len)
{
    return len > 0 && len < 256 && path[0] != '/' && !memmem(path, len, "..", 2) &&
           !memchr(path, 0, len);
}

static void add(struct bf_module_set *set, const char *path, size_t len)
{
    if (!is_safe(path, len) || set->count >= SET_MAX)
        return;
    for (size_t i = 0; i < set->count; i++)
        if (bf_word_is(path, len, set->path[i]))
            return;
    char **more = realloc(set->path, (set->count + 1) * sizeof *more);
    char *copy = bf_word_dup(path, len);
    if (more)
        set->path = more;
    if (more && copy)
        set->path[set->count++] = copy;
    else
        free(copy);
}

static bool is_builtin(const struct bf_modules *m, const char *name)
{
    struct bf_line line;
    size_t pos = 0;
    while (m->builtin && bf_line_next(m->builtin, m->builtin_len, &pos, &line))
        if (is_module(line.at, line.len, name))
            return true;
    return false;
}

enum bf_module_kind bf_modules_want(const struct bf_modules *m, const char *name,
                                    struct bf_module_set *set)
{
    struct bf_line line;
    size_t pos = 0;
    while (bf_line_next(m->dep, m->dep_len, &pos, &line)) {
        const char *colon = memchr(line.at, ':', line.len), *word;
        size_t len;
        if (!colon || !is_module(line.at, (size_t)(colon - line.at), name))
            continue;
        add(set, line.at, (size_t)(colon - line.at));
        const char *at = colon + 1;
        while (bf_word_next(&at, line.at + line.len, &word, &len))
            add(set, word, len);
        return BF_MODULE_FILE;
    }
    return is_builtin(m, name) ? BF_MODULE_BUILTIN : BF_MODULE_MISSING;
}

void bf_module_set_free(struct bf_module_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->path[i]);
    free(set->path);
    *set = (struct bf_module_set){0};
}
