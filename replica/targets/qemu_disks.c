// SPDX-License-Identifier: Apache-2.0
// The disks of a new machine's command line: block nodes from the bottom of each chain upwards,
// each with its driver and what is below it, read-only but for the one on top; then the device with
// the source's serial number and WWN, as far as its kind can have them.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/targets/qemu_args.h"

enum { AHCI_PORTS = 6, SERIAL_MAX = 20, SERIAL_SCSI_MAX = 36 };

void bf_qemu_node(char out[32], const struct bf_tgt_disk *disk, uint32_t below)
{
    if (below)
        bf_snprintf(out, 32, "disk%u-%u", disk->number, below);
    else
        bf_snprintf(out, 32, "disk%u", disk->number);
}

void bf_qemu_home_node(char out[32], const struct bf_tgt_disk *disk)
{
    bf_snprintf(out, 32, "home%u", disk->number);
}

void bf_qemu_overlay_name(char out[32], const struct bf_tgt_disk *disk)
{
    bf_snprintf(out, 32, "overlay-%u.qcow2", disk->number);
}

void bf_qemu_home_name(char out[32], const struct bf_tgt_disk *disk, bool raw)
{
    bf_snprintf(out, 32, "disk-%u.%s", disk->number, raw ? "raw" : "qcow2");
}

// ---- Nodes -------------------------------------------------------------------------------------

static void add_node(struct bf_args *a, const char *node, const char *backing, bool writable,
                     const char *folder, const char *file)
{
    struct bf_text path = {0};

    bf_args_value(&path, folder);
    bf_args_value(&path, file);
    bf_args_add(a, "-blockdev");
    // backing=, empty: nothing is below, whatever the file says.
    bf_args_add(a,
                "driver=qcow2,node-name=%s,read-only=%s,auto-read-only=off,discard=unmap,"
                "backing=%s,file.driver=file,file.filename=%s",
                node, writable ? "off" : "on", backing, bf_text_get(&path));
    a->failed |= !bf_text_ok(&path);
    bf_text_free(&path);
}

static void add_chain(struct bf_args *a, const struct bf_qemu_line *l, const struct bf_tgt_disk *d)
{
    char node[32], below[32] = "", file[32];

    BF_ASSERT(d->chain.layers > 0);
    for (uint32_t i = d->chain.layers; i > 0; i--) {
        bf_qemu_node(node, d, i);
        add_node(a, node, below, false, l->state, d->chain.layer[i - 1].path);
        memcpy(below, node, sizeof below);
    }
    bf_qemu_node(node, d, 0);
    bf_qemu_overlay_name(file, d);
    add_node(a, node, below, true, "", file);
}

// Raw ones are in the folder of the script.
static void add_home(struct bf_args *a, const struct bf_qemu_line *l, const struct bf_tgt_disk *d)
{
    char node[32], file[32];
    struct bf_text folder = {0};

    bf_qemu_home_node(node, d);
    bf_qemu_home_name(file, d, l->raw);
    if (l->raw) {
        bf_args_add(a, "-blockdev");
        bf_args_add(a,
                    "driver=raw,node-name=%s,read-only=off,auto-read-only=off,discard=unmap,"
                    "file.driver=file,file.filename=%s",
                    node, file);
        return;
    }
    if (!l->at_home)
        bf_textf(&folder, "%s%s/", l->place->home[0] == '/' ? "" : l->state, l->place->home);
    add_node(a, node, "", true, bf_text_get(&folder), file);
    a->failed |= !bf_text_ok(&folder);
    bf_text_free(&folder);
}

// ---- Devices -----------------------------------------------------------------------------------

static void add_serial(struct bf_text *out, const struct bf_tgt_disk *d, size_t max)
{
    char cut[BF_TGT_TEXT];

    if (!d->serial[0])
        return;
    bf_snprintf(cut, sizeof cut, "%.*s", (int)max, d->serial);
    bf_text_str(out, ",serial=");
    bf_args_value(out, cut);
}

// "naa." and 16 digits are what a disk on SCSI or SATA can have.
bool bf_qemu_wwn(char out[24], const struct bf_tgt_disk *disk)
{
    const char *digits = strncmp(disk->wwn, "naa.", 4) == 0 ? disk->wwn + 4 : "";

    bf_snprintf(out, 24, "%s%s", "0x", digits);
    return strlen(digits) == 16 && strspn(digits, "0123456789abcdefABCDEF") == 16;
}

static void add_wwn(struct bf_text *out, const struct bf_tgt_disk *d)
{
    char wwn[24];

    if (bf_qemu_wwn(wwn, d))
        bf_textf(out, ",wwn=%s", wwn);
}

