// SPDX-License-Identifier: Apache-2.0
// Finds the kernels of a guest: those that the loaders name, then those that lie where
// distributions put them, each with its initramfs and its version.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/archive/archive.h"
#include "finalize/initramfs/images.h"
#include "finalize/initramfs/named.h"
#include "finalize/initramfs/steps.h"
#include "finalize/archive/version.h"

#define VERSIONS_MAX 256

// The row of a kernel and an initramfs ("": any, or none), or a new one; NULL when there is no
// room.
static struct bf_kernel *row(struct bf_system *s, const char *image, const char *initramfs)
{
    struct bf_kernel *k = NULL;
    for (size_t i = 0; i < s->kernels; i++) {
        struct bf_kernel *other = &s->kernel[i];
        if (strcmp(other->image, image) != 0)
            continue;
        if (!initramfs[0] || strcmp(other->initramfs, initramfs) == 0)
            return other;
        if (!other->initramfs[0] && !other->alone)
            k = other;
    }
    if (!k && s->kernels == BF_KERNELS_MAX)
        return NULL;
    if (!k) {
        k = &s->kernel[s->kernels++];
        *k = (struct bf_kernel){.named = false};
        snprintf(k->image, sizeof k->image, "%s", image);
    }
    snprintf(k->initramfs, sizeof k->initramfs, "%s", initramfs);
    return k;
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// Loaders start more than kernels.
static bool may_be_kernel(const char *path)
{
    static const char *const no[] = {"mem*", "mt86*", "xen*",  "tboot*", "*ipxe*", "*.c32",
                                     "*.0",  "*.bin", "*.bss", "*.iso",  "shim*",  "grub*"};
    for (size_t i = 0; i < BF_COUNT(no); i++)
        if (fnmatch(no[i], base(path), 0) == 0)
            return false;
    return fnmatch("*.efi", base(path), 0) != 0 || bf_image_is(base(path));
}

// Of several files the kernel unpacks the last one last, so that one decides; microcode alone holds
// no drivers.
static const char *main_initramfs(const struct bf_named_kernel *n)
{
    for (size_t i = n->count; i-- > 0;)
        if (!strstr(base(n->initramfs[i]), "ucode") && !strstr(base(n->initramfs[i]), "microcode"))
            return n->initramfs[i];
    return "";
}

static void add_named(struct bf_fin *f)
{
    struct bf_named_list list;
    bf_named_load(f, &list);
    for (size_t i = 0; i < list.count; i++) {
        const struct bf_named_kernel *n = &list.item[i];
        if (!may_be_kernel(n->kernel))
            continue;
        struct bf_kernel *k = row(&f->system, n->kernel, main_initramfs(n));
        if (!k)
            continue;
        k->named = true;
        if (n->first || !k->blocked[0])
            snprintf(k->blocked, sizeof k->blocked, "%s", n->blocked);
        k->first = k->first || n->first;
        k->alone = k->alone || (!n->count && !n->hidden);
    }
    bf_named_free(&list);
}

// An image that no loader's file names, and one that a file names without its initramfs because
// that has a name which only the loader can compute, is paired by the names of the files.
static void add_found(struct bf_fin *f)
{
    struct bf_image_list list;
    bf_images_load(f, &list);
    for (size_t i = 0; i < list.count; i++)
        row(&f->system, list.item[i].image, list.item[i].initramfs);
    bf_images_free(&list);
}

// ---- Versions ----------------------------------------------------------------------------------

static bool has_modules(const struct bf_names *dirs, const char *version)
{
    for (size_t i = 0; i < dirs->count; i++)
        if (strcmp(dirs->name[i], version) == 0)
            return true;
    return false;
}

// The longest version that ends the file's name, without what it may end in, or is a folder of its
// path.
static bool by_name(const struct bf_names *dirs, const char *path, char *out, size_t size)
{
    static const char *const end[] = {"", ".img", ".gz", ".efi", ".old"};
    size_t best = 0;
    char folder[160], name[200];
    for (size_t i = 0; i < dirs->count; i++) {
        size_t n = strlen(dirs->name[i]);
        snprintf(folder, sizeof folder, "/%.150s/", dirs->name[i]);
        bool fits = strstr(path, folder) != NULL;
        for (size_t k = 0; k < BF_COUNT(end) && !fits; k++) {
            snprintf(name, sizeof name, "*[-_]%.150s%s", dirs->name[i], end[k]);
            fits = fnmatch(name, base(path), 0) == 0;
        }
        if (fits && n > best) {
            best = n;
            snprintf(out, size, "%s", dirs->name[i]);
        }
    }
    return best > 0;
}

// Arch's packages note the name of their image beside the modules; Alpine's and the Raspberry Pi's
// versions end in it.
static bool by_flavour(struct bf_fin *f, const struct bf_names *dirs, const char *path, char *out,
                       size_t size)
{
    static const char *const pi[][2] = {{"kernel8.img", "*[-+]v8"},
                                        {"kernel8.img", "*-rpi-v8"},
                                        {"kernel_2712.img", "*-v8-16k"},
                                        {"kernel_2712.img", "*-rpi-2712"},
                                        {"kernel7l.img", "*-v7l*"},
                                        {"kernel7.img", "*-v7"},
                                        {"kernel.img", "*+"}};
    const char *name = base(path), *dash = strchr(name, '-');
    char file[256], pattern[160];
    size_t hits = 0;
    for (size_t i = 0; i < dirs->count; i++) {
        size_t len = 0;
        snprintf(file, sizeof file, "/usr/lib/modules/%.150s/pkgbase", dirs->name[i]);
        const char *text = dash ? bf_edits_get(&f->edits, file, &len, NULL) : NULL;
        len = text ? strcspn(text, "\n") : 0;
        bool hit = len && bf_word_is(text, len, dash + 1);
        snprintf(pattern, sizeof pattern, "*-%.100s", dash ? dash + 1 : "");
        hit =
            hit || (dash && !strpbrk(dash + 1, "*?[\\") && fnmatch(pattern, dirs->name[i], 0) == 0);
        for (size_t k = 0; k < BF_COUNT(pi); k++)
            hit = hit || (strcmp(name, pi[k][0]) == 0 && fnmatch(pi[k][1], dirs->name[i], 0) == 0);
        if (hit)
            snprintf(out, size, "%s", dirs->name[i]);
        hits += hit;
    }
    return hits == 1;
}

struct inside {
    const struct bf_names *dirs;
    char *out;
    size_t size;
};

static bool look_inside(void *arg, const struct bf_archive_entry *entry)
{
    struct inside *in = arg;
    const char *at = strstr(entry->name, "lib/modules/");
    if (!at || (at != entry->name && strncmp(entry->name, "usr/", 4) != 0))
        return true;
    at += strlen("lib/modules/");
    snprintf(in->out, in->size, "%.*s", (int)strcspn(at, "/"), at);
    return !in->out[0];
}

static void find_version(struct bf_fin *f, const struct bf_names *dirs, struct bf_kernel *k)
{
    struct bf_archive_info info;
    char said[128] = "", *v = k->version;
    size_t size = sizeof k->version;
    struct inside inside = {dirs, v, size};
    bool header = bf_version_header(&f->edits, k->image, 0, said, sizeof said);
    if (header && (dirs->count == 0 || has_modules(dirs, said))) {
        snprintf(v, size, "%s", said);
        return;
    }
    if (by_name(dirs, k->image, v, size) || by_flavour(f, dirs, k->image, v, size))
        return;
    if (header || bf_version_text(&f->edits, k->image, said, sizeof said)) {
        snprintf(v, size, "%s", said);
        return;
    }
    v[0] = 0;
    if (k->initramfs[0])
        bf_archive_read(&f->edits, k->initramfs, look_inside, &inside, &info, NULL);
    if (!v[0] && dirs->count == 1)
        snprintf(v, size, "%s", dirs->name[0]);
}

static void describe(struct bf_fin *f, const struct bf_names *dirs, struct bf_kernel *k)
{
    struct bf_archive_info info;
    find_version(f, dirs, k);
    k->modules = has_modules(dirs, k->version);
    if (k->initramfs[0] && !bf_archive_look(&f->edits, k->initramfs, &info, NULL)) {
        k->format = info.format;
        k->early = info.early;
    }
}

// Folders with modules of a kernel, of which no image was found.
static void add_modules(struct bf_system *s, const struct bf_names *dirs)
{
    size_t installed = s->kernels;
    for (size_t i = 0; i < dirs->count && s->kernels < BF_KERNELS_MAX; i++) {
        bool known = false;
        for (size_t k = 0; k < installed; k++)
            known = known || strcmp(s->kernel[k].version, dirs->name[i]) == 0;
        if (known)
            continue;
        struct bf_kernel *k = &s->kernel[s->kernels++];
        *k = (struct bf_kernel){.modules = true};
        snprintf(k->version, sizeof k->version, "%s", dirs->name[i]);
    }
}

// The versions that have a folder with modules: names that fit, and that JSON takes.
static void list_modules(struct bf_fin *f, struct bf_names *out)
{
    size_t n = 0;
    if (bf_fin_root_list(f->root, "/usr/lib/modules", "", out))
        *out = (struct bf_names){0};
    if (out->count == 0) {
        bf_names_free(out);
        if (bf_fin_root_list(f->root, "/lib/modules", "", out))
            *out = (struct bf_names){0};
    }
    for (size_t i = 0; i < out->count; i++) {
        size_t len = strlen(out->name[i]);
        if (n < VERSIONS_MAX && len < sizeof f->system.kernel->version &&
            bf_is_utf8(out->name[i], len))
            out->name[n++] = out->name[i];
        else
            free(out->name[i]);
    }
    out->count = n;
}

// Where no loader's file names a kernel, the newest one counts as what is started.
static void choose_first(struct bf_system *s)
{
    const struct bf_kernel *newest = NULL;
    for (size_t i = 0; i < s->kernels; i++) {
        const struct bf_kernel *k = &s->kernel[i];
        if (k->first)
            return;
        if (k->image[0] && (!newest || strverscmp(k->version, newest->version) > 0))
            newest = k;
    }
    for (size_t i = 0; newest && i < s->kernels; i++)
        s->kernel[i].first = &s->kernel[i] == newest;
}

static int by_version(const void *a, const void *b)
{
    const struct bf_kernel *x = a, *y = b;
    int order = strcmp(x->version, y->version);
    order = order ? order : strcmp(x->image, y->image);
    return order ? order : strcmp(x->initramfs, y->initramfs);
}

void bf_inspect_kernels(struct bf_fin *f)
{
    struct bf_names dirs;
    struct bf_system *s = &f->system;
    list_modules(f, &dirs);
    add_named(f);
    add_found(f);
    for (size_t i = 0; i < s->kernels; i++)
        describe(f, &dirs, &s->kernel[i]);
    add_modules(s, &dirs);
    choose_first(s);
    qsort(s->kernel, s->kernels, sizeof *s->kernel, by_version);
    bf_names_free(&dirs);
}
