// SPDX-License-Identifier: Apache-2.0
// Reads modules.dep and modules.builtin (modules.dep(5)). modules.dep names all dependencies of a
// module, not only the direct ones, so one line answers everything. Paths are taken only if they
// are plain and relative: the files come from a guest.
#include "finalize/initramfs/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/text.h"

#define DEP_MAX   ((size_t)8 << 20)
#define SET_MAX   2048
#define ITEMS_MAX ((size_t)65536)

// The base of a path, and in *n the length of the name before ".ko" or ".ko.xz"; 0 for other files.
static const char *name_char(const char *path, size_t len, size_t *n)
{
    const char *base = memrchr(path, '/', len), *end = path + len;
    base = base ? base + 1 : path;
    const char *ko = memmem(base, (size_t)(end - base), ".ko", 3);
    bool is = ko && (ko + 3 == end || ko[3] == '.');
    *n = is ? (size_t)(ko - base) : 0;
    return base;
}

bool bf_module_name(const char *path, size_t len, char out[BF_MODULE_NAME])
{
    size_t n;
    const char *base = name_char(path, len, &n);
    if (n == 0 || n >= BF_MODULE_NAME)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = base[i] == '-' ? '_' : base[i];
    out[n] = 0;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bf_module *)a)->name, ((const struct bf_module *)b)->name);
}

void bf_modules_sort(struct bf_module *item, size_t count)
{
    if (count)
        qsort(item, count, sizeof *item, by_name);
}

const struct bf_module *bf_modules_find(const struct bf_module *item, size_t count,
                                        const char *name)
{
    struct bf_module wanted;
    size_t n = strlen(name);
    if (n >= sizeof wanted.name)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        wanted.name[i] = name[i] == '-' ? '_' : name[i];
    return count ? bsearch(&wanted, item, count, sizeof *item, by_name) : NULL;
}

static void add_line(struct bf_modules *m, const struct bf_line *line)
{
    const char *colon = memchr(line->at, ':', line->len);
    if (!colon)
        return;
    struct bf_module *module = &m->item[m->count];
    module->path = line->at;
    module->len = (size_t)(colon - line->at);
    module->needs = colon + 1;
    module->needs_len = line->len - module->len - 1;
    m->count += bf_module_name(module->path, module->len, module->name);
}

enum bf_err bf_modules_parse(const char *dep, size_t len, struct bf_modules *m)
{
    struct bf_line line;
    size_t pos = 0, lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += dep[i] == '\n';
    lines = lines < ITEMS_MAX ? lines + 1 : ITEMS_MAX;
    m->item = calloc(lines, sizeof *m->item);
    if (!m->item)
        return BF_ERR_NO_MEMORY;
    while (m->count < lines && bf_line_next(dep, len, &pos, &line))
        add_line(m, &line);
    bf_modules_sort(m->item, m->count);
    return BF_OK;
}

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
    return bf_modules_parse(m->dep, m->dep_len, m);
}

void bf_modules_close(struct bf_modules *m)
{
    free(m->dep);
    free(m->item);
    free(m->builtin);
    *m = (struct bf_modules){.dep = NULL};
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
    char own[BF_MODULE_NAME], wanted[BF_MODULE_NAME];
    snprintf(own, sizeof own, "%s.ko", name);
    if (!bf_module_name(own, strlen(own), wanted))
        return false;
    while (m->builtin && bf_line_next(m->builtin, m->builtin_len, &pos, &line))
        if (bf_module_name(line.at, line.len, own) && strcmp(own, wanted) == 0)
            return true;
    return false;
}

enum bf_module_kind bf_modules_want(const struct bf_modules *m, const char *name,
                                    struct bf_module_set *set)
{
    const struct bf_module *module = bf_modules_find(m->item, m->count, name);
    if (!module)
        return is_builtin(m, name) ? BF_MODULE_BUILTIN : BF_MODULE_MISSING;
    const char *word, *at = module->needs;
    size_t len;
    add(set, module->path, module->len);
    while (bf_word_next(&at, module->needs + module->needs_len, &word, &len))
        add(set, word, len);
    return BF_MODULE_FILE;
}

void bf_module_set_free(struct bf_module_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->path[i]);
    free(set->path);
    *set = (struct bf_module_set){0};
}
