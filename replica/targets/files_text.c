// SPDX-License-Identifier: Apache-2.0
// Scripts and definitions for other hosts, see files_text.h. They follow Proxmox VE's qm(1) from
// version 7.2 on (import-from, serial=, smbios1 with base64=1) and the documentation of Incus 6
// (`incus image import` of a split image, device type disk with a file as its source). What is for
// libvirt is in libvirt_files.c. Texts come from a source: each is quoted for its reader.
#include "replica/targets/files_text.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/targets/args.h"
#include "replica/targets/qemu_args.h"

// ---- QEMU --------------------------------------------------------------------------------------

static void write_start(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    struct bf_qemu_place place = {.home = ".", .vars = m->uefi};
    struct bf_qemu_line line = {.machine = m,
                                .place = &place,
                                .state = "",
                                .at_home = true,
                                .raw = raw,
                                .accel = "kvm:tcg",
                                .code = m->secure_boot ? "/usr/share/OVMF/OVMF_CODE_4M.ms.fd"
                                                       : "/usr/share/OVMF/OVMF_CODE_4M.fd"};
    struct bf_args args = {0};

    for (uint32_t i = 0; i < m->disks; i++)
        place.disk[i] = true;
    bf_qemu_args(&args, &line);
    bf_files_head(out, m, "Starts it with QEMU, and stays until it is off.");
    if (m->uefi)
        bf_text_str(out, "# Its firmware (OVMF) may have another name on this host.\n");
    bf_text_str(out, "umask 077\nexec ");
    bf_args_shell(out, &args);
    out->failed |= args.failed;
    bf_args_free(&args);
}

// ---- Proxmox VE --------------------------------------------------------------------------------

static void base64(struct bf_text *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)(uint8_t)text[i] << 16;
        v |= i + 1 < len ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0;
        v |= i + 2 < len ? (uint8_t)text[i + 2] : 0;
        bf_textf(out, "%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63],
                 i + 1 < len ? digits[v >> 6 & 63] : '=', i + 2 < len ? digits[v & 63] : '=');
    }
}

// Serial numbers are URL-encoded there, and have 20 bytes at most.
static void url_serial(struct bf_text *out, const char *serial)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    for (int i = 0; serial[i] && i < 20; i++)
        if (strchr(plain, serial[i]))
            bf_text_add(out, serial + i, 1);
        else
            bf_textf(out, "%%%02X", (unsigned)(uint8_t)serial[i]);
}

// There are no disks on NVMe; what has a driver for it is asked for one for SCSI.
static const char *proxmox_bus(const struct bf_tgt_machine *m)
{
    return strcmp(m->disk_bus, "virtio-blk") == 0 ? "virtio"
           : strcmp(m->disk_bus, "ahci") == 0     ? "sata"
                                                  : "scsi";
}

static void proxmox_identity(struct bf_text *out, const struct bf_tgt_machine *m)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"manufacturer", m->vendor}, {"product", m->product}, {"serial", m->serial}};
    struct bf_text value = {0};

    if (m->uuid[0])
        bf_textf(&value, ",uuid=%s", m->uuid);
    for (size_t i = 0; i < BF_COUNT(texts); i++)
        if (texts[i].value[0]) {
            bf_textf(&value, ",%s=", texts[i].key);
            base64(&value, texts[i].value);
        }
    if (value.len)
        bf_textf(out, " \\\n    --smbios1 base64=1%s", bf_text_get(&value));
    bf_text_free(&value);
}

static void proxmox_disk(struct bf_text *out, const struct bf_tgt_machine *m, uint32_t i, bool raw)
{
    const struct bf_tgt_disk *d = &m->disk[i];
    const char *bus = proxmox_bus(m);
    char file[32], wwn[24];

    bf_qemu_home_name(file, d, raw);
    bf_textf(out, "qm set \"$id\" --%s%u \"$storage:0,import-from=$PWD/%s", bus, i, file);
    if (d->serial[0]) {
        bf_text_str(out, ",serial=");
        url_serial(out, d->serial);
    }
    if (strcmp(bus, "virtio") != 0 && bf_qemu_wwn(wwn, d))
        bf_textf(out, ",wwn=%s", wwn);
    bf_text_str(out, "\"\n");
}

static const char *bridge_of(const struct bf_tgt_nic *nic)
{
    return strncmp(nic->network, "bridge:", 7) == 0 ? nic->network + 7 : "";
}

// The bridge of NICs for which the plan names nothing: the argument of that number.
static void default_bridge(struct bf_text *out, const struct bf_tgt_machine *m, int argument,
                           const char *usual)
{
    bool wanted = false;

    for (uint32_t i = 0; i < m->nics; i++)
        wanted |= !bridge_of(&m->nic[i])[0] && strcmp(m->nic[i].network, "none") != 0;
    if (wanted)
        bf_textf(out, "bridge=${%d:-%s} # of NICs for which the plan names none\n", argument,
                 usual);
}

static void proxmox_nics(struct bf_text *out, const struct bf_tgt_machine *m)
{
    const char *model = strcmp(m->nic_model, "virtio-net") == 0 ? "virtio" : m->nic_model;

    for (uint32_t i = 0; i < m->nics; i++) {
        const char *bridge = bridge_of(&m->nic[i]);
        bf_textf(out, " \\\n    --net%u \"%s=%s", i, model, m->nic[i].mac);
        if (strcmp(m->nic[i].network, "none") == 0)
            bf_text_str(out, ",link_down=1\"");
        else if (bridge[0])
            bf_textf(out, ",bridge=%s\"", bridge);
        else
            bf_text_str(out, ",bridge=$bridge\"");
    }
}

