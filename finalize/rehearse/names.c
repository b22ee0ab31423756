// SPDX-License-Identifier: Apache-2.0
// See names.h.
#include "finalize/rehearse/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 32768
#define LISTS_MAX ((size_t)16 << 20)

void bf_module_name_copy(const char *name, size_t len, char out[BF_MODULE_NAME])
{
    size_t i;
    for (i = 0; i < len && i + 1 < BF_MODULE_NAME; i++)
        out[i] = name[i] == '-' ? '_' : name[i];
    out[i] = 0;
}

bool bf_module_name_of(const char *path, size_t len, char out[BF_MODULE_NAME])
{
    const char *slash = memrchr(path, '/', len), *base = slash ? slash + 1 : path;
    const char *dot = memmem(base, len - (size_t)(base - path), ".ko", 3);
    size_t n = dot ? (size_t)(dot - base) : 0;
    if (n == 0 || n >= BF_MODULE_NAME)
        return false;
    bf_module_name_copy(base, n, out);
    return true;
}

void bf_module_names_add(struct bf_module_names *n, const char *name, const struct bf_line *line)
{
    if (n->failed || n->count == NAMES_MAX) {
        n->failed = true;
        return;
    }
    if (n->count % 512 == 0) {
        struct bf_module_name *more = realloc(n->item, (n->count + 512) * sizeof *more);
        n->failed = !more;
        if (!more)
            return;
        n->item = more;
    }
    struct bf_module_name *at = &n->item[n->count++];
    *at = (struct bf_module_name){.line = line ? *line : (struct bf_line){0}};
    snprintf(at->name, sizeof at->name, "%s", name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bf_module_name *)a)->name,
                  ((const struct bf_module_name *)b)->name);
}

void bf_module_names_sort(struct bf_module_names *n)
{
    if (n->count)
        qsort(n->item, n->count, sizeof *n->item, by_name);
}

const struct bf_module_name *bf_module_names_find(const struct bf_module_names *n, const char *name)
{
    struct bf_module_name key;
    bf_module_name_copy(name, strlen(name), key.name);
    return n->count ? bsearch(&key, n->item, n->count, sizeof *n->item, by_name) : NULL;
}

void bf_module_names_free(struct bf_module_names *n)
{
    free(n->item);
    *n = (struct bf_module_names){0};
}

// Each line begins with a module's path, in modules.dep up to a colon.
static char *read_list(const struct bf_fin_root *root, const char *version, const char *name,
                       struct bf_module_names *out)
{
    char path[256], module[BF_MODULE_NAME];
    size_t len, pos = 0;
    struct bf_line line;
    snprintf(path, sizeof path, "/lib/modules/%.128s/%s", version, name);
    char *text = bf_fin_root_read(root, path, LISTS_MAX, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *colon = memchr(line.at, ':', line.len);
        if (bf_module_name_of(line.at, colon ? (size_t)(colon - line.at) : line.len, module))
            bf_module_names_add(out, module, &line);
    }
    bf_module_names_sort(out);
    return text;
}

void bf_module_lists_open(struct bf_module_lists *l, const struct bf_fin_root *root,
                          const char *version)
{
    *l = (struct bf_module_lists){.dep = NULL};
    snprintf(l->version, sizeof l->version, "%s", version);
    if (!version[0] || strchr(version, '/'))
        return;
    l->dep = read_list(root, version, "modules.dep", &l->files);
    l->builtin_text = read_list(root, version, "modules.builtin", &l->builtin);
}

void bf_module_lists_free(struct bf_module_lists *l)
{
    free(l->dep);
    free(l->builtin_text);
    bf_module_names_free(&l->files);
    bf_module_names_free(&l->builtin);
    *l = (struct bf_module_lists){.dep = NULL};
}
