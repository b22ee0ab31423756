// SPDX-License-Identifier: Apache-2.0
// See dep_index.h. The index is a tree of characters: a node has the characters that all its keys
// share, a range of children by the next character, and the values of the key that ends there.
// Numbers are big-endian; the kind of a node stands in the upper bits of the offsets to it.
#include "finalize/initramfs/dep_index.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define MAGIC    0xb007f457u
#define VERSION  0x00020001u
#define PREFIX   0x80000000u
#define VALUES   0x40000000u
#define CHILDREN 0x20000000u
#define OFFSET   0x0fffffffu

// Appends a path as the image has it.
static void rename_path(const char *path, size_t len, const struct bf_module *inside, size_t count,
                        struct bf_text *out)
{
    char name[BF_MODULE_NAME];
    const struct bf_module *module =
        bf_module_name(path, len, name) ? bf_modules_find(inside, count, name) : NULL;
    const char *slash = memrchr(path, '/', len), *base = slash ? slash + 1 : path;
    const char *ko = memmem(base, len - (size_t)(base - path), ".ko", 3);
    if (module)
        bf_text_add(out, module->path, module->len);
    else
        bf_text_add(out, path, ko ? (size_t)(ko + 3 - path) : len);
}

void bf_dep_rename(const struct bf_modules *m, const struct bf_module *inside, size_t count,
                   struct bf_text *out)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct bf_module *module = &m->item[i];
        const char *at = module->needs, *end = at + module->needs_len, *word;
        size_t len;
        rename_path(module->path, module->len, inside, count, out);
        bf_text_str(out, ":");
        while (bf_word_next(&at, end, &word, &len)) {
            bf_text_str(out, " ");
            rename_path(word, len, inside, count, out);
        }
        bf_text_str(out, "\n");
    }
}

static void put32(struct bf_text *out, uint32_t n)
{
    unsigned char b[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                          (unsigned char)(n >> 8), (unsigned char)n};
    bf_text_add(out, b, sizeof b);
}

// Keys of a node: sorted ones that share their first `depth` characters.
struct keys {
    const struct bf_module *item;
    size_t count, depth;
};

// The characters that all keys have at and behind `depth`.
static size_t shared(const struct keys *k)
{
    const char *first = k->item[0].name, *last = k->item[k->count - 1].name;
    size_t n = k->depth;
    while (first[n] && first[n] == last[n])
        n++;
    return n - k->depth;
}

// The child that begins at key `i`: the keys that have its character at `depth`.
static struct keys child_at(const struct keys *k, size_t i, size_t depth)
{
    struct keys child = {&k->item[i], 0, depth + 1};
    while (i + child.count < k->count &&
           child.item[child.count].name[depth] == child.item[0].name[depth])
        child.count++;
    return child;
}

// Values of the keys that end at a node; they come first in its keys.
static size_t ending(const struct keys *k, size_t depth)
{
    size_t n = 0;
    while (n < k->count && k->item[n].name[depth] == 0)
        n++;
    return n;
}

// What stands in a node beside its children.
static uint32_t put_node(const struct keys *k, size_t common, size_t values, const uint32_t *child,
                         unsigned first, unsigned last, struct bf_text *out)
{
    uint32_t at =
        (uint32_t)out->len | (common ? PREFIX : 0) | (values ? VALUES : 0) | (last ? CHILDREN : 0);
    if (common) {
        bf_text_add(out, k->item[0].name + k->depth, common);
        bf_text_add(out, "", 1);
    }
    if (last) {
        unsigned char range[2] = {(unsigned char)first, (unsigned char)last};
        bf_text_add(out, range, sizeof range);
        for (unsigned c = first; c <= last; c++)
            put32(out, child[c]);
    }
    if (values)
        put32(out, (uint32_t)values);
    for (size_t i = 0; i < values; i++) {
        const struct bf_module *m = &k->item[i];
        put32(out, (uint32_t)i);
        bf_text_add(out, m->path, m->len + 1 + m->needs_len); // up to the line's end
        bf_text_add(out, "", 1);
    }
    return at;
}

// Writes the children, then the node; the offset of it, with its kind. As deep as a name is long.
static uint32_t put_keys(const struct keys *k, struct bf_text *out)
{
    uint32_t child[128] = {0};
    unsigned first = 0, last = 0;
    size_t common = shared(k), depth = k->depth + common, values = ending(k, depth);
    for (size_t i = values; i < k->count;) {
        unsigned char c = (unsigned char)k->item[i].name[depth];
        struct keys below = child_at(k, i, depth);
        first = first ? first : c;
        last = c;
        child[c] = put_keys(&below, out);
        i += below.count;
    }
    return put_node(k, common, values, child, first, last, out);
}

bool bf_dep_index(const char *dep, size_t len, struct bf_text *out)
{
    struct bf_modules m = {.dep_len = len};
    size_t start = out->len;
    if (start || len > OFFSET / 2 || bf_modules_parse(dep, len, &m))
        return false;
    for (size_t i = 0; i < m.count; i++)
        for (const char *c = m.item[i].name; *c; c++)
            if (!isgraph((unsigned char)*c) || (unsigned char)*c > 126)
                m.count = 0;
    put32(out, MAGIC);
    put32(out, VERSION);
    put32(out, 0);
    struct keys all = {m.item, m.count, 0};
    uint32_t root = m.count ? put_keys(&all, out) : 0;
    if (bf_text_ok(out))
        for (size_t i = 0; i < 4; i++)
            out->data[8 + i] = (char)(root >> (24 - 8 * i));
    free(m.item);
    return m.count && bf_text_ok(out) && out->len < OFFSET;
}
