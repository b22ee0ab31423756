// SPDX-License-Identifier: Apache-2.0
// AHCI controllers: taking over from whoever had it (10.6.3), ports that are quiet before anything
// is given to them, and the ports themselves (drivers/ahci_port.h), which know nothing of each
// other. The controller is not reset unless a port cannot be stopped, so that links stay up.
#include "drivers/ahci.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/ahci_multiplier.h"
#include "drivers/ahci_port.h"
#include "drivers/ahci_regs.h"

enum {
    HANDOFF_US = 2000000, // 25 ms, and 2 s when the other side says that it is busy
    RESET_US = 1000000,   // 10.4.3
    LINK_US = 50000,      // from power to a link, 10.1.1 and Serial ATA 3.3, 8.4
    REST_US = 100,
    NO_MULTIPLIER = 0x8000,      // UEFI 2.10, 10.3.4.19
    NO_MULTIPLIER_PORT = 0xffff, // as firmware writes it
};

struct ahci {
    struct bf_pci *pci;
    uint32_t cap, ports;
    uint8_t was_bios; // the handoff was needed, and is undone
};

static uint32_t get(struct ahci *a, uint32_t at)
{
    return (uint32_t)bf_pci_read(a->pci, BF_AHCI_BAR, at, 4);
}

static void put(struct ahci *a, uint32_t at, uint32_t value)
{
    bf_pci_write(a->pci, BF_AHCI_BAR, at, 4, value);
}

// BIOS/OS handoff. What is left of a BIOS under this firmware is its system management mode.
static enum bf_err take_ownership(struct ahci *a)
{
    uint64_t deadline = bf_platform_now_us() + HANDOFF_US;
    uint32_t owners;
    if (!(get(a, BF_AHCI_CAP2) & BF_AHCI_CAP2_BOH))
        return BF_OK;
    owners = get(a, BF_AHCI_BOHC);
    if (!(owners & BF_AHCI_BOHC_BOS))
        return BF_OK;
    a->was_bios = 1;
    put(a, BF_AHCI_BOHC, owners | BF_AHCI_BOHC_OOS);
    while (get(a, BF_AHCI_BOHC) & (BF_AHCI_BOHC_BOS | BF_AHCI_BOHC_BB)) {
        if (a->pci->failed || bf_platform_now_us() >= deadline)
            return BF_ERR_BUSY;
        bf_platform_idle(REST_US);
    }
    return BF_OK;
}

static void return_ownership(struct ahci *a)
{
    if (a->was_bios)
        put(a, BF_AHCI_BOHC,
            (get(a, BF_AHCI_BOHC) & ~(uint32_t)BF_AHCI_BOHC_OOS) | BF_AHCI_BOHC_BOS);
}

static enum bf_err reset(struct ahci *a)
{
    uint64_t deadline = bf_platform_now_us() + RESET_US;
    put(a, BF_AHCI_GHC, get(a, BF_AHCI_GHC) | BF_AHCI_GHC_HR);
    while (get(a, BF_AHCI_GHC) & BF_AHCI_GHC_HR) {
        if (a->pci->failed || bf_platform_now_us() >= deadline)
            return BF_ERR_TIMEOUT;
        bf_platform_idle(REST_US);
    }
    put(a, BF_AHCI_GHC, BF_AHCI_GHC_AE);
    return BF_OK;
}

static enum bf_err stop_ports(struct ahci *a)
{
    for (uint32_t i = 0; i < BF_AHCI_PORTS; i++)
        if ((a->ports >> i & 1) && bf_ahci_port_stop(a->pci, i))
            return BF_ERR_TIMEOUT;
    return BF_OK;
}

// Every port is made quiet, also those that nothing is read from: what they write to was the
// firmware's, and is free now.
static enum bf_err silence(struct ahci *a)
{
    enum bf_err err = stop_ports(a);
    return err ? reset(a) : BF_OK;
}

static void ahci_close(void *controller)
{
    struct ahci *a = controller;
    if (!a)
        return;
    return_ownership(a);
    bf_free(a);
}

static enum bf_err bring_up(struct ahci *a)
{
    enum bf_err err;
    a->cap = get(a, BF_AHCI_CAP);
    a->ports = get(a, BF_AHCI_PI);
    if (a->pci->failed || a->cap == UINT32_MAX || a->ports == 0)
        return BF_ERR_IO;
    put(a, BF_AHCI_GHC, (get(a, BF_AHCI_GHC) | BF_AHCI_GHC_AE) & ~(uint32_t)BF_AHCI_GHC_IE);
    err = take_ownership(a);
    if (!err)
        err = silence(a);
    if (err) // nobody knows what it does
        a->pci->ops->master(a->pci->impl, 0);
    if (!err && !(a->cap & BF_AHCI_CAP_S64A))
        err = a->pci->ops->narrow(a->pci->impl);
    return err;
}

