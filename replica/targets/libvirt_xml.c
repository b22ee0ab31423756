// SPDX-License-Identifier: Apache-2.0
// The definition of a domain (https://libvirt.org/formatdomain.html). Whatever libvirt would choose
// by itself in a way that surprises is named: the firmware's Secure Boot (firmware='efi' alone
// takes one with Microsoft's keys on q35), every image's format down to the end of its chain (one
// that is not named is guessed), the processor. What is not named is the same everywhere.
#include <libxml/tree.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/targets/libvirt.h"

static const char qemu_ns[] = "http://libvirt.org/schemas/domain/qemu/1.0";

enum { SERIAL_MOST = 36 }; // of a SCSI disk in QEMU; others cut it at 20

// ---- Names -------------------------------------------------------------------------------------

void bf_lv_overlay_name(const struct bf_tgt_disk *disk, char out[32])
{
    bf_snprintf(out, 32, "disk-%u.qcow2", disk->number);
}

void bf_lv_group_name(uint32_t disk, uint32_t layer, char out[32])
{
    bf_snprintf(out, 32, "disk-%u-%u", disk, layer);
}

static bool bus_is(const struct bf_tgt_machine *m, const char *bus)
{
    return strcmp(m->disk_bus, bus) == 0;
}

void bf_lv_target_name(const struct bf_tgt_machine *m, uint32_t disk, char out[8])
{
    BF_ASSERT(disk < 26);
    bf_snprintf(out, 8, "%s%c", bus_is(m, "virtio-blk") ? "vd" : "sd", (char)('a' + disk));
}

