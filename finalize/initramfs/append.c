// SPDX-License-Identifier: Apache-2.0
// Gives every kernel's initramfs the target's drivers without running the guest's tools: an
// uncompressed archive with the missing modules and the kernel's own full module index is appended
// (the kernel unpacks archives one after the other, later files win). The lasting setting for the
// guest's next update-initramfs or dracut run is its makers' (maker.h). Entries stand under
// usr/lib/modules only: an entry "lib" would replace the link.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/archive/archive.h"
#include "finalize/core/rows.h"
#include "finalize/initramfs/cpio.h"
#include "finalize/initramfs/maker.h"
#include "finalize/initramfs/modules.h"
#include "finalize/initramfs/steps.h"
#include "finalize/target/targets.h"

#define ARCHIVE_MAX ((size_t)64 << 20)

// The index that modprobe and udev read in the initramfs; it must know the added modules.
static const char *const index_files[] = {
    "modules.alias.bin",   "modules.builtin",         "modules.builtin.alias.bin",
    "modules.builtin.bin", "modules.builtin.modinfo", "modules.dep.bin",
    "modules.devname",     "modules.order",           "modules.softdep",
    "modules.symbols.bin",
};

static void remember(struct bf_lasting *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->name[i], name) == 0)
            return;
    if (l->count < BF_LASTING_MAX)
        l->name[l->count++] = name;
}

// Adds the target's modules to the set. The number of the list's drivers that the kernel has.
static size_t want_list(struct bf_fin *f, const struct bf_modules *m, const char *version,
                        const char *const *list, struct bf_module_set *set,
                        struct bf_lasting *lasting)
{
    size_t have = 0;
    struct bf_text missing = {0};
    for (; *list; list++) {
        enum bf_module_kind kind = bf_modules_want(m, *list, set);
        have += kind != BF_MODULE_MISSING;
        if (kind == BF_MODULE_FILE)
            remember(lasting, *list);
        else if (kind == BF_MODULE_MISSING)
            bf_textf(&missing, " %s", *list);
    }
    if (missing.len)
        bf_note(f->report, "info", version, "this kernel does not have:%s", bf_text_get(&missing));
    bf_text_free(&missing);
    return have;
}

struct archive {
    struct bf_cpio cpio;
    struct bf_text out;
    struct bf_module_set dirs; // directories that are in the archive
};

static void add_dir(struct archive *a, const char *path)
{
    for (size_t i = 0; i < a->dirs.count; i++)
        if (strcmp(a->dirs.path[i], path) == 0)
            return;
    char **more = realloc(a->dirs.path, (a->dirs.count + 1) * sizeof *more);
    char *copy = strdup(path);
    if (more)
        a->dirs.path = more;
    if (!more || !copy) {
        free(copy);
        a->out.failed = true;
        return;
    }
    a->dirs.path[a->dirs.count++] = copy;
    bf_cpio_dir(&a->cpio, path, 0755);
}

// The directories above a file, from usr/lib/modules down; the kernel makes none by itself.
static void add_dirs_above(struct archive *a, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s", file);
    for (char *c = path + strlen("usr/lib/"); (c = strchr(c, '/')); c++) {
        *c = 0;
        add_dir(a, path);
        *c = '/';
    }
}

// Copies one file of the kernel's module directory. Fails when it cannot be read.
static enum bf_err add_module_file(struct bf_fin *f, struct archive *a, const struct bf_modules *m,
                                   const char *version, const char *relative,
                                   struct bf_fault *fault)
{
    char from[1024], to[1024];
    size_t len;
    snprintf(from, sizeof from, "%s/%s", m->dir, relative);
    snprintf(to, sizeof to, "usr/lib/modules/%s/%s", version, relative);
    char *data = bf_fin_root_read(f->root, from, BF_ROOT_BLOB_MAX, &len, fault);
    if (!data)
        return fault->code;
    if (a->out.len + len < ARCHIVE_MAX) {
        add_dirs_above(a, to);
        bf_cpio_file(&a->cpio, to, 0644, data, len);
    } else {
        a->out.failed = true;
    }
    free(data);
    return BF_OK;
}

static void add_settings(struct bf_fin *f, struct archive *a)
{
    for (const struct bf_maker_ops *const *m = bf_makers; *m; m++)
        if ((*m)->carry && (*m)->in_use(f))
            (*m)->carry(f, &a->cpio);
}

static enum bf_err build(struct bf_fin *f, struct archive *a, const struct bf_modules *m,
                         const char *version, const struct bf_module_set *set, uint64_t keep)
{
    char mark[64], name[256];
    struct bf_fault fault;
    bf_cpio_begin(&a->cpio, &a->out);
    for (size_t i = 0; i < set->count; i++)
        if (add_module_file(f, a, m, version, set->path[i], &fault))
            return bf_refuse(f->report, "kernel %s: its module %s cannot be read: %s", version,
                             set->path[i], fault.what);
    for (size_t i = 0; i < BF_COUNT(index_files); i++)
        add_module_file(f, a, m, version, index_files[i], &fault); // not every kernel has all
    add_settings(f, a);
    snprintf(name, sizeof name, "usr/lib/modules/%s/bootferry-finalize", version);
    int n = snprintf(mark, sizeof mark, BF_ARCHIVE_MARK_FMT, (unsigned long long)keep);
    add_dirs_above(a, name);
    bf_cpio_file(&a->cpio, name, 0644, mark, (size_t)n);
    bf_cpio_end(&a->cpio);
    return bf_text_ok(&a->out) ? BF_OK
                               : bf_fail(f->report, "kernel %s: too many drivers to add", version);
}