static enum bf_err ahci_open(struct bf_pci *pci, void **controller)
{
    struct ahci *a = bf_alloc(sizeof *a);
    enum bf_err err;
    *controller = NULL;
    if (!a)
        return BF_ERR_NO_MEMORY;
    a->pci = pci;
    err = bring_up(a);
    if (err) {
        ahci_close(a);
        return err;
    }
    *controller = a;
    return BF_OK;
}

static int ahci_serves(const struct bf_pci_id *id)
{
    return id->class_code == BF_AHCI_CLASS;
}

static enum bf_err ahci_disk(void *controller, uint64_t unit, struct bf_source_disk *out)
{
    struct ahci *a = controller;
    uint32_t port = unit >> 16 & UINT16_MAX, multiplier = unit & UINT16_MAX;
    if ((unit & ~(uint64_t)UINT32_MAX) != BF_UNIT_SATA || port >= BF_AHCI_PORTS ||
        !(a->ports >> port & 1))
        return BF_ERR_NOT_FOUND;
    if (!(multiplier & NO_MULTIPLIER))
        return BF_ERR_UNSUPPORTED;
    return bf_ahci_port_open(a->pci, a->cap, port, out);
}

// ---- What is there -----------------------------------------------------------------------------

static uint32_t port_register(struct ahci *a, uint32_t port, uint32_t at)
{
    BF_ASSERT(port < BF_AHCI_PORTS && (a->ports >> port & 1));
    return get(a, bf_ahci_port(port) + at);
}

static int has_link(struct ahci *a, uint32_t port)
{
    return (port_register(a, port, BF_AHCI_PXSSTS) & BF_AHCI_DET_MASK) == BF_AHCI_DET_UP;
}

// Ports that the firmware left without power get it, and a moment.
static void power_up(struct ahci *a)
{
    enum { POWER = BF_AHCI_PXCMD_SUD | BF_AHCI_PXCMD_POD };
    uint64_t deadline = bf_platform_now_us() + LINK_US;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < BF_AHCI_PORTS; i++) {
        uint32_t command = a->ports >> i & 1 ? port_register(a, i, BF_AHCI_PXCMD) : UINT32_MAX;
        if (command == UINT32_MAX || (command & POWER) == POWER || has_link(a, i))
            continue;
        put(a, bf_ahci_port(i) + BF_AHCI_PXCMD, command | POWER);
        waiting = 1;
    }
    while (waiting && bf_platform_now_us() < deadline)
        bf_platform_idle(REST_US);
}

struct search {
    struct bf_unit *out;
    uint32_t room, count;
};

static void add(struct search *s, uint32_t port, uint32_t multiplier, const char *why)
{
    BF_ASSERT(port < BF_AHCI_PORTS && multiplier <= NO_MULTIPLIER_PORT);
    if (s->count < s->room)
        s->out[s->count] =
            (struct bf_unit){.number = BF_UNIT_SATA | port << 16 | multiplier, .why = why};
    s->count++;
}

static enum bf_err add_multiplier(struct ahci *a, struct search *s, uint32_t port)
{
    uint32_t present;
    enum bf_err err = bf_ahci_multiplier(a->pci, port, &present);
    BF_ASSERT(present >> BF_AHCI_MULTIPLIER_PORTS == 0);
    if (err)
        add(s, port, NO_MULTIPLIER_PORT, "a port multiplier that does not report what it has");
    for (uint32_t i = 0; i < BF_AHCI_MULTIPLIER_PORTS; i++)
        if (present >> i & 1)
            add(s, port, i, "behind a port multiplier");
    return err == BF_ERR_IO ? BF_OK : err;
}

static enum bf_err ahci_units(void *controller, struct bf_unit *out, uint32_t room, uint32_t *count)
{
    struct ahci *a = controller;
    struct search s = {.out = out, .room = room};
    enum bf_err err = BF_OK;
    power_up(a);
    for (uint32_t i = 0; i < BF_AHCI_PORTS; i++) {
        enum bf_err asked = BF_OK;
        uint32_t signature;
        if (!(a->ports >> i & 1) || !has_link(a, i))
            continue;
        signature = port_register(a, i, BF_AHCI_PXSIG);
        if (signature == BF_AHCI_SIG_MULTIPLIER)
            asked = add_multiplier(a, &s, i);
        else if (signature != BF_AHCI_SIG_ATAPI && signature != BF_AHCI_SIG_ENCLOSURE)
            add(&s, i, NO_MULTIPLIER_PORT, NULL);
        err = err ? err : asked;
    }
    *count = s.count;
    return a->pci->failed ? BF_ERR_IO : err;
}

const struct bf_controller_ops bf_ahci = {.driver = "ahci",
                                          .serves = ahci_serves,
                                          .open = ahci_open,
                                          .disk = ahci_disk,
                                          .units = ahci_units,
                                          .close = ahci_close};
