// SPDX-License-Identifier: Apache-2.0
// Gives an initramfs the target's drivers without running the guest's tools: an uncompressed
// archive with the missing modules and the kernel's own full module index is appended (the kernel
// unpacks archives one after the other, later files win). Modules go where the image has its own;
// an entry for a folder would replace a link of that name, so there is one only for what is not
// there.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/fault.h"
#include "finalize/core/rows.h"
#include "finalize/initramfs/cpio.h"
#include "finalize/initramfs/dep_index.h"
#include "finalize/initramfs/drivers.h"
#include "finalize/system/crypttab.h"
#include "finalize/system/lvm.h"
#include "finalize/system/mdadm.h"

#define ARCHIVE_MAX ((size_t)128 << 20)
#define MODULE_MAX  ((size_t)32 << 20)

// The index that modprobe and udev read in the initramfs; it must know the added modules.
static const char *const index_files[] = {
    "modules.alias.bin",   "modules.builtin",         "modules.builtin.alias.bin",
    "modules.builtin.bin", "modules.builtin.modinfo", "modules.dep.bin",
    "modules.devname",     "modules.order",           "modules.softdep",
    "modules.symbols.bin",
};
// What BusyBox's modprobe reads.
static const char *const text_files[] = {"modules.alias", "modules.dep", "modules.symbols"};

struct archive {
    struct bf_fin *f;
    const struct bf_drivers *d;
    const struct bf_inside *in;
    const char *base; // of modules in the image
    bool plain;       // modules are not compressed in it, and the index is made for that
    struct bf_cpio cpio;
    struct bf_text out;
    struct bf_module_set dirs; // directories that are in the archive
    size_t added;              // files
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

// The directories above a file, from the folder of modules down; the kernel makes none by itself.
static void add_dirs_above(struct archive *a, const char *file)
{
    char path[1024];
    snprintf(path, sizeof path, "%s", file);
    for (char *c = path + strlen(a->base) - 1; (c = strchr(c, '/')); c++) {
        *c = 0;
        add_dir(a, path);
        *c = '/';
    }
}

// Those above the folder of modules, which an image that never had modules may lack. Of one that
// could not be read to its end nothing is known.
static void add_top(struct archive *a)
{
    const struct bf_inside *in = a->in;
    if (in->info.trouble[0])
        return;
    if (strncmp(a->base, "usr/", 4) != 0) {
        if (!in->lib && !in->lib_modules)
            add_dir(a, "lib");
        return;
    }
    if (!in->usr)
        add_dir(a, "usr");
    if (!in->usr_lib && !in->usr_modules)
        add_dir(a, "usr/lib");
    if (!in->lib && !in->lib_modules)
        bf_cpio_link(&a->cpio, "lib", "usr/lib");
}

static void add_file(struct archive *a, const char *relative, const void *data, size_t len)
{
    char to[1024];
    snprintf(to, sizeof to, "%s/%s/%s", a->base, a->d->version, relative);
    if (a->out.len + len >= ARCHIVE_MAX) {
        a->out.failed = true;
        return;
    }
    if (!a->added++)
        add_top(a);
    add_dirs_above(a, to);
    bf_cpio_file(&a->cpio, to, 0644, data, len);
}

// A file of the kernel's module directory. It is only copied, so it counts as what goes through a
// decompressor does. Fails when it cannot be read.
static char *read_file(struct archive *a, const char *relative, size_t *len, struct bf_fault *fault)
{
    char from[1024];
    uint64_t size;
    struct bf_edits *e = &a->f->edits;
    *len = 0;
    snprintf(from, sizeof from, "%s/%s", a->d->modules.dir, relative);
    if (bf_edits_size(e, from, &size, fault))
        return NULL;
    if (size > MODULE_MAX || bf_budget_take(&a->f->budget, from, size / BF_BUDGET_UNPACK)) {
        bf_fault_errno(fault, E2BIG);
        return NULL;
    }
    char *data = malloc((size_t)size + 1);
    if (!data)
        bf_fault_errno(fault, ENOMEM);
    else if (bf_edits_pread(e, from, data, (size_t)size, 0, len, fault)) {
        free(data);
        data = NULL;
    }
    return data;
}

static enum bf_err add_module(struct archive *a, const char *path)
{
    size_t len;
    struct bf_fault fault;
    struct bf_text plain = {0};
    char name[1024];
    char *data = read_file(a, path, &len, &fault);
    if (!data)
        return bf_refuse(a->f->report, "kernel %s: its module %s cannot be read: %s", a->d->version,
                         path, fault.what);
    const char *ko = strstr(path, ".ko");
    snprintf(name, sizeof name, "%.*s", a->plain && ko ? (int)(ko + 3 - path) : 1000, path);
    enum bf_err err = BF_OK;
    if (!a->plain || !bf_archive_format(data, len))
        add_file(a, name, data, len);
    else if (bf_budget_take(&a->f->budget, path, len / 8) ||
             bf_archive_unpack(data, len, MODULE_MAX, &plain))
        err = bf_refuse(a->f->report, "kernel %s: its module %s cannot be unpacked", a->d->version,
                        path);
    else
        add_file(a, name, plain.data, plain.len);
    bf_text_free(&plain);
    free(data);
    return err;
}

static enum bf_err add_modules(struct archive *a)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < a->d->set.count && !err; i++) {
        char name[BF_MODULE_NAME];
        const char *path = a->d->set.path[i];
        if (bf_module_name(path, strlen(path), name) && !bf_inside_module(a->in, name))
            err = add_module(a, path);
    }
    return err;
}

