// SPDX-License-Identifier: Apache-2.0
// Virtio over PCI. See drivers/virtio_pci.h. Registers of 64 bits are written as two of 32, which
// every device must accept (4.1.3.1).
#include "drivers/virtio_pci.h"

#include <string.h>

#include "base/assert.h"
#include "base/platform.h"

enum { // cfg_type, 4.1.4
    VIRTIO_PCI_CAP_COMMON_CFG = 1,
    VIRTIO_PCI_CAP_NOTIFY_CFG = 2,
    VIRTIO_PCI_CAP_DEVICE_CFG = 4,
    CAP_VENDOR = 0x09,
    CAP_CFG_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_NOTIFY_OFF_MULTIPLIER = 16, // 4.1.4.4
    BAR_MAX = 5,
};

enum { // virtio_pci_common_cfg, 4.1.4.3
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    DEVICE_STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32,
    QUEUE_DRIVER = 40,
    QUEUE_DEVICE = 48,
    COMMON_LENGTH = 56,
};

enum { // device status, 2.1
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    DEVICE_NEEDS_RESET = 64,
    FAILED = 128,
};

#define VIRTIO_F_VERSION_1       (1ull << 32) // 6
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)

enum { RESET_US = 3000000, RESET_REST_US = 100, CONFIG_TRIES = 16 };

static uint64_t common_read(struct bf_virtio *v, uint32_t at, uint32_t width)
{
    BF_ASSERT(v->common.length >= COMMON_LENGTH && at + width <= COMMON_LENGTH);
    return bf_pci_read(v->pci, v->common.bar, v->common.offset + at, width);
}

static void common_write(struct bf_virtio *v, uint32_t at, uint32_t width, uint64_t value)
{
    BF_ASSERT(v->common.length >= COMMON_LENGTH && at + width <= COMMON_LENGTH);
    BF_ASSERT(width >= 4 || value >> 8 * width == 0);
    bf_pci_write(v->pci, v->common.bar, v->common.offset + at, width, value);
}

static enum bf_err outcome(const struct bf_virtio *v)
{
    return v->pci->failed ? BF_ERR_IO : BF_OK;
}

// ---- Finding -----------------------------------------------------------------------------------

static void take_capability(struct bf_virtio *v, uint32_t at)
{
    struct bf_virtio_region region = {
        .bar = (uint8_t)bf_pci_config(v->pci, at + CAP_BAR, 1),
        .offset = bf_pci_config(v->pci, at + CAP_OFFSET, 4),
        .length = bf_pci_config(v->pci, at + CAP_LENGTH, 4),
    };
    uint32_t type = bf_pci_config(v->pci, at + CAP_CFG_TYPE, 1);
    if (region.bar > BAR_MAX) // reserved values are to be passed over
        return;
    // The first of a kind is the one that the device prefers.
    if (type == VIRTIO_PCI_CAP_COMMON_CFG && !v->common.length)
        v->common = region;
    if (type == VIRTIO_PCI_CAP_DEVICE_CFG && !v->device.length)
        v->device = region;
    if (type == VIRTIO_PCI_CAP_NOTIFY_CFG && !v->notify.length) {
        v->notify = region;
        v->notify_multiplier = bf_pci_config(v->pci, at + CAP_NOTIFY_OFF_MULTIPLIER, 4);
    }
}

enum bf_err bf_virtio_find(struct bf_virtio *v, struct bf_pci *pci)
{
    memset(v, 0, sizeof *v);
    v->pci = pci;
    for (uint32_t i = 0, at; (at = bf_pci_capability(pci, CAP_VENDOR, i)) != 0; i++)
        take_capability(v, at);
    if (pci->failed)
        return BF_ERR_IO;
    return v->common.length >= COMMON_LENGTH && v->notify.length >= 2 ? BF_OK : BF_ERR_UNSUPPORTED;
}

// ---- Start and reset ---------------------------------------------------------------------------

void bf_virtio_reset_begin(struct bf_virtio *v)
{
    v->reset_us = bf_platform_now_us() + RESET_US;
    common_write(v, DEVICE_STATUS, 1, 0);
}

enum bf_err bf_virtio_reset_poll(struct bf_virtio *v)
{
    uint64_t status = common_read(v, DEVICE_STATUS, 1);
    BF_ASSERT(v->reset_us > 0);                // it was begun
    if (v->pci->failed || status == UINT8_MAX) // all ones: it was pulled out
        return BF_ERR_TIMEOUT;
    if (status == 0)
        return BF_OK;
    return bf_platform_now_us() >= v->reset_us ? BF_ERR_TIMEOUT : BF_AGAIN;
}

enum bf_err bf_virtio_reset(struct bf_virtio *v)
{
    enum bf_err err;
    bf_virtio_reset_begin(v);
    while ((err = bf_virtio_reset_poll(v)) == BF_AGAIN)
        bf_platform_idle(RESET_REST_US);
    return err;
}

