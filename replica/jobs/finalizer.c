// SPDX-License-Identifier: Apache-2.0
// Runs the finalizer's VM over a recovery point; see finalizer.h. The VM lies beside the program,
// and the disks are chains of the state.
#include "replica/jobs/finalizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/core/report.h"
#include "replica/points/inventory.h"
#include "replica/points/source.h"
#include "replica/qemu/vm_files.h"
#include "replica/state/file.h"
#include "replica/state/text.h"

struct bf_finalizer *bf_finalizer_new(void)
{
    return calloc(1, sizeof(struct bf_finalizer));
}

void bf_finalizer_free(struct bf_finalizer *f)
{
    for (size_t i = 0; f && i < BF_PROTO_DISKS_MAX; i++)
        bf_image_chain_free(&f->chain[i]);
    if (f)
        free(f->report);
    free(f);
}

// ---- What the run needs ------------------------------------------------------------------------

enum bf_err bf_finalizer_find_vm(struct bf_finalizer *f, const char *given, struct bf_fault *fault)
{
    struct bf_vm_files files;
    enum bf_err err = bf_vm_files_find(given, &files, fault);
    if (err)
        return err;
    bf_snprintf(f->kernel, sizeof f->kernel, "%s", files.kernel);
    bf_snprintf(f->initramfs, sizeof f->initramfs, "%s", files.initramfs);
    f->run.kernel = f->kernel;
    f->run.initramfs = f->initramfs;
    return BF_OK;
}

static enum bf_err add_file(struct bf_finalizer *f, const char *state, size_t disk,
                            const char *relative, struct bf_fault *fault)
{
    struct bf_run_disk *d = &f->disk[disk];
    if (d->files == BF_RUN_CHAIN)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SERVER,
                            "export the point and finalize that", "disk %zu has too many layers",
                            disk);
    char *path = f->path[disk][d->files];
    bf_snprintf(path, BF_FINALIZER_PATH, "%s/%s", state, relative);
    f->file[disk][d->files++] = (struct bf_run_file){path, BF_RUN_QCOW2};
    d->chain = f->file[disk];
    return BF_OK;
}

// The files of every disk, topmost first; with an object its overlays are on top.
static enum bf_err gather(struct bf_state *state, struct bf_finalizer *f, struct bf_fault *fault)
{
    const char *path = bf_state_path(state);
    enum bf_err err = BF_OK;
    if (f->point.disks > BF_RUN_DISKS)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                            "make a point of fewer disks: name them with --set disk=",
                            "the finalizer takes at most %d disks", BF_RUN_DISKS);
    for (uint16_t i = 0; !err && i < f->point.disks; i++) {
        struct bf_image_ref sealed = f->ref;
        char overlay[128];
        if (f->object.ref.object) {
            bf_image_object_file(&f->object, f->point.disk[i].disk, overlay);
            err = add_file(f, path, i, overlay, fault);
        }
        if (!err)
            err = bf_image_chain(state, &sealed, f->point.disk[i].disk, &f->chain[i], fault);
        for (uint32_t k = 0; !err && k < f->chain[i].layers; k++)
            err = add_file(f, path, i, f->chain[i].layer[k].path, fault);
    }
    f->run.disk = f->disk;
    f->run.disks = f->point.disks;
    return err;
}

static enum bf_err check_nics(struct bf_state *state, const struct bf_finalizer *f,
                              struct bf_fault *fault)
{
    char ref[96];
    json_t *inventory = bf_point_inventory(bf_state_db(state), &f->point);
    json_t *plan = json_loadb(f->run.plan, f->run.plan_len, 0, NULL);
    bf_image_ref_text(&f->ref, ref);
    enum bf_err err = bf_source_check_nics(inventory, plan, ref, fault);
    json_decref(inventory);
    json_decref(plan);
    return err;
}

enum bf_err bf_finalizer_open_point(struct bf_state *state, struct bf_finalizer *f,
                                    const struct bf_image_ref *ref, struct bf_fault *fault)
{
    const char *tmp = getenv("TMPDIR");
    f->ref = *ref;
    if (bf_db_point_get(bf_state_db(state), f->ref.machine, f->ref.point, &f->point)) {
        *fault = *bf_db_fault(bf_state_db(state));
        return fault->code;
    }
    bf_snprintf(f->memory, sizeof f->memory, "%s/run", bf_state_path(state));
    f->run.memory = f->memory;
    f->run.tmp = tmp && tmp[0] ? tmp : f->memory; // where the points are, there is room
    return f->run.plan ? check_nics(state, f, fault) : BF_OK;
}

// ---- The report --------------------------------------------------------------------------------

