// SPDX-License-Identifier: Apache-2.0
// Commit: each disk is copied to its new place while the machine runs, and the machine goes on with
// the copy (virDomainBlockCopy, then virDomainBlockJobAbort with PIVOT). A machine that is off is
// started without its processors for that, and switched off again. At each step libvirt is asked
// what is there, so that whatever was killed is only continued: a copy that has ended is kept, one
// that runs is waited for, one that is lost begins anew.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/state/file.h"
#include "replica/state/waits.h"
#include "replica/targets/libvirt.h"

struct commit {
    struct bf_lv *lv;
    struct bf_fault *fault;
    virDomainPtr dom;
    struct bf_lv_copy copy[BF_TGT_DISKS];
    uint64_t total, done; // bytes of all disks, and of those that were copied
};

// ---- Marks in the job's folder -----------------------------------------------------------------

static void mark_path(const struct bf_lv *lv, const char *name, char out[BF_LV_PATH_MAX + 32])
{
    bf_snprintf(out, BF_LV_PATH_MAX + 32, "%s/%s", lv->folder, name);
}

static bool is_marked(const struct bf_lv *lv, const char *name)
{
    char path[BF_LV_PATH_MAX + 32];

    mark_path(lv, name, path);
    return access(path, F_OK) == 0;
}

static enum bf_err mark(const struct bf_lv *lv, const char *name, struct bf_fault *fault)
{
    char path[BF_LV_PATH_MAX + 32];

    mark_path(lv, name, path);
    return bf_file_replace(path, "", 0, 0600, fault);
}

static void unmark(const struct bf_lv *lv, const char *name)
{
    char path[BF_LV_PATH_MAX + 32];

    mark_path(lv, name, path);
    unlink(path);
}

static const char committed[] = "committed", halted[] = "started-for-commit";

bool bf_lv_is_committed(const struct bf_lv *lv)
{
    return is_marked(lv, committed);
}

// ---- One disk ----------------------------------------------------------------------------------

static enum bf_err look(const struct commit *c, uint32_t i, struct bf_lv_disk_state *out)
{
    char *xml = virDomainGetXMLDesc(c->dom, 0);
    char name[8];
    bool found;

    if (!xml)
        return bf_lv_fault(c->lv, c->fault, "the machine %s cannot be looked at",
                           c->lv->tgt->machine->name);
    bf_lv_target_name(c->lv->tgt->machine, i, name);
    found = bf_lv_disk_read(xml, name, out);
    free(xml);
    if (found)
        return BF_OK;
    return bf_fault_set(c->fault, BF_ERR_MISMATCH, BF_SIDE_SERVER,
                        "see virsh dumpxml; commit needs the machine as it was made",
                        "the machine %s has no disk %s any more", c->lv->tgt->machine->name, name);
}

static char *copy_xml(const struct bf_lv_volume *v)
{
    struct _xmlNode *disk = bf_lv_tree("disk");

    bf_lv_set(disk, "type", v->block ? "block" : "file");
    bf_lv_set(bf_lv_add(disk, "source"), v->block ? "dev" : "file", v->path);
    bf_lv_set(bf_lv_add(disk, "driver"), "type", v->block ? "raw" : "qcow2");
    return bf_lv_tree_text(disk);
}

// REUSE_EXT: the copy's file was made here, with its format and nothing below it. TRANSIENT_JOB: a
// copy that is under way when the machine ends is lost, and begins anew.
static enum bf_err begin_copy(struct commit *c, uint32_t i, const char *name)
{
    const unsigned flags = VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB;
    const struct bf_tgt_disk *disk = &c->lv->tgt->machine->disk[i];
    enum bf_err err = bf_lv_copy_make(c->lv, &c->copy[i], disk->bytes, c->fault);
    char *xml = err ? NULL : copy_xml(&c->copy[i].volume);

