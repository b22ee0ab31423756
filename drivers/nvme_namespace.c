// SPDX-License-Identifier: Apache-2.0
// Namespaces of NVM Express. See drivers/nvme_namespace.h. The list of active namespaces (5.15.2.3)
// comes in pages of 1024; controllers older than revision 1.1 have none and are asked for one
// namespace after the other.
#include "drivers/nvme_namespace.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "drivers/identify.h"
#include "drivers/nvme_regs.h"

enum {
    LISTED = 1024,       // in one page
    PAGES_MAX = 64,      // that are asked for
    BY_NUMBER_MAX = 256, // namespaces of an old controller
    TUPLE = 8,           // bytes of protection information, 8.3
    SHIFT_MIN = 9,
    SHIFT_MAX = 16,
};

const char *bf_nvme_format(const void *data, size_t len, struct bf_nvme_format *out)
{
    const uint8_t *d = data;
    uint32_t format, shift;
    memset(out, 0, sizeof *out);
    if (len < BF_IDENTIFY_NVME_BYTES)
        return "the controller does not describe it";
    out->blocks = bf_le64(d);
    if (!out->blocks)
        return "it has no size";
    // Formats 16 and up are of a later revision, in bits that are reserved in this one.
    if (d[BF_NVME_IDN_FLBAS] & 0x60)
        return "a format beyond the sixteenth";
    format = bf_le32(d + BF_NVME_IDN_LBAF + 4u * (d[BF_NVME_IDN_FLBAS] & 0x0f));
    shift = format >> 16 & 0xff;
    if (shift < SHIFT_MIN || shift > SHIFT_MAX)
        return "blocks of an unusual size";
    out->block_size = 1u << shift;
    out->metadata = format & 0xffff;
    if (out->metadata == TUPLE && (d[BF_NVME_IDN_DPS] & BF_NVME_DPS_TYPE)) {
        out->metadata = 0;
        out->strip = 1;
    }
    BF_ASSERT(!out->strip || !out->metadata);
    out->extended = out->metadata && (d[BF_NVME_IDN_FLBAS] & BF_NVME_FLBAS_EXTENDED);
    return NULL;
}

// ---- Which there are ---------------------------------------------------------------------------

static void add(struct bf_unit *out, uint32_t room, uint32_t *count, uint32_t nsid)
{
    BF_ASSERT(nsid > 0);
    if (*count < room)
        out[*count] = (struct bf_unit){.number = nsid};
    ++*count;
}

// One page of the list, of those above *last. BF_ERR_CLOSED: it was the last page.
static enum bf_err list_page(const struct bf_nvme_asked *asked, uint32_t *last, struct bf_unit *out,
                             uint32_t room, uint32_t *count)
{
    const uint8_t *answer;
    struct bf_reader r;
    enum bf_err err = asked->identify(asked->impl, *last, BF_NVME_CNS_ACTIVE, &answer);
    if (err)
        return err;
    bf_reader_init(&r, answer, BF_IDENTIFY_NVME_BYTES);
    for (uint32_t i = 0; i < LISTED; i++) {
        uint32_t nsid = bf_get_u32(&r);
        if (!nsid)
            return BF_ERR_CLOSED;
        if (nsid <= *last) // they ascend, or it would never end
            return BF_ERR_PROTOCOL;
        add(out, room, count, nsid);
        *last = nsid;
    }
    return BF_OK;
}

static enum bf_err list_by_number(const struct bf_nvme_asked *asked, struct bf_unit *out,
                                  uint32_t room, uint32_t *count)
{
    for (uint32_t nsid = 1; nsid <= asked->namespaces; nsid++) {
        const uint8_t *answer;
        enum bf_err err;
        if (nsid > BY_NUMBER_MAX)
            return BF_ERR_LIMIT;
        err = asked->identify(asked->impl, nsid, BF_NVME_CNS_NAMESPACE, &answer);
        if (err && err != BF_ERR_IO)
            return err;
        if (!err && bf_le64(answer + BF_NVME_IDN_NSZE)) // its size: 0 when it is not active
            add(out, room, count, nsid);
    }
    return BF_OK;
}

static enum bf_err list(const struct bf_nvme_asked *asked, struct bf_unit *out, uint32_t room,
                        uint32_t *count)
{
    uint32_t last = 0;
    for (uint32_t page = 0; page < PAGES_MAX; page++) {
        enum bf_err err = list_page(asked, &last, out, room, count);
        if (err == BF_ERR_IO && page == 0)
            return list_by_number(asked, out, room, count);
        if (err)
            return err == BF_ERR_CLOSED ? BF_OK : err;
    }
    return BF_ERR_LIMIT;
}

// What one is. A controller that refuses to describe it still has it.
static enum bf_err describe(const struct bf_nvme_asked *asked, struct bf_unit *unit)
{
    struct bf_nvme_format format;
    const uint8_t *answer = NULL;
    BF_ASSERT(unit->number > 0 && unit->number <= UINT32_MAX);
    enum bf_err err =
        asked->identify(asked->impl, (uint32_t)unit->number, BF_NVME_CNS_NAMESPACE, &answer);
    if (err && err != BF_ERR_IO)
        return err;
    unit->why = bf_nvme_format(answer, err ? 0 : BF_IDENTIFY_NVME_BYTES, &format);
    if (!err)
        memcpy(unit->eui64, answer + BF_NVME_IDN_EUI64, sizeof unit->eui64);
    return BF_OK;
}

enum bf_err bf_nvme_units(const struct bf_nvme_asked *asked, struct bf_unit *out, uint32_t room,
                          uint32_t *count)
{
    enum bf_err err, described = BF_OK;
    *count = 0;
    err = list(asked, out, room, count);
    for (uint32_t i = 0; i < *count && i < room && !described; i++)
        described = describe(asked, &out[i]);
    return described ? described : err;
}
