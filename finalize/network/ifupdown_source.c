// SPDX-License-Identifier: Apache-2.0
// Which files an interfaces(5) file includes. ifupdown gives the whole line to wordexp(3), so a
// second relative path counts from the root; ifupdown2 takes one path with wildcards and knows no
// source-directory; ifupdown-ng and busybox take one path as it is, and give up when it is missing.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/network/ifupdown.h"

#define PATH_SIZE  1024
#define PARTS_MAX  16
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// One line's inclusion while its pattern is resolved.
struct include {
    struct bf_fin *f;
    struct bf_ifup *c;
    size_t line;
    int depth;
    bf_ifup_parse *parse;
    bool folder; // source-directory
    bool needed; // the reader gives up when the file is missing
};

// Whether source-directory reads a file of that name.
static bool is_read(const struct include *in, const char *dir, const char *name)
{
    char path[PATH_SIZE];
    if (in->c->variant == BF_IFUP_CLASSIC)
        return name[strspn(name, NAME_CHARS)] == 0;
    if (in->c->variant == BF_IFUP_BUSYBOX)
        return true;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    char *link = bf_fin_root_readlink(in->f->root, path);
    free(link);
    return !link; // ifupdown-ng takes plain files only
}

static void read_folder(struct include *in, const char *dir)
{
    char path[2 * PATH_SIZE];
    struct bf_names names;
    if (in->needed && !bf_fin_root_is_dir(in->f->root, dir))
        bf_ifup_trouble(in->c, in->line, "the folder %s is missing", dir);
    if (bf_edits_list(&in->f->edits, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        if (!is_read(in, dir, names.name[i]))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, names.name[i]);
        in->parse(in->f, in->c, path, in->depth + 1, false);
    }
    bf_names_free(&names);
}

static void found(struct include *in, const char *path)
{
    if (in->folder)
        read_folder(in, path);
    else
        in->parse(in->f, in->c, path, in->depth + 1, in->needed);
}

// Resolves the rest of a pattern below `dir`, folder by folder.
static void expand(struct include *in, const char *dir, const char *rest, int parts)
{
    char path[PATH_SIZE], part[256];
    struct bf_names names;
    rest += strspn(rest, "/");
    size_t len = strcspn(rest, "/");
    bool last = rest[len + strspn(rest + len, "/")] == 0;
    if (parts > PARTS_MAX || len >= sizeof part || strlen(dir) + len + 2 > sizeof path) {
        bf_ifup_trouble(in->c, in->line, "the path is too long");
        return;
    }
    snprintf(part, sizeof part, "%.*s", (int)len, rest);
    bool pattern = strpbrk(part, "*?[") && in->c->variant <= BF_IFUP_TWO;
    if (!pattern) {
        snprintf(path, sizeof path, "%.*s/%s", PATH_SIZE - 300, dir, part);
        if (last)
            found(in, path);
        else
            expand(in, path, rest + len, parts + 1);
        return;
    }
    if (bf_edits_list(&in->f->edits, dir[0] ? dir : "/", "", &names))
        return;
    for (size_t i = 0; i < names.count && !in->c->trouble[0]; i++) {
        if (fnmatch(part, names.name[i], FNM_PERIOD) != 0)
            continue;
        snprintf(path, sizeof path, "%.*s/%.255s", PATH_SIZE - 300, dir, names.name[i]);
        if (last)
            found(in, path);
        else
            expand(in, path, rest + len, parts + 1);
    }
    bf_names_free(&names);
}

// The folder from which a relative path counts: that of the file, for ifupdown's first path alone.
static void base_of(const struct include *in, bool first, char *out, size_t size)
{
    const char *path = in->c->file[in->c->line[in->line].file].path, *slash = strrchr(path, '/');
    bool relative = in->c->variant == BF_IFUP_CLASSIC && first;
    snprintf(out, size, "%.*s", relative && slash ? (int)(slash - path) : 0, path);
}

static void include_path(struct include *in, struct bf_slice word, bool first)
{
    char text[PATH_SIZE], base[PATH_SIZE];
    if (word.len >= sizeof text - 300) {
        bf_ifup_trouble(in->c, in->line, "the path is too long");
        return;
    }
    snprintf(text, sizeof text, "%.*s", (int)word.len, word.at);
    if (in->c->variant == BF_IFUP_CLASSIC && strpbrk(text, "$`~'\"\\|&;<>(){}"))
        bf_ifup_trouble(in->c, in->line, "%.100s is a shell's expression, which is not evaluated",
                        text);
    else if (text[0] == '/')
        expand(in, "", text, 0);
    else {
        base_of(in, first, base, sizeof base);
        expand(in, base, text, 0);
    }
}

void bf_ifup_include(struct bf_fin *f, struct bf_ifup *c, size_t line, int depth,
                     bf_ifup_parse *parse)
{
    struct include in = {.f = f, .c = c, .line = line, .depth = depth, .parse = parse};
    struct bf_slice rest = c->line[line].value, word;
    in.folder = !bf_slice_is(c->line[line].key, "source");
    in.needed = c->variant >= BF_IFUP_NG && !(in.folder && c->variant == BF_IFUP_NG);
    if (in.folder && c->variant == BF_IFUP_TWO)
        return;
    for (bool first = true; !c->trouble[0] && bf_slice_next(&rest, &word); first = false) {
        include_path(&in, word, first);
        if (c->variant != BF_IFUP_CLASSIC)
            return;
    }
}