int bf_virtio_needs_reset(struct bf_virtio *v)
{
    return (common_read(v, DEVICE_STATUS, 1) & DEVICE_NEEDS_RESET) != 0;
}

static uint64_t offered_features(struct bf_virtio *v)
{
    uint64_t low, high;
    common_write(v, DEVICE_FEATURE_SELECT, 4, 0);
    low = common_read(v, DEVICE_FEATURE, 4);
    common_write(v, DEVICE_FEATURE_SELECT, 4, 1);
    high = common_read(v, DEVICE_FEATURE, 4);
    return high << 32 | (low & UINT32_MAX);
}

enum bf_err bf_virtio_negotiate(struct bf_virtio *v, uint64_t wanted)
{
    uint64_t offered;
    common_write(v, DEVICE_STATUS, 1, ACKNOWLEDGE);
    common_write(v, DEVICE_STATUS, 1, ACKNOWLEDGE | DRIVER);
    offered = offered_features(v);
    if (!(offered & VIRTIO_F_VERSION_1))
        return BF_ERR_UNSUPPORTED;
    v->features = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM);
    common_write(v, DRIVER_FEATURE_SELECT, 4, 0);
    common_write(v, DRIVER_FEATURE, 4, v->features & UINT32_MAX);
    common_write(v, DRIVER_FEATURE_SELECT, 4, 1);
    common_write(v, DRIVER_FEATURE, 4, v->features >> 32);
    common_write(v, DEVICE_STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if (!(common_read(v, DEVICE_STATUS, 1) & FEATURES_OK)) {
        common_write(v, DEVICE_STATUS, 1, FAILED);
        return BF_ERR_UNSUPPORTED;
    }
    return outcome(v);
}

static void write_address(struct bf_virtio *v, uint32_t at, uint64_t address)
{
    common_write(v, at, 4, address & UINT32_MAX);
    common_write(v, at + 4, 4, address >> 32);
}

uint16_t bf_virtio_queue_max(struct bf_virtio *v, uint16_t number)
{
    common_write(v, QUEUE_SELECT, 2, number);
    return (uint16_t)common_read(v, QUEUE_SIZE, 2);
}

enum bf_err bf_virtio_queue(struct bf_virtio *v, uint16_t number, struct bf_virtqueue *vq)
{
    uint64_t at;
    BF_ASSERT(vq->desc && vq->memory.host);
    BF_ASSERT(vq->offered == 0 && vq->taken == 0); // as the device begins to count
    BF_ASSERT(v->notify.length >= 2);
    if (bf_virtio_queue_max(v, number) < vq->size)
        return BF_ERR_UNSUPPORTED;
    at = (common_read(v, QUEUE_NOTIFY_OFF, 2) & UINT16_MAX) * v->notify_multiplier;
    if (at > v->notify.length - 2)
        return BF_ERR_PROTOCOL;
    vq->number = number;
    vq->notify_at = (uint32_t)at;
    common_write(v, QUEUE_SIZE, 2, vq->size);
    write_address(v, QUEUE_DESC, vq->memory.device);
    write_address(v, QUEUE_DRIVER, vq->memory.device + vq->avail_at);
    write_address(v, QUEUE_DEVICE, vq->memory.device + vq->used_at);
    common_write(v, QUEUE_ENABLE, 2, 1);
    return outcome(v);
}

enum bf_err bf_virtio_start(struct bf_virtio *v)
{
    BF_ASSERT(v->features & VIRTIO_F_VERSION_1); // they were negotiated
    common_write(v, DEVICE_STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    return outcome(v);
}

void bf_virtio_notify(struct bf_virtio *v, const struct bf_virtqueue *vq)
{
    BF_ASSERT(vq->notify_at <= v->notify.length - 2); // the device was given it
    if (!bf_virtqueue_quiet(vq))
        bf_pci_write(v->pci, v->notify.bar, v->notify.offset + vq->notify_at, 2, vq->number);
}

enum bf_err bf_virtio_config(struct bf_virtio *v, uint32_t offset, uint32_t width, uint32_t *fields,
                             uint32_t count)
{
    uint64_t at = v->device.offset + offset;
    BF_ASSERT(width == 1 || width == 2 || width == 4);
    if (offset > v->device.length || count > (v->device.length - offset) / width)
        return BF_ERR_PROTOCOL;
    for (uint32_t tries = 0; tries < CONFIG_TRIES; tries++) {
        uint64_t before = common_read(v, CONFIG_GENERATION, 1);
        for (uint32_t i = 0; i < count; i++)
            fields[i] = (uint32_t)bf_pci_read(v->pci, v->device.bar, at + width * i, width);
        if (common_read(v, CONFIG_GENERATION, 1) == before)
            return outcome(v);
    }
    return BF_ERR_TIMEOUT;
}
