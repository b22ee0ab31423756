// SPDX-License-Identifier: Apache-2.0
// What an LVM2 physical volume says about itself: the label in one of the first four sectors, the
// header behind it with lists of areas, and metadata areas: one sector that says where in the ring
// the text is. Layouts: LVM2's lib/label/label.h (label_header) and lib/format_text/layout.h
// (pv_header, pv_header_extension, mda_header, raw_locn).
#include <string.h>

#include "base/cursor.h"
#include "image/parttab.h"
#include "image/usage/lvm/map.h"

enum {
    LABEL_SECTORS = 4,
    LABEL_SUMMED = 20, // bytes in front of what the checksum covers
    AREA_HEADER = BF_LVM_SECTOR,
    AREA_VERSION = 1,
    LOCATION_IGNORED = 1, // an area that is kept in reserve
    HEADER_VERSIONS = 2,  // of the extension that are known
};

// Of CRC-32 of IEEE 802.3, which begins with a value of its own and is not inverted.
static const uint32_t checksum_seed = 0xf597a6cf;

// ---- The label ---------------------------------------------------------------------------------

// A list of areas, which ends with one that begins nowhere. How many; those beyond `most` fail.
static uint32_t read_list(struct bf_reader *r, struct bf_lvm_range *out, uint32_t most)
{
    uint32_t count = 0;
    for (;;) {
        struct bf_lvm_range range = {bf_get_u64(r), 0};
        range.bytes = bf_get_u64(r);
        if (!bf_reader_ok(r) || !range.at)
            return count;
        if (count == most) {
            bf_reader_fail(r);
            return count;
        }
        out[count++] = range;
    }
}

static int within(const struct bf_usage_place *place, const struct bf_lvm_range *range)
{
    return range->at <= place->bytes && range->bytes <= place->bytes - range->at;
}

static enum bf_err read_header(const struct bf_usage_place *place, const uint8_t *bytes, size_t len,
                               struct bf_lvm_label *out)
{
    struct bf_reader r;
    uint32_t data, version;
    bf_reader_init(&r, bytes, len);
    bf_get_bytes(&r, out->uuid, sizeof out->uuid);
    out->bytes = bf_get_u64(&r);
    data = read_list(&r, &out->data, 1);
    out->areas = read_list(&r, out->area, BF_LVM_AREAS);
    version = bf_get_u32(&r); // 0: from before there was an extension
    bf_skip(&r, 4);
    if (version)
        read_list(&r, &out->boot, 1);
    if (!bf_reader_ok(&r) || data != 1 || version > HEADER_VERSIONS)
        return BF_ERR_UNSUPPORTED;
    if (out->bytes > place->bytes || !within(place, &out->data) || !within(place, &out->boot))
        return BF_ERR_CORRUPT;
    for (uint32_t i = 0; i < out->areas; i++)
        if (!within(place, &out->area[i]))
            return BF_ERR_CORRUPT;
    return BF_OK;
}

static enum bf_err read_label(const struct bf_usage_place *place, uint64_t number,
                              const uint8_t sector[BF_LVM_SECTOR], struct bf_lvm_label *out)
{
    struct bf_reader r;
    uint32_t crc, offset;
    bf_reader_init(&r, sector, BF_LVM_SECTOR);
    bf_skip(&r, 8);
    if (bf_get_u64(&r) != number)
        return BF_ERR_CORRUPT;
    crc = bf_get_u32(&r);
    offset = bf_get_u32(&r);
    if (crc !=
            bf_crc32_update(checksum_seed, sector + LABEL_SUMMED, BF_LVM_SECTOR - LABEL_SUMMED) ||
        offset < 32 || offset > BF_LVM_SECTOR)
        return BF_ERR_CORRUPT;
    if (memcmp(sector + 24, "LVM2 001", 8) != 0)
        return BF_ERR_UNSUPPORTED;
    return read_header(place, sector + offset, BF_LVM_SECTOR - offset, out);
}