// The list of needs with the files as the image has them, which is text and index.
static enum bf_err add_renamed(struct archive *a)
{
    struct bf_text dep = {0}, bin = {0};
    bf_dep_rename(&a->d->modules, a->in->module, a->in->modules, &dep);
    bool ok = bf_text_ok(&dep) && bf_dep_index(bf_text_get(&dep), dep.len, &bin);
    if (ok) {
        add_file(a, "modules.dep.bin", bin.data, bin.len);
        if (a->in->text_index)
            add_file(a, "modules.dep", dep.data, dep.len);
    }
    bf_text_free(&dep);
    bf_text_free(&bin);
    return ok ? BF_OK
              : bf_refuse(a->f->report, "kernel %s: its modules.dep has names that no index takes",
                          a->d->version);
}

static void copy_index(struct archive *a, const char *name)
{
    size_t len;
    bool dep = strncmp(name, "modules.dep", 11) == 0;
    struct bf_fault fault;
    char *data = a->plain && dep ? NULL : read_file(a, name, &len, &fault);
    if (data)
        add_file(a, name, data, len); // not every kernel has all
    free(data);
}

static enum bf_err add_index(struct archive *a)
{
    for (size_t i = 0; i < BF_COUNT(index_files); i++)
        copy_index(a, index_files[i]);
    for (size_t i = 0; i < BF_COUNT(text_files) && a->in->text_index && !a->in->kmod; i++)
        copy_index(a, text_files[i]);
    return a->plain ? add_renamed(a) : BF_OK;
}

// Whether the image names one of its modules otherwise than the system's list, because its maker
// has decompressed them.
static bool is_plain(const struct bf_drivers *d, const struct bf_inside *in)
{
    for (size_t i = 0; i < in->modules; i++) {
        const struct bf_module *own = &in->module[i];
        const struct bf_module *m = bf_modules_find(d->modules.item, d->modules.count, own->name);
        if (m && (m->len != own->len || memcmp(m->path, own->path, m->len) != 0))
            return true;
    }
    return false;
}

static bool has(void *arg, const char *name, const void *data, size_t len)
{
    struct archive *a = arg;
    const struct bf_setting *s = bf_inside_setting(a->in, name);
    bool same = s && s->len == len && memcmp(s->data, data, len) == 0;
    a->added += !same;
    return same;
}

// Copies of LVM's files as of the last build, without which the root's volume would not be found.
static void carry_lvm(struct archive *a, const char *path)
{
    static const char *const conf[] = {"etc/lvm/lvm.conf", "etc/lvm/lvmlocal.conf"};
    static const char devices[] = "etc/lvm/devices/system.devices";
    const struct bf_setting *s;
    for (size_t i = 0; i < BF_COUNT(conf); i++) {
        char name[512];
        struct bf_text out = {0};
        if (!(s = bf_inside_setting(a->in, conf[i])))
            continue;
        snprintf(name, sizeof name, "%.400s: %s", path, conf[i]);
        if (bf_lvm_accept(a->f, name, s->data, s->len, &out))
            bf_cpio_file(&a->cpio, conf[i], 0644, bf_text_get(&out), out.len);
        a->out.failed = a->out.failed || !bf_text_ok(&out);
        bf_text_free(&out);
    }
    // Nothing takes a file out of an earlier archive, but a link that leads nowhere hides it.
    if ((s = bf_inside_setting(a->in, devices)) && bf_lvm_devices_of_hardware(s->data, s->len)) {
        bf_cpio_link(&a->cpio, devices, "/nonexistent");
        a->added++;
    }
}