static void add_common(struct bf_text *out, const struct bf_tgt_disk *d, uint32_t number,
                       const char *node)
{
    bf_textf(out, ",drive=%s,bootindex=%u", node, number);
    if (d->block_size != 512)
        bf_textf(out, ",logical_block_size=%u,physical_block_size=%u", d->block_size,
                 d->block_size);
}

static void virtio_blk(struct bf_text *out, struct bf_args *a, const struct bf_tgt_machine *m,
                       uint32_t number, uint32_t *place)
{
    char slot[40];

    (void)a;
    bf_qemu_slot(slot, m, (*place)++);
    bf_textf(out, "virtio-blk-pci%s", slot);
    add_serial(out, &m->disk[number], SERIAL_MAX);
}

static void virtio_scsi(struct bf_text *out, struct bf_args *a, const struct bf_tgt_machine *m,
                        uint32_t number, uint32_t *place)
{
    char slot[40];

    if (number == 0) {
        bf_qemu_slot(slot, m, (*place)++);
        bf_args_add(a, "-device");
        bf_args_add(a, "virtio-scsi-pci,id=scsi0%s", slot);
    }
    bf_textf(out, "scsi-hd,bus=scsi0.0,channel=0,scsi-id=%u,lun=0", number);
    add_serial(out, &m->disk[number], SERIAL_SCSI_MAX);
    add_wwn(out, &m->disk[number]);
}

// The serial number belongs to the controller, everything else to its namespace. It must have one.
static void nvme(struct bf_text *out, struct bf_args *a, const struct bf_tgt_machine *m,
                 uint32_t number, uint32_t *place)
{
    struct bf_text serial = {0};
    char slot[40];

    bf_qemu_slot(slot, m, (*place)++);
    add_serial(&serial, &m->disk[number], SERIAL_MAX);
    if (!serial.len)
        bf_textf(&serial, ",serial=disk-%u", m->disk[number].number);
    bf_args_add(a, "-device");
    bf_args_add(a, "nvme,id=nvme%u%s%s", number, bf_text_get(&serial), slot);
    bf_textf(out, "nvme-ns,bus=nvme%u,nsid=1", number);
    bf_text_free(&serial);
}

static void ahci(struct bf_text *out, struct bf_args *a, const struct bf_tgt_machine *m,
                 uint32_t number, uint32_t *place)
{
    uint32_t controller = number / AHCI_PORTS;
    char slot[40], model[41];

    if (number % AHCI_PORTS == 0) {
        bf_qemu_slot(slot, m, (*place)++);
        bf_args_add(a, "-device");
        bf_args_add(a, "ich9-ahci,id=sata%u%s", controller, slot);
    }
    bf_textf(out, "ide-hd,bus=sata%u.%u", controller, number % AHCI_PORTS);
    add_serial(out, &m->disk[number], SERIAL_MAX);
    add_wwn(out, &m->disk[number]);
    bf_snprintf(model, sizeof model, "%s", m->disk[number].model);
    if (model[0]) {
        bf_text_str(out, ",model=");
        bf_args_value(out, model);
    }
}

static const struct {
    const char *bus;
    // Begins the device, and adds the controller that it needs before it.
    void (*begin)(struct bf_text *out, struct bf_args *a, const struct bf_tgt_machine *m,
                  uint32_t number, uint32_t *place);
} buses[] = {
    {"virtio-blk", virtio_blk}, {"virtio-scsi", virtio_scsi}, {"nvme", nvme}, {"ahci", ahci}};

static void add_device(struct bf_args *a, const struct bf_tgt_machine *m, uint32_t number,
                       const char *node, uint32_t *place)
{
    struct bf_text device = {0};

    for (size_t i = 0; i < BF_COUNT(buses); i++)
        if (strcmp(buses[i].bus, m->disk_bus) == 0)
            buses[i].begin(&device, a, m, number, place);
    BF_ASSERT(device.len > 0);
    add_common(&device, &m->disk[number], number, node);
    bf_args_add(a, "-device");
    bf_args_add(a, "%s", bf_text_get(&device));
    a->failed |= !bf_text_ok(&device);
    bf_text_free(&device);
}

void bf_qemu_disk_args(struct bf_args *a, const struct bf_qemu_line *line, uint32_t *place)
{
    const struct bf_tgt_machine *m = line->machine;
    char node[32];

    for (uint32_t i = 0; i < m->disks; i++) {
        bool home = line->place->disk[i];
        if (home) {
            add_home(a, line, &m->disk[i]);
            bf_qemu_home_node(node, &m->disk[i]);
        } else {
            add_chain(a, line, &m->disk[i]);
            bf_qemu_node(node, &m->disk[i], 0);
        }
        add_device(a, m, i, node, place);
    }
}