// The old image is padded to 4 bytes. LZ4's legacy format has no end mark: a word of zeros is one.
static void pad(struct bf_text *out, const struct bf_archive_info *info)
{
    static const char zero[12];
    size_t n = (size_t)(-info->own & 3);
    bf_text_add(out, zero, strcmp(info->format, "lz4") == 0 ? n + 8 : n);
}

static enum bf_err append(struct bf_fin *f, const char *path, const char *version,
                          const struct bf_modules *m, const struct bf_module_set *set)
{
    struct bf_archive_info info;
    struct bf_fault fault;
    struct archive a = {.dirs = {0}};
    if (bf_archive_look(&f->edits, path, &info, &fault))
        return bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    if (strcmp(info.format, "unknown") == 0)
        return bf_refuse(f->report, "%s is not an initramfs in a known format", path);
    if (strcmp(info.format, "lz4") == 0)
        bf_note(f->report, "warning", path,
                "LZ4: kernels before 5.14 may not read what follows it; update-initramfs in the "
                "guest helps");
    pad(&a.out, &info);
    enum bf_err err = build(f, &a, m, version, set, info.own);
    if (!err && bf_edits_tail(&f->edits, path, info.own, a.out.data, a.out.len,
                              "drivers of the target", &fault))
        err = bf_fail(f->report, "%s: %s", path, fault.what);
    bf_module_set_free(&a.dirs);
    bf_text_free(&a.out);
    return err;
}

static enum bf_err adapt_kernel(struct bf_fin *f, const struct bf_kernel *kernel,
                                struct bf_lasting *lasting)
{
    const char *version = kernel->version;
    struct bf_modules m;
    struct bf_module_set set = {0};
    if (!kernel->image[0])
        return BF_OK; // modules of a kernel that is not installed
    if (bf_modules_open(f->root, version, &m)) {
        bf_modules_close(&m);
        return bf_refuse(f->report, "kernel %s: no readable modules.dep", version);
    }
    size_t disks = want_list(f, &m, version, f->target->disk, &set, lasting);
    want_list(f, &m, version, f->target->other, &set, lasting);
    if (disks == 0)
        bf_note(f->report, "warning", version,
                "this kernel has no driver for the disks of a %s machine", f->target->name);
    enum bf_err err = BF_OK;
    if (kernel->initramfs[0])
        err = append(f, kernel->initramfs, version, &m, &set);
    else if (set.count)
        bf_note(f->report, "warning", version, "has no initramfs: its drivers must be built in");
    bf_module_set_free(&set);
    bf_modules_close(&m);
    return err;
}

// Before these, /lib was a directory of its own in the initramfs, and usr/lib/modules is not looked
// at.
static void warn_old(struct bf_fin *f)
{
    const struct bf_system *s = &f->system;
    const struct bf_release *r = s->family ? s->family->oldest : NULL;
    int version = atoi(s->version);
    for (; r && r->id; r++)
        if (strcmp(s->id, r->id) == 0 && version && version < r->version)
            bf_note(f->report, "warning", "initramfs",
                    "%s %d is older than the tested versions: run update-initramfs on the source "
                    "before moving it",
                    s->id, version);
}

static void note_no_maker(struct bf_fin *f)
{
    const char *name[BF_ROWS_MAX];
    size_t count = 0;
    struct bf_text names = {0};
    for (const struct bf_maker_ops *const *m = bf_makers; *m; m++)
        name[count++] = (*m)->name;
    bf_text_list(&names, name, count, " nor ");
    bf_note(f->report, "skipped", "initramfs",
            "neither %s: the next kernel update must bring the drivers itself",
            bf_text_get(&names));
    bf_text_free(&names);
}

enum bf_err bf_adapt_makers(struct bf_fin *f)
{
    for (const struct bf_maker_ops *const *m = bf_makers; *m; m++)
        if ((*m)->names && (*m)->in_use(f)) {
            enum bf_err err = (*m)->names(f);
            if (err)
                return err;
        }
    return BF_OK;
}

// Kernels are found by names with a version. Where none is, or none has an initramfs that is known,
// the system starts only with the drivers that it has already.
static void warn_of_none(struct bf_fin *f)
{
    for (size_t i = 0; i < f->system.kernels; i++)
        if (f->system.kernel[i].image[0] && f->system.kernel[i].initramfs[0])
            return;
    bf_note(f->report, "warning", "initramfs",
            "no kernel with an initramfs was found under a name that is known, so none was given "
            "the drivers of a %s machine: it starts there only if it has them already",
            f->target->name);
}

enum bf_err bf_adapt_initramfs(struct bf_fin *f)
{
    struct bf_lasting lasting = {.count = 0};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < f->system.kernels && !err; i++)
        err = adapt_kernel(f, &f->system.kernel[i], &lasting);
    warn_of_none(f);
    if (err || lasting.count == 0)
        return err;
    warn_old(f);
    size_t makers = 0;
    for (const struct bf_maker_ops *const *m = bf_makers; *m && !err; m++) {
        if (!(*m)->in_use(f))
            continue;
        err = (*m)->keep(f, &lasting);
        makers++;
    }
    if (makers == 0)
        note_no_maker(f);
    return err;
}
