// SPDX-License-Identifier: Apache-2.0
// What is looked at before anything is made: whether libvirt has such a machine, this host can run
// it, and its name and UUID are free.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/targets/libvirt.h"

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

static enum bf_err refuse(struct bf_fault *fault, const char *todo, const char *what,
                          const char *value)
{
    return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG, todo, what, value);
}

static enum bf_err check_kind(const struct bf_tgt_machine *m, struct bf_fault *fault)
{
    static const char *const types[] = {"q35", "pc"};
    static const char *const buses[] = {"virtio-blk", "virtio-scsi", "ahci"};
    static const char *const models[] = {"virtio-net", "e1000e", "e1000", "vmxnet3"};

    if (!is_one_of(m->type, types, BF_COUNT(types)))
        return refuse(fault, "name q35 or pc in the plan",
                      "libvirt target: there is no machine type \"%.16s\"", m->type);
    if (!is_one_of(m->disk_bus, buses, BF_COUNT(buses)))
        return refuse(fault, "name virtio-blk, virtio-scsi or ahci in the plan",
                      "a libvirt machine cannot have disks on the bus \"%.16s\"", m->disk_bus);
    if (m->nics && !is_one_of(m->nic_model, models, BF_COUNT(models)))
        return refuse(fault, "name virtio-net, e1000e or vmxnet3 in the plan",
                      "a libvirt machine cannot have NICs of the model \"%.16s\"", m->nic_model);
    if (m->secure_boot && strcmp(m->type, "q35") != 0)
        return refuse(fault, "name q35 in the plan, or leave Secure Boot out",
                      "the machine type \"%.16s\" has no Secure Boot", m->type);
    return BF_OK;
}

static enum bf_err check_disks(const struct bf_tgt_machine *m, struct bf_fault *fault)
{
    for (uint32_t i = 0; i < m->disks; i++)
        if (m->disk[i].block_size > 512 && strcmp(m->disk_bus, "ahci") == 0)
            return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                                "name virtio-blk or virtio-scsi in the plan",
                                "disk %u has blocks of %u bytes, which AHCI disks cannot have",
                                m->disk[i].number, m->disk[i].block_size);
    return BF_OK;
}

static enum bf_err check_macs(const struct bf_tgt_machine *m, struct bf_fault *fault)
{
    for (uint32_t i = 0; i < m->nics; i++) {
        const char *mac = m->nic[i].mac;
        bool right = strlen(mac) == 17;

        for (int k = 0; right && k < 17; k++)
            right = k % 3 == 2 ? mac[k] == ':' : bf_hex_digit(mac[k]) >= 0;
        if (!right || (bf_hex_byte(mac) & 1))
            return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct it in the plan",
                                "NIC %u has no MAC address that a NIC can have: \"%.17s\"", i + 1,
                                mac);
    }
    return BF_OK;
}

static enum bf_err check_firmware(const struct bf_lv *lv, struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;

    if (m->uefi && !lv->host.uefi)
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                            "install the package ovmf (edk2-ovmf) there",
                            "the libvirt host %s has no UEFI firmware", lv->uri.connect);
    if (m->uefi && m->secure_boot && !lv->host.secure_boot)
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                            "install a firmware with Secure Boot there, or leave it out of the "
                            "plan",
                            "the libvirt host %s has no firmware with Secure Boot",
                            lv->uri.connect);
    return BF_OK;
}

static enum bf_err taken(struct bf_fault *fault, const char *todo, const char *what,
                         const char *value)
{
    return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_SERVER, todo, what, value);
}

// A machine of that name or UUID which is not this job's.
static enum bf_err check_names(const struct bf_lv *lv, struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;
    char ours[BF_LV_UUID_MAX] = "", uuid[BF_LV_UUID_MAX] = "";
    virDomainPtr dom = virDomainLookupByName(lv->conn, m->name);
    enum bf_err err = BF_OK;

    bf_lv_record_uuid(lv, ours);
    if (dom) {
        virDomainGetUUIDString(dom, uuid);
        if (strcmp(uuid, ours) != 0)
            err = taken(fault, "rename that machine there (virsh domrename), or remove it",
                        "the libvirt host has another machine %s", m->name);
        virDomainFree(dom);
    }
    if (err || ours[0] || m->isolated || !m->uuid[0])
        return err;
    dom = virDomainLookupByUUIDString(lv->conn, m->uuid);
    if (dom) {
        err =
            taken(fault, "leave the SMBIOS identity out of the plan, or remove that machine there",
                  "the source's UUID belongs to the machine %.64s at the libvirt host",
                  virDomainGetName(dom));
        virDomainFree(dom);
    }
    return err;
}

enum bf_err bf_lv_check_machine(const struct bf_lv *lv, struct bf_fault *fault)
{
    enum bf_err err = check_kind(lv->tgt->machine, fault);

    if (!err)
        err = check_disks(lv->tgt->machine, fault);
    if (!err)
        err = check_macs(lv->tgt->machine, fault);
    if (!err)
        err = check_firmware(lv, fault);
    return err ? err : check_names(lv, fault);
}
