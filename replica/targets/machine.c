// SPDX-License-Identifier: Apache-2.0
// The new machine's processors, memory, firmware, disks and identity, see machine.h; its NICs are
// in machine_nics.c. The inventory comes from a source and is not believed beyond its bounds.
#include "replica/targets/machine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/target/plan_parse.h"
#include "finalize/target/targets.h"
#include "replica/points/inventory.h"
#include "replica/targets/machine_parts.h"

enum {
    MIB = 1 << 20,
    MEMORY_DEFAULT_MIB = 2048,
    MEMORY_MIN_MIB = 256, // less does not take a distribution's kernel and initramfs
    MEMORY_STEP_MIB = 128,
    PROCESSORS_MAX = 255, // a machine of QEMU without an IOMMU has no more
};

// ---- Processors and memory ---------------------------------------------------------------------

static void fill_processors(const struct bf_tgt_source *s, struct bf_tgt_machine *m)
{
    json_int_t had = json_integer_value(json_object_get(s->inventory, "processors"));

    m->processors = s->plan->machine.processors;
    if (m->processors)
        return;
    m->processors = had < 1 ? 1 : had > PROCESSORS_MAX ? PROCESSORS_MAX : (uint32_t)had;
    if (had < 1)
        bf_tgt_note(m, "it is not known how many processors the source had; it gets 1");
    else if (had > PROCESSORS_MAX)
        bf_tgt_note(m, "the source had %lld processors; it gets %u", (long long)had, m->processors);
}

// A running Linux tells of less than there is: what its kernel took at the start is missing.
static void fill_memory(const struct bf_tgt_source *s, struct bf_tgt_machine *m)
{
    json_int_t had = json_integer_value(json_object_get(s->inventory, "memory"));
    uint64_t mib = had > 0 ? ((uint64_t)had + MIB - 1) / MIB : 0;

    m->memory_mib = s->plan->machine.memory_mib;
    if (m->memory_mib)
        return;
    if (!mib)
        bf_tgt_note(m, "it is not known how much memory the source had; it gets %d MiB",
                    MEMORY_DEFAULT_MIB);
    else if (mib < MEMORY_MIN_MIB)
        bf_tgt_note(m, "the source had %u MiB of memory; it gets %d", (unsigned)mib,
                    MEMORY_MIN_MIB);
    mib = mib ? mib : MEMORY_DEFAULT_MIB;
    mib = mib < MEMORY_MIN_MIB ? MEMORY_MIN_MIB : mib;
    m->memory_mib = (mib + MEMORY_STEP_MIB - 1) / MEMORY_STEP_MIB * MEMORY_STEP_MIB;
}

// ---- Firmware ----------------------------------------------------------------------------------

static enum bf_err fill_firmware(const struct bf_tgt_source *s, struct bf_tgt_machine *m,
                                 struct bf_fault *fault)
{
    const char *planned = s->plan->firmware, *had = bf_tgt_field(s->inventory, "firmware");
    const char *firmware = planned[0] ? planned : had;
    bool had_secure = json_is_true(json_object_get(s->inventory, "secure_boot")) ||
                      json_integer_value(json_object_get(s->inventory, "secure_boot")) > 0;

    m->uefi = strcmp(firmware, "uefi") == 0;
    if (!m->uefi && strcmp(firmware, "bios") != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "say \"firmware\": \"uefi\" or \"bios\" in the plan's \"target\"",
                            "it is not known which firmware %s started with", s->point->machine);
    m->secure_boot = m->uefi && s->plan->secure_boot == BF_ON;
    if (m->uefi && had_secure && s->plan->secure_boot == BF_KEEP)
        bf_tgt_note(m, "the source had Secure Boot on; the new machine has it off unless the plan "
                       "says \"secure_boot\": true");
    bf_snprintf(m->type, sizeof m->type, "%s",
                s->plan->machine.type[0] ? s->plan->machine.type : "q35");
    if (m->secure_boot && strcmp(m->type, "q35") != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "leave out machine.type, or target.secure_boot",
                            "plan: machine.type: Secure Boot needs a machine of type q35");
    return BF_OK;
}

// ---- Devices by the kind of target
// ---------------------------------------------------------------

struct device {
    const char *name, *driver;
};

// In the order of preference.
static const struct device disk_buses[] = {{"virtio-blk", "virtio_blk"},
                                           {"virtio-scsi", "virtio_scsi"},
                                           {"nvme", "nvme"},
                                           {"ahci", "ahci"}};
