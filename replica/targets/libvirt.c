// SPDX-License-Identifier: Apache-2.0
// The target libvirt:URI. Each call connects, does what is missing, and lets go: nothing of a job
// lives in a process. What was defined is in the job's folder (libvirt_domain.c), the rest is asked
// of libvirt.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "finalize/core/text.h"
#include "replica/state/waits.h"
#include "replica/targets/args.h"
#include "replica/targets/libvirt.h"
#include "replica/targets/user_net.h"

// ---- Before ------------------------------------------------------------------------------------

static enum bf_err check_pool(const struct bf_lv *lv, struct bf_fault *fault)
{
    virStoragePoolPtr pool;
    bool block;
    enum bf_err err;

    if (!lv->uri.pool[0])
        return BF_OK;
    err = bf_lv_pool_find(lv, lv->uri.pool, &pool, &block, fault);
    if (!err)
        virStoragePoolFree(pool);
    return err;
}

static enum bf_err lv_check(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct bf_lv_choice choice = {.kvm = false};
    struct bf_lv lv;
    enum bf_err err = bf_lv_open_now(tgt, &lv, fault);

    if (!err)
        err = check_pool(&lv, fault);
    if (!err)
        err = bf_lv_ask_host(&lv, fault);
    if (!err)
        err = bf_lv_check_machine(&lv, fault);
    if (!err)
        err = bf_lv_networks_choose(&lv, &choice, fault);
    bf_lv_close(&lv);
    return err;
}

// ---- Making ------------------------------------------------------------------------------------

static void tell_lost_serials(const struct bf_tgt *tgt)
{
    for (uint32_t i = 0; i < tgt->machine->disks; i++)
        if (tgt->machine->disk[i].serial[0] && !bf_lv_serial_ok(tgt->machine->disk[i].serial))
            bf_lv_tell(tgt,
                       "Disk %u gets no serial number: libvirt does not take that of the source's "
                       "disk.",
                       tgt->machine->disk[i].number);
}

static void tell_networks(const struct bf_tgt *tgt, const struct bf_lv_choice *choice)
{
    char note[BF_TGT_NOTE];

    for (uint32_t i = 0; i < tgt->machine->nics && choice->user_network; i++)
        if (bf_user_net_note(&tgt->machine->nic[i], note, sizeof note))
            bf_lv_tell(tgt, "%s", note);
}

static enum bf_err define(const struct bf_lv *lv, const struct bf_lv_choice *choice,
                          struct bf_fault *fault)
{
    char *xml = bf_lv_domain_xml(lv->tgt->machine, choice);
    virDomainPtr dom = NULL;
    enum bf_err err;

    if (!xml)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "there is no memory for the machine's definition");
    err = bf_lv_record_write(lv, xml, fault);
    if (!err)
        dom = virDomainDefineXMLFlags(lv->conn, xml, VIR_DOMAIN_DEFINE_VALIDATE);
    free(xml);
    if (!err && !dom)
        err = bf_lv_fault(lv, fault, "the machine %s cannot be defined", lv->tgt->machine->name);
    if (dom)
        virDomainFree(dom);
    return err;
}

static enum bf_err make_missing(struct bf_lv *lv, struct bf_fault *fault)
{
    struct bf_lv_choice choice;
    struct bf_lv_names names;
    enum bf_err err = bf_lv_ask_host(lv, fault);

    if (err)
        return err;
    bf_lv_choice_begin(lv, &names, &choice);
    err = bf_lv_choose(lv, &choice, fault);
    if (!err)
        err = bf_lv_overlays_make(lv, fault);
    if (!err)
        tell_lost_serials(lv->tgt);
    if (!err)
        tell_networks(lv->tgt, &choice);
    if (!err && lv->tgt->machine->autostart)
        bf_lv_tell(lv->tgt, "Until it is committed, the machine does not start with its host.");
    return err ? err : define(lv, &choice, fault);
}

static enum bf_err lv_make(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    virDomainPtr dom = NULL;
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err)
        err = check_pool(&lv, fault);
    if (!err)
        err = bf_lv_domain_find(&lv, &dom, fault);
    if (!err && !dom)
        err = make_missing(&lv, fault);
    if (dom)
        virDomainFree(dom);
    bf_lv_close(&lv);
    return err;
}

// ---- Running -----------------------------------------------------------------------------------

static enum bf_err lv_start(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    virDomainPtr dom = NULL;
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err)
        err = bf_lv_domain_get(&lv, &dom, fault);
    if (!err && virDomainIsActive(dom) != 1)
        err = bf_lv_domain_start(&lv, dom, false, fault);
    if (dom)
        virDomainFree(dom);
    bf_lv_close(&lv);
    return err;
}

