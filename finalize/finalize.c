// SPDX-License-Identifier: Apache-2.0
// Runs one mode on one root: inspect, then the adapters in order, then report, then commit.
// Adapters only collect edits, so whatever refuses, nothing has been written.
#include "finalize/finalize.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "finalize/boot/steps.h"
#include "finalize/core/commit.h"
#include "finalize/core/preflight.h"
#include "finalize/initramfs/extend.h"
#include "finalize/initramfs/steps.h"
#include "finalize/network/steps.h"
#include "finalize/rehearse/rehearse.h"
#include "finalize/system/foreign.h"
#include "finalize/system/steps.h"
#include "finalize/target/targets.h"

// A tree without a system must not be taken for an empty one, nor one that is made from elsewhere
// for one that can be edited.
static enum bf_err check_system(struct bf_fin *f)
{
    const char *name = f->system.name[0] ? f->system.name : "this system";
    const char *reason = bf_foreign_reason(f->root, f->system.id);
    if (reason)
        return bf_refuse(f->report, "%s %s", name, reason);
    if (f->system.found)
        return BF_OK;
    const char *other = bf_foreign_name(f->root);
    return bf_refuse(f->report, "no Linux system found: neither /etc/os-release nor /etc/fstab%s%s",
                     other ? "; this looks like " : "", other ? other : "");
}

static void (*watcher)(const char *step, const char *file);

void bf_finalize_watch(void (*at)(const char *step, const char *file))
{
    watcher = at;
}

// What a step made of a guest that was too much for it does not count.
static enum bf_err run_step(struct bf_fin *f, const char *name,
                            enum bf_err (*step)(struct bf_fin *))
{
    bf_budget_begin(&f->budget, name);
    enum bf_err err = step(f);
    if (bf_budget_is_over(&f->budget)) {
        bf_fin_report_reset(f->report);
        return bf_refuse(f->report, "%s", f->budget.over);
    }
    return err;
}

// Nothing is said of a family of which real systems were adapted and started.
static void note_family(struct bf_fin *f)
{
    const struct bf_family *family = f->system.family;
    if (!f->system.found || (family && family->tried))
        return;
    if (family)
        bf_note(f->report, "info", "system",
                "of the %s family, which is adapted by its documentation and was tried on trees of "
                "files, not on a real system",
                family->title);
    else
        bf_note(f->report, "warning", "system",
                "of no family that is known: only what all distributions share is adapted");
}

static enum bf_err inspect(struct bf_fin *f)
{
    bf_inspect_system(f);
    bf_inspect_hostname(f);
    bf_inspect_kernels(f);
    bf_inspect_mounts(f);
    bf_inspect_boot(f);
    bf_inspect_secure_boot(f);
    bf_inspect_network(f);
    note_family(f);
    return BF_OK;
}

// What the makers of an initramfs say of the same devices belongs to this step.
static enum bf_err adapt_fstab(struct bf_fin *f)
{
    enum bf_err err = bf_adapt_fstab(f);
    return err ? err : bf_adapt_makers(f);
}

static enum bf_err adapt(struct bf_fin *f)
{
    // The initramfs carries files that the others change, and the labels are of all that is new.
    static const struct {
        const char *name;
        enum bf_err (*run)(struct bf_fin *);
    } steps[] = {
        {"system", check_system},
        {"hibernation", bf_adapt_hibernation},
        {"hostname", bf_adapt_hostname},
        {"network", bf_adapt_network},
        {"cloud-init", bf_adapt_cloud_init},
        {"agents", bf_adapt_agents},
        {"identity", bf_adapt_identity},
        {"fstab", adapt_fstab},
        {"volumes", bf_adapt_volumes},
        {"modprobe", bf_adapt_modprobe},
        {"kdump", bf_adapt_kdump},
        {"boot", bf_adapt_boot},
        {"getty", bf_adapt_getty},
        {"evidence", bf_adapt_evidence},
        {"efi", bf_adapt_efi},
        {"initramfs", bf_adapt_initramfs},
        {"secure boot", bf_check_secure_boot},
        {"labels", bf_adapt_labels},
        {"mentions", bf_report_mentions},
        {"rehearsal", bf_rehearse},
    };
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(steps) && !err; i++)
        err = run_step(f, steps[i].name, steps[i].run);
    return !err && f->edits.failed ? bf_fail(f->report, "out of memory") : err;
}

static enum bf_err run(struct bf_fin *f, enum bf_mode mode)
{
    enum bf_err err = run_step(f, "inspect", inspect);
    if (err || mode == BF_MODE_INSPECT)
        return err;
    if (!f->plan)
        return bf_refuse(f->report, "no plan was given");
    f->target = bf_target_find(bf_targets, f->plan->target);
    err = adapt(f);
    if (err)
        return err;
    bf_fin_report_changes(f->report, &f->edits);
    err = bf_preflight(&f->edits, f->report);
    if (err || mode == BF_MODE_DRY_RUN)
        return err;
    f->root->budget = NULL; // what is written is bounded by what was read
    err = bf_commit(&f->edits, f->report);
    if (!err && f->plan->drop_undo)
        err = bf_undo_drop(f->root, f->report);
    return err || !f->plan->discard_hibernation ? err : bf_discard_swap_files(f);
}

enum bf_err bf_finalize(struct bf_fin_root *root, enum bf_mode mode, const struct bf_plan *plan,
                        const struct bf_devices *devices, struct bf_fin_report *report)
{
    static const struct bf_devices none;
    if (mode == BF_MODE_UNDO)
        return bf_undo(root, report, false);
    struct bf_fin f = {
        .root = root,
        .report = report,
        .plan = plan,
        .devices = devices ? devices : &none,
        .architectures = bf_architectures,
        .extend_initramfs = bf_initramfs_extend,
        .budget = {.at = watcher},
    };
    root->budget = &f.budget;
    bf_edits_init(&f.edits, root);
    bf_system_init(&f.system);
    json_object_set_new(report->json, "system", json_object()); // its place in the report
    enum bf_err err = run(&f, mode);
    root->budget = NULL;
    root->label = NULL;
    bf_labels_close(&f.labels);
    json_t *system = bf_system_json(&f.system, f.devices);
    json_object_set_new(system, "network", bf_network_json(f.system.net));
    json_object_set_new(report->json, "system", system);
    bf_system_free(&f.system);
    free(f.links);
    free(f.old);
    bf_edits_free(&f.edits);
    return err;
}