static const struct device nic_models[] = {
    {"virtio-net", "virtio_net"}, {"vmxnet3", "vmxnet3"}, {"e1000e", "e1000e"}};

static bool is_listed(const char *const *list, const char *name)
{
    while (*list && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static const char *first_with_driver(const struct device *device, size_t count,
                                     const char *const *drivers)
{
    for (size_t i = 0; i < count; i++)
        if (is_listed(drivers, device[i].driver))
            return device[i].name;
    return NULL;
}

static const char *driver_of(const char *bus)
{
    for (size_t i = 0; i < BF_COUNT(disk_buses); i++)
        if (strcmp(disk_buses[i].name, bus) == 0)
            return disk_buses[i].driver;
    return "";
}

static enum bf_err no_driver(const struct bf_tgt_source *s, const char *bus, const char *instead,
                             struct bf_fault *fault)
{
    if (!instead)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "name a target.kind that is made here: qemu-virtio, kvm or generic",
                            "a machine of the kind %s has disks that this target cannot give it",
                            s->plan->target);
    bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "",
                 "plan: machine.disk_bus: a system adapted to the kind %s gets no driver for %s",
                 s->plan->target, bus);
    return bf_fault_todo(fault, "leave it out (it is %s then), or name another target.kind",
                         instead);
}

// Disks must be reached by what is in the initramfs; NICs are found by what is on the disk.
static enum bf_err fill_devices(const struct bf_tgt_source *s, struct bf_tgt_machine *m,
                                struct bf_fault *fault)
{
    const struct bf_target *kind = bf_target_find(bf_targets, s->plan->target);
    const char *bus = s->plan->machine.disk_bus, *nic = s->plan->machine.nic_model;
    const char *first, *card;

    BF_ASSERT(kind); // the plan was parsed
    first = first_with_driver(disk_buses, BF_COUNT(disk_buses), kind->disk);
    if (!first || (bus[0] && !is_listed(kind->disk, driver_of(bus))))
        return no_driver(s, bus, first, fault);
    card = first_with_driver(nic_models, BF_COUNT(nic_models), kind->other);
    bf_snprintf(m->disk_bus, sizeof m->disk_bus, "%s", bus[0] ? bus : first);
    bf_snprintf(m->nic_model, sizeof m->nic_model, "%s", nic[0] ? nic : card ? card : "virtio-net");
    return BF_OK;
}

// Copies what is printable ASCII, as far as there is room.
static void copy_text(char out[BF_TGT_TEXT], const char *from)
{
    size_t n = 0;

    for (; *from && n + 1 < BF_TGT_TEXT; from++)
        if (*from >= ' ' && *from <= '~')
            out[n++] = *from;
    out[n] = 0;
}

// ---- Disks -------------------------------------------------------------------------------------

static enum bf_err check_blocks(const struct bf_tgt_machine *m, const struct bf_tgt_disk *d,
                                struct bf_fault *fault)
{
    if (d->block_size == 512 || d->block_size == 4096) {
        if (d->block_size == 512 || strcmp(m->disk_bus, "ahci") != 0)
            return BF_OK;
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "name another machine.disk_bus in the plan: virtio-blk, virtio-scsi",
                            "disk %u has blocks of 4096 bytes, which an ahci disk cannot have",
                            d->number);
    }
    return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_SOURCE,
                        "export the disk and put it where such blocks are known",
                        "disk %u has blocks of %u bytes, which no new machine can have", d->number,
                        d->block_size);
}

static enum bf_err fill_disks(const struct bf_tgt_source *s, struct bf_tgt_machine *m,
                              struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    if (s->point->disks == 0 || s->point->disks > BF_TGT_DISKS)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                            "make a point of fewer disks: name them with --set disk=",
                            "%s@%u has %u disks; a new machine has 1 to %d", s->point->machine,
                            s->point->number, s->point->disks, BF_TGT_DISKS);
    for (uint16_t i = 0; !err && i < s->point->disks; i++) {
        const struct bf_point_disk *had = &s->point->disk[i];
        struct bf_tgt_disk *d = &m->disk[m->disks++];
        d->number = had->disk;
        d->bytes = had->bytes;
        d->block_size = had->identity.block_size ? had->identity.block_size : 512;
        copy_text(d->serial, had->identity.serial);
        copy_text(d->wwn, had->identity.wwn);
        copy_text(d->model, had->identity.model);
        err = check_blocks(m, d, fault);
        if (!err && d->block_size != 512 && !m->uefi)
            bf_tgt_note(m, "disk %u has blocks of %u bytes, from which a BIOS does not start",
                        d->number, d->block_size);
    }
    return err;
}