static enum bf_tgt_power power_of(int state, int reason)
{
    switch (state) {
    case VIR_DOMAIN_CRASHED:
        return BF_TGT_CRASHED;
    case VIR_DOMAIN_SHUTOFF:
        return reason == VIR_DOMAIN_SHUTOFF_CRASHED || reason == VIR_DOMAIN_SHUTOFF_FAILED
                   ? BF_TGT_CRASHED
                   : BF_TGT_OFF;
    case VIR_DOMAIN_PAUSED:
        return reason == VIR_DOMAIN_PAUSED_IOERROR || reason == VIR_DOMAIN_PAUSED_CRASHED
                   ? BF_TGT_CRASHED
                   : BF_TGT_ON;
    default:
        return BF_TGT_ON;
    }
}

static enum bf_err lv_power(const struct bf_tgt *tgt, enum bf_tgt_power *out,
                            struct bf_fault *fault)
{
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    virDomainPtr dom = NULL;
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err)
        err = bf_lv_domain_find(&lv, &dom, fault);
    if (!err && dom && virDomainGetState(dom, &state, &reason, 0) != 0)
        err = bf_lv_fault(&lv, fault, "the state of %s cannot be had", tgt->machine->name);
    if (!err)
        *out = dom ? power_of(state, reason) : BF_TGT_ABSENT;
    if (dom)
        virDomainFree(dom);
    bf_lv_close(&lv);
    return err;
}

static enum bf_err lv_picture(const struct bf_tgt *tgt, const char *path, struct bf_fault *fault)
{
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err)
        err = bf_lv_picture(&lv, path, fault);
    bf_lv_close(&lv);
    return err;
}

static enum bf_err lv_agent(const struct bf_tgt *tgt, const char *command, char **answer,
                            struct bf_fault *fault)
{
    virDomainPtr dom = NULL;
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    *answer = NULL;
    if (!err)
        err = bf_lv_domain_get(&lv, &dom, fault);
    if (!err)
        err = bf_lv_agent(&lv, dom, command, answer, fault);
    if (dom)
        virDomainFree(dom);
    bf_lv_close(&lv);
    return err;
}

// ---- What was written --------------------------------------------------------------------------

// What QEMU has counted since it was started.
static uint64_t counted(const struct bf_tgt_machine *m, virDomainPtr dom)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < m->disks; i++) {
        virDomainBlockStatsStruct stats;
        char name[8];

        bf_lv_target_name(m, i, name);
        if (virDomainBlockStats(dom, name, &stats, sizeof stats) == 0 && stats.wr_bytes > 0)
            bytes += (uint64_t)stats.wr_bytes;
    }
    return bytes;
}

static enum bf_err lv_written(const struct bf_tgt *tgt, uint64_t *bytes, struct bf_fault *fault)
{
    uint64_t grown;
    virDomainPtr dom = NULL;
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    *bytes = 0;
    if (!err)
        err = bf_lv_domain_find(&lv, &dom, fault);
    if (!err && dom && virDomainIsActive(dom) == 1)
        *bytes = counted(tgt->machine, dom);
    // Counters begin anew with QEMU; overlays remember.
    grown = err ? 0 : bf_lv_overlays_grown(&lv);
    if (grown > *bytes)
        *bytes = grown;
    if (dom)
        virDomainFree(dom);
    bf_lv_close(&lv);
    return err;
}

// ---- The end -----------------------------------------------------------------------------------

// The agent first, where it is connected, then ACPI; both return at once.
static enum bf_err ask_to_stop(const struct bf_lv *lv, virDomainPtr dom, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    virDomainAgentSetResponseTimeout(dom, BF_WAIT_LV_AGENT_S, 0);
    if (virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) == 0)
        return BF_OK;
    if (virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) != 0)
        err = bf_lv_fault(lv, fault, "the machine %s cannot be asked to shut down",
                          lv->tgt->machine->name);
    return err && virDomainIsActive(dom) == 0 ? BF_OK : err;
}

static enum bf_err lv_stop(const struct bf_tgt *tgt, enum bf_tgt_stop how, struct bf_fault *fault)
{
    virDomainPtr dom = NULL;
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err)
        err = bf_lv_domain_find(&lv, &dom, fault);
    if (!err && dom && virDomainIsActive(dom) == 1) {
        if (how == BF_TGT_ASK)
            err = ask_to_stop(&lv, dom, fault);
        else
            err = bf_lv_domain_pull(&lv, dom, fault);
    }
    if (dom)
        virDomainFree(dom);
    bf_lv_close(&lv);
    return err;
}

