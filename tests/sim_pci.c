// SPDX-License-Identifier: Apache-2.0
// See tests/sim_pci.h.
#include "tests/sim_pci.h"

#include <stdlib.h>
#include <string.h>

static enum bf_err config_read(void *impl, uint32_t offset, uint32_t width, uint32_t *value)
{
    struct sim_pci *s = impl;
    if (offset > sizeof s->config || width > sizeof s->config - offset)
        return BF_ERR_RANGE;
    *value = 0;
    memcpy(value, s->config + offset, width);
    return BF_OK;
}

static enum bf_err reg_read(void *impl, uint8_t bar, uint64_t offset, uint32_t width,
                            uint64_t *value)
{
    struct sim_pci *s = impl;
    uint64_t mask = width == 8 ? UINT64_MAX : (1ull << 8 * width) - 1;
    *value = s->gone ? mask : s->read(s->model, bar, offset, width) & mask;
    return BF_OK;
}

static enum bf_err reg_write(void *impl, uint8_t bar, uint64_t offset, uint32_t width,
                             uint64_t value)
{
    struct sim_pci *s = impl;
    if (!s->gone)
        s->write(s->model, bar, offset, width, value);
    return BF_OK;
}

static enum bf_err open_range(struct sim_pci *s, void *host, size_t bytes, struct bf_dma *out)
{
    for (size_t i = 0; i < SIM_PCI_RANGES; i++) {
        struct sim_pci_range *r = &s->range[i];
        if (r->live)
            continue;
        *r = (struct sim_pci_range){.device = s->next_device + ((uintptr_t)host & 4095),
                                    .host = host,
                                    .bytes = bytes,
                                    .live = 1};
        s->next_device += (bytes + 3 * 4096) & ~4095ull;
        *out = (struct bf_dma){.host = host, .device = r->device, .bytes = bytes, .token = r};
        return BF_OK;
    }
    return BF_ERR_NO_MEMORY;
}

static enum bf_err dma_alloc(void *impl, size_t bytes, struct bf_dma *out)
{
    struct sim_pci *s = impl;
    void *host;
    if (s->alloc_fails && --s->alloc_fails == 0)
        return BF_ERR_NO_MEMORY;
    if (posix_memalign(&host, 4096, bytes))
        return BF_ERR_NO_MEMORY;
    memset(host, 0, bytes);
    return open_range(s, host, bytes, out);
}

static void dma_free(void *impl, struct bf_dma *dma)
{
    struct sim_pci_range *r = dma->token;
    (void)impl;
    free(r->host);
    r->live = 0;
}

static enum bf_err dma_map(void *impl, void *host, size_t bytes, struct bf_dma *out)
{
    return open_range(impl, host, bytes, out);
}

static enum bf_err dma_unmap(void *impl, struct bf_dma *dma)
{
    struct sim_pci_range *r = dma->token;
    (void)impl;
    r->live = 0;
    memset(dma, 0, sizeof *dma);
    return BF_OK;
}

static enum bf_err master(void *impl, int on)
{
    struct sim_pci *s = impl;
    if (!on && s->master_stuck)
        return BF_ERR_IO;
    s->master = (uint8_t)on;
    return BF_OK;
}

static enum bf_err narrow(void *impl)
{
    struct sim_pci *s = impl;
    s->next_device = 0x77000000;
    return BF_OK;
}

static const struct bf_pci_ops sim_ops = {.config_read = config_read,
                                          .read = reg_read,
                                          .write = reg_write,
                                          .alloc = dma_alloc,
                                          .free = dma_free,
                                          .map = dma_map,
                                          .unmap = dma_unmap,
                                          .master = master,
                                          .narrow = narrow};

void sim_pci_init(struct sim_pci *s, uint16_t vendor, uint16_t device, uint32_t class_code)
{
    uint32_t class_and_revision = class_code << 8;
    memset(s, 0, sizeof *s);
    memcpy(s->config, &vendor, 2);
    memcpy(s->config + 2, &device, 2);
    memcpy(s->config + 8, &class_and_revision, 4);
    s->pci = (struct bf_pci){.ops = &sim_ops, .impl = s};
    s->next_device = 0x7700000000;
    s->master = 1;
}

void *sim_pci_reach(struct sim_pci *s, uint64_t device, size_t bytes)
{
    for (size_t i = 0; s->master && i < SIM_PCI_RANGES; i++) {
        struct sim_pci_range *r = &s->range[i];
        if (r->live && device >= r->device && device - r->device <= r->bytes &&
            bytes <= r->bytes - (device - r->device))
            return r->host + (device - r->device);
    }
    s->stray++;
    return NULL;
}

uint32_t sim_pci_open_ranges(const struct sim_pci *s)
{
    uint32_t live = 0;
    for (size_t i = 0; i < SIM_PCI_RANGES; i++)
        live += s->range[i].live;
    return live;
}