enum bf_err bf_lvm_label(const struct bf_usage_place *place, struct bf_lvm_label *out)
{
    uint8_t sector[BF_LVM_SECTOR];
    uint32_t found = 0;
    enum bf_err err = BF_OK;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; !err && i < LABEL_SECTORS; i++) {
        err = bf_place_read(place, (uint64_t)i * BF_LVM_SECTOR, sector, sizeof sector);
        if (err || memcmp(sector, "LABELONE", 8) != 0)
            continue;
        err = found++ ? BF_ERR_UNSUPPORTED : read_label(place, i, sector, out);
    }
    return err || found ? err : BF_ERR_CORRUPT;
}

// ---- Metadata ----------------------------------------------------------------------------------

// Two places for the location of a text: that in use, and that of a change under way.
static enum bf_err read_locations(struct bf_reader *r, struct bf_lvm_copy *out)
{
    uint64_t bytes, next;
    uint32_t flags;
    out->at = bf_get_u64(r);
    bytes = bf_get_u64(r);
    out->checksum = bf_get_u32(r);
    flags = bf_get_u32(r);
    next = bf_get_u64(r);
    if (!bf_reader_ok(r))
        return BF_ERR_CORRUPT;
    if (flags & LOCATION_IGNORED)
        return BF_ERR_EXISTS;
    if (next)
        return BF_ERR_BUSY;
    if (!out->at)
        return BF_ERR_NOT_FOUND;
    if (flags || out->at < AREA_HEADER || out->at >= out->area.bytes ||
        bytes > out->area.bytes - AREA_HEADER || !bytes || bytes > BF_LVM_TEXT_MAX)
        return BF_ERR_CORRUPT;
    out->bytes = (uint32_t)bytes;
    return BF_OK;
}

enum bf_err bf_lvm_area(const struct bf_usage_place *place, const struct bf_lvm_range *area,
                        struct bf_lvm_copy *out)
{
    uint8_t header[AREA_HEADER];
    struct bf_reader r;
    enum bf_err err = bf_place_read(place, area->at, header, sizeof header);
    if (err || area->bytes < 2 * AREA_HEADER)
        return err ? err : BF_ERR_CORRUPT;
    memset(out, 0, sizeof *out);
    out->area = *area;
    bf_reader_init(&r, header, sizeof header);
    if (bf_get_u32(&r) != bf_crc32_update(checksum_seed, header + 4, sizeof header - 4) ||
        memcmp(header + 4, " LVM2 x[5A%r0N*>", 16) != 0)
        return BF_ERR_CORRUPT;
    bf_skip(&r, 16);
    if (bf_get_u32(&r) != AREA_VERSION || bf_get_u64(&r) != area->at ||
        bf_get_u64(&r) != area->bytes)
        return BF_ERR_CORRUPT;
    return read_locations(&r, out);
}

enum bf_err bf_lvm_read(const struct bf_usage_place *place, const struct bf_lvm_copy *copy,
                        char *text)
{
    uint64_t left = copy->area.bytes - copy->at;
    uint32_t first = copy->bytes < left ? copy->bytes : (uint32_t)left;
    enum bf_err err = bf_place_read(place, copy->area.at + copy->at, text, first);
    if (!err) // the rest, behind the header again
        err = bf_place_read(place, copy->area.at + AREA_HEADER, text + first, copy->bytes - first);
    if (!err && !bf_work_spend(&place->peek->work, copy->bytes))
        err = BF_ERR_LIMIT;
    if (!err && bf_crc32_update(checksum_seed, text, copy->bytes) != copy->checksum)
        err = BF_ERR_CORRUPT;
    return err;
}

int bf_lvm_uuid(const struct bf_lvm_text *text, char out[BF_LVM_UUID])
{
    uint32_t count = 0;
    for (const char *at = text->at; at < text->end; at++) {
        if (*at == '-')
            continue;
        if (count == BF_LVM_UUID)
            return 0;
        out[count++] = *at;
    }
    return count == BF_LVM_UUID;
}
