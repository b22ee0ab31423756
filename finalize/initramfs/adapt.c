// SPDX-License-Identifier: Apache-2.0
// Goes over the kernels and the makers of initramfs files. The lasting setting for the guest's next
// update-initramfs or dracut run is its makers' (maker.h).
#include <stdio.h>
#include <string.h>

#include "finalize/core/rows.h"
#include "finalize/initramfs/drivers.h"
#include "finalize/initramfs/maker.h"
#include "finalize/initramfs/steps.h"
#include "finalize/target/targets.h"

// A refusal for a kernel that is started by default, a warning for another.
static enum bf_err object(struct bf_fin *f, const struct bf_kernel *k, const char *what)
{
    const char *name = k->version[0] ? k->version : k->image;
    if (k->first)
        return bf_refuse(f->report, "kernel %s, which is started by default, %s", name, what);
    bf_note(f->report, "warning", name, "this kernel %s", what);
    return BF_OK;
}

static bool has_any_modules(const struct bf_system *s)
{
    for (size_t i = 0; i < s->kernels; i++)
        if (s->kernel[i].modules)
            return true;
    return false;
}

// A kernel whose modules are not installed starts if its image has the drivers already.
static enum bf_err adapt_without_modules(struct bf_fin *f, const struct bf_kernel *k)
{
    struct bf_inside in = {.failed = false};
    uint64_t size = 0;
    const char *name = k->version[0] ? k->version : k->image;
    char what[300];
    if (!has_any_modules(&f->system)) {
        bf_note(f->report, "warning", name,
                "no modules are installed for this kernel: whether it has the drivers of a %s "
                "machine built in cannot be told",
                f->target->name);
        return BF_OK;
    }
    size_t inside = 0;
    if (k->initramfs[0] && !bf_edits_size(&f->edits, k->initramfs, &size, NULL) &&
        !bf_inside_open(&f->edits, k->initramfs, 0, size, k->version, &in, NULL))
        inside = bf_drivers_inside(f, &in);
    bool unknown = !in.modules;
    bf_inside_close(&in);
    if (inside)
        return BF_OK;
    snprintf(what, sizeof what,
             "has no modules below /lib/modules, and its initramfs no driver for the disks of a %s "
             "machine: install the kernel's package again, or remove the kernel",
             f->target->name);
    if (!unknown)
        return object(f, k, what);
    bf_note(f->report, "warning", name,
            "%s: whether it has the drivers of a %s machine cannot be told",
            k->version[0] ? "no modules of this kernel are installed"
                          : "which version this kernel has is not known",
            f->target->name);
    return BF_OK;
}

static enum bf_err extend(struct bf_fin *f, const struct bf_kernel *k, const struct bf_drivers *d)
{
    struct bf_text out = {0};
    struct bf_fault fault;
    uint64_t size, keep = 0;
    if (bf_edits_size(&f->edits, k->initramfs, &size, &fault))
        return bf_refuse(f->report, "%s cannot be read: %s", k->initramfs, fault.what);
    enum bf_err err = bf_drivers_append(f, d, k->initramfs, 0, size, &keep, &out);
    if (!err && (out.len || keep < size) &&
        bf_edits_tail(&f->edits, k->initramfs, keep, out.data ? out.data : "", out.len,
                      "drivers of the target", &fault))
        err = bf_fail(f->report, "%s: %s", k->initramfs, fault.what);
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt_kernel(struct bf_fin *f, const struct bf_kernel *k,
                                struct bf_lasting *lasting)
{
    struct bf_drivers d;
    char what[300];
    if (!k->image[0])
        return BF_OK; // modules of a kernel that is not installed
    if (!k->modules)
        return adapt_without_modules(f, k);
    enum bf_err err = bf_drivers_open(f, k->version, k->first, &d, lasting);
    d.blocked = k->blocked;
    if (err) {
        bf_drivers_close(&d);
        return bf_refuse(f->report, "kernel %s: no readable modules.dep", k->version);
    }
    if (!d.disk_files && !d.disk_builtins) {
        snprintf(what, sizeof what,
                 "has no driver for the disks of a %s machine, neither as a module nor built in: "
                 "install another kernel on the source",
                 f->target->name);
        err = object(f, k, what);
    }
    if (!err && k->initramfs[0]) {
        err = extend(f, k, &d);
    } else if (!err && !d.disk_builtins && d.disk_files && k->alone && !k->unified) {
        snprintf(
            what, sizeof what,
            "has no initramfs, and its drivers for the disks of a %s machine are modules: make "
            "an initramfs on the source",
            f->target->name);
        err = object(f, k, what);
    } else if (!err && d.set.count && !k->initramfs[0] && !k->unified) {
        bf_note(f->report, "warning", k->version, "has no initramfs: its drivers must be built in");
    }
    bf_drivers_close(&d);
    return err;
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
        if ((*m)->names && bf_maker_in_use(f, *m)) {
            enum bf_err err = (*m)->names(f);
            if (err)
                return err;
        }
    return BF_OK;
}

// Where no kernel is, or none has an initramfs that is known, the system starts only with the
// drivers that it has already.
static void warn_of_none(struct bf_fin *f)
{
    for (size_t i = 0; i < f->system.kernels; i++)
        if (f->system.kernel[i].image[0] &&
            (f->system.kernel[i].initramfs[0] || f->system.kernel[i].unified))
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
    size_t makers = 0;
    for (const struct bf_maker_ops *const *m = bf_makers; *m && !err; m++) {
        if (!bf_maker_in_use(f, *m))
            continue;
        err = (*m)->keep(f, &lasting);
        makers++;
    }
    if (makers == 0)
        note_no_maker(f);
    return err;
}