    if (!err && (!xml || virDomainBlockCopy(c->dom, name, xml, NULL, 0, flags) != 0))
        err = bf_lv_fault(c->lv, c->fault, "the copy of disk %u cannot be started", disk->number);
    free(xml);
    if (err)
        bf_lv_copy_remove(c->lv, &c->copy[i]);
    return err;
}

static void tell_progress(const struct commit *c, uint32_t i, const virDomainBlockJobInfo *info)
{
    const struct bf_tgt *tgt = c->lv->tgt;
    uint64_t bytes = tgt->machine->disk[i].bytes;

    if (tgt->progress && info->end)
        tgt->progress(tgt->user,
                      c->done + (uint64_t)((double)bytes * (double)info->cur / (double)info->end),
                      c->total);
}

static enum bf_err give_up(struct commit *c, uint32_t i, const char *name, enum bf_err err)
{
    virDomainBlockJobAbort(c->dom, name, 0);
    bf_lv_copy_remove(c->lv, &c->copy[i]);
    return err;
}

static enum bf_err lost(struct commit *c, uint32_t i)
{
    bf_lv_copy_remove(c->lv, &c->copy[i]);
    return bf_fault_set(c->fault, BF_ERR_IO, BF_SIDE_SERVER,
                        "see whether there is space (virsh pool-info), and the machine's log in "
                        "/var/log/libvirt/qemu; then commit again",
                        "the copy of disk %u to %.100s ended before it was complete",
                        c->lv->tgt->machine->disk[i].number, c->copy[i].name);
}

// Until the copy is complete and follows the disk.
static enum bf_err await_copy(struct commit *c, uint32_t i, const char *name)
{
    uint64_t since = bf_platform_now_us();
    struct bf_lv_disk_state state = {.copied = false};
    virDomainBlockJobInfo info = {.cur = 0}, before = {.cur = 0};

    for (;;) {
        enum bf_err err = look(c, i, &state);
        int found = err ? -1 : virDomainGetBlockJobInfo(c->dom, name, &info, 0);

        if (err || state.copied)
            return err;
        if (found <= 0)
            return lost(c, i);
        tell_progress(c, i, &info);
        if (!bf_lv_goes_on(c->lv->tgt, c->fault))
            return give_up(c, i, name, BF_ERR_CANCELLED);
        if (info.cur != before.cur || info.end != before.end)
            since = bf_platform_now_us();
        before = info;
        if (bf_platform_now_us() - since > BF_WAIT_LV_COPY_MS * UINT64_C(1000))
            return give_up(c, i, name,
                           bf_fault_set(c->fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                                        "look at the disks of the libvirt host, then commit again",
                                        "the copy of disk %u does not get on",
                                        c->lv->tgt->machine->disk[i].number));
        usleep(BF_WAIT_LV_LOOK_MS * 1000);
    }
}

static enum bf_err pivot(struct commit *c, uint32_t i, const char *name)
{
    struct bf_lv_disk_state state;
    enum bf_err err;

    enum bf_err seen;

    if (virDomainBlockJobAbort(c->dom, name, VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT) == 0)
        return BF_OK;
    err = bf_lv_fault(c->lv, c->fault, "the machine cannot go on with the copy of disk %u",
                      c->lv->tgt->machine->disk[i].number);
    seen = look(c, i, &state); // whatever it said: this is what counts
    return !seen && strcmp(state.source, c->copy[i].volume.path) == 0 ? BF_OK : err;
}

static enum bf_err copy_disk(struct commit *c, uint32_t i)
{
    struct bf_lv_disk_state state;
    char name[8];
    enum bf_err err = bf_lv_copy_find(c->lv, &c->copy[i], c->fault);
    const char *place = c->copy[i].volume.path;