// ---- Identity ----------------------------------------------------------------------------------

static bool is_uuid(const char *s)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'x' ? bf_hex_digit(s[i]) < 0 : s[i] != form[i])
            return false;
    return s[sizeof form - 1] == 0;
}

static void fill_identity(const struct bf_tgt_source *s, struct bf_tgt_machine *m)
{
    enum bf_wanted same = s->plan->machine.same;
    const char *uuid = bf_tgt_field(s->inventory, "uuid");

    if (same == BF_OFF || (same == BF_KEEP && s->plan->new_identity))
        return;
    copy_text(m->vendor, bf_tgt_field(s->inventory, "vendor"));
    copy_text(m->product, bf_tgt_field(s->inventory, "product"));
    copy_text(m->serial, bf_tgt_field(s->inventory, "serial"));
    if (is_uuid(uuid))
        bf_snprintf(m->uuid, sizeof m->uuid, "%s", uuid);
}

static enum bf_err fill_name(const struct bf_tgt_source *s, struct bf_tgt_machine *m,
                             struct bf_fault *fault)
{
    char name[BF_NAME_MAX + 32];

    bf_snprintf(name, sizeof name, "%s", s->point->machine);
    if (s->test)
        bf_snprintf(name, sizeof name, "%s-test-%lld", s->point->machine, (long long)s->test);
    if (strlen(name) >= sizeof m->name)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                            "name machines with at most 50 characters",
                            "the name %s is too long for a machine", name);
    memcpy(m->name, name, strlen(name) + 1);
    m->isolated = s->test != 0;
    m->autostart = s->plan->machine.autostart && !s->test;
    return BF_OK;
}

// ---- All of it ---------------------------------------------------------------------------------

enum bf_err bf_tgt_machine_fill(const struct bf_tgt_source *source, struct bf_tgt_machine *m,
                                struct bf_fault *fault)
{
    enum bf_err err;

    memset(m, 0, sizeof *m);
    err = fill_name(source, m, fault);
    fill_processors(source, m);
    fill_memory(source, m);
    fill_identity(source, m);
    if (!err)
        err = fill_firmware(source, m, fault);
    if (!err)
        err = fill_devices(source, m, fault);
    if (!err)
        err = fill_disks(source, m, fault);
    if (!err)
        err = bf_tgt_fill_nics(source, m, fault);
    return err;
}

static enum bf_err make(struct bf_state *state, const struct bf_image_ref *ref,
                        struct bf_tgt_source *source, struct bf_point *point,
                        struct bf_tgt_machine *m, struct bf_fault *fault)
{
    enum bf_err err = bf_db_point_get(bf_state_db(state), ref->machine, ref->point, point);
    json_t *inventory;

    if (err) {
        *fault = *bf_db_fault(bf_state_db(state));
        return err;
    }
    inventory = bf_point_inventory(bf_state_db(state), point);
    source->point = point;
    source->inventory = inventory;
    err = bf_tgt_machine_fill(source, m, fault);
    for (uint32_t i = 0; !err && i < m->disks; i++)
        err = bf_image_chain(state, ref, m->disk[i].number, &m->disk[i].chain, fault);
    json_decref(inventory);
    return err;
}

enum bf_err bf_tgt_machine_make(struct bf_state *state, const struct bf_image_ref *ref,
                                const char *plan, size_t len, int64_t test,
                                struct bf_tgt_machine *m, struct bf_fault *fault)
{
    struct bf_plan *parsed = malloc(sizeof *parsed);
    struct bf_point *point = malloc(sizeof *point);
    struct bf_tgt_source source = {.plan = parsed, .test = test};
    enum bf_err err;

    memset(m, 0, sizeof *m);
    if (!parsed || !point)
        err = bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                           "no memory to describe a machine");
    else
        err = bf_plan_parse(plan, len, parsed, fault);
    if (!err)
        err = make(state, ref, &source, point, m, fault);
    if (parsed)
        explicit_bzero(parsed, sizeof *parsed); // it may hold passphrases
    free(parsed);
    free(point);
    return err;
}

void bf_tgt_machine_free(struct bf_tgt_machine *m)
{
    for (uint32_t i = 0; i < m->disks; i++)
        bf_image_chain_free(&m->disk[i].chain);
    m->disks = 0;
}
