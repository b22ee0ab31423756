// SPDX-License-Identifier: Apache-2.0
// The virtio-net driver with a device that writes what it likes into the used rings, the frames and
// its configuration, and resets when it likes. Each step is a byte that says what happens next and
// the bytes that it takes. The model counts accesses outside of what it was given; closing must
// leave nothing behind.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "drivers/virtio_net.h"
#include "tests/platform_sim.h"
#include "tests/sim_virtio_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim_vnet model;
static struct bf_nic nic;

// Puts an entry into a used ring, and the index where it likes.
static void scribble(uint32_t queue, const uint8_t in[8])
{
    uint32_t id, len;
    memcpy(&id, in, 4);
    memcpy(&len, in + 4, 4);
    if (in[3] & 0x80) // else mostly something that could be
        id &= 0x1ff;
    if (in[7] & 0x80)
        len &= 0x7ff;
    model.virtio.queue[queue].put = (uint16_t)(model.virtio.queue[queue].put + (in[2] & 1));
    sim_virtio_put(&model.virtio, queue, id, len);
}

static void step(uint8_t what, const uint8_t in[8])
{
    static uint8_t buffer[9100];
    size_t len = 14 + bf_le16(in) % 9100;
    void *room;
    switch (what % 8) {
    case 0:
    case 1:
        scribble(what % 8, in);
        break;
    case 2:
        sim_vnet_arrive(&model, buffer, len % 1515);
        break;
    case 3:
        room = nic.ops->room(nic.impl);
        nic.ops->send(nic.impl, room && (in[2] & 1) ? room : buffer, len);
        break;
    case 4:
        if (nic.ops->receive(nic.impl, buffer, 1 + len % sizeof buffer, &len) == BF_OK &&
            len > sizeof buffer)
            abort();
        break;
    case 5:
        memcpy(model.virtio.config + in[0] % 56, in, 8);
        model.virtio.reset_stuck = in[1] & 1;
        break;
    case 6:
        model.virtio.status = in[0];
        break;
    default:
        sim_clock_advance((uint64_t)in[0] << 16);
        nic.ops->poll(nic.impl);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0, 1, 2, 3};
    sim_platform_reset(1);
    sim_vnet_init(&model, mac);
    memset(&nic, 0, sizeof nic);
    if (size > 0)
        model.hold = data[0] & 1;
    if (bf_virtio_net_open(&model.virtio.pci.pci, &nic))
        abort();
    for (size_t at = 1; at + 9 <= size; at += 9)
        step(data[at], data + at + 1);
    nic.ops->close(nic.impl);
    if (sim_pci_open_ranges(&model.virtio.pci))
        abort();
    return 0;
}