// Copies of /etc/crypttab: Debian's, and that of dracut and systemd.
static void carry_crypttab(struct archive *a)
{
    static const char *const names[] = {"etc/crypttab", "cryptroot/crypttab"};
    for (size_t i = 0; i < BF_COUNT(names); i++) {
        const struct bf_setting *s = bf_inside_setting(a->in, names[i]);
        struct bf_text out = {0};
        if (s && bf_crypttab_copy(a->f, s->data, s->len, &out))
            bf_cpio_file(&a->cpio, names[i], 0600, bf_text_get(&out), out.len);
        a->out.failed = a->out.failed || !bf_text_ok(&out);
        bf_text_free(&out);
    }
}

// Copies of mdadm.conf: Debian's, and that of dracut with its folder.
static void carry_mdadm(struct archive *a, const char *path)
{
    for (size_t i = 0; i < a->in->settings; i++) {
        const struct bf_setting *s = &a->in->setting[i];
        struct bf_text out = {0};
        char name[512];
        if (strncmp(s->name, "etc/mdadm", 9) != 0)
            continue;
        snprintf(name, sizeof name, "%.300s: %.150s", path, s->name);
        if (bf_mdadm_accept(a->f, name, s->data, s->len, &out))
            bf_cpio_file(&a->cpio, s->name, 0644, bf_text_get(&out), out.len);
        a->out.failed = a->out.failed || !bf_text_ok(&out);
        bf_text_free(&out);
    }
}

static void add_settings(struct archive *a, const char *path)
{
    a->cpio.has = has;
    a->cpio.arg = a;
    carry_lvm(a, path);
    carry_crypttab(a);
    carry_mdadm(a, path);
    for (const struct bf_maker_ops *const *m = bf_makers; *m; m++)
        if ((*m)->carry && bf_maker_in_use(a->f, *m))
            (*m)->carry(a->f, &a->cpio);
    a->cpio.has = NULL;
}

static enum bf_err build(struct archive *a, const char *path)
{
    char mark[64];
    bf_cpio_begin(&a->cpio, &a->out);
    enum bf_err err = add_modules(a);
    if (!err && a->added)
        err = add_index(a);
    size_t modules = a->added;
    if (!err)
        add_settings(a, path);
    if (err || a->added == 0)
        return err;
    a->added = modules; // the first file of ours brings the folders above it
    int n = snprintf(mark, sizeof mark, BF_ARCHIVE_MARK_FMT, (unsigned long long)a->in->info.own);
    add_file(a, "bootferry-finalize", mark, (size_t)n);
    bf_cpio_end(&a->cpio);
    return bf_text_ok(&a->out)
               ? BF_OK
               : bf_fail(a->f->report, "kernel %s: too many drivers to add", a->d->version);
}

// The old image is padded to 4 bytes. LZ4's legacy format has no end mark: a word of zeros is one.
static void pad(struct bf_text *out, const struct bf_archive_info *info)
{
    static const char zero[12];
    size_t n = (size_t)(-info->own & 3);
    bf_text_add(out, zero, strcmp(info->format, "lz4") == 0 ? n + 8 : n);
}

static enum bf_err append(struct bf_fin *f, const struct bf_drivers *d, const struct bf_inside *in,
                          const char *path, struct bf_text *out)
{
    struct archive a = {.f = f, .d = d, .in = in, .base = bf_inside_base(in)};
    a.plain = is_plain(d, in);
    enum bf_err err = build(&a, path);
    if (!err && a.out.len && strcmp(in->info.format, "lz4") == 0)
        bf_note(f->report, "warning", path,
                "LZ4: kernels before 5.14 may not read what follows it; update-initramfs in the "
                "guest helps");
    if (!err && a.out.len) {
        pad(out, &in->info);
        bf_text_add(out, a.out.data, a.out.len);
        if (!bf_text_ok(out))
            err = bf_fail(f->report, "out of memory");
        if (strcmp(in->info.format, "cpio") != 0)
            bf_note(f->report, "info", "initramfs",
                    "lsinitramfs and lsinitrd may list only what was there before, and not the "
                    "drivers that are added; the kernel reads both");
    }
    bf_module_set_free(&a.dirs);
    bf_text_free(&a.out);
    return err;
}

enum bf_err bf_drivers_append(struct bf_fin *f, const struct bf_drivers *d, const char *path,
                              uint64_t offset, uint64_t len, uint64_t *keep, struct bf_text *out)
{
    struct bf_inside in;
    struct bf_fault fault = {.code = BF_OK};
    bool skip = false;
    enum bf_err err = bf_inside_open(&f->edits, path, offset, len, d->version, &in, &fault);
    *keep = in.info.own;
    if (err == BF_ERR_RANGE)
        err = bf_refuse(f->report, "%s is not an initramfs in a known format", path);
    else if (err)
        err = bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    if (!err)
        err = bf_drivers_fit(f, d, &in, path, &skip);
    if (!err && !skip)
        err = append(f, d, &in, path, out);
    bf_inside_close(&in);
    return err;
}
