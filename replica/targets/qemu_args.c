// SPDX-License-Identifier: Apache-2.0
// Builds QEMU's command line, see qemu_args.h; its disks are in qemu_disks.c. The order of devices
// and their places on the bus are fixed, so that a system finds everything where it was whenever
// the machine is started again.
#include "replica/targets/qemu_args.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/targets/user_net.h"

// ---- The machine -------------------------------------------------------------------------------

static bool wants_bridge(const struct bf_tgt_machine *m)
{
    for (uint32_t i = 0; i < m->nics && !m->isolated; i++)
        if (strncmp(m->nic[i].network, "bridge:", 7) == 0)
            return true;
    return false;
}

static void add_machine(struct bf_args *a, const struct bf_qemu_line *l)
{
    const struct bf_tgt_machine *m = l->machine;

    bf_args_add(a, "-name");
    bf_args_add(a, "guest=%s", m->name);
    bf_args_add(a, "-machine");
    bf_args_add(a, "%s,accel=%s,usb=off,smm=%s%s", m->type, l->accel, m->secure_boot ? "on" : "off",
                m->uefi ? ",pflash0=firmware,pflash1=variables" : "");
    bf_args_add(a, "-cpu");
    bf_args_add(a, "%s", strcmp(l->accel, "kvm") == 0 ? "host" : "max");
    bf_args_add(a, "-smp");
    bf_args_add(a, "cpus=%u", m->processors);
    bf_args_add(a, "-m");
    bf_args_add(a, "size=%lluM", (unsigned long long)m->memory_mib);
    bf_args_add(a, "-rtc");
    bf_args_add(a, "base=utc");
    bf_args_add(a, "-nodefaults");
    bf_args_add(a, "-no-user-config");
    bf_args_add(a, "-boot");
    bf_args_add(a, "strict=on");
    // A bridge is entered by a helper with more rights, which QEMU has to start.
    bf_args_add(a, "-sandbox");
    bf_args_add(a, "on,obsolete=deny,elevateprivileges=%s,spawn=%s,resourcecontrol=deny",
                wants_bridge(m) ? "children" : "deny", wants_bridge(m) ? "allow" : "deny");
}

static void add_firmware(struct bf_args *a, const struct bf_qemu_line *l)
{
    struct bf_text code = {0}, vars = {0};

    if (!l->machine->uefi)
        return; // SeaBIOS is QEMU's own
    BF_ASSERT(l->code);
    bf_args_value(&code, l->code);
    if (l->place->vars && !l->at_home) {
        bf_args_value(&vars, l->place->home[0] == '/' ? "" : l->state);
        bf_args_value(&vars, l->place->home);
        bf_text_str(&vars, "/");
    }
    bf_args_add(a, "-blockdev");
    bf_args_add(a, "driver=raw,node-name=firmware,read-only=on,file.driver=file,file.filename=%s",
                bf_text_get(&code));
    bf_args_add(a, "-blockdev");
    bf_args_add(a, "driver=raw,node-name=variables,file.driver=file,file.filename=%s%s",
                bf_text_get(&vars), BF_QEMU_VARS);
    if (l->machine->secure_boot) { // only firmware in system management mode may write variables
        bf_args_add(a, "-global");
        bf_args_add(a, "driver=cfi.pflash01,property=secure,value=on");
        bf_args_add(a, "-global");
        bf_args_add(a, "driver=ICH9-LPC,property=disable_s3,value=1");
    }
    bf_text_free(&code);
    bf_text_free(&vars);
}

static void add_text(struct bf_text *out, const char *key, const char *value)
{
    if (!value[0])
        return;
    bf_textf(out, ",%s=", key);
    bf_args_value(out, value);
}

static void add_identity(struct bf_args *a, const struct bf_tgt_machine *m)
{
    struct bf_text type1 = {0};

    add_text(&type1, "manufacturer", m->vendor);
    add_text(&type1, "product", m->product);
    add_text(&type1, "serial", m->serial);
    if (m->uuid[0]) {
        bf_args_add(a, "-uuid");
        bf_args_add(a, "%s", m->uuid);
    }
    if (type1.len) {
        bf_args_add(a, "-smbios");
        bf_args_add(a, "type=1%s", bf_text_get(&type1));
    }
    a->failed |= !bf_text_ok(&type1);
    bf_text_free(&type1);
}

// ---- Consoles and ports ------------------------------------------------------------------------