static enum bf_err judge(const struct bf_finalizer *f, enum bf_run_end end, const json_t *report,
                         struct bf_fault *fault)
{
    static const char *const todo[] = {
        [BF_RUN_REFUSED] = "correct the plan; nothing was changed and nothing is left behind",
        [BF_RUN_FAILED] = "see the report above; nothing is left behind",
        [BF_RUN_BROKEN] = "check that QEMU works on this server; nothing is left behind",
        [BF_RUN_LATE] = "allow more with --deadline SECONDS; nothing is left behind",
        [BF_RUN_NO_ROOM] =
            "do what the reason says; nothing is left behind, and the point is as it was",
    };
    const char *reason = json_string_value(json_object_get(report, "error")), *next = todo[end];
    if (end == BF_RUN_OK)
        return BF_OK;
    if (end == BF_RUN_REFUSED && reason && strncmp(reason, "plan:", 5) != 0)
        next = "change what the reason names; nothing was changed and nothing is left behind";
    return bf_fault_set(fault,
                        end == BF_RUN_REFUSED   ? BF_ERR_CONFIG
                        : end == BF_RUN_NO_ROOM ? BF_ERR_NO_SPACE
                        : end == BF_RUN_LATE    ? BF_ERR_TIMEOUT
                                                : BF_ERR_IO,
                        end == BF_RUN_REFUSED ? BF_SIDE_CONFIG : BF_SIDE_SERVER, next,
                        "%s@%u was not %s: %.100s%s", f->ref.machine, f->ref.point,
                        strcmp(f->run.mode, "inspect") == 0 ? "inspected" : "finalized",
                        reason ? reason : "there is no report",
                        reason && strlen(reason) > 100 ? "... (see the report)" : "");
}

// ---- Secure Boot -------------------------------------------------------------------------------

static void secure_boot_path(const struct bf_state *state, const char *machine, uint32_t point,
                             char *out, size_t size)
{
    bf_snprintf(out, size, "%s/machines/%s/secure-boot-%u.json", bf_state_path(state), machine,
                point);
}

// What the run found of Secure Boot is kept for `bootferry points`; a run goes on without it.
static void keep_secure_boot(const struct bf_state *state, const struct bf_finalizer *f,
                             const json_t *report)
{
    char path[BF_FINALIZER_PATH];
    struct bf_fault ignored;
    const json_t *found = json_object_get(json_object_get(report, "system"), "secure_boot");
    json_t *kept = json_deep_copy(found);
    if (!kept)
        return;
    json_object_del(kept, "files");
    json_object_set_new(kept, "checked", bf_json_time(time(NULL)));
    char *text = json_dumps(kept, JSON_INDENT(1));
    secure_boot_path(state, f->ref.machine, f->ref.point, path, sizeof path);
    if (text)
        bf_file_replace(path, text, strlen(text), 0600, &ignored);
    free(text);
    json_decref(kept);
}

json_t *bf_finalizer_secure_boot(const struct bf_state *state, const char *machine, uint32_t point)
{
    char path[BF_FINALIZER_PATH];
    struct bf_fault ignored;
    uint8_t *text = NULL;
    size_t len = 0;
    secure_boot_path(state, machine, point, path, sizeof path);
    if (bf_file_read(path, 65536, &text, &len, &ignored))
        return NULL;
    json_t *kept = json_loadb((const char *)text, len, 0, NULL);
    free(text);
    return kept;
}

// ---- The run -----------------------------------------------------------------------------------

enum bf_err bf_finalizer_work(struct bf_state *state, struct bf_finalizer *f, json_t **report,
                              struct bf_fault *fault)
{
    *report = NULL;
    enum bf_err err = gather(state, f, fault);
    if (err)
        return err;
    enum bf_run_end end = bf_run_finalizer(&f->run, &f->report, &f->report_len);
    *report = f->report ? json_loadb(f->report, f->report_len, 0, NULL) : NULL;
    keep_secure_boot(state, f, *report);
    err = judge(f, end, *report, fault);
    if (f->run.stop && f->run.stop->asked)
        err = bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE,
                           "nothing is left behind; start it again", "finalizing was interrupted");
    return err;
}

// The report as it came and as text, beside the overlays; what it quotes is not for everybody.
static enum bf_err save_report(struct bf_state *state, const struct bf_finalizer *f,
                               const json_t *report, struct bf_fault *fault)
{
    char path[BF_FINALIZER_PATH];
    struct bf_text text = {0};
    bf_fin_report_text(report, &text);
    bf_snprintf(path, sizeof path, "%s/%s/report.json", bf_state_path(state), f->object.folder);
    enum bf_err err = bf_file_replace(path, f->report, f->report_len, 0600, fault);
    bf_snprintf(path, sizeof path, "%s/%s/report.txt", bf_state_path(state), f->object.folder);
    if (!err)
        err = bf_file_replace(path, bf_text_get(&text), text.len, 0600, fault);
    bf_text_free(&text);
    return err;
}

enum bf_err bf_finalizer_apply(struct bf_state *state, struct bf_finalizer *f, json_t **report,
                               struct bf_fault *fault)
{
    struct bf_fault ignored;
    *report = NULL;
    f->run.mode = "apply";
    enum bf_err err = bf_image_object_begin(state, &f->ref, &f->object, fault);
    if (err)
        return err;
    err = f->begun ? f->begun(f->user, &f->object, fault) : BF_OK;
    if (!err)
        err = bf_finalizer_work(state, f, report, fault);
    if (!err)
        err = save_report(state, f, *report, fault);
    if (err)
        bf_image_object_end(state, &f->object, 0, &ignored);
    else
        err = bf_image_object_end(state, &f->object, 1, fault);
    return err;
}