bool bf_lv_serial_ok(const char *serial)
{
    size_t len = strlen(serial);

    return len && len <= SERIAL_MOST &&
           strspn(serial, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") ==
               len;
}

// The 16 digits of a 64-bit name, which is all that libvirt takes.
static bool wwn_digits(const char *wwn, char out[17])
{
    if (strncmp(wwn, "naa.", 4) == 0)
        wwn += 4;
    else if (strncmp(wwn, "0x", 2) == 0)
        wwn += 2;
    for (int i = 0; i < 16; i++)
        if (bf_hex_digit(wwn[i]) < 0)
            return false;
    bf_snprintf(out, 17, "%s", wwn);
    return !wwn[16];
}

// ---- The machine -------------------------------------------------------------------------------

static void add_firmware(xmlNodePtr os, const struct bf_tgt_machine *m)
{
    static const char *const features[] = {"secure-boot", "enrolled-keys"};
    xmlNodePtr firmware;

    if (!m->uefi)
        return;
    bf_lv_set(os, "firmware", "efi");
    firmware = bf_lv_add(os, "firmware");
    for (size_t i = 0; i < BF_COUNT(features); i++) {
        xmlNodePtr feature = bf_lv_add(firmware, "feature");

        bf_lv_set(feature, "enabled", m->secure_boot ? "yes" : "no");
        bf_lv_set(feature, "name", features[i]);
    }
}

static void add_features(xmlNodePtr root, const struct bf_tgt_machine *m)
{
    xmlNodePtr features = bf_lv_add(root, "features");

    bf_lv_add(features, "acpi");
    bf_lv_add(features, "apic");
    if (m->uefi && m->secure_boot)
        bf_lv_set(bf_lv_add(features, "smm"), "state", "on");
}

static void add_entry(xmlNodePtr system, const char *name, const char *value)
{
    if (value[0] && bf_lv_text_ok(value))
        bf_lv_set(bf_lv_add_text(system, "entry", value), "name", name);
}

static bool has_identity(const struct bf_tgt_machine *m)
{
    return m->vendor[0] || m->product[0] || m->serial[0];
}

static void add_identity(xmlNodePtr root, const struct bf_tgt_machine *m)
{
    xmlNodePtr info, system;

    if (!has_identity(m))
        return;
    info = bf_lv_add(root, "sysinfo");
    bf_lv_set(info, "type", "smbios");
    system = bf_lv_add(info, "system");
    add_entry(system, "manufacturer", m->vendor);
    add_entry(system, "product", m->product);
    add_entry(system, "serial", m->serial);
}

static void add_processor(xmlNodePtr root, const struct bf_tgt_machine *m,
                          const struct bf_lv_choice *c)
{
    xmlNodePtr cpu;
    char count[16];

    bf_snprintf(count, sizeof count, "%u", m->processors);
    bf_lv_add_text(root, "vcpu", count);
    cpu = bf_lv_add(root, "cpu");
    bf_lv_set(cpu, "mode", c->kvm ? "host-passthrough" : "maximum");
    bf_lv_set(cpu, "check", "none");
}

static xmlNodePtr begin(const struct bf_tgt_machine *m, const struct bf_lv_choice *c)
{
    xmlNodePtr root = bf_lv_tree("domain"), os, type;
    char memory[24];

    bf_lv_set(root, "type", c->kvm ? "kvm" : "qemu");
    bf_lv_add_text(root, "name", m->name);
    if (c->uuid[0])
        bf_lv_add_text(root, "uuid", c->uuid);
    bf_snprintf(memory, sizeof memory, "%llu", (unsigned long long)m->memory_mib);
    bf_lv_set(bf_lv_add_text(root, "memory", memory), "unit", "MiB");
    add_processor(root, m, c);
    os = bf_lv_add(root, "os");
    type = bf_lv_add_text(os, "type", "hvm");
    bf_lv_set(type, "arch", "x86_64");
    bf_lv_set(type, "machine", m->type);
    add_firmware(os, m);
    if (has_identity(m))
        bf_lv_set(bf_lv_add(os, "smbios"), "mode", "sysinfo");
    add_identity(root, m);
    add_features(root, m);
    bf_lv_set(bf_lv_add(root, "clock"), "offset", "utc");
    return root;
}

// ---- Disks -------------------------------------------------------------------------------------

static xmlNodePtr add_source(xmlNodePtr parent, const struct bf_lv_choice *c, const char *folder,
                             const char *name, const char *group)
{
    xmlNodePtr source = bf_lv_add(parent, "source");

    bf_lv_setf(source, "file", "%s/%s", folder, name);
    if (c->descriptors)
        bf_lv_set(source, "fdgroup", group);
    return source;
}

// The chain below the overlay, to its end: an empty element says that nothing is below.
static void add_chain(xmlNodePtr disk, const struct bf_lv_choice *c, uint32_t number,
                      const struct bf_image_chain *chain)
{
    xmlNodePtr below = bf_lv_add(disk, "backingStore");
    char group[32];

    for (uint32_t i = 0; i < chain->layers; i++) {
        bf_lv_set(below, "type", "file");
        bf_lv_set(bf_lv_add(below, "format"), "type", "qcow2");
        bf_lv_group_name(number, i + 1, group);
        add_source(below, c, c->state, chain->layer[i].path, group);
        below = bf_lv_add(below, "backingStore");
    }
}

static void add_overlay(xmlNodePtr disk, const struct bf_lv_choice *c, uint32_t number,
                        const struct bf_tgt_disk *d)
{
    char name[32], group[32];

    bf_lv_overlay_name(d, name);
    bf_lv_group_name(number, 0, group);
    add_source(disk, c, c->folder, name, group);
    add_chain(disk, c, number, &d->chain);
}

static void add_whole(xmlNodePtr disk, const struct bf_lv_choice *c, const struct bf_tgt_disk *d)
{
    char name[32];

    bf_snprintf(name, sizeof name, "disk-%u.%s", d->number, c->format);
    add_source(disk, c, c->folder, name, "");
    bf_lv_add(disk, "backingStore"); // nothing is below, whatever the file says
}

static void add_bytes_of_blocks(xmlNodePtr disk, uint32_t block_size)
{
    xmlNodePtr io;

    if (block_size <= 512)
        return;
    io = bf_lv_add(disk, "blockio");
    bf_lv_setf(io, "logical_block_size", "%u", block_size);
    bf_lv_setf(io, "physical_block_size", "%u", block_size);
}

static void add_disk(xmlNodePtr devices, const struct bf_tgt_machine *m,
                     const struct bf_lv_choice *c, uint32_t i)
{
    const struct bf_tgt_disk *d = &m->disk[i];
    xmlNodePtr disk = bf_lv_add(devices, "disk"), driver = bf_lv_add(disk, "driver"), target;
    char name[8], wwn[17];

    bf_lv_set(disk, "type", "file");
    bf_lv_set(disk, "device", "disk");
    bf_lv_set(driver, "name", "qemu");
    bf_lv_set(driver, "type", c->format ? c->format : "qcow2");
    bf_lv_set(driver, "discard", "unmap");
    if (c->format)
        add_whole(disk, c, d);
    else
        add_overlay(disk, c, i, d);
    target = bf_lv_add(disk, "target");
    bf_lv_target_name(m, i, name);
    bf_lv_set(target, "dev", name);
    bf_lv_set(target, "bus",
              bus_is(m, "virtio-blk")    ? "virtio"
              : bus_is(m, "virtio-scsi") ? "scsi"
                                         : "sata");
    add_bytes_of_blocks(disk, d->block_size);
    if (bf_lv_serial_ok(d->serial))
        bf_lv_add_text(disk, "serial", d->serial);
    if (!bus_is(m, "virtio-blk") && wwn_digits(d->wwn, wwn))
        bf_lv_add_text(disk, "wwn", wwn);
    bf_lv_setf(bf_lv_add(disk, "boot"), "order", "%u", i + 1);
}

// ---- Networks ----------------------------------------------------------------------------------

// A network inside QEMU has the planned gateway, whether it is a test's or not; libvirt's own
// <interface type='user'> cannot have it.
static bool is_inside_qemu(const struct bf_tgt_machine *m, const struct bf_lv_choice *c,
                           uint32_t nic)
{
    return m->isolated ? c->user_network : strcmp(c->network[nic], "user") == 0;
}

static void add_interface(xmlNodePtr devices, const struct bf_tgt_machine *m, const char *network,
                          const char *mac)
{
    const char *name = strchr(network, ':');
    bool bridge = strncmp(network, "bridge:", 7) == 0;
    xmlNodePtr nic;

    if (!name) // "none"
        return;
    nic = bf_lv_add(devices, "interface");
    bf_lv_set(nic, "type", bridge ? "bridge" : "network");
    bf_lv_set(bf_lv_add(nic, "mac"), "address", mac);
    bf_lv_set(bf_lv_add(nic, "source"), bridge ? "bridge" : "network", name + 1);
    bf_lv_set(bf_lv_add(nic, "model"), "type",
              strcmp(m->nic_model, "virtio-net") == 0 ? "virtio" : m->nic_model);
}

static void add_argument(xmlNodePtr line, const char *value)
{
    bf_lv_set(bf_lv_add(line, "qemu:arg"), "value", value);
}

// QEMU's own arguments, for what libvirt has no words for: a network that nothing leaves, and an
// SMBIOS UUID that is not the domain's, since that one must be unique at the host.
static void add_arguments(xmlNodePtr root, const struct bf_tgt_machine *m,
                          const struct bf_lv_choice *c)
{
    bool identity = m->uuid[0] && strcmp(m->uuid, c->uuid) != 0;
    bool networks = false;
    char text[BF_LV_ARG_MAX];
    xmlNodePtr line;

    for (uint32_t i = 0; i < m->nics; i++)
        networks |= is_inside_qemu(m, c, i);
    if (!identity && !networks)
        return;
    bf_lv_set(root, "xmlns:qemu", qemu_ns);
    line = bf_lv_add(root, "qemu:commandline");
    for (uint32_t i = 0; i < m->nics; i++) {
        if (!is_inside_qemu(m, c, i))
            continue;
        if (!bf_lv_user_netdev(m, i, text))
            bf_lv_tree_spoil(root);
        add_argument(line, "-netdev");
        add_argument(line, text);
        bf_lv_user_device(m, i, text);
        add_argument(line, "-device");
        add_argument(line, text);
    }
    if (identity) {
        bf_snprintf(text, sizeof text, "type=1,uuid=%s", m->uuid);
        add_argument(line, "-smbios");
        add_argument(line, text);
    }
}

// ---- Other devices -----------------------------------------------------------------------------

static xmlNodePtr add_log(xmlNodePtr devices, const char *kind, const char *path)
{
    xmlNodePtr device = bf_lv_add(devices, kind), source;

    bf_lv_set(device, "type", path ? "file" : "pty");
    if (!path)
        return device;
    source = bf_lv_add(device, "source");
    bf_lv_set(source, "path", path);
    bf_lv_set(source, "append", "on"); // it survives that the machine is started again
    return device;
}

static void add_channels(xmlNodePtr devices, const struct bf_lv_choice *c)
{
    xmlNodePtr serial = add_log(devices, "serial", c->console), channel, target;

    bf_lv_set(bf_lv_add(serial, "target"), "port", "0");
    if (c->evidence) {
        channel = add_log(devices, "channel", c->evidence);
        target = bf_lv_add(channel, "target");
        bf_lv_set(target, "type", "virtio");
        bf_lv_set(target, "name", BF_TGT_PORT);
    }
    channel = bf_lv_add(devices, "channel");
    bf_lv_set(channel, "type", "unix");
    target = bf_lv_add(channel, "target");
    bf_lv_set(target, "type", "virtio");
    bf_lv_set(target, "name", "org.qemu.guest_agent.0");
}

// A screen that is reached through libvirt only: nothing listens.
static void add_screen(xmlNodePtr devices)
{
    xmlNodePtr graphics = bf_lv_add(devices, "graphics");

    bf_lv_set(graphics, "type", "vnc");
    bf_lv_set(bf_lv_add(graphics, "listen"), "type", "none");
    bf_lv_set(bf_lv_add(bf_lv_add(devices, "video"), "model"), "type", "vga");
}

static void add_random(xmlNodePtr devices)
{
    xmlNodePtr rng = bf_lv_add(devices, "rng");

    bf_lv_set(rng, "model", "virtio");
    bf_lv_set(bf_lv_add_text(rng, "backend", "/dev/urandom"), "model", "random");
}

static void add_scsi(xmlNodePtr devices)
{
    xmlNodePtr controller = bf_lv_add(devices, "controller");

    bf_lv_set(controller, "type", "scsi");
    bf_lv_set(controller, "index", "0");
    bf_lv_set(controller, "model", "virtio-scsi");
}

char *bf_lv_domain_xml(const struct bf_tgt_machine *m, const struct bf_lv_choice *choice)
{
    xmlNodePtr root = begin(m, choice), devices = bf_lv_add(root, "devices");

    for (uint32_t i = 0; i < m->disks; i++)
        add_disk(devices, m, choice, i);
    if (bus_is(m, "virtio-scsi"))
        add_scsi(devices);
    for (uint32_t i = 0; i < m->nics; i++)
        if (!is_inside_qemu(m, choice, i))
            add_interface(devices, m, choice->network[i], m->nic[i].mac);
    add_channels(devices, choice);
    add_screen(devices);
    add_random(devices);
    add_arguments(root, m, choice);
    return bf_lv_tree_text(root);
}