static void add_socket(struct bf_args *a, const char *id, const char *path, const char *more)
{
    bf_args_add(a, "-chardev");
    bf_args_add(a, "socket,id=%s,path=%s,server=on,wait=off%s", id, path, more);
}

// A screen in any case: without VGA, GRUB asks a BIOS for its modes for ever.
static void add_consoles(struct bf_args *a, const struct bf_tgt_machine *m, uint32_t *place)
{
    char slot[40];

    bf_args_add(a, "-display");
    bf_args_add(a, "vnc=unix:%s", BF_QEMU_VNC);
    bf_args_add(a, "-vga");
    bf_args_add(a, "none");
    bf_qemu_slot(slot, m, (*place)++);
    bf_args_add(a, "-device");
    bf_args_add(a, "VGA,id=screen%s", slot);
    add_socket(a, "serial", BF_QEMU_SERIAL, ",logfile=" BF_TGT_CONSOLE ",logappend=on");
    bf_args_add(a, "-serial");
    bf_args_add(a, "chardev:serial");
    bf_qemu_slot(slot, m, (*place)++);
    bf_args_add(a, "-device");
    bf_args_add(a, "virtio-serial-pci,id=ports%s", slot);
    bf_args_add(a, "-chardev");
    bf_args_add(a, "file,id=evidence,path=%s,append=on", BF_TGT_EVIDENCE);
    bf_args_add(a, "-device");
    bf_args_add(a, "virtserialport,bus=ports.0,nr=1,chardev=evidence,name=%s", BF_TGT_PORT);
    add_socket(a, "agent", BF_QEMU_AGENT, "");
    bf_args_add(a, "-device");
    bf_args_add(a, "virtserialport,bus=ports.0,nr=2,chardev=agent,name=org.qemu.guest_agent.0");
    bf_qemu_slot(slot, m, (*place)++);
    bf_args_add(a, "-object");
    bf_args_add(a, "rng-random,id=entropy,filename=/dev/urandom");
    bf_args_add(a, "-device");
    bf_args_add(a, "virtio-rng-pci,rng=entropy%s", slot);
}

static void add_control(struct bf_args *a)
{
    add_socket(a, "control", BF_QEMU_QMP, "");
    bf_args_add(a, "-mon");
    bf_args_add(a, "chardev=control,mode=control");
    bf_args_add(a, "-pidfile");
    bf_args_add(a, BF_QEMU_PID);
    bf_args_add(a, "-msg");
    bf_args_add(a, "timestamp=on");
}

// ---- Networks ----------------------------------------------------------------------------------

static void add_network(struct bf_args *a, const struct bf_tgt_machine *m, uint32_t number)
{
    const struct bf_tgt_nic *nic = &m->nic[number];
    struct bf_text net = {0};

    if (m->isolated || !nic->network[0] || strcmp(nic->network, "user") == 0)
        bf_user_net(&net, nic, number, m->isolated);
    else if (strncmp(nic->network, "bridge:", 7) == 0)
        bf_textf(&net, "bridge,id=net%u,br=%s", number, nic->network + 7);
    else
        bf_textf(&net, "hubport,id=net%u,hubid=%u", number, number);
    bf_args_add(a, "-netdev");
    bf_args_add(a, "%s", bf_text_get(&net));
    a->failed |= !bf_text_ok(&net);
    bf_text_free(&net);
}

static void add_nics(struct bf_args *a, const struct bf_tgt_machine *m, uint32_t *place)
{
    const char *model = strcmp(m->nic_model, "virtio-net") == 0 ? "virtio-net-pci" : m->nic_model;
    char slot[40];

    for (uint32_t i = 0; i < m->nics; i++) {
        add_network(a, m, i);
        bf_qemu_slot(slot, m, (*place)++);
        bf_args_add(a, "-device");
        bf_args_add(a, "%s,netdev=net%u,mac=%s,romfile=%s", model, i, m->nic[i].mac, slot);
    }
}

void bf_qemu_args(struct bf_args *a, const struct bf_qemu_line *line)
{
    uint32_t place = 0;

    bf_args_add(a, "qemu-system-x86_64");
    add_machine(a, line);
    add_firmware(a, line);
    add_identity(a, line->machine);
    add_consoles(a, line->machine, &place);
    add_control(a);
    bf_qemu_disk_args(a, line, &place);
    add_nics(a, line->machine, &place);
}