static void write_proxmox(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    bf_files_head(
        out, m,
        "On a host of Proxmox VE (7.2 or later), as root: ./proxmox.sh VMID STORAGE [BRIDGE]");
    bf_text_str(out, "id=${1:?a free number for the machine}\n"
                     "storage=${2:?the storage for its disks, as in pvesm status}\n");
    default_bridge(out, m, 3, "vmbr0");
    bf_text_str(out, "qm create \"$id\"");
    bf_textf(out,
             " --name %s --ostype l26 --cores %u --memory %llu \\\n    --machine %s --bios %s "
             "--scsihw virtio-scsi-pci --serial0 socket --rng0 source=/dev/urandom "
             "--onboot %d",
             m->name, m->processors, (unsigned long long)m->memory_mib, m->type,
             m->uefi ? "ovmf" : "seabios", m->autostart);
    proxmox_identity(out, m);
    proxmox_nics(out, m);
    bf_text_str(out, "\n");
    if (m->uefi)
        bf_textf(out, "qm set \"$id\" --efidisk0 \"$storage:0,efitype=4m,pre-enrolled-keys=%d\"\n",
                 m->secure_boot);
    for (uint32_t i = 0; i < m->disks; i++)
        proxmox_disk(out, m, i, raw);
    bf_textf(out, "qm set \"$id\" --boot order=%s0\n", proxmox_bus(m));
    bf_text_str(out, "echo \"made; start it with: qm start $id\"\n");
}

// ---- Incus -------------------------------------------------------------------------------------

static void write_metadata(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    (void)raw;
    bf_textf(out,
             "architecture: x86_64\ncreation_date: 1\nproperties:\n  description: %s\n  os: "
             "Linux\n  name: %s\n",
             m->name, m->name);
}

static void incus_first(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    const struct bf_tgt_disk *d = &m->disk[0];
    char file[32];

    bf_qemu_home_name(file, d, raw);
    if (raw) // an image of Incus is qcow2
        bf_textf(out, "qemu-img convert -f raw -O qcow2 %s image.qcow2\n", file);
    bf_text_str(out, "tar -cf metadata.tar metadata.yaml\n");
    bf_textf(out, "incus image import metadata.tar %s --alias \"bootferry-$name\"\n",
             raw ? "image.qcow2" : file);
    bf_text_str(out, raw ? "rm metadata.tar image.qcow2\n" : "rm metadata.tar\n");
    bf_textf(
        out,
        "incus init \"bootferry-$name\" \"$name\" --vm -c limits.cpu=%u -c limits.memory=%lluMiB "
        "\\\n    -c security.secureboot=%s -c security.csm=%s -c boot.autostart=%s \\\n"
        "    -d \"root,size=%lluB\"\n",
        m->processors, (unsigned long long)m->memory_mib, m->secure_boot ? "true" : "false",
        m->uefi ? "false" : "true", m->autostart ? "true" : "false", (unsigned long long)d->bytes);
    bf_text_str(out, "incus image delete \"bootferry-$name\"\n");
}

static void incus_more(struct bf_text *out, const struct bf_tgt_disk *d, bool raw)
{
    char file[32], image[32];

    bf_qemu_home_name(file, d, raw);
    bf_qemu_home_name(image, d, true);
    if (!raw) // the file of a disk is raw
        bf_textf(out, "qemu-img convert -f qcow2 -O raw %s %s\n", file, image);
    bf_textf(out, "incus config device add \"$name\" disk%u disk source=\"$PWD/%s\"\n", d->number,
             image);
}

static void incus_nic(struct bf_text *out, const struct bf_tgt_nic *nic, uint32_t i)
{
    const char *bridge = bridge_of(nic);

    if (strcmp(nic->network, "none") == 0) {
        bf_textf(out, "# NIC %u (%s) is to be on no network\n", i, nic->mac);
        return;
    }
    bf_textf(out,
             "incus config device add \"$name\" eth%u nic nictype=bridged hwaddr=%s parent=", i,
             nic->mac);
    bf_text_str(out, bridge[0] ? bridge : "\"$bridge\"");
    bf_text_str(out, "\n");
}

static void write_incus(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    bf_files_head(
        out, m,
        "On a host of Incus: ./incus.sh [BRIDGE]. Its machines have virtio disks and NICs only.");
    default_bridge(out, m, 1, "incusbr0");
    bf_textf(out, "name=%s\n", m->name);
    incus_first(out, m, raw);
    for (uint32_t i = 1; i < m->disks; i++)
        incus_more(out, &m->disk[i], raw);
    for (uint32_t i = 0; i < m->nics; i++)
        incus_nic(out, &m->nic[i], i);
    if (m->uuid[0])
        bf_textf(out, "incus config set \"$name\" volatile.uuid=%s\n", m->uuid);
    bf_text_str(out, "echo \"made; start it with: incus start $name\"\n");
}

const struct bf_files_text bf_files_texts[] = {
    {"start", 0700, write_start},
    {"libvirt.sh", 0700, bf_files_write_libvirt},
    {"domain.xml", 0600, bf_files_write_domain},
    {"proxmox.sh", 0700, write_proxmox},
    {"incus.sh", 0700, write_incus},
    {"metadata.yaml", 0600, write_metadata},
    {NULL, 0, NULL},
};