    bf_lv_target_name(c->lv->tgt->machine, i, name);
    if (!err)
        err = look(c, i, &state);
    if (err || (place[0] && !state.copy[0] && strcmp(state.source, place) == 0))
        return err;
    if (state.copy[0] && (!place[0] || strcmp(state.copy, place) != 0))
        return bf_fault_set(c->fault, BF_ERR_BUSY, BF_SIDE_SERVER,
                            "wait for it, or end it there: virsh blockjob",
                            "somebody else copies disk %u of %s",
                            c->lv->tgt->machine->disk[i].number, c->lv->tgt->machine->name);
    if (!state.copy[0])
        err = begin_copy(c, i, name);
    if (!err)
        err = await_copy(c, i, name);
    return err ? err : pivot(c, i, name);
}

static enum bf_err copy_all(struct commit *c)
{
    const struct bf_tgt_machine *m = c->lv->tgt->machine;
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; i < m->disks; i++)
        c->total += m->disk[i].bytes;
    for (uint32_t i = 0; !err && i < m->disks; i++) {
        err = bf_lv_goes_on(c->lv->tgt, c->fault) ? copy_disk(c, i) : BF_ERR_CANCELLED;
        c->done += m->disk[i].bytes;
    }
    return err;
}

// ---- The whole ---------------------------------------------------------------------------------

static enum bf_err plan(struct commit *c, const char *to)
{
    enum bf_err err = bf_lv_copies_read(c->lv, c->copy, c->fault);

    if (err != BF_ERR_NOT_FOUND)
        return err;
    err = bf_lv_copies_choose(c->lv, to, c->copy, c->fault);
    return err ? err : bf_lv_copies_write(c->lv, c->copy, c->fault);
}

// A machine that is off is made to stand still instead.
static enum bf_err halt(struct commit *c)
{
    enum bf_err err;

    if (virDomainIsActive(c->dom) == 1)
        return BF_OK;
    err = mark(c->lv, halted, c->fault);
    return err ? err : bf_lv_domain_start(c->lv, c->dom, true, c->fault);
}

static void let_go(struct commit *c)
{
    int state = VIR_DOMAIN_NOSTATE;

    if (!is_marked(c->lv, halted))
        return;
    if (virDomainGetState(c->dom, &state, NULL, 0) == 0 && state == VIR_DOMAIN_PAUSED)
        virDomainDestroy(c->dom);
    unmark(c->lv, halted);
}

static enum bf_err settle(struct commit *c)
{
    const struct bf_tgt_machine *m = c->lv->tgt->machine;
    struct bf_lv_volume volume[BF_TGT_DISKS];
    char *xml = virDomainGetXMLDesc(c->dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    char *lasting;
    virDomainPtr dom = NULL;
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; i < m->disks; i++) {
        BF_ASSERT(c->copy[i].volume.path[0]);
        volume[i] = c->copy[i].volume;
    }
    lasting = xml ? bf_lv_lasting_xml(xml, m, volume) : NULL;
    if (lasting)
        dom = virDomainDefineXMLFlags(c->lv->conn, lasting, VIR_DOMAIN_DEFINE_VALIDATE);
    if (!dom || virDomainSetAutostart(dom, m->autostart) != 0)
        err = bf_lv_fault(c->lv, c->fault, "the lasting definition of %s cannot be made", m->name);
    if (dom)
        virDomainFree(dom);
    free(lasting);
    free(xml);
    return err;
}

enum bf_err bf_lv_commit(struct bf_lv *lv, const char *to, struct bf_fault *fault)
{
    struct commit c = {.lv = lv, .fault = fault};
    enum bf_err err = bf_lv_domain_get(lv, &c.dom, fault);

    if (err)
        return err;
    err = plan(&c, to);
    if (!err)
        err = halt(&c);
    if (!err)
        err = copy_all(&c);
    if (!err)
        err = settle(&c);
    let_go(&c);
    if (!err)
        err = mark(lv, committed, fault);
    if (!err)
        bf_lv_overlays_remove(lv);
    virDomainFree(c.dom);
    return err;
}
