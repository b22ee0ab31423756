// SPDX-License-Identifier: Apache-2.0
// What a host offers: its domain capabilities (https://libvirt.org/formatdomaincaps.html), asked
// for what we would make, with KVM first.
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "replica/targets/libvirt.h"

// Whether the <enum name=...> of an element has the value.
static bool has_value(const xmlNode *element, const char *name, const char *value)
{
    xmlNodePtr list = bf_lv_child(element, "enum");
    char seen[128];

    while (list && !bf_lv_is(list, "name", name))
        list = bf_lv_next(list, "enum");
    for (xmlNodePtr v = bf_lv_child(list, "value"); v; v = bf_lv_next(v, "value"))
        if (bf_lv_get_text(v, seen, sizeof seen) && strcmp(seen, value) == 0)
            return true;
    return false;
}

// libvirt tells backends of networks since 9.2. One that does not has a QEMU that had user mode
// networking unless somebody built it without, which the machine's start then tells.
static bool has_user_network(const xmlNode *devices)
{
    xmlNodePtr nic = bf_lv_child(devices, "interface");

    return !nic || has_value(nic, "backendType", "default");
}

bool bf_lv_host_read(const char *xml, size_t len, struct bf_lv_host *host)
{
    xmlNodePtr root = bf_lv_tree_read(xml, len), os, devices;
    char domain[16];
    bool right = root && strcmp((const char *)root->name, "domainCapabilities") == 0;

    memset(host, 0, sizeof *host);
    if (right) {
        os = bf_lv_child(root, "os");
        devices = bf_lv_child(root, "devices");
        host->kvm = bf_lv_get_text(bf_lv_child(root, "domain"), domain, sizeof domain) &&
                    strcmp(domain, "kvm") == 0;
        host->uefi = has_value(os, "firmware", "efi");
        host->secure_boot = has_value(bf_lv_child(os, "loader"), "secure", "yes");
        host->user_network = has_user_network(devices);
        host->nvme = has_value(bf_lv_child(devices, "disk"), "bus", "nvme");
    }
    bf_lv_tree_free(root);
    return right;
}

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
