// SPDX-License-Identifier: Apache-2.0
// What a host offers: its domain capabilities, asked for what we would make, with KVM first.
#include <stdlib.h>
#include <string.h>

#include "replica/targets/libvirt.h"

static enum bf_err ask(struct bf_lv *lv, const char *virt, struct bf_fault *fault)
{
    char *xml =
        virConnectGetDomainCapabilities(lv->conn, NULL, "x86_64", lv->tgt->machine->type, virt, 0);
    enum bf_err err = BF_OK;

    if (!xml)
        return bf_lv_fault(lv, fault, "the host's capabilities cannot be had");
    if (!bf_lv_host_read(xml, strlen(xml), &lv->host))
        err = bf_fault_set(fault, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                           "look at the output of virsh domcapabilities",
                           "the host's capabilities cannot be understood");
    free(xml);
    return err;
}

static bool tcg_is_wanted(const struct bf_lv *lv)
{
    const char *setting = getenv("QEMU_ACCEL"); // as everywhere in this program

    if (lv->uri.accel != BF_LV_ACCEL_AUTO)
        return lv->uri.accel == BF_LV_ACCEL_TCG;
    return lv->uri.local && setting && strcmp(setting, "tcg") == 0;
}

enum bf_err bf_lv_ask_host(struct bf_lv *lv, struct bf_fault *fault)
{
    enum bf_err err;

    if (!tcg_is_wanted(lv) && ask(lv, "kvm", fault) == BF_OK)
        return BF_OK;
    if (lv->uri.accel == BF_LV_ACCEL_KVM)
        return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_SERVER,
                            "enable virtualization in the host's firmware and load kvm_intel or "
                            "kvm_amd, or leave accel=kvm out",
                            "the host of %s has no KVM", lv->uri.connect);
    err = ask(lv, "qemu", fault);
    lv->host.kvm = false;
    return err;
}