static enum bf_err lv_commit(const struct bf_tgt *tgt, const char *to, struct bf_fault *fault)
{
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err)
        err = check_pool(&lv, fault);
    if (!err && !bf_lv_is_committed(&lv))
        err = bf_lv_commit(&lv, to, fault);
    bf_lv_close(&lv);
    return err;
}

// After commit the machine is not ours any more.
static enum bf_err lv_remove(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct bf_lv lv;
    enum bf_err err = bf_lv_open(tgt, &lv, fault);

    if (!err && !bf_lv_is_committed(&lv)) {
        err = bf_lv_domain_remove(&lv, fault);
        if (!err)
            err = bf_lv_networks_stop(&lv, fault);
    }
    if (!err) {
        bf_lv_overlays_remove(&lv);
        bf_lv_record_remove(&lv);
    }
    bf_lv_close(&lv);
    return err;
}

// ---- By hand -----------------------------------------------------------------------------------

static void describe_disks(struct bf_text *out, const struct bf_lv *lv)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;

    for (uint32_t i = 0; i < m->disks; i++) {
        char name[32], path[BF_LV_PATH_MAX + 160];

        bf_lv_overlay_name(&m->disk[i], name);
        bf_snprintf(path, sizeof path, "%s/%s", lv->state,
                    m->disk[i].chain.layers ? m->disk[i].chain.layer[0].path : "");
        bf_text_str(out, "qemu-img create -f qcow2 -F qcow2 -b ");
        bf_args_quote(out, path);
        bf_text_str(out, " ");
        bf_snprintf(path, sizeof path, "%s/%s", lv->folder, name);
        bf_args_quote(out, path);
        bf_text_str(out, "\n");
    }
}

static void describe_commands(struct bf_text *out, const struct bf_lv *lv, const char *xml)
{
    describe_disks(out, lv);
    bf_text_str(out, "virsh --connect ");
    bf_args_quote(out, lv->uri.connect);
    bf_text_str(out, " define domain.xml\nvirsh --connect ");
    bf_args_quote(out, lv->uri.connect);
    bf_text_str(out, " start ");
    bf_args_quote(out, lv->tgt->machine->name);
    bf_textf(out, "\n\ndomain.xml:\n%s", xml);
}

// What is not known without asking the host: whether it has KVM and the networks, and the UUID that
// would be drawn.
static void describe_choice(const struct bf_lv *lv, struct bf_lv_choice *choice)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;

    choice->kvm = lv->uri.accel != BF_LV_ACCEL_TCG;
    choice->descriptors = false; // by hand, files have their paths
    choice->user_network = lv->uri.isolate != BF_LV_ISOLATE_NETWORK;
    bf_snprintf(choice->uuid, sizeof choice->uuid, "%s",
                m->uuid[0] && !m->isolated ? m->uuid : "00000000-0000-4000-8000-000000000000");
    for (uint32_t i = 0; i < m->nics; i++)
        bf_snprintf(choice->network[i], sizeof choice->network[i], "%s",
                    m->nic[i].network[0] ? m->nic[i].network : "network:default");
}

static char *lv_describe(const struct bf_tgt *tgt)
{
    struct bf_lv lv = {.tgt = tgt};
    struct bf_lv_choice choice;
    struct bf_lv_names names;
    struct bf_fault fault;
    struct bf_text text = {.data = NULL};
    char *xml;

    if (bf_lv_uri_parse(tgt->uri, &lv.uri, &fault) || bf_lv_paths(tgt, &lv, &fault))
        return NULL;
    bf_lv_choice_begin(&lv, &names, &choice);
    describe_choice(&lv, &choice);
    xml = bf_lv_domain_xml(tgt->machine, &choice);
    if (xml)
        describe_commands(&text, &lv, xml);
    free(xml);
    if (xml && bf_text_ok(&text))
        return text.data;
    bf_text_free(&text);
    return NULL;
}

const struct bf_tgt_ops bf_tgt_libvirt = {
    .scheme = "libvirt",
    .usage = "libvirt:URI    a machine of a libvirt host, libvirt:qemu:///system",
    .can = BF_TGT_RUNS | BF_TGT_ISOLATES | BF_TGT_COMMITS,
    .check = lv_check,
    .make = lv_make,
    .start = lv_start,
    .power = lv_power,
    .picture = lv_picture,
    .written = lv_written,
    .agent = lv_agent,
    .stop = lv_stop,
    .commit = lv_commit,
    .remove = lv_remove,
    .describe = lv_describe,
};
